#include "lindrift/tgge/steady_state.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "data/tgge_chain_steady_states.hpp"
#include "lindrift/error.hpp"
#include "lindrift/tgge/chain.hpp"
#include "support/chains.hpp"
#include "support/compare.hpp"
#include "support/random.hpp"
#include "support/residual.hpp"

namespace lindrift::testing {
namespace {

namespace published = data::tgge_chain_steady_states;

constexpr double infinity = std::numeric_limits<double>::infinity();

class SteadyStateTest : public ::testing::TestWithParam<Algorithm> {
 protected:
  static RateEquation make(const TggeChain& chain) {
    return make_rate_equation(chain, {.backend = Backend::cpu, .algorithm = GetParam()});
  }
};

TggeChain published_chain(std::int64_t sites, double gamma_neq) {
  TggeChain chain = chain_of(published::chain);
  chain.sites = sites;
  chain.bath.nonequilibrium_fraction = gamma_neq;
  chain.bath.equilibrium_fraction = 1.0 - gamma_neq;
  return chain;
}

/// Without a thermal bath lambda_q = log(|g_q|^2 / |f_q|^2) - log z, with z from the number of particles, by bisection.
std::vector<double> driven_only(const Tables& tables, double filling) {
  long double low = -2000.0L, high = 2000.0L;
  std::vector<double> lambda;
  for (int i = 0; i < 120; ++i) {
    const long double log_z = 0.5L * (low + high);
    long double number = 0.0L;
    lambda.clear();
    for (std::size_t s = 0; s < tables.in.size(); ++s) {
      const long double exponent =
          std::log(static_cast<long double>(tables.out[s])) - std::log(static_cast<long double>(tables.in[s])) - log_z;
      lambda.push_back(static_cast<double>(exponent));
      number += reference::occupation(exponent);
    }
    (number < static_cast<long double>(filling) * static_cast<long double>(tables.in.size()) ? low : high) = log_z;
  }
  return lambda;
}

TEST_P(SteadyStateTest, MultipliersAndCurrentsArePublishedOnes) {
  // The stored values are accurate to 1e-13; 1e-11 is guaranteed.
  for (std::size_t i = 0; i < published::gamma_neq.size(); ++i) {
    const double gamma_neq = published::gamma_neq[i];
    SCOPED_TRACE(::testing::Message() << "gamma_neq = " << gamma_neq);
    for (const auto& [sites, expected] : {std::pair{20, &published::current_20}, {100, &published::current_100}}) {
      const SteadyState state = steady_state(make(published_chain(sites, gamma_neq)), published::filling);
      EXPECT_TRUE(state.converged) << state.message;
      EXPECT_NEAR(state.current[0], (*expected)[i], 1e-11) << sites;
    }
  }
  for (std::size_t i = 0; i < published::multiplier_gamma_neq.size(); ++i) {
    const SteadyState state =
        steady_state(make(published_chain(20, published::multiplier_gamma_neq[i])), published::filling);
    EXPECT_LE(largest_difference(state.lagrange_multiplier, published::lagrange_multiplier[i]), 1e-11)
        << "gamma_neq = " << published::multiplier_gamma_neq[i];
  }
}

TEST_P(SteadyStateTest, CurrentsOfOtherFillingsArePublishedOnes) {
  for (std::size_t i = 0; i < published::fillings.size(); ++i) {
    const SteadyState state = steady_state(make(published_chain(20, 0.5)), published::fillings[i]);
    EXPECT_NEAR(state.current[0], published::filling_current[i], 1e-11) << "filling " << published::fillings[i];
  }
}

TEST_P(SteadyStateTest, KeyCurrentsOfTheLargeChain) {
  // Written out to ten digits: half a unit in the last place is 5e-11.
  const std::pair<double, double> table[] = {
      {0.0, 0.0},           {0.1, 0.0106200950},  {0.2, 0.0186035915},   {0.3, 0.0250524139}, {0.4, 0.0304862425},
      {0.5, 0.0351936624},  {0.6, 0.0393534186},  {0.7, 0.0430846727},   {0.8, 0.0464711801}, {0.9, 0.0495742082},
      {0.95, 0.0510343160}, {0.99, 0.0521630066}, {0.999, 0.0524123880}, {1.0, 0.0524399960}};
  for (const auto& [gamma_neq, expected] : table)
    EXPECT_NEAR(steady_state(make(published_chain(100, gamma_neq)), 0.5).current[0], expected, 5.1e-11) << gamma_neq;
  const std::pair<double, double> fillings[] = {
      {0.1, -0.0325585833}, {0.25, -0.0390914599}, {0.3, -0.0299479568}, {0.7, 0.0810611560}, {0.9, 0.0481701002}};
  for (const auto& [filling, expected] : fillings)
    EXPECT_NEAR(steady_state(make(published_chain(20, 0.5)), filling).current[0], expected, 5.1e-11) << filling;
}

TEST_P(SteadyStateTest, RandomChainsConvergeInAFewSteps) {
  Random random(71);
  double worst_residual = 0.0, worst_reference = 0.0, worst_number = 0.0;
  std::int64_t most_steps = 0, all_steps = 0;
  constexpr int cases = 300;
  for (int i = 0; i < cases; ++i) {
    TggeChain chain = random_chain(random, random.integer(3, 50));
    chain.bath.inverse_temperature = random.uniform(0.0, 100.0) / chain.hopping;
    chain.bath.nonequilibrium_fraction = random.uniform(0.0, 1.0);
    // The ends of the ranges as often as values inside.
    if (i % 10 == 0) chain.bath.nonequilibrium_fraction = 0.0;
    if (i % 10 == 1) chain.bath.nonequilibrium_fraction = 1.0;
    if (i % 10 == 2) chain.bath.inverse_temperature = 0.0;
    if (i % 10 == 3) chain.bath.nonequilibrium_fraction = 1.0 - 1e-6;
    chain.bath.equilibrium_fraction.reset();
    const double filling = random.uniform(0.1, 0.9);
    SCOPED_TRACE(::testing::Message() << "case " << i << ": L = " << chain.sites
                                      << ", beta J = " << chain.bath.inverse_temperature * chain.hopping
                                      << ", gamma_neq = " << chain.bath.nonequilibrium_fraction << ", filling "
                                      << filling);

    const SteadyState state = steady_state(make(chain), filling);

    EXPECT_TRUE(state.converged) << state.message;
    EXPECT_LE(state.residual, 1e-12);
    EXPECT_LE(state.steps, 15);
    const double reference = reference_residual(reference::problem_of(reference_of(chain)), state.lagrange_multiplier);
    EXPECT_LE(reference, 1e-12) << "the residual in extended precision";
    const double number = filling * static_cast<double>(chain.sites);
    EXPECT_NEAR(state.particle_number, number, 1e-13 * static_cast<double>(chain.sites));
    EXPECT_LE(std::fabs(state.log_fugacity), 1e-11);
    worst_residual = std::max(worst_residual, state.residual);
    worst_reference = std::max(worst_reference, reference);
    worst_number = std::max(worst_number, std::fabs(state.particle_number / number - 1.0));
    most_steps = std::max(most_steps, state.steps);
    all_steps += state.steps;
  }
  RecordProperty("worst_residual", std::to_string(worst_residual * 1e15) + "e-15");
  RecordProperty("worst_reference_residual", std::to_string(worst_reference * 1e15) + "e-15");
  RecordProperty("worst_number", std::to_string(worst_number * 1e15) + "e-15");
  RecordProperty("most_steps", static_cast<int>(most_steps));
  RecordProperty("mean_steps", std::to_string(static_cast<double>(all_steps) / cases));
}

TEST_P(SteadyStateTest, ExtremelyColdBathsAreHarmless) {
  for (const double beta : {300.0, 1000.0, 3000.0}) {
    for (const std::int64_t sites : {8, 10, 21, 64}) {
      for (const double gamma_neq : {0.0, 0.3, 0.999}) {
        SCOPED_TRACE(::testing::Message() << "beta J = " << beta << ", L = " << sites << ", gamma_neq = " << gamma_neq);
        TggeChain chain = published_chain(sites, gamma_neq);
        chain.bath.inverse_temperature = beta;
        const SteadyState state = steady_state(make(chain), 0.5);
        EXPECT_TRUE(state.converged) << state.message;
        // Multipliers of size beta J have an error of beta J * 1e-16, which is the imbalance.
        EXPECT_LE(state.residual, 1e-15 * std::max(1000.0, beta));
        EXPECT_LE(reference_residual(reference::problem_of(reference_of(chain)), state.lagrange_multiplier),
                  1e-15 * std::max(1000.0, beta));
        EXPECT_GT(largest_magnitude(state.lagrange_multiplier), 0.8 * beta);
      }
    }
  }
}

TEST_P(SteadyStateTest, ThermalBathAloneGivesTheThermalState) {
  // lambda = beta (E - mu) at every filling, and no current.
  Random random(72);
  for (const std::int64_t sites : {1, 2, 3, 10, 33}) {
    TggeChain chain = random_chain(random, sites);
    chain.bath.nonequilibrium_fraction = 0.0;
    const RateEquation equation = make(chain);
    const double mu = random.uniform(-2.0, 2.0);
    std::vector<double> expected;
    double number = 0.0;
    for (const double energy : equation.bands.energy) {
      expected.push_back(chain.bath.inverse_temperature * (energy - mu));
      number += static_cast<double>(reference::occupation(expected.back()));
    }
    SteadyStateOptions options;
    options.start = random.vector(expected.size(), -3.0, 3.0);
    const SteadyState state = steady_state(equation, number / static_cast<double>(sites), options);
    EXPECT_TRUE(state.converged) << state.message;
    EXPECT_LE(largest_difference(state.lagrange_multiplier, expected), 1e-12);
    EXPECT_NEAR(state.current[0], 0.0, 1e-14);
  }
}

TEST_P(SteadyStateTest, DrivingBathAloneHasAClosedForm) {
  Random random(73);
  for (const std::int64_t sites : {1, 2, 3, 16, 49}) {
    for (const double filling : {0.05, 0.5, 0.83}) {
      TggeChain chain = random_chain(random, sites);
      chain.bath.equilibrium_fraction = 0.0;
      const SteadyState state = steady_state(make(chain), filling);
      EXPECT_TRUE(state.converged) << state.message;
      EXPECT_LE(largest_difference(state.lagrange_multiplier, driven_only(Tables(chain), filling)), 1e-12)
          << "L = " << sites << ", filling " << filling;
    }
  }
}

TEST_P(SteadyStateTest, ModesThatOnlyLoseAreEmptyAndModesThatOnlyGainAreFull) {
  // delta = delta' = 1, even L: f(-pi) = 0 and g(0) = 0. The other modes share the remaining particles.
  for (const std::int64_t sites : {4, 20, 50}) {
    for (const double filling : {0.5, 0.7}) {
      SCOPED_TRACE(::testing::Message() << "L = " << sites << ", filling " << filling);
      TggeChain chain;
      chain.sites = sites;
      chain.bath.nonequilibrium_fraction = 1.0;
      chain.jump = RamanJump{1.0, 1.0};
      const SteadyState state = steady_state(make(chain), filling);
      EXPECT_TRUE(state.converged) << state.message;
      const auto middle = static_cast<std::size_t>(sites / 2);
      ASSERT_EQ(state.lagrange_multiplier[0], infinity);
      ASSERT_EQ(state.lagrange_multiplier[middle], -infinity);
      EXPECT_EQ(state.occupation[0], 0.0);
      EXPECT_EQ(state.occupation[middle], 1.0);
      EXPECT_NEAR(state.particle_number, filling * static_cast<double>(sites), 1e-12);
      EXPECT_LE(state.residual, 1e-13);
      EXPECT_NEAR(state.current[0], 0.0, 1e-14) << "delta is real";
      // Differences of the closed form over the free modes: |g|^2/|f|^2 = tan(q/2)^2.
      for (std::size_t s = 1; s < middle; ++s) {
        const double q = 2.0 * std::numbers::pi * (static_cast<double>(s) - static_cast<double>(middle)) /
                         static_cast<double>(sites);
        EXPECT_NEAR(state.lagrange_multiplier[s] - state.lagrange_multiplier[1],
                    2.0 * std::log(std::fabs(std::tan(0.5 * q))) -
                        2.0 * std::log(std::fabs(std::tan(std::numbers::pi / static_cast<double>(sites) *
                                                          (1.0 - static_cast<double>(middle))))),
                    1e-12);
      }
    }
  }
}

TEST_P(SteadyStateTest, FullModesThatHoldTooMuchAreReportedNotForced) {
  // One full mode of four holds 1 particle, but filling 0.2 means 0.8 particles.
  TggeChain chain;
  chain.sites = 4;
  chain.bath.nonequilibrium_fraction = 1.0;
  chain.jump = RamanJump{1.0, 1.0};
  const SteadyState state = steady_state(make(chain), 0.2);
  EXPECT_FALSE(state.converged);
  EXPECT_FALSE(state.message.empty());
}

TEST_P(SteadyStateTest, ThermalBathUnfreezesEveryMode) {
  TggeChain chain;
  chain.sites = 20;
  chain.bath.nonequilibrium_fraction = 1.0;
  chain.bath.equilibrium_fraction = 1e-8;
  chain.jump = RamanJump{1.0, 1.0};
  const SteadyState state = steady_state(make(chain), 0.5);
  EXPECT_TRUE(state.converged) << state.message;
  EXPECT_LE(state.residual, 1e-12);
  for (const double lambda : state.lagrange_multiplier) EXPECT_TRUE(std::isfinite(lambda));
  // Only the thermal bath fills k = -pi and empties k = 0: multipliers of the order of log(1e8).
  EXPECT_GT(state.lagrange_multiplier[0], 10.0);
  EXPECT_LT(state.lagrange_multiplier[10], -10.0);
}

TEST_P(SteadyStateTest, ModesThatNeitherGainNorLoseKeepTheirMultiplier) {
  // f(0) = g(0) = 0: k = 0 is frozen.
  TggeChain chain;
  chain.sites = 6;
  chain.bath.nonequilibrium_fraction = 1.0;
  chain.jump = RamanJump{-1.0, 1.0};
  const std::vector<double> initial = {0.1, 0.2, -0.3, 1.7, 0.0, 0.4};
  double number = 0.0;
  for (const double lambda : initial) number += 1.0 / (1.0 + std::exp(lambda));
  const SteadyState state = steady_state(make(chain), initial);
  EXPECT_TRUE(state.converged) << state.message;
  EXPECT_EQ(state.lagrange_multiplier[3], 1.7);
  EXPECT_EQ(state.frozen_modes, 1);
  EXPECT_EQ(state.components, 2);
  EXPECT_NEAR(state.particle_number, number, 1e-13);
  EXPECT_LE(state.residual, 1e-13);
  // |f| = |g| everywhere else, so all other modes have the same value.
  for (const std::size_t s : {1U, 2U, 4U, 5U})
    EXPECT_NEAR(state.lagrange_multiplier[s], state.lagrange_multiplier[0], 1e-12);
}

TEST_P(SteadyStateTest, OneAndTwoSites) {
  Random random(74);
  for (const double filling : {0.01, 0.5, 0.9}) {
    const SteadyState one = steady_state(make(random_chain(random, 1)), filling);
    EXPECT_TRUE(one.converged) << one.message;
    EXPECT_NEAR(one.lagrange_multiplier[0], std::log((1.0 - filling) / filling), 1e-12);
    EXPECT_EQ(one.current[0], 0.0);

    const TggeChain chain = random_chain(random, 2);
    const SteadyState two = steady_state(make(chain), filling);
    EXPECT_TRUE(two.converged) << two.message;
    EXPECT_NEAR(two.particle_number, 2.0 * filling, 1e-14);
    EXPECT_LE(reference_residual(reference::problem_of(reference_of(chain)), two.lagrange_multiplier), 1e-14);
    EXPECT_EQ(two.current[0], 0.0) << "neither -pi nor 0 moves";
  }
}

TEST_P(SteadyStateTest, StateDoesNotDependOnTheStart) {
  Random random(75);
  for (int i = 0; i < 20; ++i) {
    const TggeChain chain = random_chain(random, 24, 10.0);
    const RateEquation equation = make(chain);
    const SteadyState expected = steady_state(equation, 0.4);
    SteadyStateOptions options;
    options.start = random.vector(24, -20.0, 20.0);
    const SteadyState state = steady_state(equation, 0.4, options);
    EXPECT_TRUE(state.converged) << state.message;
    EXPECT_LE(largest_difference(state.lagrange_multiplier, expected.lagrange_multiplier), 1e-11);
  }
}

TEST_P(SteadyStateTest, SameBitsOnEveryRunAndForAnyNumberOfThreads) {
  Random random(76);
  const TggeChain chain = random_chain(random, 300, 10.0);
  std::vector<double> first;
  for (const int threads : {1, 1, 2, 3, 7}) {
    const auto state = steady_state(
        make_rate_equation(chain, {.backend = Backend::cpu, .algorithm = GetParam(), .threads = threads}), 0.4);
    if (first.empty()) first = state.lagrange_multiplier;
    EXPECT_TRUE(same_bits(state.lagrange_multiplier, first)) << threads << " threads";
  }
}

TEST_P(SteadyStateTest, TooFewStepsAreAResult) {
  SteadyStateOptions options;
  options.max_steps = 1;
  TggeChain chain = published_chain(20, 0.9);
  chain.bath.inverse_temperature = 10.0;
  const SteadyState state = steady_state(make(chain), 0.3, options);
  EXPECT_FALSE(state.converged);
  EXPECT_EQ(state.steps, 1);
  EXPECT_NE(state.message.find("solver.max_steps = 1 "), std::string::npos) << state.message;
  EXPECT_GT(state.residual, options.tolerance);
  EXPECT_EQ(state.lagrange_multiplier.size(), 20U);
}

TEST_P(SteadyStateTest, WhateverElseIsLeftTheNumberIsTheConservedOne) {
  // The number is one of the equations of Newton's method, which a loose tolerance or few steps may stop early.
  for (const std::int64_t max_steps : {1, 2, 3, 20})
    for (const double beta : {2.0, 20.0, 90.0, 300.0})
      for (const double filling : {1e-30, 1e-12, 0.1, 0.3, 0.9, 1.0 - 1e-9}) {
        TggeChain chain;
        chain.sites = 64;
        chain.bath.inverse_temperature = beta;
        chain.bath.nonequilibrium_fraction = 0.5;
        SteadyStateOptions options;
        options.tolerance = 1e-2;
        options.max_steps = max_steps;
        const SteadyState state = steady_state(make(chain), filling, options);
        const double number = 64.0 * filling, holes = 64.0 * (1.0 - filling);
        if (!state.converged) continue;
        EXPECT_LE(std::fabs(state.particle_number - number), 1e-13 * std::min(number, 1.0 + holes))
            << max_steps << " steps, beta " << beta << ", filling " << filling;
      }
}

TEST_P(SteadyStateTest, NearlyEmptyAndNearlyFullChainsConverge) {
  // Even if every n or 1-n is 1 to rounding, the range of the multipliers must be known.
  for (const double filling : {1e-30, 1e-18, 1.0 - 1e-9}) {
    TggeChain chain;
    chain.sites = 5;
    chain.hopping = 0.1;
    chain.bath.inverse_temperature = 2.0;
    chain.bath.nonequilibrium_fraction = 0.5;
    chain.jump = RamanJump{0.3, 0.2};
    const SteadyState state = steady_state(make(chain), filling);
    EXPECT_TRUE(state.converged) << filling << ": " << state.message;
    EXPECT_LE(state.steps, 15) << filling;
    EXPECT_NEAR(state.particle_number / (5.0 * filling), 1.0, 1e-13);
  }
  // An extremely weak thermal bath: its rates alone would leave the range of a double.
  TggeChain chain;
  chain.sites = 16;
  chain.bath.inverse_temperature = 20.0;
  chain.bath.nonequilibrium_fraction = 0.0;
  chain.bath.equilibrium_fraction = 1e-290;
  const SteadyState state = steady_state(make(chain), 1e-12);
  EXPECT_TRUE(state.converged) << state.message;
}

TEST_P(SteadyStateTest, LargeChains) {
  const std::int64_t sites = GetParam() == Algorithm::direct ? 1001 : 100000;
  const SteadyState state = steady_state(make(published_chain(sites, 0.5)), 0.5);
  EXPECT_TRUE(state.converged) << state.message;
  EXPECT_LE(state.residual, 1e-12);
  EXPECT_LE(state.steps, 15);
  // Convergence in L is spectral: from 40 sites on the current per site is that of the infinite chain.
  EXPECT_NEAR(state.current[0], 0.0351936624472004, 1e-13);
}

INSTANTIATE_TEST_SUITE_P(BothAlgorithms, SteadyStateTest, ::testing::Values(Algorithm::direct, Algorithm::separable),
                         [](const auto& instance) { return std::string(name(instance.param)); });

TEST(SteadyStateRange, ArgumentsOutOfRangeAreRefused) {
  TggeChain chain;
  chain.sites = 5;
  const RateEquation equation = make_rate_equation(chain, {.backend = Backend::cpu});
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double filling : {0.0, 1.0, -0.1, 1.1, nan})
    EXPECT_THROW(steady_state(equation, filling), ParameterError) << filling;
  for (const double tolerance : {0.0, 9e-14, 2e-2, nan}) {
    SteadyStateOptions options;
    options.tolerance = tolerance;
    EXPECT_THROW(steady_state(equation, 0.5, options), ParameterError) << tolerance;
  }
  SteadyStateOptions options;
  options.start.assign(4, 0.0);
  EXPECT_THROW(steady_state(equation, 0.5, options), ShapeError);
}

}  // namespace
}  // namespace lindrift::testing
