#pragma once

#include <complex>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "engine/fourier.hpp"
#include "kernels/hatsugai_kohmoto/tables.hpp"
#include "lindrift/backend.hpp"
#include "lindrift/hatsugai_kohmoto/chain.hpp"

namespace lindrift {

/// The first row (u_k, v_k) of e^{D_k t}, or what both make together, ready to be evaluated at any time
/// (docs/physics.md, Eq. 38). Times are independent, and every amplitude is multiplied by e^{-growth() t}, so that the
/// slowest momentum stays of order one however late it is.
class Propagator {
 public:
  using Complex = std::complex<double>;

  /// g_k = u_k + n0_k v_k.
  /// @param down_occupation  n0, shape (sites,), ascending momentum
  static Propagator of_green(const HatsugaiKohmotoModes& modes, std::span<const double> down_occupation);
  /// v_k.
  static Propagator of_second_entry(const HatsugaiKohmotoModes& modes);

  std::size_t sites() const { return static_cast<std::size_t>(tables_.sites); }
  /// Lambda = max_k Re lambda_1(k) <= 0: every amplitude that is handed out is e^{-Lambda t} times the true one.
  double growth() const { return growth_; }
  const kernels::PropagatorTables& tables() const { return tables_; }

  /// @param[out] rows  (times, sites) in FFT order
  void amplitudes(std::span<const double> times, Complex* rows, int threads = 1) const;

  /// Bytes of the tables of so many sites.
  static double bytes(double sites) { return 6.0 * 8.0 * sites; }

 private:
  Propagator(const HatsugaiKohmotoModes& modes, std::span<const double> down_occupation, bool green);

  kernels::PropagatorTables tables_;
  std::shared_ptr<std::vector<double>> arrays_;  ///< what the tables point into
  double growth_ = 0.0;
};

/// Sums over a row psi(j), j in FFT order.
struct Profile {
  double norm = 0.0;      ///< sum_j |psi|^2
  double moment = 0.0;    ///< sum_j j |psi|^2, labels of the sites
  double antipode = 0.0;  ///< |psi(-L/2)|^2 of an even ring, else 0
};
Profile profile_of(std::span<const std::complex<double>> row, int threads = 1);

/// Position in FFT order (m = 0 .. L-1, j = 0 .. L-1) of a place in ascending order, for momenta and labels of sites
/// alike: both begin at -floor(L/2).
constexpr std::size_t fourier_position(std::size_t ascending, std::size_t sites) {
  const std::size_t half = sites / 2;
  return ascending >= half ? ascending - half : ascending + sites - half;
}

}  // namespace lindrift
