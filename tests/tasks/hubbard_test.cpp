// Spectral function and propagator of the driven Hubbard chain: stored numbers, the exponential of an arrowhead matrix,
// sum rules, and the guarantees of the tasks for errors and bits.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "data/hubbard_figure.hpp"
#include "data/hubbard_small.hpp"
#include "lindrift/error.hpp"
#include "lindrift/hubbard/green.hpp"
#include "lindrift/hubbard/spectral.hpp"
#include "support/hubbard.hpp"
#include "support/ranks_as_threads.hpp"
#include "support/resumed_green.hpp"

namespace lindrift::testing {
namespace {

using Complex = std::complex<double>;

Hartree hartree_of(const std::string& word) {
  return word == "bare" ? Hartree::bare : word == "shifted" ? Hartree::shifted : Hartree::none;
}

reference::HubbardHartree reference_hartree(Hartree hartree) {
  return hartree == Hartree::bare      ? reference::HubbardHartree::bare
         : hartree == Hartree::shifted ? reference::HubbardHartree::shifted
                                       : reference::HubbardHartree::none;
}

Execution by(Algorithm algorithm) { return {Backend::cpu, algorithm, 1}; }

TEST(HubbardSpectral, StoredSpectraOfSmallRings) {
  for (const auto& c : data::hubbard_small::cases) {
    SCOPED_TRACE(c.id);
    HubbardChain chain = chain_of_rates(c);
    chain.hartree = hartree_of(c.hartree);
    for (const Algorithm algorithm : {Algorithm::direct, Algorithm::fft})
      for (const auto& row : c.spectral_function) {
        HubbardSpectralOptions options;
        options.tolerance = 1e-12;
        const auto result = spectral(chain, std::vector<double>{row[1]}, options, by(algorithm));
        EXPECT_NEAR(result.spectral_function[ascending(static_cast<std::int64_t>(row[0]), c.sites)], row[2],
                    1e-11 * row[2]);
      }
  }
}

/// Symmetries of a bath or of a frequency grid that hold only to rounding, as in tables and lists from other programs,
/// save the same work as exact ones. Symmetries that do not hold are not used.
TEST(HubbardSpectral, FindsSymmetriesToRounding) {
  const HubbardChain chain = published_chain(64, 2.0, 0.2, 2.0);
  HubbardChain tables = chain;
  const BathRates rates = bath_rates(chain.down, chain.lattice());
  tables.down = {};
  tables.down.gain_table = rates.gain;
  tables.down.loss_table = rates.loss;
  std::vector<double> frequencies;
  for (int i = 0; i < 41; ++i) frequencies.push_back(-4.0 + 0.2 * i);
  const auto plan = [&](const HubbardChain& one) { return plan_spectral(one, frequencies, {}, by(Algorithm::direct)); };
  const HubbardSpectralPlan exact = plan(chain);
  EXPECT_EQ(exact.symmetries.size(), 3U);
  for (const double error : {1e-15, -1e-15}) {
    for (std::size_t m = 0; m < 64; m += 3) tables.down.loss_table[m] += error * (m == 48 ? 0.0 : rates.loss[m]);
    frequencies[3] *= 1.0 + error;
    EXPECT_EQ(plan(tables).symmetries, exact.symmetries);
    EXPECT_EQ(plan(tables).terms, exact.terms);
  }
  const auto of_tables = spectral(tables, frequencies, {}, by(Algorithm::direct)),
             of_chain = spectral(chain, frequencies, {}, by(Algorithm::direct));
  for (std::size_t i = 0; i < of_chain.spectral_function.size(); ++i)
    EXPECT_NEAR(of_tables.spectral_function[i], of_chain.spectral_function[i], 1e-12 * of_chain.spectral_function[i]);
  tables.down.loss_table[5] *= 1.0 + 1e-9;
  EXPECT_EQ(plan(tables).symmetries.size(), 2U);
  EXPECT_GT(plan(tables).terms, 3.0 * exact.terms);
  frequencies[3] *= 1.0 + 1e-12;
  EXPECT_EQ(plan(tables).symmetries.size(), 1U);
}

TEST(HubbardSpectral, OfThePublishedFigure) {
  namespace figure = data::hubbard_figure;
  const HubbardChain chain = published_chain(128, 2.0, 0.2, 2.0);
  HubbardSpectralOptions options;
  options.tolerance = 1e-11;
  options.certify = 7;
  for (const Algorithm algorithm : {Algorithm::direct, Algorithm::fft}) {
    const auto result = spectral(chain, figure::map_frequencies, options, by(algorithm));
    EXPECT_EQ(result.algorithm, algorithm);
    double worst = 0.0;
    for (std::size_t w = 0; w < figure::map.size(); ++w)
      for (std::size_t i = 0; i < figure::map[w].size(); ++i) {
        const std::size_t k = ascending(static_cast<std::int64_t>(figure::map_momenta[i]), 128);
        worst = std::max(worst, std::fabs(result.spectral_function[k * figure::map.size() + w] - figure::map[w][i]) /
                                    (1.0 + figure::map[w][i]));
      }
    EXPECT_LE(worst, 1e-10);  // as many digits as are stored
    EXPECT_LE(result.certificate, 1e-11);
    EXPECT_LE(result.self_energy_error, 1e-11);
    EXPECT_LE(result.spectral_function_error, 1e-11);
  }
  for (const auto& row : figure::spectral_function) {
    options.momenta = {static_cast<std::int64_t>(row[0]) < 64 ? static_cast<std::int64_t>(row[0])
                                                              : static_cast<std::int64_t>(row[0]) - 128};
    const auto result = spectral(chain, std::vector<double>{row[1]}, options, by(Algorithm::automatic));
    EXPECT_NEAR(result.spectral_function[0], row[2], 2e-11 * row[2]);
  }
}

TEST(HubbardSpectral, DysonEquationWithEveryHartreeShift) {
  Random random(4);
  for (const Hartree hartree : {Hartree::none, Hartree::bare, Hartree::shifted}) {
    HubbardChain chain = random_hubbard(random, 7, true);
    chain.hartree = hartree;
    const auto expected = reference_of(chain);
    HubbardSpectralOptions options;
    options.broadening = 0.07;
    const std::vector<double> frequency = {-1.5, 0.2, 2.4};
    for (const Algorithm algorithm : {Algorithm::direct, Algorithm::fft}) {
      const auto result = spectral(chain, frequency, options, by(algorithm));
      for (std::int64_t m = 0; m < 7; ++m)
        for (std::size_t w = 0; w < 3; ++w) {
          const std::size_t i = ascending(m, 7) * 3 + w;
          const reference::Complex z(frequency[w], 0.07);
          const Complex green(reference::green(expected, m, z, reference_hartree(hartree)));
          EXPECT_LE(std::abs(result.green_retarded[i] - green), 1e-9 * std::abs(green));
          EXPECT_LE(std::abs(result.self_energy[i] -
                             Complex(reference::dyson_self_energy(expected, m, z, reference_hartree(hartree)))),
                    1e-9);
          EXPECT_NEAR(result.spectral_function[i], -2.0 * green.imag(), 1e-9);
        }
    }
  }
}

TEST(HubbardSpectral, ObeysItsSumRules) {
  // A window of +-W misses 2c/(3 pi W^3) of the zeroth moment, an odd part of the first, and 2c/(pi W) of the second.
  const HubbardChain chain = published_chain(64, 2.0, 0.2, 2.0);
  const double window = 40.0, step = 0.01, c = 1.58693;
  std::vector<double> frequency;
  for (int i = 0; i < 8000; ++i) frequency.push_back(-window + step * (i + 0.5));
  HubbardSpectralOptions options;
  options.momenta = {0};
  const auto result = spectral(chain, frequency, options, by(Algorithm::fft));
  double moments[3] = {};
  for (std::size_t i = 0; i < frequency.size(); ++i) {
    EXPECT_GT(result.spectral_function[i], 0.0);
    for (int power = 0; power < 3; ++power)
      moments[power] += step / (2.0 * std::numbers::pi) * std::pow(frequency[i], power) * result.spectral_function[i];
  }
  EXPECT_NEAR(moments[0] + 2.0 * c / (3.0 * std::numbers::pi * std::pow(window, 3.0)), 1.0, 1e-6);
  EXPECT_NEAR(moments[1], -2.0, 1e-4);
  EXPECT_NEAR(moments[2] + 2.0 * c / (std::numbers::pi * window), 4.0 + result.first_moment, 1e-4);
  EXPECT_NEAR(result.first_moment, 4.0 * result.mean_occupation * (1.0 - result.mean_occupation), 1e-13);
}

TEST(HubbardSpectral, WithoutInteractionHasDeltaPeaksOrLorentzians) {
  HubbardChain chain = published_chain(8, 0.0, 0.2, 2.0);
  const std::vector<double> frequency = {-2.0, 0.0, 1.0};
  const auto sharp = spectral(chain, frequency, {}, by(Algorithm::automatic));
  EXPECT_EQ(sharp.delta_peaks, 8u);
  EXPECT_FALSE(sharp.message.empty());
  EXPECT_TRUE(std::isinf(sharp.spectral_function[4 * 3]));  // k = 0, w = -2J
  EXPECT_EQ(sharp.spectral_function[4 * 3 + 1], 0.0);
  chain.up.loss = 0.5;
  const auto wide = spectral(chain, frequency, {}, by(Algorithm::automatic));
  EXPECT_EQ(wide.delta_peaks, 0u);
  EXPECT_NEAR(wide.spectral_function[4 * 3 + 1], 0.5 / (4.0 + 0.0625), 1e-14);
}

TEST(HubbardSpectral, TakesTheCheaperAlgorithmAndRefusesImpossibleOnes) {
  const HubbardChain chain = published_chain(256, 2.0, 0.2, 2.0);
  std::vector<double> many;
  for (int i = 0; i < 500; ++i) many.push_back(-4.0 + 0.016 * i);
  EXPECT_EQ(plan_spectral(chain, many).algorithm, Algorithm::fft);
  HubbardSpectralOptions one;
  one.momenta = {3};
  EXPECT_EQ(plan_spectral(chain, std::vector<double>{0.5}, one).algorithm, Algorithm::direct);
  EXPECT_THROW(spectral(chain, many, {}, by(Algorithm::separable)), UnsupportedError);
  EXPECT_THROW(spectral(chain, std::vector<double>{}, {}), ParameterError);
  EXPECT_THROW(spectral(chain, std::vector<double>{1.0, 0.0}, {}), ParameterError);
  EXPECT_THROW(spectral(chain, std::vector<double>{1e40}, {}), ParameterError);
  one.momenta = {128};
  EXPECT_THROW(spectral(chain, many, one), ParameterError);
  one.momenta = {};
  one.tolerance = 0.0;
  EXPECT_THROW(spectral(chain, many, one), ParameterError);
}

TEST(HubbardSpectral, GoesOnWithTheSameBitsAfterEveryStage) {
  Random random(9);
  const HubbardChain chain = random_hubbard(random, 70, true);
  std::vector<double> frequencies;
  for (int i = -60; i <= 60; ++i) frequencies.push_back(2.0 * i);  // needs many times
  HubbardSpectralOptions options;
  options.tolerance = 1e-8;
  const auto whole = spectral(chain, frequencies, options, by(Algorithm::fft));
  std::vector<std::vector<unsigned char>> saved;
  options.monitor.checkpoint = [&](const auto& state) { saved.push_back(state()); };
  spectral(chain, frequencies, options, by(Algorithm::fft));
  ASSERT_FALSE(saved.empty());
  options.monitor.checkpoint = {};
  const auto expect_whole = [&] {
    const auto resumed = spectral(chain, frequencies, options, by(Algorithm::fft));
    EXPECT_EQ(resumed.self_energy, whole.self_energy);
    EXPECT_EQ(resumed.spectral_function, whole.spectral_function);
    EXPECT_EQ(resumed.self_energy_error, whole.self_energy_error);
  };
  std::size_t stages = 0;
  options.monitor.progress = [&](double) { return ++stages, true; };
  expect_whole();
  const std::size_t all = stages;
  for (std::size_t i = 0; i < saved.size(); ++i) {
    options.monitor.restored = saved[i];
    stages = 0;
    expect_whole();
    EXPECT_EQ(stages, all - i - 1);  // known results are not summed again
  }
  // Data of another problem are ignored.
  options.monitor.restored.pop_back();
  expect_whole();
  options.monitor.restored = saved[0];
  options.momenta = {0};
  const auto other = spectral(chain, frequencies, options, by(Algorithm::fft));
  EXPECT_LE(std::abs(other.self_energy[60] - whole.self_energy[35 * 121 + 60]), 1e-8);
  options.momenta = {};
  HubbardChain stronger = chain;
  stronger.interaction[0] += 0.5;
  const auto ignored = spectral(stronger, frequencies, options, by(Algorithm::fft));
  options.monitor.restored.clear();
  EXPECT_EQ(ignored.self_energy, spectral(stronger, frequencies, options, by(Algorithm::fft)).self_energy);
}

TEST(HubbardSpectral, StopsWhenItIsAskedTo) {
  HubbardSpectralOptions options;
  options.monitor.progress = [](double) { return false; };
  const auto result =
      spectral(published_chain(70, 1.0, 0.2, 1.0), std::vector<double>{-150.0, 150.0}, options, by(Algorithm::fft));
  EXPECT_TRUE(result.stopped);
  EXPECT_TRUE(std::isnan(result.spectral_function[0]));
  EXPECT_TRUE(std::isnan(result.self_energy[139].imag()));
}

TEST(HubbardGreen, StoredPropagators) {
  for (const auto& c : data::hubbard_small::cases) {
    SCOPED_TRACE(c.id);
    HubbardChain chain = chain_of_rates(c);
    chain.hartree = hartree_of(c.hartree);
    std::vector<double> times;
    for (const auto& row : c.norm) times.push_back(row[0]);
    HubbardGreenOptions options;
    options.tolerance = 1e-12;
    const auto result = green(chain, times, options, by(Algorithm::automatic));
    EXPECT_TRUE(result.converged) << result.message;
    const auto size = static_cast<std::size_t>(c.sites);
    const auto row_of = [&](double time) {
      return static_cast<std::size_t>(std::find(times.begin(), times.end(), time) - times.begin()) * size;
    };
    for (const auto& row : c.green_momentum)
      EXPECT_LE(
          std::abs(
              result.green_retarded_momentum[row_of(row[1]) + ascending(static_cast<std::int64_t>(row[0]), c.sites)] -
              Complex(row[2], row[3])),
          1e-12);
    for (const auto& row : c.green)
      EXPECT_LE(std::abs(result.green_retarded[row_of(row[1]) + ascending(static_cast<std::int64_t>(row[0]), c.sites)] -
                         Complex(row[2], row[3])),
                1e-12);
    for (std::size_t t = 0; t < times.size(); ++t) {
      EXPECT_NEAR(result.norm[t], c.norm[t][1], 1e-12);
      EXPECT_NEAR(result.drift[t], c.drift[t][1], 1e-11);
    }
  }
}

TEST(HubbardGreen, IsTheExponentialOfAnArrowheadMatrix) {
  Random random(13);
  const std::vector<double> times = {0.0, 0.013, 0.7, 2.9};
  for (const std::int64_t sites : {2, 5, 8})
    for (const Hartree hartree : {Hartree::none, Hartree::bare, Hartree::shifted}) {
      HubbardChain chain = random_hubbard(random, sites, sites != 5);
      chain.hartree = hartree;
      HubbardGreenOptions options;
      options.tolerance = 1e-12;
      const auto result = green(chain, times, options, by(Algorithm::automatic));
      const auto expected = reference_of(chain);
      for (std::size_t t = 0; t < times.size(); ++t) {
        const Complex value = result.green_retarded_momentum[t * static_cast<std::size_t>(sites) + ascending(1, sites)];
        EXPECT_LE(
            std::abs(value - Complex(reference::green_in_time(expected, 1, times[t], reference_hartree(hartree)))),
            1e-12)
            << sites << " sites, t = " << times[t];
      }
    }
}

TEST(HubbardGreen, OfThePublishedFigure) {
  namespace figure = data::hubbard_figure;
  const HubbardChain chain = published_chain(128, 2.0, 0.2, 2.0);
  for (const double tolerance : {1e-12, 1e-6}) {
    HubbardGreenOptions options;
    options.tolerance = tolerance;
    const auto result = green(chain, figure::times, options);
    EXPECT_TRUE(result.converged);
    EXPECT_LE(result.error, tolerance);
    const double allowed = std::max(result.error, 1e-13);
    for (std::size_t t = 0; t < figure::times.size(); ++t) {
      EXPECT_NEAR(result.norm[t], figure::norm[t], allowed);
      EXPECT_NEAR(result.drift[t], figure::drift[t], 1e-8);
      EXPECT_LE(result.norm[t], 1.0 + 1e-14);  // the norm never exceeds 1
      for (std::size_t j = 0; j < 128; ++j) {
        const Complex value = result.green_retarded[t * 128 + ascending(static_cast<std::int64_t>(j), 128)];
        EXPECT_NEAR(std::norm(value), figure::profile[t][j], allowed);
        EXPECT_LE(std::fabs(j % 2 == 0 ? value.real() : value.imag()), 1e-13);  // imaginary for even j, real for odd
      }
      for (std::size_t i = 0; i < figure::momentum_indices.size(); ++i) {
        const std::size_t k = ascending(static_cast<std::int64_t>(figure::momentum_indices[i]), 128);
        EXPECT_LE(std::abs(result.green_retarded_momentum[t * 128 + k] -
                           Complex(figure::green_momentum_real[t][i], figure::green_momentum_imaginary[t][i])),
                  allowed);
      }
    }
    EXPECT_LT(result.drift.back(), -40.0);
  }
  // The mirrored bath drifts the other way.
  const auto mirrored = green(published_chain(128, 2.0, 0.2, 2.0, 1), std::vector<double>{5.0});
  EXPECT_NEAR(mirrored.drift[0], 3.481987835599, 1e-9);
}

TEST(HubbardGreen, BitsKnowNeitherThreadsNorProcesses) {
  Random random(6);
  const HubbardChain chain = random_hubbard(random, 21, true);
  const std::vector<double> times = {0.5, 1.7, 3.0};
  const auto one = green(chain, times, {}, by(Algorithm::automatic));
  Execution two = by(Algorithm::automatic);
  two.threads = 2;
  EXPECT_EQ(green(chain, times, {}, two).green_retarded, one.green_retarded);
  for (const int size : {2, 5})
    with_ranks(size, [&](Communicator& communicator) {
      Execution member = by(Algorithm::automatic);
      member.communicator = &communicator;
      const auto shared = green(chain, times, {}, member);
      EXPECT_EQ(shared.green_retarded, one.green_retarded);
      EXPECT_EQ(shared.error, one.error);
    });
}

TEST(HubbardGreen, GoesOnWithTheSameBitsAfterEveryRound) {
  Random random(10);
  const HubbardChain chain = random_hubbard(random, 37, true);
  const std::vector<double> times = {0.5, 3.0};
  HubbardGreenOptions options;
  const auto saved = expect_green_goes_on(chain, times, options);
  const auto whole = green(chain, times, options, by(Algorithm::automatic));
  options.monitor.restored = saved.back();
  options.monitor.restored.pop_back();
  EXPECT_EQ(green(chain, times, options, by(Algorithm::automatic)).green_retarded, whole.green_retarded);
  // A state of the same shape but for another interaction.
  options.monitor.restored = saved.back();
  HubbardChain other = chain;
  other.interaction[0] += 0.5;
  const auto resumed = green(other, times, options, by(Algorithm::automatic));
  options.monitor.restored.clear();
  EXPECT_EQ(resumed.green_retarded, green(other, times, options, by(Algorithm::automatic)).green_retarded);
}

TEST(HubbardGreen, RefusesTimesThatItCannotReachAndStepsThatAreNotAllowed) {
  const HubbardChain chain = published_chain(8, 2.0, 0.2, 2.0);
  for (const double time : {1e18, 5e18, 1e25, 1e300})
    EXPECT_THROW(green(chain, std::vector<double>{time}), ParameterError) << time;
  // Weakly damped: the first step does not meet the tolerance, and halving it is not allowed.
  const HubbardChain sharp = published_chain(64, 2.0, 0.02, 0.02);
  const std::vector<double> times = {20.0};
  HubbardGreenOptions options;
  options.tolerance = 1e-9;
  EXPECT_TRUE(green(sharp, times, options, by(Algorithm::automatic)).converged);
  options.max_steps = plan_green(sharp, times, options.tolerance).steps;
  const auto result = green(sharp, times, options, by(Algorithm::automatic));
  EXPECT_FALSE(result.converged);
  EXPECT_EQ(result.steps, options.max_steps);
  EXPECT_NE(result.message.find("max_steps"), std::string::npos) << result.message;
  options.max_steps = 1000000;
  options.max_bytes = 1.0;
  EXPECT_NE(green(sharp, times, options, by(Algorithm::automatic)).message.find("memory"), std::string::npos);
}

TEST(HubbardGreen, CountsThePhasesOfLargeTimesToItsError) {
  HubbardChain chain = published_chain(8, 0.0, 0.2, 2.0);
  HubbardGreenOptions options;
  options.tolerance = 1e-12;
  const auto result = green(chain, std::vector<double>{2e4}, options, by(Algorithm::automatic));
  EXPECT_GT(result.error, 4e-12);
  EXPECT_FALSE(result.converged);
}

TEST(HubbardModes, InteractionsWithoutAPairAreNone) {
  // V_r equal at all distances transfers no momentum; every n_p is 0 or 1.
  Random random(17);
  for (int draw = 0; draw < 50; ++draw) {
    HubbardChain chain;
    chain.sites = random.integer(3, 40);
    chain.interaction.assign(static_cast<std::size_t>(chain.sites), 1.0);
    for (std::int64_t m = 0; m < chain.sites; ++m) {
      const bool full = random.integer(0, 1) == 1;
      chain.down.gain_table.push_back(full ? 1.0 : 0.0);
      chain.down.loss_table.push_back(full ? 0.0 : 1.0);
    }
    const auto result = green(chain, std::vector<double>{3.0}, {}, by(Algorithm::automatic));
    EXPECT_TRUE(result.converged);
    EXPECT_NEAR(result.norm[0], 1.0, 1e-12);
    EXPECT_EQ(spectral(chain, std::vector<double>{0.3}, {}, by(Algorithm::fft)).first_moment, 0.0);
  }
}

TEST(HubbardGreen, LongRunsAreTheExponentialOfAnArrowheadMatrix) {
  // Enough steps that the convolution uses blocks of several lengths; a closed probe, and one whose loss differs so
  // much between momenta that Eq. 77 itself would overflow.
  Random random(14);
  for (const bool open : {false, true}) {
    HubbardChain chain = random_hubbard(random, 5, open);
    if (open) chain.up.loss_table = {0.0, 30.0, 0.3, 0.0, 4.0};
    const std::vector<double> times = {0.7, 40.0, 150.0};
    HubbardGreenOptions options;
    options.tolerance = 1e-10;
    const auto result = green(chain, times, options, by(Algorithm::automatic));
    EXPECT_TRUE(result.converged) << result.message;
    EXPECT_GT(result.steps, 3000u);
    const auto expected = reference_of(chain);
    for (std::size_t t = 0; t < times.size(); ++t)
      for (const std::int64_t k : {1, 3})
        EXPECT_LE(std::abs(result.green_retarded_momentum[t * 5 + ascending(k, 5)] -
                           Complex(reference::green_in_time(expected, k, times[t], reference::HubbardHartree::none))),
                  1e-10)
            << "t = " << times[t] << ", k " << k;
  }
}

TEST(HubbardGreen, StopsWhenItIsAskedTo) {
  HubbardGreenOptions options;
  options.monitor.progress = [](double) { return false; };
  const auto result =
      green(published_chain(64, 1.0, 0.2, 1.0), std::vector<double>{4.0}, options, by(Algorithm::automatic));
  EXPECT_FALSE(result.converged);
  EXPECT_TRUE(std::isnan(result.norm[0]));
  EXPECT_THROW(green(published_chain(8, 1.0, 0.2, 1.0), std::vector<double>{}), ParameterError);
  EXPECT_THROW(green(published_chain(8, 1.0, 0.2, 1.0), std::vector<double>{-1.0}), ParameterError);
}

}  // namespace
}  // namespace lindrift::testing
