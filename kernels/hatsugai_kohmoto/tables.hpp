#pragma once

#include <cstdint>

namespace lindrift::kernels {

/// The parts of A(k,t) = e^{mu t} [ constant + w expm1(-S t) ] that do not depend on time. Arrays over the momenta in
/// FFT order, m = 0 .. L-1, padded with zeros to the next multiple of `padding`.
struct PropagatorTables {
  static constexpr std::int64_t padding = 8;
  std::int64_t sites = 0;
  double constant = 1.0;
  const double *growth = nullptr, *rotation = nullptr;            ///< Re mu <= 0, Im mu
  const double *splitting_re = nullptr, *splitting_im = nullptr;  ///< S, Re S >= 0
  const double *weight_re = nullptr, *weight_im = nullptr;        ///< w
};

/// Input of the spectral function in the steady state. Arrays of shape (momenta,).
struct SpectralTables {
  std::int64_t momenta = 0, frequencies = 0;
  double interaction = 0.0, broadening = 0.0;
  const double *energy = nullptr, *up_rate = nullptr, *down_rate = nullptr;  ///< eps, Gamma_up, Gamma_down
  const double *particles = nullptr, *holes = nullptr;                       ///< n and 1 - n of spin down
};

/// The kernels of one CPU instruction set: each call runs on the calling thread.
struct PropagatorFunctions {
  /// A(k,t) of the momenta first .. last-1 (multiples of the padding, or the end) at `count` times.
  /// @param[out] rows  (count, sites) interleaved complex numbers
  void (*propagate)(const PropagatorTables& tables, std::int64_t first, std::int64_t last, const double* times,
                    std::int64_t count, double* rows);
  /// sum |psi|^2 and sum j |psi|^2 over the elements first .. last-1 of a row in FFT order, where `label` is the j of
  /// the first.
  void (*profile_sums)(const double* row, std::int64_t first, std::int64_t last, double label, double* norm,
                       double* moment);
  /// Spectral for the elements first .. last-1 of the array (momenta, frequencies).
  void (*spectral)(const SpectralTables& tables, const double* frequency, std::int64_t first, std::int64_t last,
                   double* spectral_function, double* self_energy, double* green);
};

/// The propagator on a GPU. Arguments are host arrays.
class PropagatorDevice {
 public:
  virtual ~PropagatorDevice();
  /// G(k,t), G(j,t) and their sums at `count` times.
  /// @param factor        (count,) e^{Lambda t} / L, by which G(j,t) is multiplied
  /// @param[out] momentum_rows  (count, sites) A(k,t) in FFT order; null if not wanted
  /// @param[out] green    (count, sites) -i factor sum_k e^{ikj} A(k,t) in the order of the labels; null if not wanted
  /// @param[out] sums     (3, count) sum |psi|^2, sum label |psi|^2, |psi(-L/2)|^2 of psi = sum_k e^{ikj} A(k,t)
  virtual void propagate(const double* times, const double* factor, std::int64_t count, double* momentum_rows,
                         double* green, double* sums) = 0;
};

}  // namespace lindrift::kernels
