#include "lindrift/lattice.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace lindrift {
namespace {

TEST(Lattice, SineAndCosineAreExactAtMultiplesOfAQuarterTurn) {
  for (const std::int64_t q : {1, 2, 3, 4, 7, 20, 1024, 1000003})
    for (std::int64_t turns = -9; turns <= 9; ++turns) {
      EXPECT_EQ(sin_pi(turns * q, q), 0.0);
      EXPECT_EQ(cos_pi(turns * q, q), turns % 2 ? -1.0 : 1.0);
      EXPECT_EQ(cos_pi((2 * turns + 1) * q, 2 * q), 0.0);
      EXPECT_EQ(sin_pi((2 * turns + 1) * q, 2 * q), turns % 2 ? -1.0 : 1.0);
    }
}

TEST(Lattice, SineAndCosineAreThoseOfExtendedPrecision) {
  // Rounding of the argument, of the function and of pi: two units in the last place, relative even where the value is
  // small.
  for (const std::int64_t q : {3, 4, 5, 8, 12, 97, 256, 1001})
    for (std::int64_t p = -5 * q; p <= 5 * q; ++p) {
      const std::int64_t reduced = p % (2 * q);
      const long double angle =
          std::numbers::pi_v<long double> * static_cast<long double>(reduced) / static_cast<long double>(q);
      const long double sine = std::sin(angle), cosine = std::cos(angle);
      // Beyond the exact zeros, which the extended functions miss by 1e-19.
      EXPECT_LE(std::fabs(static_cast<long double>(sin_pi(p, q)) - sine), 4.5e-16L * std::fabs(sine) + 1e-18L)
          << p << "/" << q;
      EXPECT_LE(std::fabs(static_cast<long double>(cos_pi(p, q)) - cosine), 4.5e-16L * std::fabs(cosine) + 1e-18L)
          << p << "/" << q;
    }
}

TEST(Lattice, SymmetriesOfSineAndCosineHoldToTheBit) {
  for (const std::int64_t q : {5, 6, 77, 128})
    for (std::int64_t p = 0; p <= 2 * q; ++p) {
      EXPECT_EQ(sin_pi(-p, q), -sin_pi(p, q));
      EXPECT_EQ(cos_pi(-p, q), cos_pi(p, q));
      EXPECT_EQ(sin_pi(q - p, q), sin_pi(p, q));
      EXPECT_EQ(cos_pi(q - p, q), -cos_pi(p, q));
      EXPECT_EQ(sin_pi(p + 2 * q, q), sin_pi(p, q));
      EXPECT_EQ(cos_pi(p - 4 * q, q), cos_pi(p, q));
      EXPECT_EQ(sin_pi(3 * p, 3 * q), sin_pi(p, q)) << "not reduced to lowest terms";
    }
}

TEST(Lattice, MomentaFillTheZoneFromMinusPi) {
  for (const std::int64_t sites : {1, 2, 3, 4, 7, 20, 1001}) {
    const auto k = momenta(sites);
    ASSERT_EQ(k.size(), static_cast<std::size_t>(sites));
    // Even: -pi is there and pi is not. Odd: neither; zero always.
    EXPECT_EQ(k.front(), sites % 2 ? -std::numbers::pi * (static_cast<double>(sites - 1) / static_cast<double>(sites))
                                   : -std::numbers::pi);
    EXPECT_LT(k.back(), std::numbers::pi);
    EXPECT_EQ(k[static_cast<std::size_t>(sites / 2)], 0.0);
    for (std::size_t i = 1; i < k.size(); ++i)
      EXPECT_NEAR(k[i] - k[i - 1], 2.0 * std::numbers::pi / static_cast<double>(sites), 1e-15);
  }
}

}  // namespace
}  // namespace lindrift
