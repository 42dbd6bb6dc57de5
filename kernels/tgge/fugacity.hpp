#pragma once

#include <cmath>

#include "kernels/functor.hpp"
#include "kernels/tgge/rate_kernel.hpp"

/// The fugacity that holds a number of particles, from sums over occupations (docs/physics.md, Eq. 16).

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

/// By how much log z exceeds the one that holds `number` particles, to first order in the logarithm of particles over
/// holes. That is nearly linear even if every mode is full or empty to within e^{-500} and only these remainders fix
/// the Fermi level. Infinite if they vanish, too.
LINDRIFT_BOTH inline double log_fugacity_excess(const MomentBalance::Filling& sums, double number) {
  const double surplus = sums.others - number;
  const double particles = sums.particles + (surplus < 0.0 ? 0.0 : surplus),
               holes = sums.holes + (surplus > 0.0 ? 0.0 : -surplus);
  if (particles == holes) return 0.0;
  const double excess = std::log(particles / holes) / (sums.particle_slope / particles + sums.hole_slope / holes);
  if (std::isfinite(excess)) return excess;
  return particles < holes ? -INFINITY : particles > holes ? INFINITY : NAN;
}

/// log z such that the multipliers r_s - log z hold `number` particles, from sums over their occupations. Monotone
/// scalar equation, solved by Newton inside a bracket.
/// @param number   strictly between 0 and modes
/// @param filling   log z -> MomentBalance::Filling
/// @param guess     where to start
/// @param accuracy  a Newton step as short as this is the last one: it leaves about its square
template <class Filling>
LINDRIFT_BOTH double solve_log_fugacity(double number, double modes, double guess, const Filling& filling,
                                        double accuracy = 1e-9) {
  double log_fugacity = guess;
  MomentBalance::Filling sums = filling(log_fugacity);
  // At the lower bound no mode holds more than the mean, at the upper none holds less.
  const double logit = std::log(number) - std::log(modes - number);
  double low = logit + (log_fugacity - sums.max_multiplier), high = logit + (log_fugacity + sums.max_multiplier);
  if (!(log_fugacity >= low && log_fugacity <= high)) {
    log_fugacity = low + 0.5 * (high - low);
    sums = filling(log_fugacity);
  }
  for (int iteration = 0; iteration < 200 && low < high; ++iteration) {
    const double excess = log_fugacity_excess(sums, number);
    if (!(excess < 0.0) && !(excess > 0.0)) break;  // zero, or not a number
    (excess < 0.0 ? low : high) = log_fugacity;
    double next = log_fugacity - excess;
    // Outside the bracket (or not a number) bisection takes over.
    const bool newton = next > low && next < high;
    if (!newton) next = low + 0.5 * (high - low);
    const double change = std::fabs(next - log_fugacity);
    log_fugacity = next;
    if (change <= 1e-16 * (1.0 + std::fabs(log_fugacity)) || next == low || next == high) break;
    // |f''/f'| is of order 1, so a Newton step leaves about the square of its size.
    if (newton && change <= accuracy) break;
    sums = filling(log_fugacity);
  }
  return log_fugacity;
}

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
