#pragma once

#include <cmath>
#include <numbers>

#include "kernels/functor.hpp"

/// Phases k.R of a lattice, reduced in integers, for host and device.

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace lattice {

/// x mod n in [0, n).
LINDRIFT_HD Index modulo(Index x, Index n) { return ((x % n) + n) % n; }

/// sin(pi p / q) for 0 <= p/q <= 1/4, and cos likewise: the range in which the library functions do not lose accuracy.
LINDRIFT_HD double sine_of_octant(Index p, Index q) {
  return std::sin(std::numbers::pi * (static_cast<double>(p) / static_cast<double>(q)));
}
LINDRIFT_HD double cosine_of_octant(Index p, Index q) {
  return std::cos(std::numbers::pi * (static_cast<double>(p) / static_cast<double>(q)));
}

/// sin(pi numerator / denominator); exact at multiples of pi/2, and odd in its argument.
LINDRIFT_HD double sin_pi(Index numerator, Index denominator) {
  double sign = 1.0;
  Index p = numerator % (2 * denominator);
  if (p < 0) {
    p = -p;
    sign = -1.0;
  }
  // sin(pi (1 + x)) = -sin(pi x) and sin(pi (1 - x)) = sin(pi x), applied exactly in integers.
  if (p >= denominator) {
    p -= denominator;
    sign = -sign;
  }
  if (2 * p > denominator) p = denominator - p;
  if (p == 0) return 0.0;
  // Above pi/4 the complementary angle is smaller.
  return sign * (4 * p <= denominator ? sine_of_octant(p, denominator)
                                      : cosine_of_octant(denominator - 2 * p, 2 * denominator));
}

/// cos(pi numerator / denominator); exact at multiples of pi/2, and even in its argument.
LINDRIFT_HD double cos_pi(Index numerator, Index denominator) {
  double sign = 1.0;
  Index p = numerator % (2 * denominator);
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

/// The phase k.R in units of 2 pi / period, from 0 up to the period, the least common multiple of the numbers of cells.
/// @param momentum      its integers m, k = 2 pi m / cells
/// @param displacement  R with entries in [0, cells)
LINDRIFT_HD Index turns_of(int directions, const Index* cells, Index period, const Index* momentum,
                           const Index* displacement) {
  Index turns = 0;
  for (int i = 0; i < directions; ++i)
    turns = (turns + modulo(momentum[i] * displacement[i], cells[i]) * (period / cells[i])) % period;
  return turns;
}

}  // namespace lattice
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
