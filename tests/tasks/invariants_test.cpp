// Physical invariants of the steady state, on generic chains.
#include <gtest/gtest.h>

#include <cmath>
#include <complex>

#include "lindrift/tgge/chain.hpp"
#include "lindrift/tgge/steady_state.hpp"
#include "support/compare.hpp"
#include "support/random.hpp"

namespace lindrift::testing {
namespace {

// Steady states are accurate to a few 1e-14 times the condition of the balance; the solver guarantees 1e-11.
constexpr double accuracy = 1e-11;

SteadyState solve(const TggeChain& chain, double filling) {
  SteadyState state = steady_state(make_rate_equation(chain, {.backend = Backend::cpu}), filling);
  EXPECT_TRUE(state.converged) << state.message;
  return state;
}

/// Index of the mode with momentum -k.
std::size_t mirrored(std::size_t s, std::int64_t sites) {
  const std::int64_t m = static_cast<std::int64_t>(s) - sites / 2;
  return static_cast<std::size_t>((-m + sites / 2 + sites) % sites);
}

/// Index of the mode with momentum pi - k, for an even number of sites.
std::size_t particle_hole_partner(std::size_t s, std::int64_t sites) {
  const std::int64_t m = static_cast<std::int64_t>(s) - sites / 2;
  return static_cast<std::size_t>((sites / 2 - m + sites / 2 + sites) % sites);
}

class ChainInvariants : public ::testing::Test {
 protected:
  static constexpr int cases = 25;
  Random random_{111};

