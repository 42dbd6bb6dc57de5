#pragma once

#include <cstdint>

#include "kernels/hubbard/time_tables.hpp"

namespace lindrift::kernels {

/// The integral equation of pairs that collide (docs/physics.md, Eqs. 82, 84, 85) in equal steps.
struct LadderTables {
  /// Driven; needs sites, count, step, end and turns. The rows of pairs begin VolterraTables::margin steps before t =
  /// 0.
  VolterraTables equation;
  double interaction = 0.0;  ///< U
  double rate = 0.0;         ///< U for a particle, -U for a hole: i rate multiplies the convolution
};

/// Rows of TimeTables' amplitudes that form the pair with the probe, and that close it.
struct LadderLines {
  std::int64_t partner, closing;
};
inline constexpr std::int64_t probe_line = 2;
/// For a particle, whose partner is the amplitude with the Pauli factor of the holes, and for a hole.
inline constexpr LadderLines particle_lines{1, 0}, hole_lines{0, 1};

/// K(k,t) of the ladder on a device, for amplitudes without slow momenta. pair(), collide() and close() take the place
/// of evaluate(); several ladders at the same times add up.
class LadderDevice : public TimeDevice {
 public:
  ~LadderDevice() override;
  /// Free pairs by total momentum at `count` times                                                        (Eq. 81)
  virtual void pair(const double* times, std::int64_t count, const LadderLines& lines) = 0;
  /// Replaces the free pairs of the momenta first .. last-1 by tau, and those on the circle around t = 0  (Eq. 82)
  /// @param[in,out] circle  (circle_points, last - first)
  /// @param[out] tau        (last - first) * count complex numbers for place(), in an order of its own; may be null
  virtual void collide(const LadderTables& tables, std::int64_t first, std::int64_t last, double* circle,
                       double* tau) = 0;
  /// Takes the tau of these momenta from another device's collide().
  virtual void place(std::int64_t first, std::int64_t last, const double* tau) = 0;
  /// Adds K(k,t) from tau                                                                                 (Eq. 83)
  virtual void close(const LadderLines& lines) = 0;
  /// Subtracts K(k,t) of second order at the same times.
  virtual void subtract_second_order() = 0;
  /// Makes K that of the run with twice the step, and begins another run.
  virtual void set_aside() = 0;
  /// Largest |K - K of the run with twice the step| over the momenta: (count,), from t = 0 on.
  virtual void compare(std::int64_t count, double* largest) = 0;
};

}  // namespace lindrift::kernels
