#include "lindrift/lattice.hpp"

#include <cmath>
#include <numbers>

namespace lindrift {

namespace {

/// sin(pi p / q) for 0 <= p/q <= 1/4 and cos likewise: the arguments that the library functions evaluate without
/// cancellation.
double sine_of_octant(std::int64_t p, std::int64_t q) {
  return std::sin(std::numbers::pi * (static_cast<double>(p) / static_cast<double>(q)));
}
double cosine_of_octant(std::int64_t p, std::int64_t q) {
  return std::cos(std::numbers::pi * (static_cast<double>(p) / static_cast<double>(q)));
}

}  // namespace

double sin_pi(std::int64_t numerator, std::int64_t denominator) {
  double sign = 1.0;
  std::int64_t p = numerator % (2 * denominator);
  if (p < 0) {
    p = -p;
    sign = -1.0;
  }
  // sin(pi (1 + x)) = -sin(pi x), sin(pi (1 - x)) = sin(pi x): exact steps in the integers.
  if (p >= denominator) {
    p -= denominator;
    sign = -sign;
  }
  if (2 * p > denominator) p = denominator - p;
  if (p == 0) return 0.0;
  // Above pi/4 the complement is the smaller angle.
  return sign * (4 * p <= denominator ? sine_of_octant(p, denominator)
                                      : cosine_of_octant(denominator - 2 * p, 2 * denominator));
}

double cos_pi(std::int64_t numerator, std::int64_t denominator) {
  double sign = 1.0;
  std::int64_t p = numerator % (2 * denominator);
  if (p < 0) p = -p;
  if (p > denominator) p = 2 * denominator - p;
  if (2 * p > denominator) {
    p = denominator - p;
    sign = -1.0;
  }
  if (2 * p == denominator) return 0.0;
  return sign * (4 * p <= denominator ? cosine_of_octant(p, denominator)
                                      : sine_of_octant(denominator - 2 * p, 2 * denominator));
}

std::vector<double> momenta(std::int64_t sites) {
  std::vector<double> result(static_cast<std::size_t>(sites));
  const std::int64_t first = first_momentum_index(sites);
  for (std::int64_t i = 0; i < sites; ++i)
    result[static_cast<std::size_t>(i)] =
        2.0 * std::numbers::pi * (static_cast<double>(first + i) / static_cast<double>(sites));
  return result;
}

}  // namespace lindrift
