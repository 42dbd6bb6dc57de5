// Relaxation to low temperatures, where rates differ by e^{2 beta J} and more.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "data/tgge_cold_relaxation.hpp"
#include "lindrift/tgge/chain.hpp"
#include "lindrift/tgge/rashba.hpp"
#include "lindrift/tgge/relax.hpp"
#include "lindrift/tgge/steady_state.hpp"
#include "support/chains.hpp"
#include "support/compare.hpp"
#include "support/two_bands.hpp"

namespace lindrift::testing {
namespace {

namespace cold = data::tgge_cold_relaxation;

TggeRashba rashba_of(const cold::TwoBand& data) {
  TggeRashba chain;
  chain.sites = data.sites;
  chain.hopping = data.hopping;
  chain.zeeman_field = data.zeeman_field;
  chain.rashba_y = data.rashba_y;
  chain.rashba_z = data.rashba_z;
  chain.bath.coupling = data.coupling;
  chain.bath.inverse_temperature = data.inverse_temperature;
  chain.bath.nonequilibrium_fraction = data.gamma_neq;
  chain.bath.equilibrium_fraction = data.gamma_eq;
  chain.jump = DephasingJump{data.dephasing_up, data.dephasing_down};
  return chain;
}

/// Holds for every trajectory: n and 1-n are consistent and in [0, 1], and the number of particles is conserved.
void expect_sound(const RelaxResult& result, std::span<const double> start) {
  ASSERT_TRUE(result.converged) << result.message;
  const std::size_t modes = start.size();
  const double number = static_cast<double>(sum(occupations_of(start).particles));
  for (std::size_t i = 0; i < result.times.size(); ++i) {
    // The rounding errors of the steps add up randomly.
    EXPECT_NEAR(result.particle_number[i], number,
                1e-14 * static_cast<double>(modes) + 2.2e-16 * std::sqrt(static_cast<double>(result.steps)))
        << "t = " << result.times[i];
    for (std::size_t s = 0; s < modes; ++s) {
      EXPECT_TRUE(std::isfinite(result.lagrange_multiplier[i * modes + s]));
      EXPECT_GE(result.occupation[i * modes + s], 0.0);
      EXPECT_LE(result.occupation[i * modes + s], 1.0);
    }
  }
}

class ColdRelaxation : public ::testing::TestWithParam<Algorithm> {
 protected:
  template <class Model>
  static RateEquation make(const Model& model) {
    return make_rate_equation(model, {.backend = Backend::cpu, .algorithm = GetParam()});
  }

