#pragma once

#include <cmath>

#include "kernels/elementary.hpp"

/// Natural logarithm. For T = double it is the library's; for a Pack of doubles it is written out here, so that a loop
/// over momenta stays in vector registers. The error is below 1 unit in the last place
/// (tests/kernels/logarithm_test.cpp measures it).

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {

LINDRIFT_HD double logarithm(double x) { return log(x); }

#ifdef LINDRIFT_PACKS

/// For any x, including subnormal numbers: -inf at 0, NaN below 0.
LINDRIFT_HD Pack logarithm(Pack x) {
  using namespace elementary;
  constexpr double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;  // n ln2_high is exact
  constexpr std::int64_t one = 0x3ff0000000000000, root_half = 0x3fe6a09e667f3bcd, exponent_bias = 1023;
  const PackBits subnormal = x < broadcast(0x1p-1022);
  const PackBits bits = bits_of(subnormal ? x * 0x1p54 : x);
  // x = 2^n z with z in [sqrt(1/2), sqrt(2)). Positive numbers only: the sign bit is clear.
  const PackWords shifted = (PackWords)bits + (one - root_half);
  const PackBits exponent = (PackBits)(shifted >> 52) - exponent_bias;
  const Pack z = from_bits((PackBits)((PackWords)bits - ((PackWords)exponent << 52)));
  const Pack n =
      from_bits(exponent + bits_of(broadcast(round_bits))) - round_bits - (subnormal ? broadcast(54.0) : Pack{});
  // log(1 + f) = f - f^2/2 + s (f^2/2 + R(s^2)), s = f/(2 + f), R of fdlibm (Sun Microsystems 1993, freely usable).
  const Pack f = z - 1.0, s = f / (2.0 + f), w = s * s, w2 = w * w, half = 0.5 * f * f;
  const Pack even = w2 * (3.999999999940941908e-01 + w2 * (2.222219843214978396e-01 + w2 * 1.531383769920937332e-01));
  const Pack odd =
      w * (6.666666666666735130e-01 +
           w2 * (2.857142874366239149e-01 + w2 * (1.818357216161805012e-01 + w2 * 1.479819860511658591e-01)));
  const Pack result = n * ln2_high - ((half - (s * (half + (even + odd)) + n * ln2_low)) - f);
  const Pack infinity = broadcast(INFINITY), invalid = broadcast(NAN);
  const Pack finite_or_zero = x == Pack{} ? -infinity : result;
  return x < infinity ? (x < Pack{} ? invalid : finite_or_zero) : x;
}

#endif

}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
