#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

#include "engine/parallel.hpp"
#include "kernels/tgge/rate_kernel.hpp"

namespace lindrift {

/// n = 1/(1 + e^lambda), without overflow and with full relative accuracy where n is small.
inline double occupation_of(double lagrange_multiplier) {
  const double x = std::exp(-std::fabs(lagrange_multiplier));
  return (lagrange_multiplier > 0.0 ? x : 1.0) / (1.0 + x);
}

/// By how much log z exceeds the one that holds `number` particles, to first order in the logarithm of particles over
/// holes. That is nearly linear even if every mode is full or empty to within e^{-500} and only these remainders fix
/// the Fermi level. Infinite if they vanish, too.
inline double log_fugacity_excess(const kernels::MomentBalance::Filling& sums, double number) {
  const double surplus = sums.others - number;
  const double particles = sums.particles + std::max(surplus, 0.0), holes = sums.holes + std::max(-surplus, 0.0);
  if (particles == holes) return 0.0;
  const double excess = std::log(particles / holes) / (sums.particle_slope / particles + sums.hole_slope / holes);
  if (std::isfinite(excess)) return excess;
  return particles < holes ? -INFINITY : particles > holes ? INFINITY : NAN;
}

/// log z such that the multipliers r_s - log z hold `number` particles, from sums over their occupations. Monotone
/// scalar equation, solved by Newton inside a bracket.
/// @param number   strictly between 0 and modes
/// @param filling   log z -> kernels::MomentBalance::Filling
/// @param guess     where to start
/// @param accuracy  a Newton step as short as this is the last one: it leaves about its square
template <class Filling>
double solve_log_fugacity(double number, double modes, double guess, const Filling& filling, double accuracy = 1e-9) {
  double log_fugacity = guess;
  kernels::MomentBalance::Filling sums = filling(log_fugacity);
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

/// The same for exponents r_s on the host.
inline double log_fugacity_at(std::span<const double> exponent, double number, double guess = 0.0) {
  const std::size_t modes = exponent.size();
  const double lowest = -parallel_maximum(modes, -INFINITY, [&](std::size_t s) { return -exponent[s]; });
  const double highest = parallel_maximum(modes, -INFINITY, [&](std::size_t s) { return exponent[s]; });
  return solve_log_fugacity(number, static_cast<double>(modes), guess, [&](double log_fugacity) {
    const auto sums = parallel_sums<5>(modes, [&](std::size_t s) {
      // With x = e^{-|lambda|} the smaller of n and 1-n is x/(1+x), and n (1-n) = x/(1+x)^2.
      const double lambda = exponent[s] - log_fugacity, x = std::exp(-std::fabs(lambda)), larger = 1.0 / (1.0 + x);
      const double smaller = x * larger, slope = smaller * larger;
      return lambda > 0.0 ? std::array<double, 5>{smaller, 0.0, 0.0, slope, 0.0}
                          : std::array<double, 5>{0.0, smaller, 1.0, 0.0, slope};
    });
    const double largest = std::max(std::fabs(lowest - log_fugacity), std::fabs(highest - log_fugacity));
    return kernels::MomentBalance::Filling{sums[0], sums[1], sums[2], sums[3], sums[4], largest};
  });
}

}  // namespace lindrift
