#pragma once

#include <cmath>
#include <cstddef>
#include <span>

namespace lindrift {

/// n = 1/(1 + e^lambda), without overflow and with full relative accuracy where n is small.
inline double occupation_of(double lagrange_multiplier) {
  const double x = std::exp(-std::fabs(lagrange_multiplier));
  return (lagrange_multiplier > 0.0 ? x : 1.0) / (1.0 + x);
}

/// log z such that the mean of 1/(1 + e^{exponent_s - log z}) over the modes is `filling`: the fugacity that gives a
/// set of unnormalised Lagrange multipliers a prescribed number. Monotone scalar equation, solved by Newton inside a
/// bracket.
/// @param filling  strictly between 0 and 1
/// @param guess    where to start, if it lies between the bounds that the exponents set
double log_fugacity_at(std::span<const double> exponent, double filling, double guess = 0.0);

}  // namespace lindrift
