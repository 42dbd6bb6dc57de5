// The vectorised logarithm, compared with extended precision.
#include "kernels/logarithm.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/random.hpp"

namespace lindrift::testing {
namespace {

using kernels::logarithm;
using kernels::Pack;
using kernels::pack_width;

TEST(Logarithm, IsTrueToTheLastPlace) {
  Random random(3);
  double worst = 0.0;
  for (int round = 0; round < 200000; ++round) {
    Pack x;
    // All magnitudes, and values near one, where the logarithm itself is small.
    for (int i = 0; i < pack_width; ++i)
      x[i] = round % 2 == 0 ? std::exp(random.uniform(-744.0, 709.0))
                            : 1.0 + random.uniform(-0.5, 1.0) * std::pow(10.0, random.uniform(-16.0, 0.0));
    const Pack result = logarithm(x);
    for (int i = 0; i < pack_width; ++i) {
      const long double exact = std::log(static_cast<long double>(x[i]));
      const double value = result[i];
      if (exact == 0.0L) {
        EXPECT_EQ(value, 0.0);
        continue;
      }
      int exponent = 0;
      std::frexp(exact, &exponent);
      const auto error = static_cast<double>(std::fabs(value - exact) / std::ldexp(1.0L, exponent - 53));
      if (!(error <= worst)) worst = error;
    }
  }
  EXPECT_LT(worst, 1.0);
  RecordProperty("worst_units_in_the_last_place", std::to_string(worst));
}

TEST(Logarithm, HasItsLimits) {
  const double infinity = std::numeric_limits<double>::infinity();
  const auto of = [](double x) { return static_cast<double>(logarithm(Pack{} + x)[pack_width - 1]); };
  EXPECT_EQ(of(1.0), 0.0);
  EXPECT_EQ(of(0.0), -infinity);
  EXPECT_EQ(of(-0.0), -infinity);
  EXPECT_EQ(of(infinity), infinity);
  EXPECT_TRUE(std::isnan(of(-1e-300)));
  EXPECT_TRUE(std::isnan(of(-infinity)));
  EXPECT_TRUE(std::isnan(of(NAN)));
  EXPECT_EQ(of(std::numeric_limits<double>::denorm_min()), std::log(std::numeric_limits<double>::denorm_min()));
  EXPECT_EQ(of(std::numeric_limits<double>::max()), std::log(std::numeric_limits<double>::max()));
}

}  // namespace
}  // namespace lindrift::testing
