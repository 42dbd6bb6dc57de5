#pragma once

#include <cmath>

#include "kernels/functor.hpp"

/// Exponentials and circular functions. For T = double they are the library's; for a Pack of doubles they are written
/// out here, so that a loop over momenta stays in vector registers. Errors are below 2 units in the last place of the
/// result (tests/kernels/elementary_test.cpp measures them).

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {

template <class T>
struct Exponential {
  T value;      ///< e^x
  T minus_one;  ///< e^x - 1, without cancellation
};

template <class T>
struct SineCosine {
  T sine, cosine;
};

LINDRIFT_HD Exponential<double> exponential(double x) { return {exp(x), expm1(x)}; }
LINDRIFT_HD SineCosine<double> sine_cosine(double x) { return {sin(x), cos(x)}; }

#ifdef LINDRIFT_PACKS

using PackBits [[gnu::vector_size(pack_width * sizeof(double))]] = std::int64_t;
/// Unsigned, for sums that may wrap around if x is NaN.
using PackWords [[gnu::vector_size(pack_width * sizeof(double))]] = std::uint64_t;

namespace elementary {

/// Adding this to a double below 2^51 in magnitude leaves the nearest integer in the low bits.
inline constexpr double round_bits = 0x1.8p52;

LINDRIFT_HD PackBits bits_of(Pack x) { return (PackBits)x; }
LINDRIFT_HD Pack from_bits(PackBits x) { return (Pack)x; }
LINDRIFT_HD Pack broadcast(double x) { return Pack{} + x; }

}  // namespace elementary

/// x <= 709. Below -708 the value is 0.
LINDRIFT_HD Exponential<Pack> exponential(Pack x) {
  using namespace elementary;
  constexpr double over_ln2 = 0x1.71547652b82fep+0;
  // ln 2 in two parts; the first has 33 bits, so that its multiples by n are exact.
  constexpr double ln2_high = 0x1.62e42fefp-1, ln2_low = 0x1.473de6af278edp-34;
  constexpr double least = -708.0;
  const PackBits underflow = x < broadcast(least);
  x = underflow ? broadcast(least) : x;
  const Pack shifted = x * over_ln2 + round_bits, n = shifted - round_bits;
  const Pack high = x - n * ln2_high, low = n * ln2_low, r = high - low;
  const Pack lost = (high - r) - low;  // rounding error of r
  // e^r - 1 = r + r^2 (1/2 + r/6 + ...), |r| <= ln(2)/2: the first neglected term is 4e-18.
  const Pack r2 = r * r, r4 = r2 * r2;
  const Pack a = 1.0 / 2 + r * (1.0 / 6), b = 1.0 / 24 + r * (1.0 / 120), c = 1.0 / 720 + r * (1.0 / 5040),
             d = 1.0 / 40320 + r * (1.0 / 362880), e = 1.0 / 3628800 + r * (1.0 / 39916800),
             f = 1.0 / 479001600 + r * (1.0 / 6227020800.0);
  const Pack tail = (a + r2 * b) + r4 * ((c + r2 * d) + r4 * (e + r2 * f));
  const Pack expm1_r = r + (r2 * tail + (lost + lost * r));
  // The low bits of `shifted` are those of n; moved into the exponent they give 2^n.
  const Pack power = from_bits((PackBits)(((PackWords)bits_of(shifted) << 52) + (PackWords)bits_of(broadcast(1.0))));
  Exponential<Pack> result;
  result.value = power + power * expm1_r;
  result.minus_one = (power - 1.0) + power * expm1_r;
  result.value = underflow ? Pack{} : result.value;
  return result;
}

LINDRIFT_HD SineCosine<Pack> sine_cosine(Pack x) {
  using namespace elementary;
  constexpr double over_half_pi = 0x1.45f306dc9c883p-1;
  // pi/2 in three parts; the first two have 33 bits, so that their multiples by n < 2^20 are exact.
  constexpr double half_pi_1 = 0x1.921fb544p+0, half_pi_2 = 0x1.0b4611a6p-34, half_pi_3 = 0x1.3198a2e037073p-69;
  constexpr double largest = 1.6e6;
  const PackBits large = (x > broadcast(largest)) | (x < broadcast(-largest)) | (x != x);
  std::int64_t any = 0;
  for (int i = 0; i < pack_width; ++i) any |= large[i];
  if (any != 0) [[unlikely]] {  // the library reduces any argument
    double sine[pack_width], cosine[pack_width];
    for (int i = 0; i < pack_width; ++i) {
      sine[i] = sin(static_cast<double>(x[i]));
      cosine[i] = cos(static_cast<double>(x[i]));
    }
    return {load<Pack>(sine, 0), load<Pack>(cosine, 0)};
  }
  const Pack shifted = x * over_half_pi + round_bits, n = shifted - round_bits;
  const Pack first = x - n * half_pi_1;  // exact
  const Pack second = n * half_pi_2, high = first - second;
  // Rounding error of `high`, by Knuth's two-sum: near a multiple of pi/2 it is all that remains.
  const Pack back = high - first, lost = (first - (high - back)) - (second + back);
  const Pack low = lost - n * half_pi_3, r = high + low;
  const Pack rest = (high - r) + low;
  // Minimax polynomials on [-pi/4, pi/4] from fdlibm's kernels (Sun Microsystems 1993, freely usable); sin(r + rest) =
  // sin r + rest cos r.
  const Pack z = r * r;
  const Pack s =
      8.33333333332248946124e-03 +
      z * (-1.98412698298579493134e-04 +
           z * (2.75573137070700676789e-06 + z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10)));
  const Pack v = z * r;
  const Pack sine_r = r - ((z * (0.5 * rest - v * s) - rest) + v * 1.66666666666666324348e-01);
  const Pack c = z * (4.16666666666666019037e-02 +
                      z * (-1.38888888888741095749e-03 +
                           z * (2.48015872894767294178e-05 +
                                z * (-2.75573143513906633035e-07 +
                                     z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11)))));
  const Pack half = 0.5 * z, one_minus = 1.0 - half;
  const Pack cosine_r = one_minus + (((1.0 - one_minus) - half) + (z * c - r * rest));
  // Quadrant n mod 4: odd ones swap sine and cosine; the sine changes sign in 2 and 3, the cosine in 1 and 2.
  const PackBits quadrant = bits_of(shifted);
  const PackBits odd = -(quadrant & 1);
  const PackBits sine_sign = (quadrant & 2) << 62, cosine_sign = ((quadrant + 1) & 2) << 62;
  const Pack sine = odd ? cosine_r : sine_r, cosine = odd ? sine_r : cosine_r;
  return {from_bits(bits_of(sine) ^ sine_sign), from_bits(bits_of(cosine) ^ cosine_sign)};
}

#endif

}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
