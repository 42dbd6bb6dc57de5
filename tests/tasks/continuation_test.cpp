#include "lindrift/tgge/continuation.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "lindrift/tgge/chain.hpp"
#include "lindrift/tgge/rashba.hpp"
#include "support/compare.hpp"
#include "support/random.hpp"

namespace lindrift::testing {
namespace {

SteadyState state_of(std::vector<double> lagrange_multiplier, bool converged = true) {
  SteadyState state;
  state.lagrange_multiplier = std::move(lagrange_multiplier);
  state.converged = converged;
  return state;
}

using Vector = std::vector<double>;

/// The weights are multiples of 1/3, whose rounding costs a few last bits of values of order 10.
void expect_near(const Vector& actual, const Vector& expected, const char* what = "") {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  for (std::size_t i = 0; i < actual.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 1e-13) << what << i;
}

TEST(Continuation, IsExactOnAStraightLine) {
  const auto line = [](double x) { return Vector{1.0 + 2.0 * x, -3.0 * x, 0.5}; };
  Continuation along;
  EXPECT_TRUE(along.start(0.0).empty());
  along.add(1.0, state_of(line(1.0)));
  EXPECT_EQ(along.start(7.0), line(1.0));
  along.add(2.0, state_of(line(2.0)));
  // Equal steps, unequal ones, steps back to between the two states, and beyond them.
  for (const double x : {3.0, 2.25, 4.0, 1.5, 1.0}) EXPECT_EQ(along.start(x), line(x)) << x;
  // At most two steps forward and one back; no change where the parameter did not move.
  EXPECT_EQ(along.start(100.0), line(4.0));
  EXPECT_EQ(along.start(-100.0), line(1.0));
  EXPECT_EQ(along.start(2.0), line(2.0));
  along.add(3.5, state_of(line(3.5)));
  expect_near(along.start(5.0), line(5.0), "the last ones count");
  along.add(3.5, state_of(line(5.0)));
  EXPECT_EQ(along.start(5.0), line(5.0)) << "the step before was none";
}

TEST(Continuation, IsExactOnAParabolaThroughThreeInARow) {
  const auto parabola = [](double x) { return Vector{1.0 + 2.0 * x - 0.5 * x * x, x * x}; };
  const auto from = [&](std::initializer_list<double> found) {
    Continuation along;
    for (const double x : found) along.add(x, state_of(parabola(x)));
    return along;
  };
  // For equal steps and unequal ones, the parabola is recovered.
  for (const double x : {4.0, 3.5, 4.5}) expect_near(from({1.0, 2.0, 3.0}).start(x), parabola(x));
  expect_near(from({0.0, 2.0, 3.0}).start(4.0), parabola(4.0));
  expect_near(from({-4.0, -2.0, 0.0}).start(2.0), parabola(2.0));
  // A straight line where the three do not lie in a row with similar steps: a turn, a long earlier step. A step back
  // stays exact.
  const Vector line = {parabola(3.0)[0] + (parabola(3.0)[0] - parabola(2.0)[0]),
                       parabola(3.0)[1] + (parabola(3.0)[1] - parabola(2.0)[1])};
  expect_near(from({5.0, 2.0, 3.0}).start(4.0), line);
  expect_near(from({-4.0, 2.0, 3.0}).start(4.0), line);
  expect_near(from({1.0, 2.0, 3.0}).start(2.0), parabola(2.0));
}

TEST(Continuation, FollowsAComplexParameter) {
  Continuation along;
  along.add({1.0, 0.0}, state_of({0.0}));
  along.add({1.0, 1.0}, state_of({1.0}));
  EXPECT_EQ(along.start({1.0, 1.5}), Vector{1.5});
  EXPECT_EQ(along.start({1.5, 1.5}), Vector{1.5}) << "what goes on in the same direction";
  EXPECT_EQ(along.start({3.0, 1.0}), Vector{1.0}) << "none of it";
  Continuation bent;
  bent.add({3.0, -1.0}, state_of({7.0}));
  bent.add({1.0, 0.0}, state_of({0.0}));
  bent.add({1.0, 1.0}, state_of({1.0}));
  EXPECT_EQ(bent.start({1.0, 2.0}), Vector{2.0}) << "no parabola around a corner";
}

TEST(Continuation, StartsFromFiniteSolutionsOnly) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const std::vector<SteadyState> useless = {state_of({1.0, infinity}), state_of({-infinity, 0.0}),
                                            state_of({std::nan(""), 0.0}), state_of({1.0, 2.0}, false)};
  for (const SteadyState& state : useless) {
    Continuation along;
    along.add(0.0, state_of({1.0, 1.0}));
    along.add(1.0, state);
    EXPECT_TRUE(along.start(2.0).empty());
    along.add(2.0, state_of({5.0, 6.0}));
    EXPECT_EQ(along.start(3.0), (Vector{5.0, 6.0})) << "nothing from before the gap";
  }
  Continuation along;
  along.add(0.0, state_of({1.0}));
  along.forget();
  EXPECT_TRUE(along.start(1.0).empty());
}

/// Random steady states along a line, started cold and from the previous ones: the same states in fewer steps.
template <class Model, class Move>
void expect_agreement(const Model& model, double first, double last, const Move& move) {
  constexpr int count = 25;
  Continuation along;
  std::int64_t cold_steps = 0, warm_steps = 0;
  for (int i = 0; i < count; ++i) {
    const double parameter = first + (last - first) * i / (count - 1);
    Model here = model;
    move(here, parameter);
    const RateEquation equation = make_rate_equation(here, {.backend = Backend::cpu});
    const SteadyState cold = steady_state(equation, 0.4);
    const SteadyState warm = steady_state(equation, 0.4, {.start = along.start(parameter)});
    along.add(parameter, warm);
    EXPECT_TRUE(cold.converged && warm.converged) << parameter << ": " << warm.message;
    EXPECT_LE(warm.residual, 1e-12) << parameter;
    const double size = 1.0 + largest_magnitude(cold.lagrange_multiplier);
    EXPECT_LE(largest_difference(warm.lagrange_multiplier, cold.lagrange_multiplier), 1e-12 * size) << parameter;
    EXPECT_NEAR(warm.current[0], cold.current[0], 1e-12) << parameter;
    cold_steps += cold.steps;
    warm_steps += warm.steps;
  }
  EXPECT_LT(warm_steps, cold_steps);
}

JumpOperators random_operators(Random& random, int bands) {
  JumpOperators jump;
  for (int c = 0; c < 2; ++c) {
    auto& terms = jump.channels.emplace_back();
    for (int t = 0; t < 3; ++t)
      terms.push_back({{random.integer(-2, 2)},
                       static_cast<int>(random.integer(0, bands - 1)),
                       {random.integer(-2, 2)},
                       static_cast<int>(random.integer(0, bands - 1)),
                       random.complex(1.0)});
  }
  return jump;
}

TEST(Continuation, ChainsAgreeWithColdStarts) {
  Random random(81);
  for (int i = 0; i < 12; ++i) {
    SCOPED_TRACE(i);
    TggeChain chain = random_chain(random, random.integer(8, 60));
    if (i % 3 == 1) chain.bath.spectrum = Spectrum::lorentzian;
    if (i % 3 == 2) chain.bath.spectrum = Spectrum::ohmic;
    if (i % 2 == 1) chain.jump = random_operators(random, 1);
    expect_agreement(chain, 0.2, 20.0, [](TggeChain& here, double beta) { here.bath.inverse_temperature = beta; });
    expect_agreement(chain, 0.0, 0.99,
                     [](TggeChain& here, double fraction) { here.bath.nonequilibrium_fraction = fraction; });
  }
}

TEST(Continuation, TwoBandsAgreeWithColdStarts) {
  Random random(82);
  for (int i = 0; i < 8; ++i) {
    SCOPED_TRACE(i);
    TggeRashba chain;
    chain.sites = random.integer(8, 40);
    chain.rashba_y = random.uniform(0.1, 1.5);
    chain.rashba_z = random.uniform(0.1, 1.5);
    chain.zeeman_field = random.uniform(0.1, 2.0);
    chain.bath.inverse_temperature = random.uniform(0.5, 20.0);
    chain.bath.nonequilibrium_fraction = random.uniform(0.1, 0.9);
    chain.jump = DephasingJump{random.uniform(0.2, 1.0), random.uniform(0.0, 1.0)};
    if (i % 2 == 1) chain.bath.spectrum = Spectrum::lorentzian;
    if (i % 4 >= 2) chain.jump = random_operators(random, 2);
    expect_agreement(chain, 0.1, 2.0, [](TggeRashba& here, double field) { here.zeeman_field = field; });
    expect_agreement(chain, 0.2, 20.0, [](TggeRashba& here, double beta) { here.bath.inverse_temperature = beta; });
  }
}

}  // namespace
}  // namespace lindrift::testing
