#pragma once

#include <cstdint>

#include "kernels/hubbard/volterra_tables.hpp"

namespace lindrift::kernels {

/// What the kernel K(k,t) of the Hubbard model's self-energy is made of (docs/physics.md, Eqs. 68 to 71). Arrays over
/// the momenta in row-major order of their integers m = 0 .. cells-1, with zeros up to the next multiple of `padding`.
/// Amplitudes of holes and of the probe stand at -p, so that one kind of transform does for all.
struct TimeTables {
  static constexpr std::int64_t padding = 8;
  std::int64_t sites = 0;
  std::int64_t factors = 3;        ///< rows of amplitudes a time: 3, or 5 with slow ones
  bool on_site = true;             ///< coupling[0] is that of every q
  const double* energy = nullptr;  ///< e_p of spin down
  /// e_{-p} of spin down and of the probe; null where both are e_p. On the CPU only.
  const double *hole_energy = nullptr, *probe_energy = nullptr;
  const double *particle_rate = nullptr, *particles = nullptr;    ///< Gamma_p / 2, n_p
  const double *hole_rate = nullptr, *holes = nullptr;            ///< Gamma_{-p} / 2, 1 - n_{-p}
  const double* probe_rate = nullptr;                             ///< gup_{-p} / 2; null if the probe is closed
  const double *slow_particles = nullptr, *slow_holes = nullptr;  ///< the same where p is slow, else 0; null if none is
  const double* coupling = nullptr;  ///< |U_q|^2 / sites^3 if on_site, else |U_q|^2 / sites^4
  /// Doubles of amplitudes that are transformed at once on a device, and an eighth of those of its integral equation.
  std::int64_t device_buffer = std::int64_t{1} << 25;
};

/// The kernels of one CPU instruction set; each call runs on the calling thread. Complex numbers are re and im in turn.
/// Between them the caller transforms the rows (src/hubbard/memory_kernel.cpp).
struct TimeFunctions {
  /// a_p(t), b_{-p}(t), c_{-p}(t), and a and b of the slow momenta if there are any.
  /// @param[out] rows  (count, factors, sites)
  void (*amplitudes)(const TimeTables& tables, const double* times, std::int64_t count, double* rows);
  /// From the transforms of these: A_{-r} B_r without its slow part, times C_r and the coupling if on_site.
  /// @param rows (count, factors, sites)    @param[out] products  (count, sites)
  void (*products)(const TimeTables& tables, const double* rows, std::int64_t count, double* products);
  /// Not on_site: S(q), the backward transforms of the products, times the coupling, in place.
  void (*couple)(const TimeTables& tables, std::int64_t count, double* products);
  /// Not on_site: the forward transforms of these times C_r, in place.
  void (*propagate)(const TimeTables& tables, const double* rows, std::int64_t count, double* products);
};

/// The ways to the frequencies and to the propagator on a device, behind bare pointers on the host.
class TimeDevice {
 public:
  virtual ~TimeDevice();
  /// K(k,t) at `count` real times, kept on the device.
  virtual void evaluate(const double* times, std::int64_t count) = 0;
  /// What is kept: (count, sites).
  virtual void fetch(double* rows) = 0;
  /// Chooses the frequencies of integrate(), and the weight of every time that is kept.
  virtual void choose(const double* weights, const double* frequency, std::int64_t frequencies) = 0;
  /// -i sum_t weight_t e^{i w t} K(k,t) for the momenta first .. last-1.
  /// @param[out] sums  (last - first, frequencies)
  virtual void integrate(std::int64_t first, std::int64_t last, double* sums) = 0;
  /// G(k,t) of the momenta first .. last-1 from the integral equation, whose rows of K are those that are kept.
  /// @param rough       the same with twice the step
  /// @param circle      (2, circle_points, sites) K on the circles of both
  /// @param[out] green  (last - first, times) complex numbers      @param[out] difference  (last - first,) between both
  virtual void propagate(const VolterraTables& tables, const VolterraTables& rough, const double* circle,
                         std::int64_t first, std::int64_t last, double* green, double* difference) = 0;
};

}  // namespace lindrift::kernels
