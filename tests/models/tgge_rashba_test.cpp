// Two bands, and jump operators of either model: from parameters to a rate equation, on each backend and with each
// algorithm.
#include "lindrift/tgge/rashba.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <set>
#include <string>

#include "data/tgge_operator_forces.hpp"
#include "lindrift/error.hpp"
#include "reference/fock_space.hpp"
#include "reference/tgge_rashba.hpp"
#include "support/chains.hpp"
#include "support/compare.hpp"
#include "support/every_way.hpp"
#include "support/random.hpp"
#include "support/transitions.hpp"
#include "support/two_bands.hpp"

namespace lindrift::testing {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

class TwoBandsTest : public EveryWayTest {
 protected:
  /// Other spectra and tables have no moments.
  template <class Chain>
  static RateEquation make_direct(const Chain& chain) {
    return make_rate_equation(chain, {.backend = GetParam().backend, .algorithm = Algorithm::direct});
  }
};

std::vector<double> rate_of(const RateEquation& equation, const std::vector<double>& lambda) {
  const auto n = occupations_of(lambda);
  std::vector<double> rate(lambda.size());
  equation.generator->occupation_rate(n.particles, n.holes, rate);
  return rate;
}

// --- against the Fock space ------------------------------------------------------------------------------------------

TEST(FockSpace, ModesDiagonaliseTheHamiltonianBetweenSites) {
  // Checks the oracle itself: signs of the fermions, spinors, energies.
  Random random(201);
  for (const std::int64_t sites : {1, 2, 3}) {
    const reference::FockSpace space(lattice_of(random_rashba(random, sites)));
    const auto h = space.hamiltonian(), e = space.sum_of_modes(space.energy());
    double error = 0.0;
    for (std::size_t i = 0; i < h.size(); ++i) error = std::max(error, std::abs(h[i] - e[i]));
    EXPECT_LE(error, 1e-14) << sites;
  }
  for (const std::int64_t sites : {{1}, 2, {3}, 5, 6}) {
    const reference::FockSpace space(lattice_of(random_chain(random, sites)));
    const auto h = space.hamiltonian(), e = space.sum_of_modes(space.energy());
    double error = 0.0;
    for (std::size_t i = 0; i < h.size(); ++i) error = std::max(error, std::abs(h[i] - e[i]));
    EXPECT_LE(error, 1e-13) << sites;
  }
}

/// Rates compared with traces over the Fock space, for each bath alone and for both; errors are relative to the largest
/// rate. Sums of 4096 products in the traces leave a few 1e-14.
template <class Chain, class Make>
void expect_traces(Chain chain, Random& random, const Make& make) {
  const reference::FockSpace space(lattice_of(chain));
  const auto lambda = random.vector(space.modes(), -2.0, 2.0);
  const auto rho = space.gaussian_state(lambda);
  const auto driven = space.driven_rate(rho), thermal = space.thermal_rate(rho);
  for (const auto& [eq, neq] : {std::pair{0.7, 0.4}, {0.0, 1.0}, {1.0, 0.0}}) {
    chain.bath.equilibrium_fraction = eq;
    chain.bath.nonequilibrium_fraction = neq;
    const RateEquation equation = make(chain);
    const auto rate = rate_of(equation, lambda);
    std::vector<double> expected;
    for (std::size_t s = 0; s < rate.size(); ++s)
      expected.push_back(chain.bath.coupling * (eq * thermal[s] + neq * driven[s]));
    // One site of one band has no rate at all: only rounding errors of terms of order one remain.
    EXPECT_LE(largest_difference(rate, expected), 1e-12 * std::max(largest_magnitude(expected), 1e-3))
        << "gamma_eq = " << eq << ", gamma_neq = " << neq;
    const auto n = occupations_of(lambda).particles;
    EXPECT_NEAR(current(equation, n)[0], space.expectation(space.current(), rho), 1e-13);
    EXPECT_NEAR(energy_per_cell(equation, n),
                space.expectation(space.hamiltonian(), rho) / static_cast<double>(chain.sites), 1e-13);
    for (const int spin : {0, 1}) {
      if (equation.bands.orbitals == 1) break;
      EXPECT_NEAR(orbital_current(equation, n)[static_cast<std::size_t>(spin)],
                  space.expectation(space.current(spin), rho), 1e-13);
    }
  }
}

TEST_P(TwoBandsTest, RatesOfTwoBandsAreTracesOverTheFockSpace) {
  Random random(202);
  const auto make = [](const auto& chain) { return TwoBandsTest::make(chain); };
  for (const std::int64_t sites : {1, 2, 3}) {
    for (int i = 0; i < 2; ++i) {
      TggeRashba chain = random_rashba(random, sites);
      SCOPED_TRACE(::testing::Message() << "L = " << sites << ", case " << i);
      expect_traces(chain, random, make);  // dephasing
      // Ranges up to 4 wrap around such short chains, some more than once.
      for (const std::int64_t range : {0, 1, 2, 4}) {
        SCOPED_TRACE(::testing::Message() << "range " << range);
        chain.jump = random_operators(random, 2, range, static_cast<int>(random.integer(1, 3)));
        expect_traces(chain, random, make);
      }
    }
  }
}

TEST_P(TwoBandsTest, RatesOfOneBandAreTracesOverTheFockSpace) {
  Random random(203);
  const auto make = [](const auto& chain) { return TwoBandsTest::make(chain); };
  for (const std::int64_t sites : {{1}, 2, {3}, 5, 6}) {
    SCOPED_TRACE(::testing::Message() << "L = " << sites);
    TggeChain chain = random_chain(random, sites);
    expect_traces(chain, random, make);  // Raman
    for (const std::int64_t range : {0, 1, 2, 7}) {
      SCOPED_TRACE(::testing::Message() << "range " << range);
      chain.jump = random_operators(random, 1, range, static_cast<int>(random.integer(1, 3)));
      expect_traces(chain, random, make);
    }
  }
}

TEST_P(TwoBandsTest, OtherSpectraAreTracesOverTheFockSpace) {
  if (GetParam().algorithm != Algorithm::direct) GTEST_SKIP() << "no moments";
  Random random(204);
  const auto make = [](const auto& chain) { return make_direct(chain); };
  for (const Spectrum spectrum : {Spectrum::lorentzian, Spectrum::ohmic}) {
    for (const std::int64_t sites : {2, 3}) {
      TggeRashba chain = random_rashba(random, sites);
      chain.bath.inverse_temperature = random.uniform(0.3, 3.0);
      chain.bath.spectrum = spectrum;
      chain.bath.spectrum_width = random.uniform(0.5, 3.0);
      chain.jump = random_operators(random, 2, 1, 2);
      expect_traces(chain, random, make);
    }
    TggeChain chain = random_operator_chain(random, 5, 1);
    chain.bath.inverse_temperature = 1.3;
    chain.bath.spectrum = spectrum;
    chain.bath.spectrum_width = 0.8;
    expect_traces(chain, random, make);
  }
}

TggeRashba touching_bands(std::int64_t sites) {
  TggeRashba chain;
  chain.sites = sites;
  chain.rashba_y = 1.1;
  chain.rashba_z = 0.9;
  chain.bath.nonequilibrium_fraction = 0.5;
  chain.jump = DephasingJump{0.3, 0.7};
  return chain;
}

TEST_P(TwoBandsTest, TouchingBandsFollowTheRuleOfAVanishingField) {
  // h = 0: R = 0 at k = 0 and -pi. Without rashba_z the spinors are pure spins everywhere.
  Random random(205);
  const auto make = [](const auto& chain) { return TwoBandsTest::make(chain); };
  for (const std::int64_t sites : {1, 2, 3}) {
    TggeRashba chain = touching_bands(sites);
    expect_traces(chain, random, make);
    chain.rashba_z = 0.0;
    expect_traces(chain, random, make);
    chain.rashba_y = 0.0;
    expect_traces(chain, random, make);
  }
  // The limit h -> 0+ of the rates of the occupations at fixed multipliers.
  TggeRashba chain = touching_bands(8);
  const auto lambda = random.vector(16, -2.0, 2.0);
  const auto rate = rate_of(this->make(chain), lambda);
  chain.zeeman_field = 1e-10;
  EXPECT_LE(largest_difference(rate_of(this->make(chain), lambda), rate), 1e-9);
}

// --- stored numbers --------------------------------------------------------------------------------------------------

namespace published = data::tgge_operator_forces;

JumpOperators jump_of(const published::Case& c) {
  JumpOperators jump;
  for (const auto& channel : c.model.channels) {
    jump.channels.emplace_back();
    for (const auto& t : channel)
      jump.channels.back().push_back({{static_cast<std::int64_t>(t[0])},
                                      static_cast<int>(t[1]),
                                      {static_cast<std::int64_t>(t[2])},
                                      static_cast<int>(t[3]),
                                      {t[4], t[5]}});
  }
  return jump;
}

void expect_stored(const RateEquation& equation, const published::Case& c) {
  const auto n = occupations_of(c.lagrange_multiplier);
  std::vector<double> rate(n.particles.size()), log_gain(rate), log_loss(rate);
  equation.generator->occupation_rate(n.particles, n.holes, rate);
  equation.generator->log_rates(c.lagrange_multiplier, log_gain, log_loss);
  ASSERT_EQ(equation.modes(), c.energy.size());
  for (std::size_t s = 0; s < rate.size(); ++s) {
    EXPECT_NEAR(equation.bands.energy[s], c.energy[s], 4e-15);
    // 1e-12 relative to the terms of the difference.
    const double terms =
        c.model.coupling * c.model.hopping * (c.gain[s] * (1.0 - c.occupation[s]) + c.loss[s] * c.occupation[s]);
    EXPECT_NEAR(rate[s], c.occupation_rate[s], 1e-12 * terms);
    EXPECT_NEAR(rate[s], c.model.coupling * (c.model.gamma_eq * c.trace_eq[s] + c.model.gamma_neq * c.trace_neq[s]),
                1e-12 * terms);
    EXPECT_NEAR(log_gain[s], std::log(c.gain[s]), 1e-12);
    EXPECT_NEAR(log_loss[s], std::log(c.loss[s]), 1e-12);
  }
  std::vector<double> forces(rate.size()), lambda_rate(rate.size());
  force(equation, c.lagrange_multiplier, forces);
  lagrange_multiplier_rate(equation, c.lagrange_multiplier, lambda_rate);
  for (std::size_t s = 0; s < rate.size(); ++s) {
    // Both are the rate divided by n, 1-n and epsilon J: the same terms.
    const double sites = static_cast<double>(equation.bands.lattice.size());
    const double terms = sites * (c.gain[s] + c.loss[s] * std::exp(-c.lagrange_multiplier[s]));
    EXPECT_NEAR(forces[s], c.model.gamma_eq * c.force_eq[s] + c.model.gamma_neq * c.force_neq[s], 1e-12 * terms);
    EXPECT_NEAR(lambda_rate[s], c.lagrange_multiplier_rate[s],
                1e-12 * c.model.coupling * c.model.hopping * terms / sites / c.occupation[s]);
  }
  EXPECT_NEAR(current(equation, c.occupation)[0], c.current, 1e-13);
  EXPECT_NEAR(current(equation, c.occupation)[0], c.current_fock, 1e-13);
  EXPECT_NEAR(energy_per_cell(equation, c.occupation), c.energy_per_site, 1e-13);
  if (equation.bands.orbitals == 2) {
    EXPECT_NEAR(orbital_current(equation, c.occupation)[0], c.current_up, 1e-13);
    EXPECT_NEAR(orbital_current(equation, c.occupation)[1], c.current_down, 1e-13);
  }
}

TEST_P(TwoBandsTest, ForcesAreStoredOnes) {
  int dephased = 0;
  for (const auto& c : published::cases) {
    SCOPED_TRACE(c.id);
    TggeBath bath;
    bath.coupling = c.model.coupling;
    bath.inverse_temperature = c.model.inverse_temperature;
    bath.nonequilibrium_fraction = c.model.gamma_neq;
    bath.equilibrium_fraction = c.model.gamma_eq;
    if (c.model.bands == 1.0) {
      TggeChain chain{.sites = c.model.sites, .hopping = c.model.hopping, .bath = bath, .jump = jump_of(c)};
      expect_stored(make(chain), c);
      continue;
    }
    TggeRashba chain{.sites = c.model.sites,
                     .hopping = c.model.hopping,
                     .zeeman_field = c.model.zeeman_field,
                     .rashba_y = c.model.rashba_y,
                     .rashba_z = c.model.rashba_z,
                     .bath = bath,
                     .jump = jump_of(c)};
    expect_stored(make(chain), c);
    if (c.model.dephasing_up + c.model.dephasing_down == 0.0) continue;
    ++dephased;
    chain.jump = DephasingJump{c.model.dephasing_up, c.model.dephasing_down};
    expect_stored(make(chain), c);
  }
  EXPECT_EQ(dephased, 3);
}

// --- against plain loops ---------------------------------------------------------------------------------------------

/// All functions of a Generator, for lambda up to 5; exponents up to 12 and sums of a thousand terms leave a few 1e-14.
template <class Chain>
void expect_reference(const Chain& chain, const RateEquation& equation, Random& random) {
  const auto problem = reference::problem_of(lattice_of(chain));
  const auto lambda = random.vector(problem.size, -5.0, 5.0), direction = random.vector(problem.size, -1.0, 1.0);
  const auto n = occupations_of(lambda);
  const reference::Vector at = extended(lambda), one(problem.size, 1.0L);
  std::vector<double> result(problem.size), other(problem.size);
  ASSERT_EQ(equation.modes(), problem.size);
  EXPECT_LE(largest_error(equation.bands.energy, problem.energy, one), 2e-15);
  EXPECT_LE(largest_error(equation.bands.velocity[0], problem.velocity, one), 4e-15);

  equation.generator->occupation_rate(n.particles, n.holes, result);
  const auto rate = reference::occupation_rate(problem, at);
  EXPECT_LE(largest_error(result, rate), 1e-13);
  EXPECT_LE(largest_error(result, reference::occupation_rate_from_forces(problem, at), rate.magnitude), 1e-13);

  equation.generator->relaxation_rate(n.particles, n.holes, other);
  auto gain = reference::gain(problem, at), loss = reference::loss(problem, at);
  reference::Vector relaxation;
  for (std::size_t s = 0; s < problem.size; ++s) relaxation.push_back(problem.scale * (gain[s] + loss[s]));
  EXPECT_LE(largest_error(other, relaxation, relaxation), 1e-13);
  EXPECT_LE(largest_error(jacobian_times(*equation.generator, n, direction),
                          reference::occupation_rate_derivative(problem, at, extended(direction))),
            1e-13);

  equation.generator->log_rates(lambda, result, other);
  for (auto* rates : {&gain, &loss})
    for (auto& r : *rates) r = std::log(r);
  EXPECT_LE(largest_error(result, gain, one), 1e-13);
  EXPECT_LE(largest_error(other, loss, one), 1e-13);
  equation.generator->log_balance_derivative(direction, result);
  EXPECT_LE(largest_error(result, reference::log_balance_derivative(problem, at, extended(direction))), 1e-13);

  double largest = 0.0, error = 0.0;
  for (std::size_t to = 0; to < problem.size; to += 3)
    for (std::size_t from = 0; from < problem.size; from += 2) {
      largest = std::max(largest, static_cast<double>(problem.w(to, from)));
      error = std::max(error, std::fabs(equation.hop_weight(to, from) - static_cast<double>(problem.w(to, from))));
    }
  EXPECT_LE(error, 1e-14 * largest);
}

TEST_P(TwoBandsTest, EverythingIsTheReference) {
  Random random(206);
  for (const std::int64_t sites : {{1}, 2, {3}, 4, 7, 16, 31, 64, 129}) {
    SCOPED_TRACE(::testing::Message() << "L = " << sites);
    TggeRashba chain = random_rashba(random, sites);
    expect_reference(chain, make(chain), random);
    if (sites > 64) continue;
    for (const std::int64_t range : {0, 1, 2}) {
      chain.jump = random_operators(random, 2, range, static_cast<int>(random.integer(1, 3)));
      expect_reference(chain, make(chain), random);
    }
    TggeChain one = random_operator_chain(random, sites, random.integer(0, 3));
    expect_reference(one, make(one), random);
  }
}

TEST_P(TwoBandsTest, EverythingIsTheReferenceForOtherSpectraAndTables) {
  if (GetParam().algorithm != Algorithm::direct) GTEST_SKIP() << "no moments";
  Random random(207);
  for (const Spectrum spectrum : {Spectrum::exponential, Spectrum::lorentzian, Spectrum::ohmic}) {
    for (const std::int64_t sites : {3, 20, 45}) {
      SCOPED_TRACE(::testing::Message() << "L = " << sites << ", spectrum " << static_cast<int>(spectrum));
      TggeRashba chain = random_rashba(random, sites);
      chain.bath.inverse_temperature = random.uniform(0.2, 3.0);
      chain.bath.spectrum = spectrum;
      chain.bath.spectrum_width = random.uniform(0.5, 3.0);
      expect_reference(chain, make_direct(chain), random);
      chain.jump = random_operators(random, 2, 1, 2);
      expect_reference(chain, make_direct(chain), random);
      TggeRashba tabled = chain;
      tabled.jump = table_of(lattice_of(chain));
      expect_reference(chain, make_direct(tabled), random);
    }
  }
}

TEST_P(TwoBandsTest, LogRatesStayFiniteInTheCold) {
  // beta J = 1000: exponents of 4000, accurate to 4000 * 1e-16.
  Random random(208);
  for (int i = 0; i < 4; ++i) {
    TggeRashba chain = random_rashba(random, 21);
    chain.bath.inverse_temperature = 1000.0 / chain.hopping;
    if (i % 2 == 1) chain.jump = random_operators(random, 2, 1, 2);
    const RateEquation equation = make(chain);
    const auto problem = reference::problem_of(lattice_of(chain));
    auto lambda = random.vector(42, -1500.0, 1500.0);
    if (i >= 2)  // about half the slope of the thermal state, as in a steady state
      for (std::size_t s = 0; s < 42; ++s)
        lambda[s] = 0.5 * chain.bath.inverse_temperature * equation.bands.energy[s] + random.uniform(-3.0, 3.0);
    std::vector<double> log_gain(42), log_loss(42);
    equation.generator->log_rates(lambda, log_gain, log_loss);
    auto gain = reference::gain(problem, extended(lambda)), loss = reference::loss(problem, extended(lambda));
    const reference::Vector one(42, 1.0L);
    for (auto* rates : {&gain, &loss})
      for (auto& r : *rates) r = std::log(r);
    EXPECT_LE(largest_error(log_gain, gain, one), 5e-12);
    EXPECT_LE(largest_error(log_loss, loss, one), 5e-12);
  }
}

INSTANTIATE_TEST_SUITE_P(EveryWay, TwoBandsTest, every_way(), name_of_way);

// --- what is said about a bath ---------------------------------------------------------------------------------------

template <class Chain>
RateEquation on_cpu(const Chain& chain) {
  return make_rate_equation(chain, {.backend = Backend::cpu});
}

/// The measures computed from the reference's weights, with partners found by momentum and band.
ParityMeasures reference_measures(const reference::Lattice& lattice) {
  const auto problem = reference::problem_of(lattice);
  const auto modes = reference::modes_of(lattice);
  const auto sites = lattice.sites;
  const auto find = [&](std::int64_t m, std::size_t band) {
    for (std::size_t s = band * static_cast<std::size_t>(sites); s < modes.size(); ++s)
      if ((modes[s].m - m) % sites == 0) return s;
    return modes.size();
  };
  ParityMeasures result;
  long double largest = 0.0L, joint = 0.0L, paper14 = 0.0L, conjugate = 0.0L;
  for (std::size_t to = 0; to < modes.size(); ++to)
    for (std::size_t from = 0; from < modes.size(); ++from) {
      const std::size_t to_band = to / static_cast<std::size_t>(sites),
                        from_band = from / static_cast<std::size_t>(sites);
      const std::size_t flip = lattice.bands == 2 ? 1 : 0;
      const std::size_t p_to = find(-modes[to].m, to_band), p_from = find(-modes[from].m, from_band);
      const long double w = problem.w(to, from);
      largest = std::max(largest, w);
      joint = std::max(joint, std::fabs(w - problem.w(p_to, p_from)));
      paper14 = std::max({paper14, std::fabs(w - problem.w(p_to, from)), std::fabs(w - problem.w(to, p_from))});
      if (sites % 2 == 0)
        conjugate = std::max(conjugate, std::fabs(w - problem.w(find(sites / 2 - modes[from].m, from_band ^ flip),
                                                                find(sites / 2 - modes[to].m, to_band ^ flip))));
    }
  result.joint = static_cast<double>(joint / largest);
  result.paper14 = static_cast<double>(paper14 / largest);
  result.particle_hole = static_cast<double>(conjugate / largest);
  return result;
}

TEST(ParityMeasures, AreTheReferenceOnRandomBaths) {
  Random random(211);
  const auto compare = [](const auto& chain) {
    const ParityMeasures actual = parity_measures(on_cpu(chain)), expected = reference_measures(lattice_of(chain));
    EXPECT_NEAR(actual.joint, expected.joint, 1e-13);
    EXPECT_NEAR(actual.paper14, expected.paper14, 1e-13);
    if (chain.sites % 2 == 0)
      EXPECT_NEAR(actual.particle_hole, expected.particle_hole, 1e-13);
    else
      EXPECT_TRUE(std::isnan(actual.particle_hole));
  };
  for (const std::int64_t sites : {4, 5, 6, 9}) {
    SCOPED_TRACE(::testing::Message() << "L = " << sites);
    TggeRashba chain = random_rashba(random, sites);
    compare(chain);
    chain.jump = random_operators(random, 2, 1, 2);
    compare(chain);
    compare(random_chain(random, sites));
    compare(random_operator_chain(random, sites, 2));
  }
}

TEST(ParityMeasures, TellApartWhatForbidsACurrent) {
  // L_j = n_j + n_{j+1}: w(q,k) depends on q - k alone.
  TggeChain chain;
  chain.sites = 20;
  chain.bath.nonequilibrium_fraction = 0.5;
  chain.jump = JumpOperators{{{{{0}, 0, {0}, 0, 1.0}, {{1}, 0, {1}, 0, 1.0}}}};
  ParityMeasures measures = parity_measures(on_cpu(chain));
  EXPECT_NEAR(measures.paper14, 1.0, 1e-13);
  EXPECT_NEAR(measures.joint, 0.0, 1e-14);
  EXPECT_NEAR(measures.particle_hole, 0.0, 1e-14);

  // delta = delta': neither parity, but an exchange of particles and holes. Real delta: even.
  chain.jump = RamanJump{{1.0, 1.0}, {1.0, 1.0}};
  measures = parity_measures(on_cpu(chain));
  EXPECT_GT(measures.joint, 0.1);
  EXPECT_NEAR(measures.particle_hole, 0.0, 1e-14);
  chain.jump = RamanJump{{1.0, 1.0}, {1.0, 0.5}};
  EXPECT_GT(parity_measures(on_cpu(chain)).particle_hole, 0.1);
  chain.jump = RamanJump{1.0, 0.5};
  measures = parity_measures(on_cpu(chain));
  EXPECT_NEAR(measures.joint, 0.0, 1e-14);
  EXPECT_NEAR(measures.paper14, 0.0, 1e-14);

  // Spins dephased equally: w_up(pi - k, -nu) = w_down(k, nu) exchanges them.
  TggeRashba rashba = touching_bands(12);
  rashba.zeeman_field = 0.7;
  rashba.jump = DephasingJump{0.5, 0.5};
  measures = parity_measures(on_cpu(rashba));
  EXPECT_GT(measures.joint, 0.1);
  EXPECT_NEAR(measures.particle_hole, 0.0, 1e-14);
  rashba.jump = DephasingJump{1.0, 0.0};
  EXPECT_GT(parity_measures(on_cpu(rashba)).particle_hole, 0.1);
  rashba.rashba_y = 0.0;
  EXPECT_NEAR(parity_measures(on_cpu(rashba)).joint, 0.0, 1e-14);
}

TEST(Rank, IsThatOfTheBath) {
  Random random(212);
  EXPECT_EQ(on_cpu(random_chain(random, 64)).rank, 1);
  TggeRashba chain = random_rashba(random, 64);
  EXPECT_EQ(on_cpu(chain).rank, 2);
  chain.jump = DephasingJump{1.0, 0.0};
  EXPECT_EQ(on_cpu(chain).rank, 1);
  for (int i = 0; i < 5; ++i) {
    // 4 min(r_a, r_b) + 4 for range >= 1, 3 for range 0, over all channels together.
    chain.jump = random_operators(random, 2, 0, 2);
    EXPECT_LE(on_cpu(chain).rank, 3);
    chain.jump = random_operators(random, 2, 1, 3);
    EXPECT_LE(on_cpu(chain).rank, 8);
    chain.jump = random_operators(random, 2, 2, 3);
    EXPECT_LE(on_cpu(chain).rank, 12);
    // One band: 2 range + 1.
    EXPECT_LE(on_cpu(random_operator_chain(random, 64, 1)).rank, 3);
    EXPECT_LE(on_cpu(random_operator_chain(random, 64, 2)).rank, 5);
  }
  // Reached if every term is present.
  for (const auto& [range, rank] : {std::pair<std::int64_t, int>{0, 3}, {1, 8}, {2, 12}}) {
    JumpOperators full;
    for (int c = 0; c < 3; ++c) {
      full.channels.emplace_back();
      for (std::int64_t to = 0; to <= range; ++to)
        for (std::int64_t from = 0; from <= range; ++from)
          for (const int a : {0, 1})
            for (const int b : {0, 1}) full.channels.back().push_back({{to}, a, {from}, b, random.complex(1.0)});
    }
    chain.jump = full;
    EXPECT_EQ(on_cpu(chain).rank, rank) << "range " << range;
  }
}

TEST(Components, ModesOfTheOtherSpinDecouple) {
  // Only up, even L, h > 0: w_up of the - band vanishes where sin k = 0, so its k = 0 and k = -pi are isolated.
  for (const double field : {0.8, -0.8}) {
    TggeRashba chain = touching_bands(10);
    chain.zeeman_field = field;
    chain.bath.nonequilibrium_fraction = 1.0;
    chain.jump = DephasingJump{1.0, 0.0};
    const RateEquation equation = on_cpu(chain);
    EXPECT_FALSE(equation.thermal);
    const Components components = connected_components(equation);
    EXPECT_EQ(components.count, 3);
    ASSERT_EQ(components.of_mode.size(), 20U);
    // Band - comes second; in a negative field, band + has spin down there.
    const std::size_t band = field > 0.0 ? 10 : 0;
    const auto pole = components.of_mode[band], center = components.of_mode[band + 5];
    EXPECT_NE(pole, center);
    for (std::size_t s = 0; s < 20; ++s) {
      EXPECT_EQ(components.of_mode[s] == pole, s == band) << s;
      EXPECT_EQ(components.of_mode[s] == center, s == band + 5) << s;
    }
    // The same weights written as an operator.
    chain.jump = JumpOperators{{{{{0}, 0, {0}, 0, 1.0}}}};
    EXPECT_EQ(connected_components(on_cpu(chain)).of_mode, components.of_mode);
    chain.sites = 9;  // -pi is not on the grid
    EXPECT_EQ(connected_components(on_cpu(chain)).count, 2);
    chain.bath.equilibrium_fraction = 1e-9;
    EXPECT_EQ(connected_components(on_cpu(chain)).count, 1);
  }
}

TEST(Components, SpinsDecoupleWithoutRashbaZ) {
  TggeRashba chain = touching_bands(8);
  chain.zeeman_field = 0.4;
  chain.rashba_z = 0.0;
  chain.bath.nonequilibrium_fraction = 1.0;
  const RateEquation equation = on_cpu(chain);
  const Components components = connected_components(equation);
  EXPECT_EQ(components.count, 2);
  for (std::size_t s = 0; s < 16; ++s) {
    const long double k = 2.0L * std::numbers::pi_v<long double> * (static_cast<long double>(s % 8) - 4.0L) / 8.0L;
    const bool positive = 2.2L * std::sin(k) + 0.4L >= 0.0L;
    const bool up = positive == (s < 8);
    const bool first = components.of_mode[s] == components.of_mode[4];  // k = 0 of band +: up
    EXPECT_EQ(first, up) << s;
  }
}

TEST(Components, ModesThatStandAloneAreFoundOneByOne) {
  // Without alpha_z the bath cannot reach one spin at all: each of its modes is a component. Pairs of these would be
  // 2e10.
  TggeRashba chain = touching_bands(200000);
  chain.zeeman_field = 0.4;
  chain.rashba_z = 0.0;
  chain.bath.nonequilibrium_fraction = 1.0;
  for (const bool as_operator : {false, true}) {
    if (as_operator)
      chain.jump = JumpOperators{{{{{0}, 0, {0}, 0, 1.0}}}};
    else
      chain.jump = DephasingJump{1.0, 0.0};
    const Components components = connected_components(on_cpu(chain));
    EXPECT_EQ(components.count, 200001);
    EXPECT_EQ(std::set<std::int32_t>(components.of_mode.begin(), components.of_mode.end()).size(), 200001U);
  }
}

TEST(RashbaRange, ParametersOutOfRangeAreNamed) {
  const auto quantity_refused = [](const auto& change) -> std::string {
    TggeRashba chain;
    chain.sites = 4;
    try {
      change(chain);
      make_rate_equation(chain, {.backend = Backend::cpu});
    } catch (const ParameterError& error) {
      return error.quantity();
    }
    return "";
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(quantity_refused([](TggeRashba&) {}), "");
  EXPECT_EQ(quantity_refused([](TggeRashba& c) { c.sites = 0; }), "model.sites");
  for (const double bad : {infinity, -infinity, nan}) {
    EXPECT_EQ(quantity_refused([&](TggeRashba& c) { c.zeeman_field = bad; }), "model.zeeman_field");
    EXPECT_EQ(quantity_refused([&](TggeRashba& c) { c.rashba_y = bad; }), "model.rashba_y");
    EXPECT_EQ(quantity_refused([&](TggeRashba& c) { c.rashba_z = bad; }), "model.rashba_z");
  }
  for (const double bad : {-1e-300, infinity, nan}) {
    EXPECT_EQ(quantity_refused([&](TggeRashba& c) { c.jump = DephasingJump{bad, 0.5}; }), "bath.dephasing_up");
    EXPECT_EQ(quantity_refused([&](TggeRashba& c) { c.jump = DephasingJump{0.5, bad}; }), "bath.dephasing_down");
  }
  EXPECT_EQ(quantity_refused([](TggeRashba& c) { c.jump = JumpOperators{}; }), "bath.jump_operator");
  EXPECT_EQ(quantity_refused([](TggeRashba& c) { c.jump = JumpOperators{{{}}}; }), "bath.jump_operator");
  EXPECT_EQ(quantity_refused([](TggeRashba& c) {
              c.jump = JumpOperators{{{{{0}, 2, {0}, 0, 1.0}}}};
            }),
            "bath.jump_operator[0]");
  EXPECT_EQ(quantity_refused([&](TggeRashba& c) {
              c.jump = JumpOperators{{{{{0}, 0, {0}, 0, nan}}}};
            }),
            "bath.jump_operator");
  EXPECT_EQ(quantity_refused([](TggeRashba& c) { c.jump = TableJump{std::vector<double>(63, 1.0)}; }), "bath.table");
  EXPECT_EQ(quantity_refused([](TggeRashba& c) {
              std::vector<double> weights(64, 1.0);
              weights[7] = -1e-300;
              c.jump = TableJump{weights};
            }),
            "bath.table");
  EXPECT_EQ(quantity_refused([](TggeRashba& c) { c.jump = TableJump{std::vector<double>(64, 1.0)}; }), "");
  EXPECT_EQ(quantity_refused([](TggeRashba& c) {
              c.bath.spectrum = Spectrum::ohmic;
              c.bath.inverse_temperature = 0.0;
            }),
            "bath.inverse_temperature");
  EXPECT_EQ(quantity_refused([](TggeRashba& c) {
              c.bath.spectrum = Spectrum::lorentzian;
              c.bath.spectrum_width = 0.0;
            }),
            "bath.spectrum_width");
}

TEST(RashbaRange, MomentsAreRefusedWhereThereAreNone) {
  TggeRashba chain;
  chain.sites = 4;
  EXPECT_EQ(on_cpu(chain).algorithm, Algorithm::separable);
  const Execution separable{.backend = Backend::cpu, .algorithm = Algorithm::separable};
  for (const Spectrum spectrum : {Spectrum::lorentzian, Spectrum::ohmic}) {
    chain.sites = 4;
    chain.bath.spectrum = spectrum;
    EXPECT_EQ(make_rate_equation(chain, separable).algorithm, Algorithm::separable);
    EXPECT_EQ(on_cpu(chain).algorithm, Algorithm::direct);  // few energies
    chain.sites = 2000;
    EXPECT_EQ(on_cpu(chain).algorithm, Algorithm::separable);
    chain.bath.spectrum_width = spectrum == Spectrum::lorentzian ? 1e-5 : 1e-6;
    EXPECT_THROW(make_rate_equation(chain, separable), UnsupportedError);  // more panels than allowed
    EXPECT_EQ(on_cpu(chain).algorithm, Algorithm::direct);
    chain.bath.spectrum_width = 1.0;
  }
  chain.sites = 4;
  // A thermal bath that is switched off has no spectrum.
  chain.bath.nonequilibrium_fraction = 1.0;
  EXPECT_EQ(make_rate_equation(chain, separable).algorithm, Algorithm::separable);
  chain.jump = TableJump{std::vector<double>(64, 1.0)};
  EXPECT_THROW(make_rate_equation(chain, separable), UnsupportedError);
  EXPECT_EQ(on_cpu(chain).algorithm, Algorithm::direct);
}

}  // namespace
}  // namespace lindrift::testing
