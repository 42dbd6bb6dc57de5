// Physical invariants of two bands and of general jump operators, with generic parameters.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <utility>

#include "lindrift/tgge/rashba.hpp"
#include "lindrift/tgge/relax.hpp"
#include "lindrift/tgge/steady_state.hpp"
#include "support/chains.hpp"
#include "support/compare.hpp"
#include "support/random.hpp"
#include "support/two_bands.hpp"

namespace lindrift::testing {
namespace {

// Steady states are accurate to a few 1e-14 times the condition of the balance; the solver guarantees 1e-11.
constexpr double accuracy = 1e-11;

struct Solved {
  SteadyState state;
  std::vector<double> spin{};
  double current = 0.0;
};

template <class Chain>
Solved solve(const Chain& chain, double filling) {
  const RateEquation equation = make_rate_equation(chain, {.backend = Backend::cpu});
  Solved solved{.state = steady_state(equation, filling)};
  EXPECT_TRUE(solved.state.converged) << solved.state.message;
  solved.current = solved.state.current[0];
  if (equation.bands.orbitals == 2) {
    solved.spin = orbital_current(equation, solved.state.occupation);
    EXPECT_NEAR(solved.spin[0] + solved.spin[1], solved.current, 1e-14);
  }
  return solved;
}

/// Index of the mode with momentum -k in the same band.
std::size_t mirrored(std::size_t s, std::int64_t sites) {
  const std::int64_t i = static_cast<std::int64_t>(s) % sites, m = i - sites / 2;
  return s - static_cast<std::size_t>(i) + static_cast<std::size_t>((-m + sites / 2 + sites) % sites);
}

/// Index of the mode with momentum pi - k in the other band, for an even number of sites.
std::size_t conjugate(std::size_t s, std::int64_t sites) {
  const std::int64_t i = static_cast<std::int64_t>(s) % sites, m = i - sites / 2;
  const std::int64_t other = static_cast<std::int64_t>(s) < sites ? sites : 0;
  return static_cast<std::size_t>(other + (sites / 2 - m + sites / 2 + sites) % sites);
}

class TwoBandsInvariants : public ::testing::Test {
 protected:
  static constexpr int cases = 15;
  Random random_{411};

