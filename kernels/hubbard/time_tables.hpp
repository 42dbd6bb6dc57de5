#pragma once

#include <cstdint>

#include "kernels/hubbard/volterra_tables.hpp"

namespace lindrift::kernels {

/// Input of the kernel K(k,t) of the Hubbard model's self-energy (docs/physics.md, Eqs. 68 to 71). Arrays over the
/// momenta in row-major order of their integers m = 0 .. cells-1, padded with zeros to the next multiple of `padding`.
/// Amplitudes of holes and of the probe are stored at -p, so that all need the same kind of transform.
struct TimeTables {
  static constexpr std::int64_t padding = 8;
  std::int64_t sites = 0;
  std::int64_t directions = 1, cells[3] = {1, 1, 1};  ///< of the lattice, whose cells number `sites`
  std::int64_t factors = 3;                           ///< rows of amplitudes per time: 3, or 5 with slow momenta
  bool on_site = true;                                ///< coupling[0] is that of every q
  const double* energy = nullptr;                     ///< e_p of spin down
  /// e_{-p} of spin down and of the probe; null where both are e_p.
  const double *hole_energy = nullptr, *probe_energy = nullptr;
  const double *particle_rate = nullptr, *particles = nullptr;    ///< Gamma_p / 2, n_p
  const double *hole_rate = nullptr, *holes = nullptr;            ///< Gamma_{-p} / 2, 1 - n_{-p}
  const double* probe_rate = nullptr;                             ///< gup_{-p} / 2; null if the probe is closed
  const double *slow_particles = nullptr, *slow_holes = nullptr;  ///< the same if p is slow, else 0; null if none is
  const double* coupling = nullptr;  ///< |U_q|^2 / sites^3 if on_site, else |U_q|^2 / sites^4
  /// Doubles of amplitudes that a device transforms at once; its integral equation takes eight times as many.
  std::int64_t device_buffer = std::int64_t{1} << 25;
};

/// The kernels of one CPU instruction set; each call runs on the calling thread. Complex numbers are interleaved. The
/// caller transforms the rows between the calls (src/hubbard/memory_kernel.cpp).
struct TimeFunctions {
  /// a_p(t), b_{-p}(t), c_{-p}(t), and a and b of slow momenta if there are any.
  /// @param[out] rows  (count, factors, sites)
  void (*amplitudes)(const TimeTables& tables, const double* times, std::int64_t count, double* rows);
  /// From their transforms: A_{-r} B_r without the slow part, times C_r and the coupling if on_site.
  /// @param rows (count, factors, sites)    @param[out] products  (count, sites)
  void (*products)(const TimeTables& tables, const double* rows, std::int64_t count, double* products);
  /// If not on_site: multiplies S(q), the backward transform of the products, by the coupling, in place.
  void (*couple)(const TimeTables& tables, std::int64_t count, double* products);
  /// If not on_site: multiplies the forward transform of the result by C_r, in place.
  void (*propagate)(const TimeTables& tables, const double* rows, std::int64_t count, double* products);
};

/// K(k,t) on a device, and from it the self-energy at given frequencies or the propagator. Arguments are host arrays.
class TimeDevice {
 public:
  virtual ~TimeDevice();
  /// K(k,t) at `count` real times, kept on the device.
  virtual void evaluate(const double* times, std::int64_t count) = 0;
  /// Copies those values to the host: (count, sites).
  virtual void fetch(double* rows) = 0;
  /// Sets the nodes of integrate(), every stride-th of the times from `first` on, and its frequencies.
  /// @param weights  (nodes,)
  virtual void choose(std::int64_t first, std::int64_t stride, std::int64_t nodes, const double* weights,
                      const double* frequency, std::int64_t frequencies) = 0;
  /// -i sum_t weight_t e^{i w t} K(k,t) over the nodes for the momenta first .. last-1.
  /// @param[out] sums  (last - first, frequencies)
  virtual void integrate(std::int64_t first, std::int64_t last, double* sums) = 0;
  /// G(k,t) of the momenta first .. last-1 from the integral equation with the K of evaluate().
  /// @param rough       the same equation with twice the step, on every other time, or on the K that was set aside
  /// @param circle      (2, circle_points, sites) K on the circles of both runs
  /// @param[out] green  (last - first, times) complex numbers      @param[out] difference  (last - first,) between both
  virtual void propagate(const VolterraTables& tables, const VolterraTables& rough, const double* circle,
                         std::int64_t first, std::int64_t last, double* green, double* difference) = 0;
};

}  // namespace lindrift::kernels