  TggeChain next(std::int64_t sites) { return random_chain(random_, sites, 10.0); }
};

TEST_F(ChainInvariants, UnitsOfEnergyCancel) {
  // (J, beta) -> (c J, beta / c): the same state, I -> c I; the coupling drops out.
  for (int i = 0; i < cases; ++i) {
    TggeChain chain = next(random_.integer(3, 40));
    const double filling = random_.uniform(0.1, 0.9), c = random_.uniform(0.1, 10.0);
    const SteadyState expected = solve(chain, filling);
    chain.hopping *= c;
    chain.bath.inverse_temperature /= c;
    chain.bath.coupling *= 17.0;
    const SteadyState actual = solve(chain, filling);
    EXPECT_LE(largest_difference(actual.lagrange_multiplier, expected.lagrange_multiplier), accuracy);
    EXPECT_NEAR(actual.current[0], c * expected.current[0], accuracy * c);
  }
}

TEST_F(ChainInvariants, BathWeightsMatterByTheirRatioOnly) {
  for (int i = 0; i < cases; ++i) {
    TggeChain chain = next(random_.integer(3, 40));
    const SteadyState expected = solve(chain, 0.4);
    chain.bath.equilibrium_fraction = 0.01 * chain.bath.effective_equilibrium_fraction();
    chain.bath.nonequilibrium_fraction *= 0.01;
    EXPECT_LE(largest_difference(solve(chain, 0.4).lagrange_multiplier, expected.lagrange_multiplier), accuracy);
  }
}

TEST_F(ChainInvariants, ComplexConjugationReversesTheCurrent) {
  for (int i = 0; i < cases; ++i) {
    TggeChain chain = next(random_.integer(3, 40));  // both parities
    const double filling = random_.uniform(0.1, 0.9);
    const SteadyState expected = solve(chain, filling);
    EXPECT_GT(std::fabs(expected.current[0]), 1e-6) << "a test on zero tests nothing";
    chain.jump = RamanJump{std::conj(raman(chain).delta), std::conj(raman(chain).delta_prime)};
    const SteadyState actual = solve(chain, filling);
    EXPECT_NEAR(actual.current[0], -expected.current[0], accuracy);
    for (std::size_t s = 0; s < expected.occupation.size(); ++s)
      EXPECT_NEAR(actual.lagrange_multiplier[mirrored(s, chain.sites)], expected.lagrange_multiplier[s], accuracy);
  }
}

TEST_F(ChainInvariants, RealAmplitudesCarryNoCurrent) {
  for (int i = 0; i < cases; ++i) {
    TggeChain chain = next(random_.integer(3, 40));
    chain.jump = RamanJump{raman(chain).delta.real(), raman(chain).delta_prime.real()};
    EXPECT_NEAR(solve(chain, random_.uniform(0.1, 0.9)).current[0], 0.0, 1e-13);
  }
}

TEST_F(ChainInvariants, ParticlesAndHolesChangePlaces) {
  // Even L, (delta, delta', filling) -> (delta', delta, 1 - filling): n_q -> 1 - n_{pi - q}, I -> -I.
  for (int i = 0; i < cases; ++i) {
    TggeChain chain = next(2 * random_.integer(2, 20));
    const double filling = random_.uniform(0.1, 0.9);
    const SteadyState expected = solve(chain, filling);
    std::swap(raman(chain).delta, raman(chain).delta_prime);
    const SteadyState actual = solve(chain, 1.0 - filling);
    EXPECT_NEAR(actual.current[0], -expected.current[0], accuracy);
    for (std::size_t s = 0; s < expected.occupation.size(); ++s)
      EXPECT_NEAR(actual.lagrange_multiplier[particle_hole_partner(s, chain.sites)], -expected.lagrange_multiplier[s],
                  accuracy);
  }
}

TEST_F(ChainInvariants, EqualAmplitudesCarryNoCurrentAtHalfFillingOnly) {
  TggeChain chain;
  chain.sites = 40;
  chain.bath.nonequilibrium_fraction = 0.5;
  chain.jump = RamanJump{{1.0, 1.0}, {1.0, 1.0}};
  EXPECT_NEAR(solve(chain, 0.5).current[0], 0.0, 1e-14);
  EXPECT_NEAR(solve(chain, 0.3).current[0], -0.0550317795, 5.1e-11);
  // delta' = 1/conj(delta) is the other such case.
  chain.jump = RamanJump{{1.0, 1.0}, 1.0 / std::complex<double>(1.0, -1.0)};
  EXPECT_NEAR(solve(chain, 0.5).current[0], 0.0, 1e-14);
}

TEST_F(ChainInvariants, InverseAmplitudesAreTheSameBath) {
  // |1 + e^{-iq}/conj(delta)|^2 |delta|^2 = |1 + delta e^{-iq}|^2, and likewise for delta'.
  for (int i = 0; i < cases; ++i) {
    TggeChain chain = next(random_.integer(3, 40));
    const double filling = random_.uniform(0.1, 0.9);
    chain.bath.nonequilibrium_fraction = 0.2;  // times |delta|^2 |delta'|^2 <= 5 it stays below one
    chain.jump = RamanJump{std::polar(random_.uniform(0.5, 1.4), random_.uniform(-3.0, 3.0)),
                           std::polar(random_.uniform(0.5, 1.4), random_.uniform(-3.0, 3.0))};
    const SteadyState expected = solve(chain, filling);
    for (const int which : {1, 2, 3}) {
      TggeChain other = chain;
      if (which & 1) {
        raman(other).delta = 1.0 / std::conj(raman(chain).delta);
        other.bath.nonequilibrium_fraction *= std::norm(raman(chain).delta);
      }
      if (which & 2) {
        raman(other).delta_prime = 1.0 / std::conj(raman(chain).delta_prime);
        other.bath.nonequilibrium_fraction *= std::norm(raman(chain).delta_prime);
      }
      const SteadyState actual = solve(other, filling);
      EXPECT_LE(largest_difference(actual.lagrange_multiplier, expected.lagrange_multiplier), accuracy);
      EXPECT_NEAR(actual.current[0], expected.current[0], accuracy);
    }
  }
}

TEST_F(ChainInvariants, ThermalWeightIsNotReadOffTheOtherOne) {
  // The steady state depends only on the ratio of the weights; gamma_eq must not be replaced by 1 - gamma_neq.
  TggeChain chain;
  chain.sites = 20;
  chain.bath.nonequilibrium_fraction = 1.0;
  chain.bath.equilibrium_fraction = 1e-3;
  const double expected = solve(chain, 0.5).current[0];
  chain.bath.nonequilibrium_fraction = 1e-3;
  chain.bath.equilibrium_fraction = 1e-6;
  EXPECT_NEAR(solve(chain, 0.5).current[0], expected, accuracy);
  chain.bath.equilibrium_fraction = 2e-6;
  EXPECT_GT(std::fabs(solve(chain, 0.5).current[0] - expected), 1e-8);
}

}  // namespace
}  // namespace lindrift::testing