  template <class Data, class Model>
  static double error_over_tolerance(const Data& data, const Model& model, double tolerance) {
    SCOPED_TRACE(data.name);
    RelaxOptions options;
    options.tolerance = tolerance;
    options.integrator = Integrator::bdf;
    const auto result = relax(make(model), data.start, data.times, options);
    expect_sound(result, data.start);
    if (!result.converged) return std::numeric_limits<double>::infinity();
    const std::size_t modes = data.start.size();
    // With exactly equal numbers of particles and holes, as from lambda = 0 in an even number of modes, they recombine
    // until only rounding of the initial state is left. Only the end of that process, when slower modes join, is well
    // defined.
    const bool recombines = modes % 2 == 0 && largest_magnitude(data.start) == 0.0;
    double worst = 0.0, largest = 0.0;
    for (std::size_t i = 0; i < data.times.size(); ++i) {
      const auto& expected = data.lagrange_multiplier[i];
      largest = std::max(largest, largest_magnitude(expected));
      for (std::size_t s = 0; s < modes; ++s) {
        if (recombines && i + 1 < data.times.size() && std::fabs(expected[s]) > -std::log(tolerance)) continue;
        worst = std::max(worst, std::fabs(result.lagrange_multiplier[i * modes + s] - expected[s]));
      }
      EXPECT_LE(worst, tolerance * largest_magnitude(data.lagrange_multiplier.back())) << "t = " << data.times[i];
      // Occupations must meet the tolerance itself.
      for (std::size_t s = 0; s < modes; ++s)
        EXPECT_NEAR(result.occupation[i * modes + s],
                    static_cast<double>(reference::occupation(data.lagrange_multiplier[i][s])), tolerance);
    }
    return worst / largest / tolerance;
  }
};

TEST_P(ColdRelaxation, IsThatOfLongArithmetic) {
  double worst = 0.0;
  for (const double tolerance : {1e-6, 1e-10}) {
    for (const auto& data : cold::chains)
      worst = std::max(worst, error_over_tolerance(data, chain_of(data), tolerance));
    for (const auto& data : cold::two_bands)
      worst = std::max(worst, error_over_tolerance(data, rashba_of(data), tolerance));
  }
  RecordProperty("worst_error_over_tolerance", std::to_string(worst));
}

/// Relaxes a model at every temperature and compares the final state with the steady state.
template <class Model>
void expect_steady_states(Model model, Algorithm algorithm, std::span<const double> start, double coldest,
                          std::int64_t max_steps) {
  for (const double beta : {1.0, 10.0, 90.0, 105.0, 120.0, 300.0, coldest}) {
    SCOPED_TRACE(::testing::Message() << "beta J = " << beta << ", L = " << model.sites
                                      << ", gamma_neq = " << model.bath.nonequilibrium_fraction);
    model.bath.inverse_temperature = beta / model.hopping;
    const RateEquation equation = make_rate_equation(model, {.backend = Backend::cpu, .algorithm = algorithm});
    // The slowest rate is about half of coupling J gamma_eq.
    const double unit = 1.0 / (model.bath.coupling * model.hopping * model.bath.effective_equilibrium_fraction());
    const auto result = relax(equation, start, std::vector{0.01 * unit, unit, 200.0 * unit});
    expect_sound(result, start);
    ASSERT_TRUE(result.converged);
    EXPECT_LE(result.steps, max_steps);
    const SteadyState expected = steady_state(equation, start);
    ASSERT_TRUE(expected.converged) << expected.message;
    const std::size_t modes = start.size();
    const std::span lambda(result.lagrange_multiplier.data() + 2 * modes, modes);
    EXPECT_LE(largest_difference(lambda, expected.lagrange_multiplier),
              1e-10 * largest_magnitude(expected.lagrange_multiplier));
    EXPECT_NEAR(result.current[2], expected.current[0], 1e-10);
    EXPECT_LE(result.residual[2], 1e-9);
  }
}

TEST_P(ColdRelaxation, ReachesTheSteadyStateInAsManyStepsHoweverCold) {
  // Not from lambda = 0, from which half of the modes move to either side: see docs/physics.md, section 5.
  Random random(501);
  for (const std::int64_t sites : {10, 11})
    for (const double gamma_neq : {0.0, 0.5}) {
      TggeChain chain;
      chain.sites = sites;
      chain.bath.nonequilibrium_fraction = gamma_neq;
      chain.jump = RamanJump{{0.3, 1.1}, {1.0, -0.4}};
      expect_steady_states(chain, GetParam(), random.vector(static_cast<std::size_t>(sites), -3.0, 3.0), 500.0, 25000);
    }
  for (const std::int64_t sites : {5, 6})
    for (const double gamma_neq : {0.0, 0.5}) {
      TggeRashba chain = random_rashba(random, sites);
      chain.bath.nonequilibrium_fraction = gamma_neq;
      chain.bath.equilibrium_fraction = 0.7;
      expect_steady_states(chain, GetParam(), random.vector(static_cast<std::size_t>(2 * sites), -3.0, 3.0), 200.0,
                           35000);
    }
}

TEST_P(ColdRelaxation, ReachesTheSteadyStateFromEqualOccupationsInOneInterval) {
  // From lambda = 0 the first events are e^{2000} times as fast as the last: steps of the clock become so long that the
  // equations of a step overflow. Only occupations are compared, see docs/physics.md, section 5.
  const auto expect_steady_state = [](const auto& model) {
    SCOPED_TRACE(model.bath.inverse_temperature);
    const RateEquation equation = make(model);
    const std::vector<double> start(equation.modes(), 0.0);
    const RelaxResult result = relax(equation, start, std::vector{1.0});
    expect_sound(result, start);
    EXPECT_LE(result.steps, 45000);
    const SteadyState expected = steady_state(equation, start);
    ASSERT_TRUE(expected.converged) << expected.message;
    for (std::size_t s = 0; s < equation.modes(); ++s)
      EXPECT_NEAR(result.occupation[s], expected.occupation[s], 1e-10) << s;
    EXPECT_NEAR(result.current[0], expected.current[0], 1e-10);
  };
  for (const double beta : {90.0, 1400.0, 5000.0}) {
    TggeChain chain;
    chain.sites = 10;
    chain.bath.nonequilibrium_fraction = 0.5;
    chain.bath.inverse_temperature = beta;
    expect_steady_state(chain);
  }
  TggeRashba chain;
  chain.sites = 10;
  chain.zeeman_field = 1.0;
  chain.rashba_y = 1.1;
  chain.rashba_z = 0.9;
  chain.bath.nonequilibrium_fraction = 0.5;
  chain.bath.inverse_temperature = 550.0;
  expect_steady_state(chain);
}

INSTANTIATE_TEST_SUITE_P(BothAlgorithms, ColdRelaxation, ::testing::Values(Algorithm::direct, Algorithm::separable),
                         [](const auto& instance) { return std::string(name(instance.param)); });

TEST(ColdRelaxationOfOtherBaths, ReachesTheSteadyState) {
  // Every kind of weight and spectrum, for which weight and spectrum are not both of low rank.
  Random random(502);
  std::vector<TggeChain> chains(4);
  for (auto& chain : chains) {
    chain.sites = 7;
    chain.bath.coupling = 0.3;
    chain.bath.nonequilibrium_fraction = 0.4;
  }
  chains[0].bath.spectrum = Spectrum::lorentzian;
  chains[1].bath.spectrum = Spectrum::ohmic;
  chains[2].jump = random_operators(random, 1, 2, 2);
  chains[3].jump = TableJump(random.vector(49, 0.1, 2.0));
  for (TggeChain& chain : chains)
    for (const double beta : {10.0, 100.0, 300.0}) {
      SCOPED_TRACE(::testing::Message() << "bath " << &chain - chains.data() << ", beta J = " << beta);
      chain.bath.inverse_temperature = beta;
      const RateEquation equation = make_rate_equation(chain, {.backend = Backend::cpu});
      const auto start = random.vector(7, -2.0, 2.0);
      RelaxOptions options;
      options.integrator = Integrator::bdf;
      const auto result = relax(equation, start, std::vector{1.0, 3000.0}, options);
      expect_sound(result, start);
      const SteadyState expected = steady_state(equation, start);
      ASSERT_TRUE(expected.converged) << expected.message;
      EXPECT_LE(largest_difference(std::span(result.lagrange_multiplier).last(7), expected.lagrange_multiplier),
                1e-9 * largest_magnitude(expected.lagrange_multiplier));
      EXPECT_LE(result.steps, 30000);
    }
}

TEST(ColdRelaxationRange, WithoutThermalBathEveryComponentKeepsItsNumber) {
  // c+_j - c+_{j+1} vanishes at q = 0: that mode only loses, and its multiplier grows without bound.
  TggeChain chain;
  chain.sites = 10;
  chain.bath.nonequilibrium_fraction = 1.0;
  chain.jump = RamanJump{-1.0, {0.3, 0.5}};
  const RateEquation equation = make_rate_equation(chain, {.backend = Backend::cpu});
  Random random(503);
  const auto start = random.vector(10, -1.0, 1.0);
  RelaxOptions options;
  options.integrator = Integrator::bdf;
  const auto stiff = relax(equation, start, std::vector{1.0, 100.0}, options);
  options.integrator = Integrator::adams;
  const auto mild = relax(equation, start, std::vector{1.0, 100.0}, options);
  expect_sound(stiff, start);
  EXPECT_LE(largest_difference(stiff.lagrange_multiplier, mild.lagrange_multiplier),
            1e-9 * largest_magnitude(mild.lagrange_multiplier));
}

TEST(ColdRelaxationRange, MultipliersBeyondTheRangeOfOccupationsAreKept) {
  // e^{-1500} and its inverse: only the logarithms are in range.
  TggeChain chain;
  chain.sites = 6;
  chain.bath.inverse_temperature = 700.0;
  const RateEquation equation = make_rate_equation(chain, {.backend = Backend::cpu});
  const std::vector<double> start = {1500.0, -3.0, -1500.0, 2.0, 900.0, -900.0};
  const auto result = relax(equation, start, std::vector{1e-300, 1e-3, 1e4});
  expect_sound(result, start);
  const SteadyState expected = steady_state(equation, start);
  ASSERT_TRUE(expected.converged) << expected.message;
  EXPECT_LE(largest_difference(std::span(result.lagrange_multiplier).last(6), expected.lagrange_multiplier), 1e-7);
}

TEST(ColdRelaxationTimes, NothingIsDoneWhereNothingChanges) {
  TggeChain chain;
  chain.sites = 10;
  chain.bath.nonequilibrium_fraction = 0.5;
  const std::vector<double> start(10, 0.0), times = {1e9, 1e11, 1e13, 1e15};
  for (const double beta : {0.5, 2.0, 20.0, 120.0}) {
    SCOPED_TRACE(::testing::Message() << "beta J = " << beta);
    chain.bath.inverse_temperature = beta;
    const RateEquation equation = make_rate_equation(chain, {.backend = Backend::cpu});
    const auto once = relax(equation, start, std::span(times).first(1)), all = relax(equation, start, times);
    expect_sound(all, start);
    EXPECT_LE(all.steps, once.steps + 100);
    EXPECT_NE(all.message.find("nothing changes any more from time 1e+09"), std::string::npos) << all.message;
    EXPECT_LE(largest_difference(std::span(all.lagrange_multiplier).last(10),
                                 steady_state(equation, 0.5).lagrange_multiplier),
              1e-10 * std::max(1.0, 2.0 * beta));
  }
}

TEST(ColdRelaxationTimes, MayBeAsShortAsDoublesAre) {
  TggeChain chain;
  chain.sites = 10;
  const RateEquation equation = make_rate_equation(chain, {.backend = Backend::cpu});
  Random random(504);
  const auto start = random.vector(10, -2.0, 2.0);
  for (const Integrator integrator : {Integrator::automatic, Integrator::adams, Integrator::bdf})
    for (const double time : {1e-320, 1e-200, 1e-150, 1e-90, 1e-20}) {
      SCOPED_TRACE(::testing::Message() << name(integrator) << ", t = " << time);
      RelaxOptions options;
      options.integrator = integrator;
      const auto result = relax(equation, start, std::vector{0.0, time, 2.0 * time}, options);
      ASSERT_TRUE(result.converged) << result.message;
      EXPECT_LE(largest_difference(std::span(result.lagrange_multiplier).last(10), start), 1e-14);
      options.max_steps = 1;
      const auto part = relax(equation, start, std::vector{0.0, time, 2.0 * time}, options);
      EXPECT_FALSE(part.converged);
      EXPECT_NE(part.message.find("did not reach time"), std::string::npos) << part.message;
      EXPECT_NE(part.message.find("e-"), std::string::npos) << part.message;
    }
}

}  // namespace
}  // namespace lindrift::testing
