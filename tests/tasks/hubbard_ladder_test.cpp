// The ladder of the Hubbard probe, in time and in frequency, against plain loops, the exact propagator of small rings,
// a single momentum, and stored values for the published parameters.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdio>
#include <numbers>
#include <string>
#include <vector>

#include "data/hubbard_exact_order.hpp"
#include "data/hubbard_exact_rings.hpp"
#include "data/hubbard_ladder.hpp"
#include "hubbard/ladder_self_energy.hpp"
#include "hubbard/modes.hpp"
#include "hubbard/quadrature.hpp"
#include "lindrift/lindrift.hpp"
#include "reference/hubbard.hpp"
#include "support/hubbard.hpp"
#include "support/random.hpp"
#include "support/ranks_as_threads.hpp"
#include "support/resumed_green.hpp"

namespace lindrift::testing {
namespace {

using Complex = std::complex<double>;
using reference::Real;
constexpr double pi = std::numbers::pi;

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
  const std::vector<double> frequencies = {-2.0, -1.5, 0.0, 1.5, 8.0};
  HubbardSpectralOptions options;
  options.tolerance = 1e-12;
  for (const Algorithm algorithm : {Algorithm::direct, Algorithm::fft}) {
    const auto result = spectral(chain, frequencies, options, by(algorithm));
    EXPECT_NEAR(result.hartree_shift, data::hubbard_ladder::mean_field, 1e-15);
    for (const auto& row : data::hubbard_ladder::spectra) {
      const auto w =
          static_cast<std::size_t>(std::find(frequencies.begin(), frequencies.end(), row[1]) - frequencies.begin());
      const std::size_t at = ascending(static_cast<std::int64_t>(row[0]), 128) * frequencies.size() + w;
      EXPECT_LE(std::abs(result.self_energy[at] - Complex(row[2], row[3])), 1e-12);
      EXPECT_NEAR(result.spectral_function[at], row[4], 1e-11);  // |dA| <= 2 |G|^2 |dSigma|
    }
  }
  std::vector<double> times;
  for (const auto& row : data::hubbard_ladder::propagation) times.push_back(row[0]);
  const auto propagator = green(chain, times);
  for (std::size_t t = 0; t < times.size(); ++t) {
    const auto& row = data::hubbard_ladder::propagation[t];
    EXPECT_NEAR(propagator.norm[t], row[1], 1e-7);
    EXPECT_NEAR(propagator.drift[t], row[2], 2e-7);
    const std::int64_t sites[] = {0, 8, -8};
    for (std::size_t i = 0; i < 3; ++i)
      EXPECT_NEAR(std::norm(propagator.green_retarded[t * 128 + ascending(sites[i], 128)]), row[3 + i], 1e-7);
  }
}

TEST(HubbardLadder, SmallRingsHaveTheStoredSelfEnergiesAndPropagators) {
  for (const auto& stored : data::hubbard_exact_rings::probes) {
    SCOPED_TRACE(::testing::Message() << stored.sites << " sites, U = " << stored.interaction);
    HubbardChain chain =
        driven_chain(stored.sites, stored.interaction, 0.0, 0.0, stored.gain, stored.two_site_loss, stored.phase / pi);
    const std::size_t count = stored.frequencies.size();
    HubbardSpectralOptions options;
    options.tolerance = 1e-12;
    for (const bool ladder : {false, true}) {
      chain.approximation = ladder ? Approximation::ladder : Approximation::second_order;
      chain.ladder = ladder ? Ladder::both : Ladder::automatic;
      chain.hartree = ladder ? Hartree::none : Hartree::shifted;
      const auto& expected = ladder ? stored.self_energy_both : stored.self_energy_second;
      for (const Algorithm algorithm : {Algorithm::direct, Algorithm::fft}) {
        const auto result = spectral(chain, stored.frequencies, options, by(algorithm));
        EXPECT_NEAR(result.hartree_shift, stored.mean_field, 1e-15);
        for (std::int64_t m = 0; m < stored.sites; ++m)
          for (std::size_t w = 0; w < count; ++w) {
            const auto& value = expected[w][static_cast<std::size_t>(m)];
            EXPECT_LE(std::abs(result.self_energy[ascending(m, stored.sites) * count + w] - stored.mean_field -
                               Complex(value[0], value[1])),
                      2e-12);
          }
      }
    }
    const auto propagator = green(chain, stored.times, {}, by(Algorithm::automatic));
    for (std::size_t t = 0; t < stored.times.size(); ++t) {
      EXPECT_NEAR(propagator.norm[t], stored.norms_both[t], 3e-8);  // the stored propagator is accurate to 1e-8
      for (std::int64_t m = 0; m < stored.sites; ++m) {
        const auto& value = stored.green_time_both[t][static_cast<std::size_t>(m)];
        EXPECT_LE(std::abs(propagator.green_retarded_momentum[t * static_cast<std::size_t>(stored.sites) +
                                                              ascending(m, stored.sites)] -
                           Complex(value[0], value[1])),
                  1.5e-8);
      }
    }
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

/// A single momentum by itself, which no ring has.
HubbardModes one_momentum(double energy, const reference::HubbardChain& chain, Ladder ladder) {
  HubbardModes modes;
  modes.sites = 1;
  modes.kernel_bandwidth = modes.equation_bandwidth = 8.0;
  modes.approximation = Approximation::ladder;
  modes.ladder = ladder;
  modes.interaction = static_cast<double>(chain.interaction[0]);
  modes.energy = modes.down_energy = {energy};
  modes.rate = {static_cast<double>(chain.rate(0))};
  modes.occupation = {static_cast<double>(chain.occupation(0))};
  modes.hole = {static_cast<double>(chain.hole(0))};
  modes.probe_loss = {static_cast<double>(chain.probe_loss[0])};
  modes.coupling = {modes.interaction * modes.interaction};
  modes.strongest_coupling = modes.coupling[0];
  modes.mean_occupation = modes.occupation[0];
  modes.mean_field = modes.interaction * modes.mean_occupation;
  modes.first_moment = modes.coupling[0] * modes.occupation[0] * modes.hole[0];
  modes.slowest_rate = modes.fastest_rate = modes.rate[0];
  modes.fastest_probe_loss = modes.probe_loss[0];
  return modes;
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
    for (const Ladder ladder : {Ladder::particle, Ladder::hole}) {
      const HubbardModes modes = one_momentum(-2.0 * exact.hopping, chain, ladder);
      std::vector<double> arguments;
      for (const double w : frequencies) arguments.push_back(w - modes.argument_shift());
      const Complex first(modes.level_shift(), -0.5 * modes.probe_loss[0]);
      const auto direct = ladder_self_energy(modes, std::vector<std::size_t>(3), arguments, options.broadening, 1);
      std::vector<Complex> by_time(frequencies.size());
      std::vector<Complex*> rows = {by_time.data()};
      StagedSum stages;
      LadderSelfEnergy(modes, arguments, options.broadening, 1e-12, by(Algorithm::fft)).add_grid(rows, stages);
      for (std::size_t w = 0; w < frequencies.size(); ++w) {
        const Complex wanted = result.self_energy[w];
        EXPECT_LE(std::abs(direct[w] + first - wanted), 2e-14 * (1.0 + std::abs(wanted)));
        EXPECT_LE(std::abs(by_time[w] + first - wanted), 2e-12);
        const Complex plain(expected_self_energy(chain, 0, {frequencies[w], options.broadening}, ladder));
        EXPECT_LE(std::abs(plain - wanted), 2e-14 * (1.0 + std::abs(wanted)));
      }
    }
  }
}

TEST(HubbardLadder, OfOneCellIsTheHatsugaiKohmotoModel) {
  // The same through the tasks, in one direction and in two.
  Random random(36);
  const std::vector<double> times = {0.0, 0.4, 1.0, 3.0, 7.5}, frequencies = {-3.0, 0.4, 2.5};
  for (int i = 0; i < 6; ++i) {
    HatsugaiKohmoto exact;
    if (i < 3) {
      exact.cells = {1};
      exact.hopping_terms = {{{1}, random.complex(1.0)}};
    } else {
      exact.cells = {1, 1};
      exact.hopping_terms = {{{1, 0}, random.complex(1.0)}, {{0, 1}, random.complex(1.0)}};
    }
    exact.interaction = random.uniform(1.0, 4.0) * (i % 2 == 0 ? 1.0 : -1.0);
    exact.down.gain = random.uniform(0.1, 2.0);
    exact.down.loss = random.uniform(0.1, 2.0);
    exact.up.loss = i % 3 == 0 ? 0.0 : random.uniform(0.1, 1.0);
    HubbardChain one;
    one.cells = exact.cells;
    one.hopping_terms = exact.hopping_terms;
    one.interaction = {exact.interaction};
    one.down = exact.down;
    one.up = exact.up;
    one.approximation = Approximation::ladder;
    const GreenResult wanted = green(exact, times);
    SpectralOptions options;
    options.broadening = 0.2;
    const SpectralResult spectrum = spectral(exact, frequencies, options);
    for (const Ladder ladder : {Ladder::automatic, Ladder::particle, Ladder::hole}) {
      one.ladder = ladder;
      HubbardGreenOptions tight;
      tight.tolerance = 1e-12;
      const HubbardGreen found = green(one, times, tight, by(Algorithm::automatic));
      EXPECT_TRUE(found.converged) << found.message;
      for (std::size_t t = 0; t < times.size(); ++t) {
        EXPECT_LE(std::abs(found.green_retarded_momentum[t] - wanted.green_retarded_momentum[t]), 1e-12);
        EXPECT_LE(std::abs(found.green_retarded[t] - wanted.green_retarded[t]), 1e-12);
      }
      for (const Algorithm algorithm : {Algorithm::direct, Algorithm::fft}) {
        HubbardSpectralOptions damped;
        damped.broadening = options.broadening;
        damped.tolerance = 1e-12;
        const auto result = spectral(one, frequencies, damped, by(algorithm));
        for (std::size_t w = 0; w < frequencies.size(); ++w) {
          const double scale = 1.0 + std::abs(spectrum.self_energy[w]);
          EXPECT_LE(std::abs(result.self_energy[w] - spectrum.self_energy[w]),
                    (algorithm == Algorithm::direct ? 2e-14 : 2e-12) * scale);
        }
      }
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
    EXPECT_EQ(result.message, "");
  }
}

TEST(HubbardLadder, SaysWhereTheSumOfBothIsNegative) {
  Random random(35);
  std::vector<double> frequencies;
  for (int i = 0; i < 60; ++i) frequencies.push_back(-9.0 + 0.3 * i);
  int warned = 0;
  for (int i = 0; i < 12; ++i) {
    HubbardChain chain = random_ladder(random, 2 + random.integer(0, 5), Ladder::both);
    chain.interaction[0] *= i % 2 == 0 ? 3.0 : 0.1;
    for (const Algorithm algorithm : {Algorithm::direct, Algorithm::fft}) {
      const auto result = spectral(chain, frequencies, {}, by(algorithm));
      const auto negative = std::count_if(result.spectral_function.begin(), result.spectral_function.end(),
                                          [](double a) { return a < 0.0; });
      const double smallest = *std::min_element(result.spectral_function.begin(), result.spectral_function.end());
      if (negative == 0) {
        EXPECT_EQ(result.message, "");
        continue;
      }
      ++warned;
      char text[120];
      std::snprintf(text, sizeof text, "%d value%s of the spectral function %s negative, the smallest %.3g",
                    static_cast<int>(negative), negative == 1 ? "" : "s", negative == 1 ? "is" : "are", smallest);
      EXPECT_NE(result.message.find(text), std::string::npos) << result.message << "; wanted: " << text;
      EXPECT_NE(result.message.find("model.ladder = both"), std::string::npos) << result.message;
    }
  }
  EXPECT_GE(warned, 4);
  EXPECT_LE(warned, 20);
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

TEST(HubbardLadder, PropagatorGoesOnWithTheSameBitsAfterEveryRound) {
  Random random(38);
  const std::vector<double> times = {0.5, 3.0};
  for (const Ladder ladder : {Ladder::hole, Ladder::both}) {
    const HubbardChain chain = random_ladder(random, 33, ladder);
    HubbardGreenOptions options;
    const auto saved = expect_green_goes_on(chain, times, options);
    // A state of the other ladder is not taken.
    HubbardChain other = chain;
    other.ladder = Ladder::particle;
    options.monitor.restored = saved.back();
    const auto ignored = green(other, times, options, by(Algorithm::automatic));
    options.monitor.restored.clear();
    EXPECT_EQ(ignored.green_retarded, green(other, times, options, by(Algorithm::automatic)).green_retarded);
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