  TggeRashba next(std::int64_t sites) { return random_rashba(random_, sites, 8.0); }
  TggeRashba next() { return next(random_.integer(3, 40)); }
  double filling() { return random_.uniform(0.1, 0.9); }
  static DephasingJump& dephasing(TggeRashba& chain) { return std::get<DephasingJump>(chain.jump); }
  static void swap_spins(TggeRashba& chain) {
    const DephasingJump jump = dephasing(chain);
    chain.jump = DephasingJump{jump.down(), jump.dephasing_up};
  }
};

TEST_F(TwoBandsInvariants, UnitsOfEnergyCancel) {
  for (int i = 0; i < cases; ++i) {
    TggeRashba chain = next();
    if (i % 2 == 0) chain.jump = random_operators(random_, 2, 2, 2);
    const double rho = filling(), c = random_.uniform(0.1, 10.0);
    const auto expected = solve(chain, rho);
    chain.hopping *= c;
    chain.zeeman_field *= c;
    chain.rashba_y *= c;
    chain.rashba_z *= c;
    chain.bath.inverse_temperature /= c;
    chain.bath.coupling *= 17.0;
    const auto actual = solve(chain, rho);
    EXPECT_LE(largest_difference(actual.state.lagrange_multiplier, expected.state.lagrange_multiplier), accuracy);
    EXPECT_NEAR(actual.current, c * expected.current, accuracy * c);
  }
}

TEST_F(TwoBandsInvariants, ThermalStateCarriesOppositeCurrentsOfTheSpins) {
  for (int i = 0; i < cases; ++i) {
    TggeRashba chain = next(2 * random_.integer(2, 20));
    chain.bath.nonequilibrium_fraction = 0.0;
    const auto solved = solve(chain, 0.5);
    EXPECT_NEAR(solved.current, 0.0, 1e-13);
    if (chain.bath.inverse_temperature > 0.5) {
      EXPECT_GT(std::fabs(solved.spin[0]), 1e-8) << "a test on zero tests nothing";
    }
    EXPECT_NEAR(solved.spin[0], -solved.spin[1], 1e-13);
  }
  // Otherwise the total vanishes as fast as the sum over the grid converges to the integral.
  TggeRashba chain = next(301);
  chain.bath.inverse_temperature = 1.5;
  chain.bath.nonequilibrium_fraction = 0.0;
  chain.zeeman_field = chain.rashba_y = chain.rashba_z = 0.8 * chain.hopping;
  EXPECT_NEAR(solve(chain, 0.3).current, 0.0, 1e-12);
}

TEST_F(TwoBandsInvariants, FreeEnergyNeverGrowsUnderTheThermalBathNorEntropyFallsUnderDephasing) {
  for (int i = 0; i < 4; ++i) {
    for (const bool thermal : {true, false}) {
      TggeRashba chain = random_rashba(random_, 9, 3.0);
      chain.bath.nonequilibrium_fraction = thermal ? 0.0 : 1.0;
      chain.bath.equilibrium_fraction = thermal ? 1.0 : 0.0;
      if (i % 2 == 1 && thermal) {
        chain.bath.spectrum = i == 1 ? Spectrum::lorentzian : Spectrum::ohmic;
        chain.bath.inverse_temperature += 0.1;
      }
      const RateEquation equation = make_rate_equation(chain, {.backend = Backend::cpu});
      const auto start = random_.vector(18, -3.0, 3.0);
      std::vector<double> times;
      for (int t = 0; t < 15; ++t) times.push_back(0.3 * std::pow(1.6, t));
      const auto result = relax(equation, start, times);
      ASSERT_TRUE(result.converged) << result.message;
      const auto functional = [&](const double* lambda) {
        long double sum = 0.0L;
        for (std::size_t s = 0; s < 18; ++s) {
          const long double n = reference::occupation(lambda[s]), h = reference::hole(lambda[s]);
          const double beta = thermal ? chain.bath.inverse_temperature : 0.0;
          sum += static_cast<long double>(beta * equation.bands.energy[s]) * n + n * std::log(n) + h * std::log(h);
        }
        return static_cast<double>(sum);
      };
      double before = functional(start.data());
      for (std::size_t t = 0; t < times.size(); ++t) {
        const double now = functional(result.lagrange_multiplier.data() + 18 * t);
        EXPECT_LE(now, before + 1e-9) << "the integrator's tolerance";
        before = now;
      }
    }
  }
}

TEST_F(TwoBandsInvariants, TrajectoriesKeepTheirOrderAndComeCloser) {
  for (int i = 0; i < 4; ++i) {
    TggeRashba chain = random_rashba(random_, 8, 3.0);
    if (i % 2 == 0) chain.jump = random_operators(random_, 2, 1, 2);
    const RateEquation equation = make_rate_equation(chain, {.backend = Backend::cpu});
    const auto first = random_.vector(16, -2.0, 2.0), other = random_.vector(16, -2.0, 2.0);
    auto below = first;  // fewer particles in every mode
    for (double& lambda : below) lambda += random_.uniform(0.0, 1.0);
    const std::vector<double> times = {0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0};
    const auto a = relax(equation, first, times), b = relax(equation, other, times), c = relax(equation, below, times);
    double before = INFINITY;
    for (std::size_t t = 0; t < times.size(); ++t) {
      double distance = 0.0;
      for (std::size_t s = 0; s < 16; ++s) {
        distance += std::fabs(a.occupation[16 * t + s] - b.occupation[16 * t + s]);
        EXPECT_LE(c.occupation[16 * t + s], a.occupation[16 * t + s] + 1e-9);
        EXPECT_GE(a.occupation[16 * t + s], 0.0);
        EXPECT_LE(a.occupation[16 * t + s], 1.0);
      }
      EXPECT_LE(distance, before + 1e-9);
      before = distance;
    }
  }
}

TEST_F(TwoBandsInvariants, DephasingAloneFillsEveryModeAlike) {
  for (int i = 0; i < cases; ++i) {
    TggeRashba chain = next();
    chain.bath.nonequilibrium_fraction = 1.0;
    chain.bath.equilibrium_fraction = 0.0;
    const double rho = filling();
    const auto solved = solve(chain, rho);
    for (const double n : solved.state.occupation) EXPECT_NEAR(n, rho, accuracy);
    EXPECT_NEAR(solved.current, 0.0, accuracy);
  }
}

TEST_F(TwoBandsInvariants, OperatorsMayBeShiftedScaledAndTurnedInPhase) {
  for (int i = 0; i < cases; ++i) {
    TggeRashba chain = next();
    const JumpOperators jump = random_operators(random_, 2, 2, 2);
    chain.jump = jump;
    chain.bath.nonequilibrium_fraction = 0.3;
    const double rho = filling();
    const auto expected = solve(chain, rho);
    JumpOperators moved = jump;
    for (auto& channel : moved.channels) {
      const auto turn = std::polar(1.0, random_.uniform(-3.0, 3.0));
      const std::int64_t to = random_.integer(-5, 5), from = random_.integer(-5, 5);
      for (JumpTerm& term : channel) {
        term.to[0] += to;
        term.from[0] += from;
        term.amplitude *= turn * 0.7;
      }
    }
    chain.jump = moved;
    chain.bath.nonequilibrium_fraction /= 0.7 * 0.7;
    const auto actual = solve(chain, rho);
    EXPECT_LE(largest_difference(actual.state.lagrange_multiplier, expected.state.lagrange_multiplier), accuracy);
  }
}

TEST_F(TwoBandsInvariants, ConjugatedOperatorsOfOneBandReverseTheCurrent) {
  for (int i = 0; i < cases; ++i) {
    TggeChain chain = random_operator_chain(random_, random_.integer(5, 40), 2, 8.0);
    const double rho = filling();
    const auto expected = solve(chain, rho);
    for (auto& channel : std::get<JumpOperators>(chain.jump).channels)
      for (JumpTerm& term : channel) term.amplitude = std::conj(term.amplitude);
    const auto actual = solve(chain, rho);
    EXPECT_NEAR(actual.current, -expected.current, accuracy);
    for (std::size_t s = 0; s < expected.state.occupation.size(); ++s)
      EXPECT_NEAR(actual.state.lagrange_multiplier[mirrored(s, chain.sites)], expected.state.lagrange_multiplier[s],
                  accuracy);
  }
}

TEST_F(TwoBandsInvariants, OperatorsSpellTheClosedForms) {
  // Dephasing and Raman hopping, written as jump operators.
  for (int i = 0; i < cases; ++i) {
    TggeRashba chain = next();
    const double rho = filling();
    const auto expected = solve(chain, rho);
    chain.jump = JumpOperators{{{{{0}, 0, {0}, 0, std::sqrt(dephasing(chain).dephasing_up)}},
                                {{{0}, 1, {0}, 1, std::sqrt(dephasing(chain).down())}}}};
    EXPECT_LE(largest_difference(solve(chain, rho).state.lagrange_multiplier, expected.state.lagrange_multiplier),
              accuracy);

    TggeChain one = random_chain(random_, random_.integer(1, 40), 8.0);
    const auto closed = solve(one, rho);
    const auto d = raman(one).delta, e = raman(one).delta_prime;
    one.jump =
        JumpOperators{{{{{0}, 0, {0}, 0, 1.0}, {{0}, 0, {1}, 0, -e}, {{1}, 0, {0}, 0, d}, {{1}, 0, {1}, 0, -d * e}}}};
    EXPECT_LE(largest_difference(solve(one, rho).state.lagrange_multiplier, closed.state.lagrange_multiplier),
              accuracy);
  }
}

TEST_F(TwoBandsInvariants, ReversedSpinOrbitCouplingReversesTheCurrent) {
  for (int i = 0; i < cases; ++i) {
    TggeRashba chain = next();
    const double rho = filling();
    const auto expected = solve(chain, rho);
    chain.rashba_z = -chain.rashba_z;
    EXPECT_LE(largest_difference(solve(chain, rho).state.lagrange_multiplier, expected.state.lagrange_multiplier),
              accuracy)
        << "the sign of rashba_z alone does not matter";
    chain.rashba_y = -chain.rashba_y;
    const auto actual = solve(chain, rho);
    EXPECT_NEAR(actual.current, -expected.current, accuracy);
    for (std::size_t s = 0; s < expected.state.occupation.size(); ++s)
      EXPECT_NEAR(actual.state.lagrange_multiplier[mirrored(s, chain.sites)], expected.state.lagrange_multiplier[s],
                  accuracy);
  }
}

TEST_F(TwoBandsInvariants, SpinsMayChangePlaces) {
  for (int i = 0; i < cases; ++i) {
    const TggeRashba chain = next();
    const double rho = filling();
    const auto expected = solve(chain, rho);

    TggeRashba swapped = chain;
    swapped.rashba_y = -chain.rashba_y;
    swapped.zeeman_field = -chain.zeeman_field;
    swap_spins(swapped);
    const auto same = solve(swapped, rho);
    EXPECT_LE(largest_difference(same.state.lagrange_multiplier, expected.state.lagrange_multiplier), accuracy);
    EXPECT_NEAR(same.spin[0], expected.spin[1], accuracy);
    EXPECT_NEAR(same.spin[1], expected.spin[0], accuracy);

    swapped.rashba_y = chain.rashba_y;
    const auto turned = solve(swapped, rho);
    EXPECT_NEAR(turned.spin[0], -expected.spin[1], accuracy);
    EXPECT_NEAR(turned.spin[1], -expected.spin[0], accuracy);
    for (std::size_t s = 0; s < expected.state.occupation.size(); ++s)
      EXPECT_NEAR(turned.state.lagrange_multiplier[mirrored(s, chain.sites)], expected.state.lagrange_multiplier[s],
                  accuracy);
  }
}

TEST_F(TwoBandsInvariants, ParticlesAndHolesChangePlacesWithTheSpins) {
  for (int i = 0; i < cases; ++i) {
    TggeRashba chain = next(2 * random_.integer(2, 20));
    const double rho = filling();
    const auto expected = solve(chain, rho);
    swap_spins(chain);
    const auto actual = solve(chain, 1.0 - rho);
    EXPECT_NEAR(actual.spin[0], -expected.spin[1], accuracy);
    EXPECT_NEAR(actual.spin[1], -expected.spin[0], accuracy);
    for (std::size_t s = 0; s < expected.state.occupation.size(); ++s)
      EXPECT_NEAR(actual.state.lagrange_multiplier[conjugate(s, chain.sites)], -expected.state.lagrange_multiplier[s],
                  accuracy);
    chain.jump = DephasingJump{0.5, 0.5};
    EXPECT_NEAR(solve(chain, 0.5).current, 0.0, 1e-13) << "equal dephasing at half filling";
  }
}

TggeRashba published_chain(std::int64_t sites, double up, double down) {
  TggeRashba chain;
  chain.sites = sites;
  chain.zeeman_field = 1.0;
  chain.rashba_y = 1.1;
  chain.rashba_z = 0.9;
  chain.bath.nonequilibrium_fraction = 0.5;
  chain.jump = DephasingJump{up, down};
  return chain;
}

TEST_F(TwoBandsInvariants, EqualDephasingCarriesACurrentAwayFromHalfFilling) {
  // Known to ten digits for the infinite chain, to which 200 sites have converged.
  EXPECT_NEAR(solve(published_chain(200, 0.5, 0.5), 0.4).current, 0.0069794691, 5.1e-11);
}

TEST_F(TwoBandsInvariants, ACurrentNeedsAllThreeFields) {
  for (int i = 0; i < cases; ++i) {
    TggeRashba chain = next();
    chain.rashba_y = 0.0;
    const auto solved = solve(chain, filling());
    EXPECT_NEAR(solved.current, 0.0, 1e-13);
    for (std::size_t s = 0; s < solved.state.occupation.size(); ++s)
      EXPECT_NEAR(solved.state.occupation[mirrored(s, chain.sites)], solved.state.occupation[s], accuracy);
  }
  // Without rashba_z the occupations are not even; the current is a finite-size effect.
  TggeRashba chain = published_chain(400, 1.0, 0.0);
  chain.rashba_z = 0.0;
  const auto without = solve(chain, 0.4);
  EXPECT_NEAR(without.current, 0.0, 1e-11);
  EXPECT_GT(std::fabs(without.state.occupation[110] - without.state.occupation[mirrored(110, 400)]), 1e-3);
  // Without a field the bands touch, and the grid leaves a current of order 1/L. Four digits are known.
  for (const auto& [sites, expected] :
       {std::pair<std::int64_t, double>{40, -3.666e-5}, {80, -1.832e-5}, {160, -9.154e-6}}) {
    chain = published_chain(sites, 1.0, 0.0);
    chain.zeeman_field = 0.0;
    EXPECT_NEAR(solve(chain, 0.5).current, expected, 6e-4 * std::fabs(expected)) << sites;
  }
}

TEST_F(TwoBandsInvariants, WhatParityForbidsVanishes) {
  // L_j = n_j + n_{j+1}: the weights are even in both momenta together, though not in each, so no current flows.
  for (const double rho : {0.2, 0.5}) {
    TggeChain chain;
    chain.sites = 20;
    chain.bath.nonequilibrium_fraction = 0.5;
    chain.jump = JumpOperators{{{{{0}, 0, {0}, 0, 1.0}, {{1}, 0, {1}, 0, 1.0}}}};
    EXPECT_NEAR(solve(chain, rho).current, 0.0, 1e-13);
  }
}

}  // namespace
}  // namespace lindrift::testing
