// The chain as users build it: from parameters to a rate equation, on each backend and with each algorithm.
#include "lindrift/tgge/chain.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "data/tgge_chain_forces.hpp"
#include "lindrift/error.hpp"
#include "lindrift/lattice/lattice.hpp"
#include "support/chains.hpp"
#include "support/compare.hpp"
#include "support/every_way.hpp"
#include "support/random.hpp"
#include "support/transitions.hpp"

namespace lindrift::testing {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

class TggeChainTest : public EveryWayTest {};

TEST_P(TggeChainTest, ForcesAndRatesAreThoseOfFockSpaceTraces) {
  for (const auto& c : data::tgge_chain_forces::cases) {
    SCOPED_TRACE(c.id);
    const RateEquation equation = make(chain_of(c.chain));
    const auto n = occupations_of(c.lagrange_multiplier);
    std::vector<double> rate(n.particles.size()), log_gain(rate), log_loss(rate), again(rate), multiplier_rate(rate);
    equation.generator->occupation_rate(n.particles, n.holes, rate);
    occupation_rate(equation, c.lagrange_multiplier, again);
    lagrange_multiplier_rate(equation, c.lagrange_multiplier, multiplier_rate);
    // The forces of each bath: the same chain with the other bath switched off.
    std::vector<double> forces[2];
    for (const int bath : {0, 1}) {
      TggeChain one_bath = chain_of(c.chain);
      one_bath.bath.equilibrium_fraction = bath == 0 ? 1.0 : 0.0;
      one_bath.bath.nonequilibrium_fraction = bath == 0 ? 0.0 : 1.0;
      forces[bath].resize(rate.size());
      force(make(one_bath), c.lagrange_multiplier, forces[bath]);
    }
    equation.generator->log_rates(c.lagrange_multiplier, log_gain, log_loss);
    for (std::size_t s = 0; s < rate.size(); ++s) {
      EXPECT_NEAR(equation.bands.energy[s], c.energy[s], 2e-15);
      // 1e-12 relative to the terms of the difference.
      const double terms =
          c.chain.coupling * c.chain.hopping * (c.gain[s] * (1.0 - c.occupation[s]) + c.loss[s] * c.occupation[s]);
      EXPECT_NEAR(rate[s], c.occupation_rate[s], 1e-12 * terms);
      EXPECT_NEAR(again[s], c.occupation_rate[s], 1e-12 * terms);
      const double chi = c.occupation[s] * (1.0 - c.occupation[s]);
      EXPECT_NEAR(multiplier_rate[s], c.lagrange_multiplier_rate[s], 1e-12 * terms / chi);
      const double scale =
          terms * static_cast<double>(c.chain.sites) / (c.chain.coupling * c.chain.hopping * (1.0 - c.occupation[s]));
      if (c.chain.gamma_eq > 0.0) {
        EXPECT_NEAR(forces[0][s], c.force_eq[s], 1e-12 * scale / c.chain.gamma_eq);
      }
      if (c.chain.gamma_neq > 0.0) {
        EXPECT_NEAR(forces[1][s], c.force_neq[s], 1e-12 * scale / c.chain.gamma_neq);
      }
      EXPECT_NEAR(log_gain[s], std::log(c.gain[s]), 1e-12);
      EXPECT_NEAR(log_loss[s], std::log(c.loss[s]), 1e-12);
    }
    EXPECT_NEAR(current(equation, c.occupation)[0], c.current, 1e-13);
  }
}

TEST_P(TggeChainTest, RateIsTheReferenceFromTheStencilOfTheJumpOperator) {
  Random random(51);
  for (const std::int64_t sites : {1, 2, 3, 4, 5, 8, 20, 31, 100, 257}) {
    SCOPED_TRACE(::testing::Message() << "L = " << sites);
    const TggeChain chain = random_chain(random, sites, 8.0);
    const auto problem = reference::problem_of(reference_of(chain));
    const RateEquation equation = make(chain);
    const auto lambda = random.vector(problem.size, -5.0, 5.0), direction = random.vector(problem.size, -1.0, 1.0);
    const auto n = occupations_of(lambda);
    std::vector<double> result(problem.size), other(problem.size);

    ASSERT_EQ(equation.modes(), problem.size);
    ASSERT_EQ(equation.generator->modes(), problem.size);
    const reference::Vector one(problem.size, 1.0L);
    EXPECT_LE(largest_error(equation.bands.energy, problem.energy, one), 1e-15);
    EXPECT_LE(largest_error(equation.bands.velocity[0], problem.velocity, one), 1e-15);

    // exp(beta E/2) with exponents up to 8: accurate to a few 1e-15.
    equation.generator->occupation_rate(n.particles, n.holes, result);
    EXPECT_LE(largest_error(result, reference::occupation_rate(problem, extended(lambda))), 1e-13);
    EXPECT_LE(largest_error(jacobian_times(*equation.generator, n, direction),
                            reference::occupation_rate_derivative(problem, extended(lambda), extended(direction))),
              1e-13);
    equation.generator->log_rates(lambda, result, other);
    equation.generator->log_balance_derivative(direction, result);
    EXPECT_LE(largest_error(result, reference::log_balance_derivative(problem, extended(lambda), extended(direction))),
              1e-13);
    // The current is at most 2J/pi; 1e-15 for each of its terms.
    EXPECT_NEAR(current(equation, n.particles)[0],
                static_cast<double>(reference::current(problem, extended(n.particles))), 1e-14);
  }
}

TEST_P(TggeChainTest, SameBitsForAnyNumberOfThreads) {
  const std::int64_t sites = GetParam().algorithm == Algorithm::direct ? 777 : 33333;
  Random random(52);
  const TggeChain chain = random_chain(random, sites);
  const auto n = occupations_of(random.vector(static_cast<std::size_t>(sites), -5.0, 5.0));
  std::vector<double> first(n.particles.size()), rate(n.particles.size());
  make(chain, 1).generator->occupation_rate(n.particles, n.holes, first);
  for (const int threads : {2, 3, 7}) {
    make(chain, threads).generator->occupation_rate(n.particles, n.holes, rate);
    EXPECT_TRUE(same_bits(rate, first)) << threads << " threads";
  }
}

TEST_P(TggeChainTest, ModesThatTheJumpOperatorCannotReachHaveRatesOfExactlyZero) {
  // delta = delta' = 1 with an even number of sites: f(-pi) = g(0) = 0, so without a thermal bath k = -pi cannot gain
  // and k = 0 cannot lose. A remainder of 1e-32 instead of zero would change the steady state.
  for (const std::int64_t sites : {2, 6, 20, 128}) {
    TggeChain chain;
    chain.sites = sites;
    chain.bath.nonequilibrium_fraction = 1.0;
    chain.jump = RamanJump{1.0, 1.0};
    const RateEquation equation = make(chain);
    std::vector<double> lambda(equation.modes(), 0.3), log_gain(lambda), log_loss(lambda);
    equation.generator->log_rates(lambda, log_gain, log_loss);
    for (std::size_t s = 0; s < lambda.size(); ++s) {
      EXPECT_EQ(log_gain[s] == -infinity, s == 0) << s;
      EXPECT_EQ(log_loss[s] == -infinity, s == lambda.size() / 2) << s;
    }
  }
  // A zero at a momentum without exact trigonometry: delta = -e^{iq} with q = 2 pi/5 on 10 sites, rounded to 1e-16.
  TggeChain chain;
  chain.sites = 10;
  chain.bath.nonequilibrium_fraction = 1.0;
  const double q = momenta(10)[7];
  chain.jump = RamanJump{-std::polar(1.0, q), {1.0, 0.5}};
  const RateEquation equation = make(chain);
  std::vector<double> lambda(10, 0.3), log_gain(10), log_loss(10);
  equation.generator->log_rates(lambda, log_gain, log_loss);
  for (std::size_t s = 0; s < 10; ++s) EXPECT_EQ(log_gain[s] == -infinity, s == 7) << s;
}

TEST_P(TggeChainTest, WeightsThatAreSmallButNotZeroAreKept) {
  // delta = -e^{iq} (1 + 1e-10): |f(q)|^2 = 1e-20 of a maximum of 4, eight orders above the threshold for rounding.
  TggeChain chain;
  chain.sites = 8;
  chain.bath.nonequilibrium_fraction = 1.0;
  chain.jump = RamanJump{1.0 + 1e-10, {1.0, 0.5}};
  const RateEquation equation = make(chain);
  std::vector<double> lambda(8, 0.0), log_gain(8), log_loss(8);
  equation.generator->log_rates(lambda, log_gain, log_loss);
  double out = 0.0;
  for (std::size_t s = 0; s < 8; ++s) {
    const double k = momenta(8)[s];
    out += std::norm(1.0 - std::complex<double>(1.0, 0.5) * std::polar(1.0, k)) * 0.5 / 8.0;
  }
  // The last bit of 1 + 1e-10 is 1e-6 of its distance to one.
  EXPECT_NEAR(log_gain[0], std::log(1e-20 * out), 1e-5);
}

TEST_P(TggeChainTest, WrongLengthsAreShapeErrors) {
  TggeChain chain;
  chain.sites = 6;
  const RateEquation equation = make(chain);
  Generator& generator = *equation.generator;
  std::vector<double> six(6, 0.5), five(5, 0.5);
  EXPECT_THROW(generator.occupation_rate(five, six, six), ShapeError);
  EXPECT_THROW(generator.occupation_rate(six, five, six), ShapeError);
  EXPECT_THROW(generator.occupation_rate(six, six, five), ShapeError);
  EXPECT_THROW(generator.relaxation_rate(six, six, five), ShapeError);
  EXPECT_THROW(generator.transition_sums(six, five, six, six), ShapeError);
  EXPECT_THROW(generator.transition_sums(six, six, six, five), ShapeError);
  EXPECT_THROW(generator.log_rates(five, six, six), ShapeError);
  EXPECT_THROW(generator.log_rates(six, six, five), ShapeError);
  EXPECT_THROW(generator.relative_transition_sums(six, six, six, six), Error) << "no point was fixed";
  EXPECT_THROW(generator.log_balance_derivative(six, six), Error) << "no point was fixed";
  generator.log_rates(six, six, six);
  EXPECT_THROW(generator.relative_transition_sums(five, six, six, six), ShapeError);
  EXPECT_THROW(generator.relative_transition_sums(six, six, five, six), ShapeError);
  EXPECT_THROW(current(equation, five), ShapeError);
}

INSTANTIATE_TEST_SUITE_P(EveryWay, TggeChainTest, every_way(), name_of_way);

TEST(TggeChainRange, ParametersOutOfRangeAreNamed) {
  const auto quantity_refused = [](const auto& change) -> std::string {
    TggeChain chain;
    change(chain);
    try {
      make_rate_equation(chain, {.backend = Backend::cpu});
    } catch (const ParameterError& error) {
      EXPECT_NE(std::string(error.what()).find(error.quantity()), std::string::npos);
      return error.quantity();
    }
    return "";
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(quantity_refused([](TggeChain&) {}), "");
  EXPECT_EQ(quantity_refused([](TggeChain& c) { c.sites = 0; }), "model.sites");
  EXPECT_EQ(quantity_refused([](TggeChain& c) { c.sites = -3; }), "model.sites");
  for (const double bad : {0.0, -1.0, infinity, nan})
    EXPECT_EQ(quantity_refused([&](TggeChain& c) { c.hopping = bad; }), "model.hopping") << bad;
  for (const double bad : {-1e-300, -1.0, infinity, nan}) {
    EXPECT_EQ(quantity_refused([&](TggeChain& c) { c.bath.coupling = bad; }), "bath.coupling") << bad;
    EXPECT_EQ(quantity_refused([&](TggeChain& c) { c.bath.inverse_temperature = bad; }), "bath.inverse_temperature")
        << bad;
    EXPECT_EQ(quantity_refused([&](TggeChain& c) { c.bath.equilibrium_fraction = bad; }), "bath.equilibrium_fraction")
        << bad;
  }
  for (const double bad : {-1e-300, 1.0000001, infinity, nan})
    EXPECT_EQ(quantity_refused([&](TggeChain& c) { c.bath.nonequilibrium_fraction = bad; }),
              "bath.nonequilibrium_fraction")
        << bad;
  for (const double bad : {infinity, -infinity, nan}) {
    EXPECT_EQ(quantity_refused([&](TggeChain& c) { raman(c).delta = {0.0, bad}; }), "bath.delta") << bad;
    EXPECT_EQ(quantity_refused([&](TggeChain& c) { raman(c).delta_prime = {bad, 0.0}; }), "bath.delta_prime") << bad;
  }
  // Without any bath there is no steady state.
  EXPECT_EQ(quantity_refused([](TggeChain& c) { c.bath.equilibrium_fraction = 0.0; }), "bath.equilibrium_fraction");
  // The ends of the ranges are allowed.
  EXPECT_EQ(
      quantity_refused([](TggeChain& c) {
        c.sites = 1;
        c.bath = {
            .coupling = 0.0, .inverse_temperature = 0.0, .nonequilibrium_fraction = 1.0, .equilibrium_fraction = 0.0};
        c.jump = RamanJump{0.0, 0.0};
      }),
      "");
}

TEST(TggeChainRange, EquilibriumFractionIsTheRestUnlessGiven) {
  TggeBath bath;
  bath.nonequilibrium_fraction = 0.3;
  EXPECT_EQ(bath.effective_equilibrium_fraction(), 0.7);
  bath.equilibrium_fraction = 1e-8;
  EXPECT_EQ(bath.effective_equilibrium_fraction(), 1e-8);
}

TEST(TggeChainRange, AutomaticChoicesAreResolvedAndExplained) {
  TggeChain chain;
  chain.sites = 5;
  const RateEquation equation = make_rate_equation(chain);
  EXPECT_NE(equation.backend, Backend::automatic);
  EXPECT_EQ(equation.backend, Backend::cpu) << "five modes gain nothing from a device";
  EXPECT_EQ(equation.algorithm, Algorithm::separable);
  EXPECT_FALSE(equation.reason.empty());
  EXPECT_TRUE(equation.thermal);
  EXPECT_EQ(make_rate_equation(chain, {.algorithm = Algorithm::direct}).algorithm, Algorithm::direct);
  if (cuda_device_count() == 0) {
    EXPECT_THROW(make_rate_equation(chain, {.backend = Backend::cuda}), UnsupportedError);
  }
  chain.bath.nonequilibrium_fraction = 1.0;
  EXPECT_FALSE(make_rate_equation(chain).thermal);
}

TEST(RateEquation, ResidualIsZeroInBalanceAndOneFarFromIt) {
  TggeChain chain;
  chain.sites = 12;
  const RateEquation equation = make_rate_equation(chain, {.backend = Backend::cpu});
  std::vector<double> lambda;
  for (const double energy : equation.bands.energy) lambda.push_back(chain.bath.inverse_temperature * (energy - 0.4));
  // tanh(x/2) for an imbalance x of a few units of rounding.
  EXPECT_LE(balance_residual(equation, lambda), 2e-15);

  // |gain (1-n) - loss n| / (gain (1-n) + loss n) by the reference.
  Random random(61);
  const auto away = random.vector(12, -3.0, 3.0);
  const auto terms = reference::occupation_rate(reference::problem_of(reference_of(chain)), extended(away));
  long double expected = 0.0L;
  for (std::size_t s = 0; s < 12; ++s) expected = std::max(expected, std::fabs(terms.value[s]) / terms.magnitude[s]);
  EXPECT_NEAR(balance_residual(equation, away), static_cast<double>(expected), 1e-14);

  lambda[3] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(std::isnan(balance_residual(equation, lambda))) << "a NaN must not look like balance";
  lambda[3] = infinity;
  EXPECT_EQ(balance_residual(equation, lambda), 1.0) << "an empty mode that gains is not balanced";
}

TEST(RateEquation, ParticleNumberIsASumOfOccupations) {
  EXPECT_EQ(particle_number(std::vector<double>{}), 0.0);
  EXPECT_EQ(particle_number(std::vector<double>(1000, 0.25)), 250.0);
}

}  // namespace
}  // namespace lindrift::testing
