// The vectorised exponentials and circular functions, compared with extended precision.
#include "kernels/elementary.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <numbers>

#include "support/random.hpp"

namespace lindrift::testing {
namespace {

using kernels::exponential;
using kernels::Pack;
using kernels::pack_width;
using kernels::sine_cosine;

/// Distance in units of the last place of the exact value.
double ulps(double value, long double exact) {
  int exponent = 0;
  std::frexp(exact, &exponent);
  const long double unit = std::ldexp(1.0L, std::max(exponent - 53, -1074));
  return static_cast<double>(std::fabs(static_cast<long double>(value) - exact) / unit);
}

/// Largest error(function(x), lane, argument) over random arguments, a new one in every lane.
template <class Function, class Error>
double worst(const Function& function, const std::function<double()>& argument, const Error& error) {
  double largest = 0.0;
  for (int round = 0; round < 100000; ++round) {
    Pack x;
    for (int i = 0; i < pack_width; ++i) x[i] = argument();
    const auto result = function(x);
    for (int i = 0; i < pack_width; ++i) {
      const double e = error(result, i, static_cast<long double>(x[i]));
      if (!(e <= largest)) largest = e;
    }
  }
  return largest;
}

TEST(Exponential, IsTrueToTheLastPlaceButOne) {
  Random random(1);
  // All magnitudes, mostly negative, as in decays.
  const auto argument = [&] {
    const double size = std::pow(10.0, random.uniform(-18.0, 2.85));
    return random.uniform(0.0, 1.0) < 0.8 ? -size : size;
  };
  const auto e = [](Pack x) { return exponential(x); };
  EXPECT_LT(worst(e, argument, [](const auto& r, int i, long double x) { return ulps(r.value[i], std::exp(x)); }), 1.5);
  EXPECT_LT(worst(e, argument, [](const auto& r, int i, long double x) { return ulps(r.minus_one[i], std::expm1(x)); }),
            2.0);
}

TEST(Exponential, FadesToZeroAndMinusOne) {
  for (const double x : {-708.1, -745.0, -1e4, -1e300, -std::numeric_limits<double>::infinity()}) {
    const auto result = exponential(Pack{} + x);
    EXPECT_EQ(result.value[0], 0.0) << x;
    EXPECT_EQ(result.minus_one[0], -1.0) << x;
  }
  const auto result = exponential(Pack{});
  EXPECT_EQ(result.value[0], 1.0);
  EXPECT_EQ(result.minus_one[0], 0.0);
  EXPECT_TRUE(std::isnan(exponential(Pack{} + NAN).value[0]));
}

/// Remainder of a double after the nearest multiple of pi/2, subtracted to 129 bits in pieces of 32 bits: products with
/// n < 2^31 are exact in extended precision.
long double reduced(double x, long long& quadrant) {
  constexpr long double pieces[] = {0x1.921fb544p+0L, 0x42d18469p-64L, 0x898cc517p-96L, 0x01b839a2p-128L};
  quadrant = std::llround(static_cast<long double>(x) / (pieces[0] + pieces[1]));
  long double r = x;
  for (const long double piece : pieces) r -= static_cast<long double>(quadrant) * piece;
  return r;
}
long double exact_sine(double x, int shift) {
  long long quadrant = 0;
  const long double r = reduced(x, quadrant);
  switch (((quadrant + shift) % 4 + 4) % 4) {
    case 0:
      return std::sin(r);
    case 1:
      return std::cos(r);
    case 2:
      return -std::sin(r);
    default:
      return -std::cos(r);
  }
}

class SineCosineTest : public ::testing::TestWithParam<double> {};

TEST_P(SineCosineTest, IsTrueToTheLastPlaceButOne) {
  Random random(2);
  const auto argument = [&] { return random.uniform(-1.0, 1.0) * GetParam(); };
  const auto function = [](Pack x) { return sine_cosine(x); };
  EXPECT_LT(
      worst(function, argument,
            [](const auto& r, int i, long double x) { return ulps(r.sine[i], exact_sine(static_cast<double>(x), 0)); }),
      1.5);
  EXPECT_LT(worst(function, argument,
                  [](const auto& r, int i, long double x) {
                    return ulps(r.cosine[i], exact_sine(static_cast<double>(x), 1));
                  }),
            1.5);
}
INSTANTIATE_TEST_SUITE_P(Magnitudes, SineCosineTest,
                         ::testing::Values(1e-9, 0.1, 1.0, 10.0, 1e3, 1e6, 1.6e6, 1.7e6, 1e9));

TEST(SineCosine, HoldsNextToMultiplesOfHalfPi) {
  // The doubles closest to n pi/2: the remainder is far smaller than their last place.
  double largest = 0.0;
  for (long n = -1000000; n <= 1000000; n += 97) {
    const double x = static_cast<double>(n) * 0.5 * std::numbers::pi;
    const auto result = sine_cosine(Pack{} + x);
    largest = std::max(largest, ulps(result.sine[0], exact_sine(x, 0)));
    largest = std::max(largest, ulps(result.cosine[0], exact_sine(x, 1)));
  }
  EXPECT_LT(largest, 1.5);
}

TEST(SineCosine, TakesOneLargeArgumentBesideSmallOnes) {
  Pack x = Pack{} + 0.5;
  x[1] = 1e22;
  const auto result = sine_cosine(x);
  EXPECT_NEAR(result.sine[0], std::sin(0.5), 2e-16);
  EXPECT_NEAR(result.sine[1], -0.8522008497671888, 2e-16);  // the classic test of argument reduction
  EXPECT_NEAR(result.cosine[1], 0.5232147853951389, 2e-16);
  EXPECT_TRUE(std::isnan(sine_cosine(Pack{} + NAN).sine[0]));
}

}  // namespace
}  // namespace lindrift::testing
