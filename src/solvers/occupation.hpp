#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

#include "engine/parallel.hpp"
#include "kernels/tgge/fugacity.hpp"
#include "kernels/tgge/rate_kernel.hpp"

namespace lindrift {

/// n = 1/(1 + e^lambda), without overflow, and to full relative accuracy for small n.
inline double occupation_of(double lagrange_multiplier) {
  const double x = std::exp(-std::fabs(lagrange_multiplier));
  return (lagrange_multiplier > 0.0 ? x : 1.0) / (1.0 + x);
}

using kernels::tgge::log_fugacity_excess, kernels::tgge::solve_log_fugacity;

/// solve_log_fugacity() for exponents r_s on the host.
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
