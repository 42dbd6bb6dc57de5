// The explicit time integration of thread blocks, on loops: its order, exact solutions, extrapolation in extended
// precision, and the integrators of the CPU.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "kernels/cpu/engine.hpp"
#include "kernels/tgge/panel_scan.hpp"
#include "kernels/tgge/plain_rates.hpp"
#include "kernels/tgge/relaxation.hpp"
#include "lindrift/tgge/rashba.hpp"
#include "lindrift/tgge/relax.hpp"
#include "support/chains.hpp"
#include "support/compare.hpp"
#include "support/plain_loops.hpp"
#include "support/two_bands.hpp"
#include "tgge/hop_weights.hpp"
#include "tgge/model.hpp"
#include "tgge/tasks/relax_of.hpp"

namespace lindrift::testing {
namespace {

using kernels::Carver, kernels::Index;
namespace tgge = kernels::tgge;

/// With memory that is there before, as in a thread block.
struct BlockLoops : PlainLoops {
  template <class T>
  struct BufferOf {
    T* values = nullptr;
    T* resize(Index) const { return values; }
    T* data() const { return values; }
  };
  using Buffer = BufferOf<double>;
  using IndexBuffer = BufferOf<Index>;
};

/// dn/dt = a n (1-n), whose multipliers are lambda(0) - a t.
struct Logistic {
  std::vector<double> speed;
  void occupation_rate_at(const double* particles, const double* holes, double* rate) const {
    for (std::size_t s = 0; s < speed.size(); ++s) rate[s] = speed[s] * particles[s] * holes[s];
  }
  void relaxation_rate_at(const double*, const double*, double* rate) const {
    for (std::size_t s = 0; s < speed.size(); ++s) rate[s] = std::fabs(speed[s]);
  }
  double imbalance_at(const double*, const double*) const { return 1.0; }
};

std::vector<double> multipliers_of(std::span<const double> state) {
  std::vector<double> lambda;
  for (const double side : state) {
    const double small = std::fabs(side), size = std::log1p(-small) - std::log(small);
    lambda.push_back(side > 0.0 ? size : -size);
  }
  return lambda;
}

/// A Relaxation with its memory.
template <class Engine, class Rates>
struct Integration {
  std::vector<double> work;
  Carver carver;
  tgge::RelaxationMemory memory;
  tgge::Relaxation<Engine, Rates> relaxation;

