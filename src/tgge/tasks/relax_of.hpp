#pragma once

#include <span>

#include "lindrift/tgge/relax.hpp"

namespace lindrift {

/// Number of explicit steps, as limited by the fastest rate, beyond which the implicit method is cheaper. Measured for
/// beta J = 2 .. 8: the two cost the same between 2000 and 10000 steps.
inline constexpr double stiff_steps = 5000.0;

/// The integrators bound the root mean square, over the modes, of the error of a step. Errors do not grow (the l1
/// distance between two trajectories never does), but they add up. This factor keeps every dataset within the requested
/// tolerance: on 250 random chains (3 to 30 sites, beta J up to 12) and on 1000 sites with one of them out of balance,
/// the largest measured error is 0.74 of the tolerance for bdf and 0.45 for adams; with a factor of 0.02 it is 3 times
/// the tolerance. There is no such bound for a current that is a small difference of occupations.
inline constexpr double step_tolerance = 0.005;
inline constexpr double smallest_step_tolerance = 2e-14;

/// A trajectory that was integrated elsewhere.
struct Trajectory {
  std::span<const double> times;
  std::span<const double> state;     ///< (times, modes): n where n <= 1/2, else n - 1
  std::span<const double> residual;  ///< (times,), see balance_residual()
  std::int64_t steps = 0, rate_evaluations = 0;
  double scale = 1.0;  ///< estimate of the largest multiplier to come, at most 1: the scale of absolute errors
};

/// The first state of a trajectory as in Trajectory::state.
std::vector<double> smaller_sides(std::span<const double> lagrange_multiplier);

/// The result of relax() for such a trajectory.
/// @param equation  its generator is not used
RelaxResult relaxation_of(const RateEquation& equation, const Trajectory& trajectory, double tolerance);

}  // namespace lindrift
