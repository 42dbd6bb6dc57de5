#include "solvers/occupation.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "reference/tgge_chain.hpp"
#include "solvers/ode.hpp"
#include "support/random.hpp"

namespace lindrift::testing {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

TEST(Occupation, KeepsRelativeAccuracyAtBothEnds) {
  for (const double lambda : {0.0, 1e-300, 0.3, -0.3, 5.0, -5.0, 36.0, -36.0, 50.0, -50.0, 700.0, -700.0}) {
    const auto expected = static_cast<double>(reference::occupation(lambda));
    EXPECT_NEAR(occupation_of(lambda), expected, 4e-16 * expected) << lambda;
  }
  EXPECT_EQ(occupation_of(infinity), 0.0);
  EXPECT_EQ(occupation_of(-infinity), 1.0);
  EXPECT_EQ(occupation_of(1e6), 0.0);
}

TEST(Occupation, FugacityGivesTheFilling) {
  Random random(81);
  for (int i = 0; i < 200; ++i) {
    const double width = i % 4 == 0 ? 2000.0 : 10.0;  // cold: most occupations are exactly zero or one
    const auto exponent = random.vector(static_cast<std::size_t>(random.integer(1, 60)), -width, width);
    const double filling = random.uniform(0.001, 0.999);
    const double log_z = log_fugacity_at(exponent, filling * static_cast<double>(exponent.size()));
    long double number = 0.0L, chi = 0.0L;
    for (const double x : exponent) {
      const long double shifted = static_cast<long double>(x) - log_z;
      number += reference::occupation(shifted);
      chi += reference::occupation(shifted) * reference::hole(shifted);
    }
    // One unit in the last place of log z changes the number by chi times that.
    const double allowed =
        1e-15 * static_cast<double>(exponent.size()) + 4e-16 * (1.0 + std::fabs(log_z)) * static_cast<double>(chi);
    EXPECT_NEAR(static_cast<double>(number), filling * static_cast<double>(exponent.size()), allowed) << "case " << i;
  }
}

TEST(Occupation, FugacityIsFoundInsideAGap) {
  // Two of four modes are full: the e^{-(300 - log z)} particles above the gap equal the e^{-(400 + log z)} holes below
  // it.
  EXPECT_NEAR(log_fugacity_at(std::vector{-500.0, 300.0, -400.0, 700.0}, 2.0), -50.0, 1e-13);
  EXPECT_NEAR(log_fugacity_at(std::vector{-500.0, 300.0, -400.0, 700.0}, 2.0, 200.0), -50.0, 1e-13);
  // With 0.01 more particles the third mode has the occupation 0.01.
  EXPECT_NEAR(log_fugacity_at(std::vector{-500.0, 300.0, -400.0, 700.0}, 2.01), 300.0 - std::log(99.0), 1e-12);
}

TEST(ModeState, ReturnsTheMultipliersItWasMadeOf) {
  // 1 - n is stored where n > 1/2, so lambda = -200 is preserved.
  const std::vector<double> lambda = {0.0, 0.5, -0.5, 30.0, -30.0, 200.0, -200.0, 700.0, -700.0};
  for (const auto& state : {ModeState::of_occupations(lambda), ModeState::of_multipliers(lambda)}) {
    std::vector<double> back(lambda.size()), particles(lambda.size()), holes(lambda.size());
    state.lagrange_multiplier(back);
    state.split(particles, holes);
    for (std::size_t s = 0; s < lambda.size(); ++s) {
      EXPECT_NEAR(back[s], lambda[s], 1e-15 * (1.0 + std::fabs(lambda[s])));
      EXPECT_NEAR(particles[s], static_cast<double>(reference::occupation(lambda[s])), 4e-16 * particles[s]);
      EXPECT_NEAR(holes[s], static_cast<double>(reference::hole(lambda[s])), 4e-16 * holes[s]);
    }
  }
}

TEST(ModeState, ReorientingChangesTheStorageNotTheState) {
  using enum Stored;
  ModeState state{{0.75, 0.25, 0.75, 0.5, 0.75}, {particles, particles, holes, holes, multiplier}};
  state.reorient();
  EXPECT_EQ(state.value, (std::vector<double>{0.25, 0.25, 0.25, 0.5, 0.75}));
  EXPECT_EQ(state.stored, (std::vector<Stored>{holes, particles, particles, holes, multiplier}));
}

}  // namespace
}  // namespace lindrift::testing