  Integration(Engine& engine, Rates& rates, std::size_t modes)
      : work(13 * modes, NAN),
        carver{work.data()},
        memory(tgge::RelaxationMemory::from(carver, static_cast<Index>(modes))),
        relaxation(engine, rates, static_cast<Index>(modes), memory) {
    EXPECT_EQ(static_cast<std::size_t>(carver.used), work.size());
  }
};

constexpr tgge::RelaxationLimits limits_of(double tolerance) {
  return {step_tolerance * tolerance, smallest_step_tolerance, stiff_steps, 1e6};
}

TEST(ExplicitRelaxation, StepIsOfOrderEightAndItsErrorEstimateToo) {
  const std::vector<double> start = {0.3, -0.7, 1.9, -2.4, 0.01};
  Logistic rates{{1.0, -1.3, 0.8, 0.9, -0.5}};
  PlainLoops engine;
  double error_before = 0.0, estimate_before = 0.0;
  for (const int steps : {4, 8, 16}) {
    Integration<PlainLoops, Logistic> run(engine, rates, start.size());
    ASSERT_TRUE(run.relaxation.begin(smaller_sides(start).data(), 4.0, limits_of(1e-10)));
    const double estimate = run.relaxation.try_step(1.0 / steps);
    for (int i = 0; i < steps; ++i) {
      run.relaxation.try_step(4.0 / steps);
      run.relaxation.take_step();
    }
    std::vector<double> exact = start;
    for (std::size_t s = 0; s < exact.size(); ++s) exact[s] -= 4.0 * rates.speed[s];
    const double error = largest_difference(multipliers_of({run.memory.state, start.size()}), exact);
    if (steps > 4) {
      EXPECT_NEAR(std::log2(error_before / error), 8.0, 0.7) << error;
      EXPECT_NEAR(std::log2(estimate_before / estimate), 8.0, 0.3) << estimate;
    }
    error_before = error;
    estimate_before = estimate;
  }
}

TEST(ExplicitRelaxation, ModesThatCrossFromNearlyEmptyToNearlyFullKeepTheirDigits) {
  const std::vector<double> start = {30.0, -30.0, 45.0, 2.0};
  Logistic rates{{1.0, -1.0, 1.5, 0.1}};
  kernels::cpu::Engine engine(1, 0, nullptr);
  for (const double tolerance : {1e-6, 1e-8, 1e-10, 4e-12}) {
    Integration<kernels::cpu::Engine, Logistic> run(engine, rates, start.size());
    ASSERT_TRUE(run.relaxation.begin(smaller_sides(start).data(), 60.0, limits_of(tolerance)));
    for (const double time : {7.0, 53.0}) ASSERT_TRUE(run.relaxation.advance(time));
    std::vector<double> exact = start;
    for (std::size_t s = 0; s < exact.size(); ++s) exact[s] -= 60.0 * rates.speed[s];
    // Relative to the largest multiplier, as the tolerance is defined.
    EXPECT_LE(largest_difference(multipliers_of({run.memory.state, start.size()}), exact), 45.0 * tolerance)
        << tolerance;
  }
}

TEST(ExplicitRelaxation, StepsGrowAsTheEighthRootOfTheTolerance) {
  const std::vector<double> start = {6.0, -5.0, 7.0, 2.0};
  Logistic rates{{1.0, -1.1, 1.2, 0.9}};
  PlainLoops engine;
  std::vector<double> steps, errors;
  for (const double tolerance : {1e-3, 1e-5, 1e-7, 1e-9}) {
    Integration<PlainLoops, Logistic> run(engine, rates, start.size());
    ASSERT_TRUE(run.relaxation.begin(smaller_sides(start).data(), 12.0, limits_of(tolerance)));
    ASSERT_TRUE(run.relaxation.advance(12.0));
    std::vector<double> exact = start;
    for (std::size_t s = 0; s < exact.size(); ++s) exact[s] -= 12.0 * rates.speed[s];
    errors.push_back(largest_difference(multipliers_of({run.memory.state, start.size()}), exact));
    steps.push_back(run.relaxation.steps());
  }
  // Six powers of ten: 10^(6/8) = 5.6 times the steps, and errors smaller by six powers.
  EXPECT_NEAR(std::log10(steps.back() / steps.front()), 6.0 / 8.0, 0.15);
  EXPECT_NEAR(std::log10(errors.front() / errors.back()), 6.0, 1.0);
}

TEST(ExplicitRelaxation, GivesBackWhatIsStiffOrOutOfRangeOrTakesTooLong) {
  PlainLoops engine;
  Logistic rates{{1.0, 1e4}};
  const std::vector<double> start = {1.0, 2.0};
  Integration<PlainLoops, Logistic> run(engine, rates, 2);
  EXPECT_FALSE(run.relaxation.begin(smaller_sides(start).data(), 1.0, limits_of(1e-10)));
  EXPECT_TRUE(run.relaxation.begin(smaller_sides(start).data(), 0.4, limits_of(1e-10)));
  rates.speed = {1.0, NAN};
  EXPECT_FALSE(run.relaxation.begin(smaller_sides(start).data(), 1.0, limits_of(1e-10)));
  rates.speed = {1.0, 1.0};
  const std::vector<double> empty = {1.0, 1000.0};
  EXPECT_FALSE(run.relaxation.begin(smaller_sides(empty).data(), 1.0, limits_of(1e-10)));
  tgge::RelaxationLimits few = limits_of(1e-10);
  few.max_steps = 3;
  Integration<PlainLoops, Logistic> stopped(engine, rates, 2);
  ASSERT_TRUE(stopped.relaxation.begin(smaller_sides(start).data(), 20.0, few));
  EXPECT_FALSE(stopped.relaxation.advance(20.0));
  EXPECT_EQ(stopped.relaxation.steps(), 3.0);
  // Rates that grow without bound end in refusals, not in a loop.
  struct Explosion : Logistic {
    void occupation_rate_at(const double* particles, const double*, double* rate) const {
      for (std::size_t s = 0; s < speed.size(); ++s) rate[s] = particles[s] > 0.3 ? NAN : 1.0;
    }
  } explosion{{{1.0, 1.0}}};
  Integration<PlainLoops, Explosion> refused(engine, explosion, 2);
  ASSERT_TRUE(refused.relaxation.begin(smaller_sides(start).data(), 20.0, limits_of(1e-10)));
  EXPECT_FALSE(refused.relaxation.advance(20.0));
}

/// The trajectory of a model as a thread block integrates it. Fields that a block does not fill are empty.
template <int Rank, class Scan>
RelaxResult integrate(const RateIngredients& ingredients, const std::vector<double>& start,
                      const std::vector<double>& times, double tolerance) {
  const kernels::RateTables& tables = ingredients.tables;
  const auto modes = static_cast<std::size_t>(tables.modes);
  BlockLoops engine;
  using Rates = tgge::PlainRates<BlockLoops, Rank, Scan>;
  const auto rates_in = [&](Carver& work) {
    Scan scan = [&] {
      if constexpr (std::is_same_v<Scan, tgge::NoPanels>)
        return Scan{};
      else
        return Scan(*tables.panels, tables.modes, work);
    }();
    return Rates({tables.modes, tables.inverse_temperature, tables.equilibrium_fraction, tables.nonequilibrium_fraction,
                  tables.over_cells, tables.scale},
                 tables.energy, {tables.in, tables.out, tables.modes}, scan, work);
  };
  Carver counted;
  rates_in(counted);
  std::vector<double> work(static_cast<std::size_t>(counted.used), NAN);
  Carver carver{work.data()};
  Rates rates = rates_in(carver);
  rates.begin(engine);
  Integration<BlockLoops, Rates> run(engine, rates, modes);
  std::vector<double> states(times.size() * modes), residual(times.size());
  EXPECT_TRUE(run.relaxation.begin(smaller_sides(start).data(), times.back(), limits_of(tolerance)));
  double reached = 0.0;
  for (std::size_t i = 0; i < times.size(); ++i) {
    if (times[i] > reached) {
      EXPECT_TRUE(run.relaxation.advance(times[i] - reached));
    }
    EXPECT_TRUE(run.relaxation.write(states.data() + i * modes, residual.data() + i));
    reached = times[i];
  }
  return relaxation_of(ingredients.equation,
                       {times, states, residual, static_cast<std::int64_t>(run.relaxation.steps()),
                        static_cast<std::int64_t>(run.relaxation.rate_evaluations()), run.relaxation.scale()},
                       tolerance);
}

RateIngredients ingredients_of(const TggeModel& model) {
  Execution execution;
  execution.backend = Backend::cpu;
  execution.algorithm = Algorithm::separable;
  return rate_ingredients(model.bands, model.rate_unit, model.bath, make_hop_weights(model.bands, model.jump),
                          execution);
}

template <int Rank>
RelaxResult integrate(const RateIngredients& ingredients, const std::vector<double>& start,
                      const std::vector<double>& times, double tolerance) {
  switch (ingredients.tables.spectrum) {
    case kernels::SpectrumKind::lorentzian:
      return integrate<Rank, tgge::PanelScanOn<BlockLoops, false>>(ingredients, start, times, tolerance);
    case kernels::SpectrumKind::ohmic:
      return integrate<Rank, tgge::PanelScanOn<BlockLoops, true>>(ingredients, start, times, tolerance);
    default:
      return integrate<Rank, tgge::NoPanels>(ingredients, start, times, tolerance);
  }
}

double relative_error(const std::vector<double>& values, const std::vector<double>& exact) {
  return largest_difference(values, exact) / largest_magnitude(exact);
}

TEST(ExplicitRelaxation, ErrorAgainstExtrapolationInExtendedPrecision) {
  Random random(811);
  double worst = 0.0;
  for (int i = 0; i < 6; ++i) {
    const TggeChain chain = random_chain(random, random.integer(3, 10), 3.0);
    const RateIngredients ingredients = ingredients_of(chain);
    const auto start = random.vector(ingredients.equation.modes(), -3.0, 3.0);
    const double time = random.uniform(0.3, 4.0) / (chain.bath.coupling * chain.hopping);
    const auto exact =
        rounded(reference::trajectory_end(reference::problem_of(reference_of(chain)), extended(start), time));
    for (const double tolerance : {1e-4, 1e-6, 1e-8, 1e-10, 4e-12}) {
      const RelaxResult result = integrate<1>(ingredients, start, {time}, tolerance);
      const double error = relative_error(result.lagrange_multiplier, exact);
      EXPECT_LE(error, tolerance) << "case " << i;
      worst = std::max(worst, error / tolerance);
    }
  }
  RecordProperty("worst_error_over_tolerance", std::to_string(worst));
}

/// Compares with the integrators of the CPU, both at the usual tolerance.
template <int Rank>
void expect_the_trajectory_of_the_cpu(const TggeModel& model, const std::vector<double>& start, double unit) {
  const RateIngredients ingredients = ingredients_of(model);
  const std::vector<double> times = {0.0, 1e-3 * unit, 0.7 * unit, 0.8 * unit, 5.0 * unit};
  constexpr double tolerance = 1e-10;
  const RelaxResult result = integrate<Rank>(ingredients, start, times, tolerance);
  const RateEquation equation = make_rate_equation(model, {.backend = Backend::cpu});
  const RelaxResult expected = relax(equation, start, times, {.tolerance = tolerance});
  ASSERT_TRUE(expected.converged) << expected.message;
  EXPECT_TRUE(result.converged);
  EXPECT_EQ(result.message, expected.message);
  // Either may be off by the tolerance.
  EXPECT_LE(relative_error(result.lagrange_multiplier, expected.lagrange_multiplier), 2.0 * tolerance);
  EXPECT_LE(relative_error(result.occupation, expected.occupation), 2.0 * tolerance);
  EXPECT_LE(relative_error(result.energy_per_cell, expected.energy_per_cell), 2.0 * tolerance);
  EXPECT_LE(largest_difference(result.residual, expected.residual), 2.0 * tolerance * largest_magnitude(start));
  // The sums of at most a hundred numbers round in the 15th digit, and so does every step.
  for (const double number : result.particle_number)
    EXPECT_NEAR(number / expected.particle_number[0], 1.0, 2e-15 * std::sqrt(static_cast<double>(result.steps + 50)));
}

TEST(ExplicitRelaxation, TrajectoriesAreThoseOfTheCpu) {
  Random random(812);
  for (const Spectrum spectrum : {Spectrum::exponential, Spectrum::lorentzian, Spectrum::ohmic})
    for (const std::int64_t sites : {1, 2, 9, 33}) {
      SCOPED_TRACE(std::string(name(spectrum)) + ", " + std::to_string(sites) + " sites");
      TggeChain chain = random_chain(random, sites, 5.0);
      chain.bath.spectrum = spectrum;
      chain.bath.spectrum_width = random.uniform(0.3, 2.0);
      const auto size = static_cast<std::size_t>(sites);
      expect_the_trajectory_of_the_cpu<1>(chain, random.vector(size, -4.0, 4.0),
                                          1.0 / (chain.bath.coupling * chain.hopping));
      TggeRashba rashba = random_rashba(random, sites, 2.0);
      rashba.bath.spectrum = spectrum;
      rashba.bath.spectrum_width = random.uniform(0.3, 2.0);
      expect_the_trajectory_of_the_cpu<2>(rashba, random.vector(2 * size, -4.0, 4.0),
                                          1.0 / (rashba.bath.coupling * rashba.hopping));
    }
}

TEST(ExplicitRelaxation, ColdBathsAsLongAsTheFastestRateAllows) {
  Random random(814);
  for (const double beta : {8.0, 20.0})
    for (const Spectrum spectrum : {Spectrum::exponential, Spectrum::lorentzian, Spectrum::ohmic}) {
      SCOPED_TRACE(std::string(name(spectrum)) + ", beta J = " + std::to_string(beta));
      TggeChain chain = random_chain(random, 12);
      chain.bath.inverse_temperature = beta / chain.hopping;
      chain.bath.spectrum = spectrum;
      const RateEquation equation = make_rate_equation(chain, {.backend = Backend::cpu});
      const auto start = random.vector(12, -4.0, 4.0);
      std::vector<double> relaxation(12);
      const Occupations state = occupations_of(start);
      equation.generator->relaxation_rate(state.particles, state.holes, relaxation);
      // Five times the unit is the last time.
      expect_the_trajectory_of_the_cpu<1>(chain, start, 60.0 / largest_magnitude(relaxation));
    }
}

TEST(ExplicitRelaxation, NothingButTheNonequilibriumBathAndNoBathAtAll) {
  Random random(813);
  TggeChain chain = random_chain(random, 9, 2.0);
  chain.bath.nonequilibrium_fraction = 1.0;
  chain.bath.equilibrium_fraction = 0.0;
  expect_the_trajectory_of_the_cpu<1>(chain, random.vector(9, -2.0, 2.0), 1.0 / chain.bath.coupling);
  chain.bath.coupling = 0.0;
  expect_the_trajectory_of_the_cpu<1>(chain, random.vector(9, -2.0, 2.0), 10.0);
}

}  // namespace
}  // namespace lindrift::testing
