// The ladder of the Hubbard probe, in time and in frequency, against plain loops, the exact propagator of small rings,
// a single momentum, and stored values for the published parameters.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <string>
#include <vector>

#include "data/hubbard_exact_order.hpp"
#include "hubbard/quadrature.hpp"
#include "lindrift/lindrift.hpp"
#include "reference/hubbard.hpp"
#include "support/hubbard.hpp"
#include "support/random.hpp"
#include "support/ranks_as_threads.hpp"

namespace lindrift::testing {
namespace {

using Complex = std::complex<double>;
using reference::Real;

Execution by(Algorithm algorithm) { return {.backend = Backend::cpu, .algorithm = algorithm, .threads = 1}; }

/// A ring with random rates and an on-site interaction.
HubbardChain random_ladder(Random& random, std::int64_t sites, Ladder ladder) {
  HubbardChain chain = random_hubbard(random, sites, sites % 2 == 1);
  chain.interaction = {random.uniform(0.5, 3.0) * (random.integer(0, 1) == 0 ? 1.0 : -1.0)};
  chain.approximation = Approximation::ladder;
  chain.ladder = ladder;
  return chain;
}

/// w + i eta - e_k - 1/G in the ladder approximation.
reference::Complex expected_self_energy(const reference::HubbardChain& chain, std::int64_t k, reference::Complex w,
                                        Ladder ladder) {
  const reference::Complex first(chain.hartree(), -chain.probe_loss[chain.wrap(k)] / 2.0L);
  if (ladder == Ladder::particle) return first + reference::ladder_self_energy(chain, k, w, false);
  if (ladder == Ladder::hole) return first + reference::ladder_self_energy(chain, k, w - chain.interaction[0], true);
  const reference::Complex argument = w - chain.hartree();
  return first + reference::ladder_self_energy(chain, k, argument, false) +
         reference::ladder_self_energy(chain, k, argument, true) - reference::self_energy(chain, k, argument).value;
}

TEST(HubbardLadder, SelfEnergyIsTheReferenceByTimeAndByFrequency) {
  Random random(31);
  const std::vector<double> frequencies = {-3.1, -1.0, 0.2, 0.9, 4.0};
  for (const std::int64_t sites : {2, 3, 5, 8, 13})
    for (const Ladder ladder : {Ladder::particle, Ladder::hole, Ladder::both}) {
      const HubbardChain chain = random_ladder(random, sites, ladder);
      const auto expected = reference_of(chain);
      for (const Algorithm algorithm : {Algorithm::direct, Algorithm::fft}) {
        HubbardSpectralOptions options;
        options.tolerance = 1e-11;
        options.broadening = sites == 5 ? 0.3 : 0.0;
        const auto result = spectral(chain, frequencies, options, by(algorithm));
        EXPECT_EQ(result.algorithm, algorithm);
        EXPECT_LE(result.self_energy_error, 1e-11) << result.message;
        double largest = 0.0;
        for (const Complex& value : result.self_energy) largest = std::max(largest, std::abs(value));
        for (std::int64_t m = 0; m < sites; ++m)
          for (std::size_t w = 0; w < frequencies.size(); ++w) {
            const Complex value = result.self_energy[ascending(m, sites) * frequencies.size() + w];
            const Complex wanted(expected_self_energy(expected, m, {frequencies[w], options.broadening}, ladder));
            EXPECT_LE(std::abs(value - wanted), result.self_energy_error * largest)
                << sites << " sites, m = " << m << ", w = " << frequencies[w];
          }
      }
    }
}

TEST(HubbardLadder, PropagatorHasTheSpectrumOfTheSelfEnergy) {
  // int_0^inf e^{i w t} G(k,t) dt = G(k,w) at Im w = 2, where e^{-2 t} makes t > 18 negligible.
  Random random(32);
  constexpr double broadening = 2.0, end = 18.0;
  const LegendreRule rule = legendre_rule(160);
  std::vector<double> times;
  for (const double node : rule.node) times.push_back(0.5 * end * (1.0 + node));
  for (const std::int64_t sites : {2, 5, 9})
    for (const Ladder ladder : {Ladder::particle, Ladder::hole, Ladder::both}) {
      const HubbardChain chain = random_ladder(random, sites, ladder);
      const auto expected = reference_of(chain);
      HubbardGreenOptions options;
      options.tolerance = 1e-12;
      const auto result = green(chain, times, options, by(Algorithm::automatic));
      EXPECT_TRUE(result.converged) << result.message;
      for (std::int64_t m = 0; m < sites; ++m)
        for (const double w : {-2.0, 0.3, 1.7}) {
          Complex sum = 0.0;
          for (std::size_t t = 0; t < times.size(); ++t)
            sum += 0.5 * end * rule.weight[t] * std::exp(Complex(-broadening, w) * times[t]) *
                   result.green_retarded_momentum[t * static_cast<std::size_t>(sites) + ascending(m, sites)];
          const reference::Complex at(w, broadening);
          const Complex wanted(1.0L / (at - expected.energy(m) - expected_self_energy(expected, m, at, ladder)));
          EXPECT_LE(std::abs(sum - wanted), 2e-12) << sites << " sites, m = " << m << ", w = " << w;
        }
    }
}

TEST(HubbardLadder, OfThePublishedFigure) {
  HubbardChain chain = published_chain(128, 2.0, 0.2, 2.0);
  chain.approximation = Approximation::ladder;
  // m, w, Re Sigma, Im Sigma, A
  const double rows[][5] = {
      {0, -2.0, .2389235233, -.1043815946, 3.0709515991}, {0, 0.0, .2800564974, -.1269265518, .0853483972},
      {32, 0.0, .1760979127, -.1436671502, 5.5630255116}, {96, 0.0, .2851776406, -.0886969927, 1.9888680029},
      {48, 1.5, .2173614179, -.1992433106, 6.9897827430}, {16, 8.0, .3779136729, -.0350790532, .0008591917}};
  const std::vector<double> frequencies = {-2.0, 0.0, 1.5, 8.0};
  for (const Algorithm algorithm : {Algorithm::direct, Algorithm::fft}) {
    const auto result = spectral(chain, frequencies, {}, by(algorithm));
    for (const auto& row : rows) {
      const auto w =
          static_cast<std::size_t>(std::find(frequencies.begin(), frequencies.end(), row[1]) - frequencies.begin());
      const std::size_t at = ascending(static_cast<std::int64_t>(row[0]), 128) * frequencies.size() + w;
      EXPECT_NEAR(result.self_energy[at].real(), row[2], 1e-10);  // as many digits as are stored
      EXPECT_NEAR(result.self_energy[at].imag(), row[3], 1e-10);
      EXPECT_NEAR(result.spectral_function[at], row[4], 1e-9);
    }
  }
  const auto propagator = green(chain, std::vector<double>{2.0, 5.0, 10.0});
  const double norm[] = {.62154500, .28948059, .09234974}, drift[] = {-.24999488, -2.07021599, -7.44351729};
  for (std::size_t t = 0; t < 3; ++t) {
    EXPECT_NEAR(propagator.norm[t], norm[t], 1e-8);
    EXPECT_NEAR(propagator.drift[t], drift[t], 2e-7);
  }
}

TEST(HubbardLadder, BothAreExactThroughTheThirdOrder) {
  // Taylor coefficients of the exact self-energy in U, from the Lindbladian of three sites.
  int compared = 0;
  for (const auto& c : data::hubbard_exact_order::cases) {
    if (c.interaction[1] != 0.0 || c.interaction[2] != 0.0) continue;
    HubbardChain chain = chain_of_rates(c);
    for (const auto& row : c.rows) {
      const auto coefficient = [&](Real u) {  // odd part of Sigma minus its first order, over u^3
        const auto sigma = [&](Real strength) {
          auto scaled = reference_of(chain);
          for (Real& v : scaled.interaction) v *= strength;
          return expected_self_energy(scaled, static_cast<std::int64_t>(row[0]), row[1], Ladder::both);
        };
        const auto odd = 0.5L * (sigma(u) - sigma(-u));
        return (odd - u * reference_of(chain).hartree()) / (u * u * u);
      };
      // Errors of order u^2 and u^4 cancel; rounding of 1e-19 / u^3 remains.
      constexpr Real u = 0.02L;
      const auto third = (64.0L * coefficient(u / 4.0L) - 20.0L * coefficient(u / 2.0L) + coefficient(u)) / 45.0L;
      EXPECT_NEAR(static_cast<double>(third.real()), row[6], 1e-11);
      EXPECT_NEAR(static_cast<double>(third.imag()), row[7], 1e-11);
      ++compared;
    }
  }
  EXPECT_GE(compared, 9);
}

TEST(HubbardLadder, OfOneMomentumIsTheHatsugaiKohmotoChain) {
  // A single momentum with the interaction U: the ladder is exact at every density.
  Random random(33);
  for (int i = 0; i < 6; ++i) {
    HatsugaiKohmoto exact;
    exact.sites = 1;
    exact.hopping = 0.7;
    exact.interaction = random.uniform(-4.0, 4.0);
    exact.down.gain = random.uniform(0.1, 2.0);
    exact.down.loss = random.uniform(0.1, 2.0);
    exact.up.loss = i % 2 == 0 ? 0.0 : random.uniform(0.1, 1.0);
    reference::HubbardChain chain;
    chain.sites = 1;
    chain.hopping = exact.hopping;
    chain.interaction = {exact.interaction};
    chain.gain = {exact.down.gain};
    chain.loss = {exact.down.loss};
    chain.probe_loss = {exact.up.loss};
    const std::vector<double> frequencies = {-3.0, 0.4, 2.5};
    SpectralOptions options;
    options.broadening = 0.2;
    const auto result = spectral(exact, frequencies, options);
    for (std::size_t w = 0; w < frequencies.size(); ++w)
      for (const Ladder ladder : {Ladder::particle, Ladder::hole}) {
        const Complex wanted(expected_self_energy(chain, 0, {frequencies[w], options.broadening}, ladder));
        EXPECT_LE(std::abs(result.self_energy[w] - wanted), 1e-13 * (1.0 + std::abs(wanted)));
      }
  }
}

TEST(HubbardLadder, OfOnePartnerNeverHasANegativeSpectrum) {
  Random random(34);
  std::vector<double> frequencies;
  for (int i = 0; i < 60; ++i) frequencies.push_back(-9.0 + 0.3 * i);
  for (int i = 0; i < 40; ++i) {
    const HubbardChain chain =
        random_ladder(random, 2 + random.integer(0, 7), i % 2 == 0 ? Ladder::particle : Ladder::hole);
    const auto result = spectral(chain, frequencies, {}, by(Algorithm::direct));
    for (const Complex& value : result.self_energy) EXPECT_LE(value.imag(), 0.0);
  }
}

TEST(HubbardLadder, IsCloserToTheExactPropagatorThanTheSecondOrder) {
  // The exact ring of three sites at low density of the open species: the ladder is exact to first order in it.
  HubbardChain chain;
  chain.sites = 3;
  chain.interaction = {3.0};
  chain.down.gain_table = {0.01, 0.02, 0.015};
  chain.down.loss_table = {1.1, 0.7, 1.6};
  const reference::ExactPropagator exact(reference_of(chain));
  const std::vector<double> times = {0.5, 1.5, 3.0};
  HubbardChain second = chain, ladder = chain;
  second.hartree = Hartree::bare;
  ladder.approximation = Approximation::ladder;
  const auto by_second = green(second, times), by_ladder = green(ladder, times);
  for (std::size_t t = 0; t < times.size(); ++t)
    for (std::int64_t m = 0; m < 3; ++m) {
      const Complex wanted(exact.green_in_time(m, times[t]));
      const std::size_t at = t * 3 + ascending(m, 3);
      const double of_ladder = std::abs(by_ladder.green_retarded_momentum[at] - wanted);
      EXPECT_LE(of_ladder, 2e-3);
      EXPECT_LE(5.0 * of_ladder, std::abs(by_second.green_retarded_momentum[at] - wanted) + 1e-3);
    }
}

TEST(HubbardLadder, AutomaticTakesTheRarerPartner) {
  HubbardChain chain = published_chain(6, 1.0, 0.2, 2.0);
  chain.approximation = Approximation::ladder;
  const std::vector<double> frequencies = {0.0, 1.0};
  const auto values = [&](Ladder ladder) {
    chain.ladder = ladder;
    return spectral(chain, frequencies).self_energy;
  };
  EXPECT_EQ(values(Ladder::automatic), values(Ladder::particle));
  chain.down.gain = 3.0;
  chain.down.two_site_loss = 0.2;
  EXPECT_EQ(values(Ladder::automatic), values(Ladder::hole));
}

TEST(HubbardLadder, BitsKnowNeitherThreadsNorRanks) {
  Random random(36);
  const HubbardChain chain = random_ladder(random, 21, Ladder::both);
  const std::vector<double> times = {0.5, 1.7, 3.0}, frequencies = {-1.0, 0.0, 0.4};
  const auto propagator = green(chain, times, {}, by(Algorithm::automatic));
  const auto spectrum = spectral(chain, frequencies, {}, by(Algorithm::fft));
  Execution two = by(Algorithm::fft);
  two.threads = 2;
  EXPECT_EQ(green(chain, times, {}, two).green_retarded, propagator.green_retarded);
  EXPECT_EQ(spectral(chain, frequencies, {}, two).self_energy, spectrum.self_energy);
  with_ranks(3, [&](Communicator& communicator) {
    Execution member = by(Algorithm::fft);
    member.communicator = &communicator;
    EXPECT_EQ(green(chain, times, {}, member).green_retarded, propagator.green_retarded);
    EXPECT_EQ(spectral(chain, frequencies, {}, member).self_energy, spectrum.self_energy);
  });
}

TEST(HubbardLadder, GoesOnWithTheSameBitsAfterEveryStage) {
  Random random(37);
  const HubbardChain chain = random_ladder(random, 6, Ladder::particle);
  std::vector<double> frequencies;
  for (int i = 0; i < 5; ++i) frequencies.push_back(6.0 * i);  // needs many times
  for (const Algorithm algorithm : {Algorithm::direct, Algorithm::fft}) {
    HubbardSpectralOptions options;
    std::vector<std::vector<unsigned char>> saved;
    options.monitor.checkpoint = [&](const auto& state) { saved.push_back(state()); };
    const auto whole = spectral(chain, frequencies, options, by(algorithm));
    ASSERT_FALSE(saved.empty());
    options.monitor.checkpoint = {};
    for (const auto& state : saved) {
      options.monitor.restored = state;
      EXPECT_EQ(spectral(chain, frequencies, options, by(algorithm)).self_energy, whole.self_energy);
    }
  }
}

TEST(HubbardLadder, RefusesWhatItIsNotKnownFor) {
  HubbardChain chain = published_chain(6, 1.0, 0.2, 2.0);
  chain.approximation = Approximation::ladder;
  chain.interaction = {1.0, 0.0, 0.25};
  try {
    validate(chain);
    FAIL() << "an interaction between sites was accepted";
  } catch (const ParameterError& error) {
    EXPECT_NE(std::string(error.what()).find("V_2 = 0.25"), std::string::npos) << error.what();
  }
  chain.interaction = {1.0, 0.0, 0.0};
  Execution device = by(Algorithm::direct);
  device.backend = Backend::cuda;
  EXPECT_THROW(spectral(chain, std::vector<double>{1.0}, {}, device), UnsupportedError);
}

}  // namespace
}  // namespace lindrift::testing
