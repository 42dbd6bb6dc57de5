#include "lindrift/tgge/relax.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "data/tgge_chain_relaxation.hpp"
#include "lindrift/error.hpp"
#include "lindrift/tgge/chain.hpp"
#include "lindrift/tgge/steady_state.hpp"
#include "support/chains.hpp"
#include "support/compare.hpp"
#include "support/random.hpp"

namespace lindrift::testing {
namespace {

namespace published = data::tgge_chain_relaxation;

class RelaxTest : public ::testing::TestWithParam<std::tuple<Algorithm, Integrator>> {
 protected:
  static RateEquation make(const TggeChain& chain) {
    return make_rate_equation(chain, {.backend = Backend::cpu, .algorithm = std::get<0>(GetParam())});
  }
  static RelaxOptions options(double tolerance = 1e-10) {
    RelaxOptions result;
    result.tolerance = tolerance;
    result.integrator = std::get<1>(GetParam());
    return result;
  }
};

std::span<const double> row(const std::vector<double>& rows, std::size_t i, std::size_t modes) {
  return {rows.data() + i * modes, modes};
}

TEST_P(RelaxTest, MultipliersArePublishedOnes) {
  const TggeChain chain = chain_of(published::chain);
  const RateEquation equation = make(chain);
  const auto result = relax(equation, published::lagrange_multiplier[0], published::times, options());
  ASSERT_TRUE(result.converged) << result.message;
  EXPECT_TRUE(result.message.empty());
  for (std::size_t i = 0; i < published::times.size(); ++i)
    EXPECT_LE(largest_difference(row(result.lagrange_multiplier, i, 20), published::lagrange_multiplier[i]), 1e-9)
        << "t = " << published::times[i];
}

TEST_P(RelaxTest, LongTimesReachTheSteadyState) {
  Random random(91);
  for (int i = 0; i < 6; ++i) {
    const TggeChain chain = random_chain(random, 12 + i, 3.0);
    const RateEquation equation = make(chain);
    const auto start = random.vector(equation.modes(), -2.0, 2.0);
    // The slowest rate is about half of coupling J gamma_eq, so e^{-40} remains.
    const double scale = chain.bath.coupling * chain.hopping * chain.bath.effective_equilibrium_fraction();
    const auto result = relax(equation, start, std::vector{80.0 / scale}, options());
    ASSERT_TRUE(result.converged) << result.message;
    const double filling = result.particle_number[0] / static_cast<double>(equation.modes());
    const SteadyState expected = steady_state(equation, filling);
    EXPECT_LE(largest_difference(result.lagrange_multiplier, expected.lagrange_multiplier), 1e-9);
    EXPECT_NEAR(result.current[0], expected.current[0], 1e-9);
    EXPECT_LE(result.residual[0], 1e-9);
  }
}

TEST_P(RelaxTest, ModesMayCrossFromNearlyEmptyToNearlyFullBetweenOutputs) {
  // Starts inverted, at minus half the thermal multipliers: of n and 1 - n, the one that is small for a mode at the
  // start is large at the end, where 1 - n is 2e-7.
  TggeChain chain;
  chain.sites = 11;
  chain.bath.inverse_temperature = 8.0;
  const RateEquation equation = make(chain);
  std::vector<double> start;
  for (const double energy : equation.bands.energy) start.push_back(-0.5 * chain.bath.inverse_temperature * energy);
  const auto result = relax(equation, start, std::vector{2000.0}, options());
  ASSERT_TRUE(result.converged) << result.message;
  const SteadyState expected = steady_state(equation, result.particle_number[0] / 11.0);
  EXPECT_LE(largest_difference(result.lagrange_multiplier, expected.lagrange_multiplier), 1e-9 * 16.0);
}

TEST_P(RelaxTest, OutputsBelongTogether) {
  Random random(92);
  const TggeChain chain = random_chain(random, 9);
  const RateEquation equation = make(chain);
  const auto start = random.vector(9, -2.0, 2.0);
  const std::vector<double> times = {0.0, 0.5, 3.0, 20.0};
  const auto result = relax(equation, start, times, options());
  ASSERT_TRUE(result.converged);
  EXPECT_EQ(result.times, times);
  EXPECT_GT(result.steps, 0);
  EXPECT_GE(result.rate_evaluations, result.steps);
  EXPECT_LE(largest_difference(row(result.lagrange_multiplier, 0, 9), start), 2e-15) << "t = 0 is the start";
  for (std::size_t i = 0; i < times.size(); ++i) {
    const auto lambda = row(result.lagrange_multiplier, i, 9), n = row(result.occupation, i, 9);
    const auto expected = occupations_of(lambda).particles;
    EXPECT_LE(largest_difference(n, expected), 1e-15);
    EXPECT_NEAR(result.particle_number[i], static_cast<double>(sum(n)), 1e-14);
    EXPECT_NEAR(result.current[i], current(equation, n)[0], 1e-16);
    EXPECT_NEAR(result.residual[i], balance_residual(equation, lambda), 1e-16);
  }
}

TEST_P(RelaxTest, NumberOfParticlesStays) {
  Random random(93);
  for (int i = 0; i < 4; ++i) {
    const TggeChain chain = random_chain(random, 40, 5.0);
    const RateEquation equation = make(chain);
    const auto start = random.vector(40, -3.0, 3.0);
    const double number = static_cast<double>(sum(occupations_of(start).particles));
    const auto result = relax(equation, start, std::vector{1.0, 10.0, 100.0, 1000.0}, options());
    ASSERT_TRUE(result.converged) << result.message;
    for (const double n : result.particle_number) EXPECT_NEAR(n / number, 1.0, 1e-12);
    // Accurate to rounding for any tolerance: sums of 40 occupations.
    const auto rough = relax(equation, start, std::vector{1.0, 10.0, 100.0, 1000.0}, options(1e-3));
    for (const double n : rough.particle_number) EXPECT_NEAR(n / number, 1.0, 2e-14);
  }
}

TEST_P(RelaxTest, LaterTimesLeaveEarlierRowsAlone) {
  Random random(94);
  const TggeChain chain = random_chain(random, 10);
  const RateEquation equation = make(chain);
  const auto start = random.vector(10, -2.0, 2.0);
  const auto brief = relax(equation, start, std::vector{1.0, 5.0}, options());
  const auto longer = relax(equation, start, std::vector{1.0, 5.0, 6.0, 90.0}, options());
  const auto again = relax(equation, start, std::vector{1.0, 5.0, 6.0, 90.0}, options());
  EXPECT_TRUE(same_bits(brief.lagrange_multiplier, std::span(longer.lagrange_multiplier).first(20)));
  EXPECT_TRUE(same_bits(longer.lagrange_multiplier, again.lagrange_multiplier));
  EXPECT_TRUE(same_bits(longer.current, again.current));
  EXPECT_EQ(longer.steps, again.steps);
}

TEST_P(RelaxTest, CouplingOnlyRescalesTime) {
  Random random(95);
  TggeChain chain = random_chain(random, 10);
  const auto start = random.vector(10, -2.0, 2.0);
  const auto expected = relax(make(chain), start, std::vector{2.0, 30.0}, options());
  chain.bath.coupling *= 3.0;
  const auto actual = relax(make(chain), start, std::vector{2.0 / 3.0, 10.0}, options());
  EXPECT_LE(largest_difference(actual.lagrange_multiplier, expected.lagrange_multiplier), 1e-9);
  EXPECT_LE(largest_difference(actual.current, expected.current), 1e-10);
  chain.bath.coupling = 0.0;
  const auto still = relax(make(chain), start, std::vector{100.0}, options());
  EXPECT_TRUE(still.converged) << still.message;
  EXPECT_LE(largest_difference(still.lagrange_multiplier, start), 2e-15) << "nothing couples";
}

TEST_P(RelaxTest, OrderOfStatesAndTheirDistanceAreKept) {
  // The flow is cooperative: n <= n' is preserved, sum |n - n'| never increases, and occupations stay in [0, 1].
  Random random(96);
  const std::vector<double> times = {0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0};
  for (int i = 0; i < 4; ++i) {
    const TggeChain chain = random_chain(random, 15);
    const RateEquation equation = make(chain);
    const auto lower = random.vector(15, -4.0, 6.0), other = random.vector(15, -4.0, 4.0);
    auto upper = lower;
    for (double& lambda : upper) lambda -= random.uniform(0.0, 3.0);
    const auto a = relax(equation, lower, times, options()), b = relax(equation, upper, times, options()),
               c = relax(equation, other, times, options());
    double before = 0.0;
    const auto n = occupations_of(lower).particles, m = occupations_of(other).particles;
    for (std::size_t s = 0; s < 15; ++s) before += std::fabs(n[s] - m[s]);
    for (std::size_t t = 0; t < times.size(); ++t) {
      double distance = 0.0;
      for (std::size_t s = 0; s < 15; ++s) {
        const std::size_t j = t * 15 + s;
        EXPECT_LE(a.occupation[j], b.occupation[j] + 1e-10);
        EXPECT_GE(a.occupation[j], 0.0);
        EXPECT_LE(b.occupation[j], 1.0);
        distance += std::fabs(a.occupation[j] - c.occupation[j]);
      }
      EXPECT_LE(distance, before + 1e-9);
      before = distance;
    }
  }
}

TEST_P(RelaxTest, FreeEnergyNeverGrowsInAThermalBath) {
  Random random(97);
  TggeChain chain = random_chain(random, 14);
  chain.bath.nonequilibrium_fraction = 0.0;
  const RateEquation equation = make(chain);
  const auto problem = reference::problem_of(reference_of(chain));
  const auto start = random.vector(14, -4.0, 4.0);
  std::vector<double> times;
  for (int i = 1; i <= 40; ++i) times.push_back(5.0 * i);
  times.push_back(5000.0);
  const auto result = relax(equation, start, times, options());
  ASSERT_TRUE(result.converged);
  long double before = reference::free_energy(problem, extended(start));
  for (std::size_t t = 0; t < times.size(); ++t) {
    const long double now = reference::free_energy(problem, extended(row(result.lagrange_multiplier, t, 14)));
    EXPECT_LE(static_cast<double>(now - before), 1e-9) << "t = " << times[t];
    before = now;
  }
  // At the end lambda - beta E is equal for all modes, and no current flows.
  const auto last = row(result.lagrange_multiplier, times.size() - 1, 14);
  for (std::size_t s = 0; s < 14; ++s)
    EXPECT_NEAR(last[s] - chain.bath.inverse_temperature * equation.bands.energy[s],
                last[0] - chain.bath.inverse_temperature * equation.bands.energy[0], 1e-9);
  EXPECT_NEAR(result.current.back(), 0.0, 1e-10);
}

TEST_P(RelaxTest, TooFewStepsAreAResult) {
  Random random(98);
  const TggeChain chain = random_chain(random, 8);
  const RateEquation equation = make(chain);
  RelaxOptions few = options();
  few.max_steps = options().integrator == Integrator::bdf ? 250 : 60;
  const auto result = relax(equation, random.vector(8, -2.0, 2.0), std::vector{0.01, 1000.0, 2000.0}, few);
  EXPECT_FALSE(result.converged);
  EXPECT_FALSE(result.message.empty());
  EXPECT_LE(result.steps, few.max_steps + 1);
  for (std::size_t s = 0; s < 8; ++s) {
    EXPECT_TRUE(std::isfinite(result.occupation[s])) << "the first time was reached";
    EXPECT_TRUE(std::isnan(result.occupation[8 + s]) && std::isnan(result.occupation[16 + s]));
    EXPECT_TRUE(std::isnan(result.lagrange_multiplier[8 + s]));
  }
  for (const auto* scalars : {&result.current, &result.particle_number, &result.residual}) {
    EXPECT_TRUE(std::isfinite((*scalars)[0]));
    EXPECT_TRUE(std::isnan((*scalars)[1]) && std::isnan((*scalars)[2]));
  }
}

TEST_P(RelaxTest, CallbackCountsAndStops) {
  TggeChain chain;
  chain.sites = 4;
  RelaxOptions stopping = options();
  std::vector<double> done;
  stopping.monitor.progress = [&](double fraction) {
    done.push_back(fraction);
    return fraction < 0.6;
  };
  const auto result = relax(make(chain), std::vector(4, 0.2), std::vector{1.0, 2.0, 3.0}, stopping);
  EXPECT_EQ(done, (std::vector<double>{1.0 / 3.0, 2.0 / 3.0}));
  EXPECT_FALSE(result.converged);
  EXPECT_TRUE(std::isfinite(result.current[1]));
  EXPECT_TRUE(std::isnan(result.current[2]));

  done.clear();
  const auto all = relax(make(chain), std::vector(4, 0.2), std::vector{1.0, 2.0}, stopping);
  EXPECT_TRUE(all.converged) << "nothing was left to do";
}

// bdf with cold baths is tested in cold_relaxation_test.cpp.
TEST_P(RelaxTest, AdamsNamesRatesBeyondTheRangeOfDoubles) {
  if (std::get<1>(GetParam()) != Integrator::adams) GTEST_SKIP() << "bdf integrates logarithms";
  // e^{beta E/2} = e^{800} at the band edge.
  TggeChain chain;
  chain.sites = 8;
  chain.bath.inverse_temperature = 800.0;
  try {
    relax(make(chain), std::vector(8, 0.0), std::vector{1.0}, options());
    FAIL() << "rates of e^{800} were integrated";
  } catch (const NumericalError& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("time"), std::string::npos) << text;
    EXPECT_NE(text.find("momentum"), std::string::npos) << text;
  }
}

INSTANTIATE_TEST_SUITE_P(EveryWay, RelaxTest,
                         ::testing::Combine(::testing::Values(Algorithm::direct, Algorithm::separable),
                                            ::testing::Values(Integrator::adams, Integrator::bdf)),
                         [](const auto& instance) {
                           return std::string(name(std::get<0>(instance.param))) + "_" +
                                  std::string(name(std::get<1>(instance.param)));
                         });

// --- accuracy ---

/// Largest error of a run, relative to the largest value of each dataset.
double relative_error(const RelaxResult& result, const RelaxResult& exact) {
  double largest = 0.0;
  for (const auto member : {&RelaxResult::lagrange_multiplier, &RelaxResult::occupation, &RelaxResult::current,
                            &RelaxResult::particle_number})
    largest = std::max(largest, largest_difference(result.*member, exact.*member) / largest_magnitude(exact.*member));
  return largest;
}

class RelaxToleranceTest : public ::testing::TestWithParam<Integrator> {};

TEST_P(RelaxToleranceTest, ErrorIsBelowTheTolerance) {
  Random random(99);
  double worst = 0.0;
  const int cases = GetParam() == Integrator::bdf ? 24 : 40;
  for (int i = 0; i < cases; ++i) {
    // Mild ones, and stiff ones with beta J = 5 .. 12.
    TggeChain chain = random_chain(random, random.integer(3, 24));
    const bool stiff = i % 3 == 0;
    chain.bath.inverse_temperature =
        random.uniform(stiff ? 5.0 : 0.0, stiff ? (GetParam() == Integrator::bdf ? 12.0 : 7.0) : 5.0) / chain.hopping;
    const RateEquation equation = make_rate_equation(chain, {.backend = Backend::cpu});
    const auto start = random.vector(equation.modes(), -3.0, 3.0);
    const double unit = 1.0 / (chain.bath.coupling * chain.hopping);
    const std::vector<double> times = {0.01 * unit, 0.1 * unit, 0.5 * unit, 1.5 * unit, 5.0 * unit};
    RelaxOptions options;
    options.integrator = GetParam();
    options.tolerance = 4e-12;
    const auto exact = relax(equation, start, times, options);
    ASSERT_TRUE(exact.converged) << exact.message;
    for (const double tolerance : {1e-6, 1e-8, 1e-10}) {
      options.tolerance = tolerance;
      const auto result = relax(equation, start, times, options);
      ASSERT_TRUE(result.converged) << result.message;
      const double error = relative_error(result, exact);
      EXPECT_LE(error, tolerance) << "case " << i << ", L = " << chain.sites
                                  << ", beta J = " << chain.bath.inverse_temperature * chain.hopping;
      worst = std::max(worst, error / tolerance);
    }
  }
  RecordProperty("worst_error_over_tolerance", std::to_string(worst));
}

TEST_P(RelaxToleranceTest, ErrorAgainstExtrapolationInExtendedPrecision) {
  // The other test relies on the integrator at its tightest tolerance; this one relies on nothing from the library.
  Random random(101);
  double worst = 0.0;
  for (int i = 0; i < 6; ++i) {
    const TggeChain chain = random_chain(random, random.integer(3, 10), 3.0);
    const RateEquation equation = make_rate_equation(chain, {.backend = Backend::cpu});
    const auto problem = reference::problem_of(reference_of(chain));
    const auto start = random.vector(equation.modes(), -3.0, 3.0);
    const double time = random.uniform(0.3, 4.0) / (chain.bath.coupling * chain.hopping);
    const auto exact = rounded(reference::trajectory_end(problem, extended(start), time));
    for (const double tolerance : {1e-4, 1e-6, 1e-8, 1e-10, 4e-12}) {
      RelaxOptions options;
      options.integrator = GetParam();
      options.tolerance = tolerance;
      const auto result = relax(equation, start, std::vector{time}, options);
      ASSERT_TRUE(result.converged) << result.message;
      EXPECT_TRUE(result.message.empty()) << result.message;
      const double error = largest_difference(result.lagrange_multiplier, exact) / largest_magnitude(exact);
      EXPECT_LE(error, tolerance) << "case " << i;
      worst = std::max(worst, error / tolerance);
    }
  }
  RecordProperty("worst_error_over_tolerance", std::to_string(worst));
}

TEST(RelaxTolerance, IntegratorsAgree) {
  // Two methods that share only the rates: their difference bounds the error of the runs taken as exact above.
  Random random(100);
  for (int i = 0; i < 8; ++i) {
    const TggeChain chain = random_chain(random, 10, 6.0);
    const RateEquation equation = make_rate_equation(chain, {.backend = Backend::cpu});
    const auto start = random.vector(10, -3.0, 3.0);
    const double unit = 1.0 / (chain.bath.coupling * chain.hopping);
    const std::vector<double> times = {0.05 * unit, 0.5 * unit, 3.0 * unit};
    RelaxOptions options;
    options.tolerance = 4e-12;
    options.integrator = Integrator::adams;
    const auto adams = relax(equation, start, times, options);
    options.integrator = Integrator::bdf;
    const auto bdf = relax(equation, start, times, options);
    EXPECT_LE(relative_error(adams, bdf), 1e-11);
  }
}

TEST_P(RelaxToleranceTest, ErrorIsRelativeToSmallMultipliers) {
  // Hot baths and a nearly uniform start: no multiplier exceeds 0.03, and the tolerance is relative to that.
  Random random(102);
  for (int i = 0; i < 12; ++i) {
    TggeChain chain = random_chain(random, random.integer(3, 20));
    chain.bath.inverse_temperature = random.uniform(0.0, 0.01) / chain.hopping;
    chain.bath.nonequilibrium_fraction = 0.0;
    chain.bath.equilibrium_fraction = 1.0;
    const RateEquation equation = make_rate_equation(chain, {.backend = Backend::cpu});
    // Starting from zero, only the rates show how large the multipliers become.
    const double size = i % 3 == 0 ? 0.0 : random.uniform(0.002, 0.02);
    const auto start = random.vector(equation.modes(), -size, size);
    const double unit = 1.0 / (chain.bath.coupling * chain.hopping);
    const std::vector<double> times = {0.01 * unit, 0.1 * unit, 0.5 * unit, 1.5 * unit, 5.0 * unit};
    RelaxOptions options;
    options.integrator = GetParam();
    options.tolerance = 4e-12;
    const auto exact = relax(equation, start, times, options);
    EXPECT_NE(exact.message.find("promises errors of multipliers below 4e-12"), std::string::npos) << exact.message;
    for (const double tolerance : {1e-4, 1e-6, 1e-8}) {
      options.tolerance = tolerance;
      const auto result = relax(equation, start, times, options);
      ASSERT_TRUE(result.converged) << result.message;
      // Starting from zero no current ever flows, so there is nothing to compare it with.
      EXPECT_LE(largest_difference(result.lagrange_multiplier, exact.lagrange_multiplier),
                tolerance * largest_magnitude(exact.lagrange_multiplier))
          << "case " << i << ", start within " << size;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(BothFamilies, RelaxToleranceTest, ::testing::Values(Integrator::adams, Integrator::bdf),
                         [](const auto& instance) { return std::string(name(instance.param)); });

TEST(RelaxTolerance, WhatCannotBePromisedIsSaid) {
  TggeChain chain;
  chain.sites = 4;
  RelaxOptions options;
  options.tolerance = 1e-13;
  const auto result =
      relax(make_rate_equation(chain, {.backend = Backend::cpu}), std::vector(4, 0.5), std::vector{1.0}, options);
  EXPECT_TRUE(result.converged);
  EXPECT_FALSE(result.message.empty());
}

TEST(RelaxIntegrator, IsChosenByStiffness) {
  TggeChain chain;
  chain.sites = 20;
  const auto mild =
      relax(make_rate_equation(chain, {.backend = Backend::cpu}), std::vector(20, 0.0), std::vector{50.0});
  EXPECT_EQ(mild.integrator, Integrator::adams);
  chain.bath.inverse_temperature = 12.0;
  const auto stiff =
      relax(make_rate_equation(chain, {.backend = Backend::cpu}), std::vector(20, 0.0), std::vector{200.0});
  EXPECT_EQ(stiff.integrator, Integrator::bdf);
  EXPECT_TRUE(stiff.converged);
  EXPECT_LE(stiff.steps, 20000) << "an explicit method would need e^{12} * 10 steps";
}

TEST(RelaxRange, ArgumentsOutOfRangeAreRefused) {
  TggeChain chain;
  chain.sites = 3;
  const RateEquation equation = make_rate_equation(chain, {.backend = Backend::cpu});
  const std::vector<double> start(3, 0.0), times = {1.0};
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
  EXPECT_THROW(relax(equation, std::vector(2, 0.0), times), ShapeError);
  EXPECT_THROW(relax(equation, std::vector(4, 0.0), times), ShapeError);
  EXPECT_THROW(relax(equation, std::vector{0.0, infinity, 0.0}, times), ParameterError);
  EXPECT_THROW(relax(equation, std::vector{0.0, nan, 0.0}, times), ParameterError);
  EXPECT_THROW(relax(equation, start, std::vector<double>{}), ParameterError);
  EXPECT_THROW(relax(equation, start, std::vector{-1.0}), ParameterError);
  EXPECT_THROW(relax(equation, start, std::vector{1.0, 1.0}), ParameterError);
  EXPECT_THROW(relax(equation, start, std::vector{2.0, 1.0}), ParameterError);
  EXPECT_THROW(relax(equation, start, std::vector{infinity}), ParameterError);
  EXPECT_THROW(relax(equation, start, std::vector{nan}), ParameterError);
  for (const double tolerance : {0.0, 9e-14, 1.1e-2, nan}) {
    RelaxOptions options;
    options.tolerance = tolerance;
    EXPECT_THROW(relax(equation, start, times, options), ParameterError) << tolerance;
  }
  RelaxOptions options;
  options.max_steps = 0;
  EXPECT_THROW(relax(equation, start, times, options), ParameterError);
}

}  // namespace
}  // namespace lindrift::testing
