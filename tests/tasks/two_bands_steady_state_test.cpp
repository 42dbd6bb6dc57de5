// Steady states of two bands and of general jump operators.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <variant>

#include "data/tgge_chain_small.hpp"
#include "data/tgge_rashba_steady_states.hpp"
#include "lindrift/tgge/rashba.hpp"
#include "lindrift/tgge/relax.hpp"
#include "lindrift/tgge/steady_state.hpp"
#include "reference/tgge_rashba.hpp"
#include "support/chains.hpp"
#include "support/compare.hpp"
#include "support/random.hpp"
#include "support/residual.hpp"
#include "support/two_bands.hpp"

namespace lindrift::testing {
namespace {

namespace published = data::tgge_rashba_steady_states;

class TwoBandsSteadyState : public ::testing::TestWithParam<Algorithm> {
 protected:
  template <class Chain>
  static RateEquation make(const Chain& chain) {
    return make_rate_equation(chain, {.backend = Backend::cpu, .algorithm = GetParam()});
  }
};

TggeRashba published_chain(std::int64_t sites, double gamma_neq, double up, double down) {
  TggeRashba chain;
  chain.sites = sites;
  chain.hopping = published::chain.hopping;
  chain.zeeman_field = published::chain.zeeman_field;
  chain.rashba_y = published::chain.rashba_y;
  chain.rashba_z = published::chain.rashba_z;
  chain.bath.inverse_temperature = published::chain.inverse_temperature;
  chain.bath.coupling = published::chain.coupling;
  chain.bath.nonequilibrium_fraction = gamma_neq;
  chain.bath.equilibrium_fraction = 1.0 - gamma_neq;
  chain.jump = DephasingJump{up, down};
  return chain;
}

TggeRashba driven_up(std::int64_t sites, double gamma_eq) {
  TggeRashba chain = published_chain(sites, 1.0 - gamma_eq, 1.0, 0.0);
  chain.bath.equilibrium_fraction = gamma_eq;
  return chain;
}

SteadyState converged(SteadyState state) {
  EXPECT_TRUE(state.converged) << state.message;
  return state;
}

TEST_P(TwoBandsSteadyState, CurrentsAndOccupationsArePublishedOnes) {
  // The stored values are accurate to 1e-13; 1e-11 is guaranteed.
  struct Series {
    const char* name;
    double up, down;
    std::int64_t sites;
    const std::vector<std::vector<double>>& currents;
  };
  for (const Series& series : {Series{"up", 1.0, 0.0, 20, published::up_20},
                               {"up", 1.0, 0.0, 100, published::up_100},
                               {"equal", 0.5, 0.5, 20, published::equal_20},
                               {"equal", 0.5, 0.5, 100, published::equal_100},
                               {"down", 0.0, 1.0, 20, published::down_20},
                               {"down", 0.0, 1.0, 100, published::down_100}}) {
    ASSERT_EQ(series.currents.size(), published::gamma_neq.size());
    for (std::size_t i = 0; i < published::gamma_neq.size(); ++i) {
      SCOPED_TRACE(::testing::Message() << series.name << ", L = " << series.sites
                                        << ", gamma_neq = " << published::gamma_neq[i]);
      const RateEquation equation =
          make(published_chain(series.sites, published::gamma_neq[i], series.up, series.down));
      const SteadyState state = converged(steady_state(equation, published::filling));
      const auto spin = orbital_current(equation, state.occupation);
      EXPECT_NEAR(state.current[0], series.currents[i][0], 1e-11);
      EXPECT_NEAR(spin[0], series.currents[i][1], 1e-11);
      EXPECT_NEAR(spin[1], series.currents[i][2], 1e-11);
    }
  }
  for (std::size_t i = 0; i < published::occupation_gamma_neq.size(); ++i) {
    const double gamma_neq = published::occupation_gamma_neq[i];
    const auto up = converged(steady_state(make(published_chain(20, gamma_neq, 1.0, 0.0)), 0.5));
    const auto down = converged(steady_state(make(published_chain(20, gamma_neq, 0.0, 1.0)), 0.5));
    EXPECT_LE(largest_difference(up.occupation, published::occupation_up[i]), 1e-11);
    EXPECT_LE(largest_difference(down.occupation, published::occupation_down[i]), 1e-11);
  }
}

TEST_P(TwoBandsSteadyState, KeyCurrents) {
  // Written out to ten digits: half a unit in the last place is 5e-11.
  struct Row {
    double gamma_neq, total, up, down, equal;
  };
  for (const Row& row : {Row{0.1, 0.0077424262, -0.0078338427, 0.0155762689, -0.0117369356},
                         {0.5, 0.0373611944, 0.0019384001, 0.0354227942, -0.0170589904},
                         {0.9, 0.0971945067, 0.0210632539, 0.0761312528, -0.0273498192},
                         {0.999, 0.0462289856, 0.0143665502, 0.0318624354, -0.0306358764}}) {
    const RateEquation up = make(published_chain(100, row.gamma_neq, 1.0, 0.0));
    const auto state = steady_state(up, 0.5);
    EXPECT_NEAR(state.current[0], row.total, 5.1e-11);
    EXPECT_NEAR(orbital_current(up, state.occupation)[0], row.up, 5.1e-11);
    EXPECT_NEAR(orbital_current(up, state.occupation)[1], row.down, 5.1e-11);
    const RateEquation equal = make(published_chain(100, row.gamma_neq, 0.5, 0.5));
    const auto spin = orbital_current(equal, steady_state(equal, 0.5).occupation);
    EXPECT_NEAR(spin[0], row.equal, 5.1e-11);
    EXPECT_NEAR(spin[1], -row.equal, 5.1e-11);
    EXPECT_NEAR(steady_state(make(published_chain(100, row.gamma_neq, 0.0, 1.0)), 0.5).current[0], -row.total, 5.1e-11);
  }
}

TEST(TwoBandsCurrent, NearlyDrivenAloneIsThePublishedOne) {
  for (std::size_t i = 0; i < published::near_one_gamma_eq.size(); ++i)
    EXPECT_NEAR(converged(steady_state(make_rate_equation(driven_up(4000, published::near_one_gamma_eq[i]),
                                                          {.backend = Backend::cpu}),
                                       0.5))
                    .current[0],
                published::near_one_current[i], 1e-11)
        << "gamma_eq = " << published::near_one_gamma_eq[i];
}

double current_at(const TggeRashba& chain) {
  return converged(steady_state(make_rate_equation(chain, {.backend = Backend::cpu}), 0.5)).current[0];
}

/// Extremum of f near x: the vertex of the parabola through three points, with an error of h^2 f'''/(6 f'').
struct Extremum {
  double position, value;
};
Extremum extremum(const std::function<double(double)>& f, double x, double h) {
  const double below = f(x - h), at = f(x), above = f(x + h);
  const double slope = (above - below) / (2.0 * h), curvature = (above - 2.0 * at + below) / (h * h);
  return {x - slope / curvature, at - 0.5 * slope * slope / curvature};
}

TEST(TwoBandsCurrent, HasItsPeakWhereItIsKnownToBe) {
  for (const auto& peak : published::peaks) {
    const auto found = extremum([&](double x) { return current_at(published_chain(peak.sites, x, 1.0, 0.0)); },
                                peak.gamma_neq + 2e-6, 1e-5);
    // Truncation 1e-9 for a peak of width 1e-2; rounding 1e-14 / (1e-5 * 1e3).
    EXPECT_NEAR(found.position, peak.gamma_neq, 1e-8) << peak.sites;
    EXPECT_NEAR(found.value, peak.current, 1e-11) << peak.sites;
  }
  EXPECT_NEAR(current_at(published_chain(100, 0.98591435, 1.0, 0.0)), 0.1347702177, 5.1e-11);
  // As a function of the field; six digits are known.
  struct Peak {
    double field, gamma_neq, current;
  };
  for (const Peak& peak : {Peak{0.5, 0.976640, 0.065298}, {1.5, 0.993247, 0.198502}, {2.0, 0.997307, 0.238593}}) {
    const auto at = [&](double x) {
      TggeRashba chain = published_chain(400, x, 1.0, 0.0);
      chain.zeeman_field = peak.field;
      return current_at(chain);
    };
    const auto found = extremum(at, peak.gamma_neq, 1e-5);
    EXPECT_NEAR(found.position, peak.gamma_neq, 6e-7) << peak.field;
    EXPECT_NEAR(found.value, peak.current, 6e-7) << peak.field;
  }
}

TEST(TwoBandsCurrent, ReversesTwiceBeforeTheThermalBathIsGone) {
  const auto at = [](double gamma_eq) { return current_at(driven_up(2000, gamma_eq)); };
  // The slope there is 1e2, and 1e-12 is the accuracy of the stored values.
  EXPECT_NEAR(at(4.18334238e-4), 0.0, 5e-10);
  EXPECT_NEAR(at(published::crossing_gamma_eq), 0.0, 5e-10);
  EXPECT_GT(at(4.2e-4), 1e-5);
  EXPECT_LT(at(4.1e-4), -1e-5);
  const auto minimum = extremum(at, 5.7323e-5, 1e-7);
  EXPECT_NEAR(minimum.position, 5.7323e-5, 6e-10);
  EXPECT_NEAR(minimum.value, -0.0474713894, 1e-10);
}

TEST(TwoBandsCurrent, VanishesAsTheRootOfTheThermalWeight) {
  // Cold modes of width sqrt(gamma_eq) survive around the two modes that the bath cannot reach:
  //   I = sum over k* = 0, pi of v (n* - 1/2) k0 / 2,   k0 = |h / rashba_z| sqrt(gamma_eq r0),
  //   r0 = A e^{-beta E/2} + B e^{beta E/2},   n* = A e^{-beta E/2} / r0,   A, B at half filling, E and v of band -.
  const std::int64_t sites = 40000;  // k0 L = 40 at 1e-7: finite-size effects are e^{-40}
  const double gamma_eq = 1e-7;
  const TggeRashba chain = driven_up(sites, gamma_eq);
  const RateEquation equation = make_rate_equation(chain, {.backend = Backend::cpu});
  const double beta = chain.bath.inverse_temperature;
  double a = 0.0, b = 0.0;
  for (const double energy : equation.bands.energy) {
    a += 0.5 * std::exp(0.5 * beta * energy) / static_cast<double>(sites);
    b += 0.5 * std::exp(-0.5 * beta * energy) / static_cast<double>(sites);
  }
  double asymptote = 0.0;
  for (const std::int64_t star : {std::int64_t{0}, sites / 2}) {
    const auto s = static_cast<std::size_t>(sites + star);
    const double energy = equation.bands.energy[s];
    const double r = a * std::exp(-0.5 * beta * energy) + b * std::exp(0.5 * beta * energy);
    const double n = a * std::exp(-0.5 * beta * energy) / r;
    asymptote +=
        equation.bands.velocity[0][s] * (n - 0.5) * 0.5 * std::fabs(chain.zeeman_field / chain.rashba_z) * std::sqrt(r);
  }
  EXPECT_NEAR(asymptote, -11.41733, 6e-6);
  const double normalised = converged(steady_state(equation, 0.5)).current[0] / std::sqrt(gamma_eq);
  EXPECT_NEAR(normalised, -11.376, 6e-4);
}

TEST_P(TwoBandsSteadyState, ShortChainsAreStoredOnesAndTheMeanFieldOfTheExactState) {
  for (const auto& c : data::tgge_chain_small::cases) {
    SCOPED_TRACE(c.sites);
    TggeChain chain;
    chain.sites = c.sites;
    chain.bath.nonequilibrium_fraction = 0.5;
    const SteadyState state = converged(steady_state(make(chain), c.particles / static_cast<double>(c.sites)));
    EXPECT_LE(largest_difference(state.occupation, c.occupation), 1e-11);
    EXPECT_NEAR(state.current[0], c.current, 1e-11);
    // Mean field of all-to-all hops at rates 1/L: errors of order 1/L, with L max|dn| = 0.2 to 0.6.
    const double sites = static_cast<double>(c.sites);
    EXPECT_LE(largest_difference(state.occupation, c.exact_occupation), 0.7 / sites);
    EXPECT_LE(largest_difference(state.occupation, c.exclusion_occupation), 0.7 / sites);
    EXPECT_GE(largest_difference(state.occupation, c.exact_occupation), 0.1 / sites);
  }
}

// --- convergence -----------------------------------------------------------------------------------------------------

using AnyChain = std::variant<TggeChain, TggeRashba>;

AnyChain random_case(Random& random, int i) {
  const std::int64_t sites = random.integer(3, 50);
  AnyChain any;
  if (i % 4 == 0) any = random_chain(random, sites);
  if (i % 4 == 1) any = random_operator_chain(random, sites, random.integer(0, 2));
  if (i % 4 >= 2) any = random_rashba(random, sites);
  if (i % 4 == 3)
    std::get<TggeRashba>(any).jump =
        random_operators(random, 2, random.integer(0, 2), static_cast<int>(random.integer(1, 3)));
  std::visit(
      [&](auto& chain) {
        chain.bath.inverse_temperature = random.uniform(0.0, 100.0) / chain.hopping;
        chain.bath.nonequilibrium_fraction = random.uniform(0.0, 1.0);
        // The ends of the ranges as often as values inside.
        if (i / 4 % 10 == 0) chain.bath.nonequilibrium_fraction = 0.0;
        if (i / 4 % 10 == 1) chain.bath.nonequilibrium_fraction = 1.0;
        if (i / 4 % 10 == 2) chain.bath.inverse_temperature = 0.0;
        if (i / 4 % 10 == 3) chain.bath.nonequilibrium_fraction = 1.0 - 1e-6;
        chain.bath.equilibrium_fraction.reset();
      },
      any);
  return any;
}

TEST_P(TwoBandsSteadyState, RandomCasesConvergeInAFewSteps) {
  Random random(301);
  std::int64_t most_steps = 0, all_steps = 0;
  double worst_residual = 0.0, worst_reference = 0.0;
  constexpr int cases = 600;
  for (int i = 0; i < cases; ++i) {
    const AnyChain any = random_case(random, i);
    const double filling = random.uniform(0.1, 0.9);
    std::visit(
        [&](const auto& chain) {
          SCOPED_TRACE(::testing::Message()
                       << "case " << i << ": L = " << chain.sites
                       << ", beta J = " << chain.bath.inverse_temperature * chain.hopping
                       << ", gamma_neq = " << chain.bath.nonequilibrium_fraction << ", filling " << filling);
          const RateEquation equation = make(chain);
          const SteadyState state = steady_state(equation, filling);
          EXPECT_TRUE(state.converged) << state.message;
          EXPECT_LE(state.residual, 1e-12);
          EXPECT_LE(state.steps, 15);
          EXPECT_NEAR(state.particle_number, filling * static_cast<double>(equation.modes()),
                      1e-13 * static_cast<double>(equation.modes()));
          EXPECT_LE(std::fabs(state.log_fugacity), 1e-11);
          if (i % 4 != 3 || chain.sites < 25) {  // loops in extended precision are slow
            const double reference =
                reference_residual(reference::problem_of(lattice_of(chain)), state.lagrange_multiplier);
            EXPECT_LE(reference, 1e-12) << "the residual in extended precision";
            worst_reference = std::max(worst_reference, reference);
          }
          worst_residual = std::max(worst_residual, state.residual);
          most_steps = std::max(most_steps, state.steps);
          all_steps += state.steps;
        },
        any);
  }
  RecordProperty("worst_residual", std::to_string(worst_residual * 1e15) + "e-15");
  RecordProperty("worst_reference_residual", std::to_string(worst_reference * 1e15) + "e-15");
  RecordProperty("most_steps", static_cast<int>(most_steps));
  RecordProperty("mean_steps", std::to_string(static_cast<double>(all_steps) / cases));
}

TEST_P(TwoBandsSteadyState, ExtremelyColdBathsAreHarmless) {
  // On 8 and 10 sites no level lies near the Fermi level: at beta J = 3000 every n (1-n) underflows.
  for (const double beta : {300.0, 1000.0, 3000.0})
    for (const std::int64_t sites : {{8}, 9, {10}, 21, 64})
      for (const double gamma_neq : {0.0, 0.3, 0.999}) {
        SCOPED_TRACE(::testing::Message() << "beta J = " << beta << ", L = " << sites << ", gamma_neq = " << gamma_neq);
        TggeRashba chain = published_chain(sites, gamma_neq, 1.0, 0.0);
        chain.bath.inverse_temperature = beta;
        const SteadyState state = converged(steady_state(make(chain), 0.5));
        // Exponents up to 4 beta J have a relative error of 1e-16, and so does the balance.
        EXPECT_LE(state.residual, 1e-14 * beta);
        if (beta <= 1000.0) {  // beyond, plain loops overflow even in extended precision
          EXPECT_LE(reference_residual(reference::problem_of(lattice_of(chain)), state.lagrange_multiplier),
                    1e-14 * beta);
        }
        EXPECT_GT(largest_magnitude(state.lagrange_multiplier), 0.8 * beta);
      }
}

TEST(TwoBandsRelaxation, ReachesTheSteadyStateHoweverStiff) {
  // Rates of e^{4.2 beta J}, 1e36 at beta J = 20, from a start far from balance, so that the first steps are
  // correspondingly small. The slowest rate is about half of coupling J gamma_eq, so e^{-200} remains.
  Random random(303);
  for (const double beta : {5.0, 10.0, 15.0, 20.0})
    for (const std::int64_t sites : {5, 6}) {
      SCOPED_TRACE(::testing::Message() << "beta J = " << beta << ", L = " << sites);
      TggeRashba chain = published_chain(sites, 0.6, 0.8, 0.3);
      chain.bath.inverse_temperature = beta;
      const RateEquation equation = make_rate_equation(chain, {.backend = Backend::cpu});
      const auto start = random.vector(equation.modes(), -2.0, 2.0);
      RelaxOptions options;
      options.tolerance = 1e-8;
      const auto result = relax(equation, start, std::vector{0.1, 10.0, 2e4}, options);
      ASSERT_TRUE(result.converged) << result.message;
      EXPECT_EQ(result.integrator, Integrator::bdf);
      const SteadyState expected = converged(steady_state(equation, start));
      const std::span end(result.lagrange_multiplier.data() + 2 * equation.modes(), equation.modes());
      // The tolerance times the largest multiplier.
      EXPECT_LE(largest_difference(end, expected.lagrange_multiplier),
                1e-8 * largest_magnitude(expected.lagrange_multiplier));
      EXPECT_NEAR(result.current[2], expected.current[0], 1e-8);
      EXPECT_NEAR(result.particle_number[2], expected.particle_number, 1e-13 * static_cast<double>(equation.modes()));
    }
}

TEST(OtherSpectra, ThermalBathAloneGivesTheThermalState) {
  // Detailed balance holds for every spectrum; no current at half filling for an even number of sites.
  Random random(302);
  for (const Spectrum spectrum : {Spectrum::exponential, Spectrum::lorentzian, Spectrum::ohmic})
    for (const std::int64_t sites : {{1}, 2, {5}, 12, 30}) {
      SCOPED_TRACE(::testing::Message() << "spectrum " << static_cast<int>(spectrum) << ", L = " << sites);
      TggeRashba chain = random_rashba(random, sites);
      chain.bath.inverse_temperature = random.uniform(0.3, 6.0);
      chain.bath.nonequilibrium_fraction = 0.0;
      chain.bath.spectrum = spectrum;
      chain.bath.spectrum_width = random.uniform(0.5, 3.0);
      const RateEquation equation = make_rate_equation(chain, {.backend = Backend::cpu});
      const double mu = random.uniform(-2.0, 2.0);
      std::vector<double> expected;
      double number = 0.0;
      for (const double energy : equation.bands.energy) {
        expected.push_back(chain.bath.inverse_temperature * (energy - mu));
        number += static_cast<double>(reference::occupation(expected.back()));
      }
      SteadyStateOptions options;
      options.start = random.vector(expected.size(), -3.0, 3.0);
      const auto state = converged(steady_state(equation, number / static_cast<double>(equation.modes()), options));
      EXPECT_LE(largest_difference(state.lagrange_multiplier, expected), 1e-11);
      if (sites % 2 == 0) {
        const auto half = converged(steady_state(equation, 0.5));
        EXPECT_NEAR(half.current[0], 0.0, 1e-13);
      }
    }
}

TEST(OtherSpectra, BothBathsAreBalancedByTheReference) {
  Random random(303);
  for (const Spectrum spectrum : {Spectrum::lorentzian, Spectrum::ohmic})
    for (int i = 0; i < 10; ++i) {
      TggeRashba chain = random_rashba(random, random.integer(3, 30));
      chain.bath.inverse_temperature = random.uniform(0.2, 10.0);
      chain.bath.spectrum = spectrum;
      chain.bath.spectrum_width = random.uniform(0.5, 3.0);
      if (i % 2 == 0) chain.jump = random_operators(random, 2, 1, 2);
      const auto state =
          converged(steady_state(make_rate_equation(chain, {.backend = Backend::cpu}), random.uniform(0.1, 0.9)));
      EXPECT_LE(reference_residual(reference::problem_of(lattice_of(chain)), state.lagrange_multiplier), 1e-12);
      EXPECT_LE(state.steps, 20);
    }
}

TEST(OtherSpectra, ExtremelyColdBathsAreHarmless) {
  // Ohmic rates fall as e^{-beta |x|}, down to e^{-9000}, far below the range of double precision.
  for (const Spectrum spectrum : {Spectrum::lorentzian, Spectrum::ohmic})
    for (const double beta : {100.0, 300.0, 1000.0})
      for (const std::int64_t sites : {1, 2, 9, 21})
        for (const double gamma_neq : {0.0, 0.3, 0.999})
          for (const double filling : {0.1, 0.5, 0.9}) {
            SCOPED_TRACE(::testing::Message()
                         << "spectrum " << static_cast<int>(spectrum) << ", beta J = " << beta << ", L = " << sites
                         << ", gamma_neq = " << gamma_neq << ", filling " << filling);
            TggeRashba chain = published_chain(sites, gamma_neq, 0.4, 0.6);
            chain.bath.spectrum = spectrum;
            chain.bath.spectrum_width = 0.7;
            chain.bath.inverse_temperature = beta;
            const RateEquation equation = make_rate_equation(chain, {.backend = Backend::cpu});
            const SteadyState state = converged(steady_state(equation, filling));
            EXPECT_LE(state.residual, 1e-14 * beta);
            // On one and two sites dephasing does not connect the bands: occupations of e^{-2000} underflow in its
            // rates.
            if (sites > 2 || gamma_neq == 0.0 || beta < 1000.0) {
              EXPECT_LE(reference_residual(reference::problem_of(lattice_of(chain)), state.lagrange_multiplier),
                        1e-14 * beta);
            }
            if (gamma_neq == 0.0) {
              const double shift = state.lagrange_multiplier[0] - beta * equation.bands.energy[0];
              for (std::size_t s = 0; s < equation.modes(); ++s)
                EXPECT_NEAR(state.lagrange_multiplier[s], beta * equation.bands.energy[s] + shift, 1e-14 * beta * beta);
            }
          }
}

TEST(TableOfWeights, GivesTheStateOfItsOperators) {
  Random random(304);
  for (const std::int64_t sites : {2, 9, 24}) {
    TggeRashba chain = random_rashba(random, sites);
    chain.jump = random_operators(random, 2, 1, 2);
    const RateEquation equation = make_rate_equation(chain, {.backend = Backend::cpu});
    std::vector<double> table;
    for (std::size_t to = 0; to < equation.modes(); ++to)
      for (std::size_t from = 0; from < equation.modes(); ++from) table.push_back(equation.hop_weight(to, from));
    const auto expected = converged(steady_state(equation, 0.37));
    chain.jump = TableJump(table);
    const auto state = converged(steady_state(make_rate_equation(chain, {.backend = Backend::cpu}), 0.37));
    EXPECT_LE(largest_difference(state.lagrange_multiplier, expected.lagrange_multiplier), 1e-11);
    EXPECT_NEAR(state.current[0], expected.current[0], 1e-12);
  }
}

// --- separately conserved numbers ------------------------------------------------------------------------------------

/// Steady state from an initial state, by Newton's method and by relaxation.
template <class Chain>
SteadyState expect_relaxed(const Chain& chain, Algorithm algorithm, const std::vector<double>& initial,
                           double duration) {
  const RateEquation equation = make_rate_equation(chain, {.backend = Backend::cpu, .algorithm = algorithm});
  const SteadyState state = converged(steady_state(equation, initial));
  EXPECT_LE(state.residual, 1e-12);
  const auto relaxed = relax(equation, initial, std::vector{duration});
  EXPECT_TRUE(relaxed.converged) << relaxed.message;
  EXPECT_LE(largest_difference(relaxed.lagrange_multiplier, state.lagrange_multiplier), 1e-8);
  EXPECT_NEAR(relaxed.current[0], state.current[0], 1e-8);
  return state;
}

TEST_P(TwoBandsSteadyState, ModesThatTheBathCannotReachKeepWhatTheyHave) {
  Random random(305);
  TggeRashba chain = driven_up(10, 0.0);
  chain.bath.nonequilibrium_fraction = 1.0;
  const auto initial = random.vector(20, -1.5, 1.5);
  // The slowest of the other modes has w_up near 0.01 in band -, so e^{-40} remains.
  const SteadyState state = expect_relaxed(chain, GetParam(), initial, 40.0 / (0.05 * 0.01));
  EXPECT_EQ(state.components, 3);
  EXPECT_EQ(state.frozen_modes, 2);
  EXPECT_EQ(state.lagrange_multiplier[10], initial[10]);
  EXPECT_EQ(state.lagrange_multiplier[15], initial[15]);
  for (std::size_t s = 0; s < 20; ++s) {
    if (s != 10 && s != 15) {
      EXPECT_NEAR(state.lagrange_multiplier[s], state.lagrange_multiplier[0], 1e-10) << s;
    }
  }
}

TEST_P(TwoBandsSteadyState, SpinsThatDoNotMixKeepTheirNumbers) {
  TggeRashba chain = published_chain(12, 1.0, 0.3, 0.7);
  chain.rashba_z = 0.0;
  chain.zeeman_field = 0.4;
  Random random(306);
  const RateEquation equation = make(chain);
  const auto components = connected_components(equation);
  ASSERT_EQ(components.count, 2);
  // Many particles in one component, few in the other.
  auto initial = random.vector(24, -0.5, 0.5);
  double number[2] = {0.0, 0.0};
  for (std::size_t s = 0; s < 24; ++s) {
    const auto c = static_cast<std::size_t>(components.of_mode[s]);
    initial[s] += c == 0 ? -1.0 : 1.5;
    number[c] += static_cast<double>(reference::occupation(initial[s])) / 12.0;
  }
  const SteadyState state = expect_relaxed(chain, GetParam(), initial, 40.0 / (0.05 * 0.3));
  EXPECT_EQ(state.components, 2);
  for (std::size_t s = 0; s < 24; ++s)
    EXPECT_NEAR(state.occupation[s], number[static_cast<std::size_t>(components.of_mode[s])], 1e-12) << s;
}

TEST_P(TwoBandsSteadyState, OneModeThatOnlyLosesUnderAnOperatorIsEmpty) {
  // c+_j - c+_{j+1} vanishes at q = 0. Given as an operator, it must leave the mode exactly empty, as the closed form
  // does.
  TggeChain chain;
  chain.sites = 10;
  chain.bath.nonequilibrium_fraction = 1.0;
  chain.jump = JumpOperators{
      {{{{0}, 0, {0}, 0, 1.0}, {{1}, 0, {0}, 0, -1.0}, {{0}, 0, {2}, 0, {0.0, 0.5}}, {{1}, 0, {2}, 0, {0.0, -0.5}}}}};
  const auto state = converged(steady_state(make(chain), 0.4));
  EXPECT_EQ(state.empty_modes, 1);
  EXPECT_EQ(state.occupation[5], 0.0);
  EXPECT_NEAR(state.particle_number, 4.0, 1e-12);
  EXPECT_LE(state.residual, 1e-12);
}

TEST_P(TwoBandsSteadyState, StiffRelaxationReachesItAndKeepsTheNumber) {
  Random random(307);
  RelaxOptions options;
  options.integrator = Integrator::bdf;
  for (const double beta : {2.0, 5.0}) {
    SCOPED_TRACE(::testing::Message() << "beta J = " << beta);
    TggeRashba chain = published_chain(11, 0.6, 0.8, 0.3);
    chain.bath.inverse_temperature = beta;
    const RateEquation equation = make(chain);
    const auto start = random.vector(22, -2.0, 2.0);
    const double number = static_cast<double>(sum(occupations_of(start).particles));
    const auto result = relax(equation, start, std::vector{1.0, 50.0, 4000.0}, options);
    ASSERT_TRUE(result.converged) << result.message;
    for (const double n : result.particle_number) EXPECT_NEAR(n / number, 1.0, 1e-12);
    const auto expected = converged(steady_state(equation, number / 22.0));
    const std::span<const double> n(result.occupation.data() + 44, 22),
        lambda(result.lagrange_multiplier.data() + 44, 22);
    EXPECT_LE(largest_difference(n, expected.occupation), 1e-9);
    EXPECT_NEAR(result.current[2], expected.current[0], 1e-9);
    // Relative to the multipliers, which are of order beta times the bandwidth.
    EXPECT_LE(largest_difference(lambda, expected.lagrange_multiplier), 1e-8 * beta);
  }
}

INSTANTIATE_TEST_SUITE_P(BothAlgorithms, TwoBandsSteadyState,
                         ::testing::Values(Algorithm::direct, Algorithm::separable),
                         [](const auto& instance) { return std::string(name(instance.param)); });

}  // namespace
}  // namespace lindrift::testing
