// Tasks of the Hatsugai-Kohmoto chain against stored numbers and against matrix exponentials.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <mutex>

#include "data/hatsugai_kohmoto_figures.hpp"
#include "data/hatsugai_kohmoto_small.hpp"
#include "data/hatsugai_kohmoto_spectra.hpp"
#include "lindrift/communicator.hpp"
#include "lindrift/error.hpp"
#include "lindrift/hatsugai_kohmoto/density.hpp"
#include "lindrift/hatsugai_kohmoto/green.hpp"
#include "lindrift/hatsugai_kohmoto/spectral.hpp"
#include "lindrift/lattice/lattice.hpp"
#include "support/compare.hpp"
#include "support/open_chains.hpp"
#include "support/ranks_as_threads.hpp"

namespace lindrift::testing {
namespace {

using Complex = std::complex<double>;
namespace exact = reference::hatsugai_kohmoto;
const Execution on_cpu{.backend = Backend::cpu};

// Guaranteed accuracy: drifts 1e-11, densities 1e-13 absolute, spectral functions 1e-13 of the largest value.
constexpr double drift_accuracy = 1e-11, density_accuracy = 1e-13, spectral_accuracy = 1e-13;

TEST(HatsugaiKohmotoGreen, RepeatsTheFigures) {
  for (const auto& stored : data::hatsugai_kohmoto_figures::propagation) {
    SCOPED_TRACE(::testing::Message() << "L = " << stored.sites << ", U = " << stored.interaction);
    const auto result = green(published_chain(stored.sites, stored.interaction), stored.times, {}, on_cpu);
    for (std::size_t t = 0; t < stored.times.size(); ++t) {
      EXPECT_NEAR(result.norm[t], stored.norm[t], 1e-12 * stored.norm[t]);
      EXPECT_NEAR(result.drift[t], stored.drift[t], drift_accuracy);
      EXPECT_NEAR(result.drift_symmetric[t], stored.drift_symmetric[t], drift_accuracy);
    }
    for (std::size_t s = 0; s < stored.square_times.size(); ++s) {
      const auto t = static_cast<std::size_t>(
          std::find(stored.times.begin(), stored.times.end(), stored.square_times[s]) - stored.times.begin());
      const double largest = largest_magnitude(stored.square[s]);
      for (std::size_t j = 0; j < stored.square[s].size(); ++j)
        EXPECT_NEAR(std::norm(result.green_retarded[t * stored.square[s].size() + j]), stored.square[s][j],
                    1e-13 * largest);
    }
  }
}

/// The baths of the stored small chains.
HatsugaiKohmoto small_chain(bool open) {
  HatsugaiKohmoto model = published_chain(8, 4.0);
  if (!open) return model;
  model.up.gain = 0.1;
  model.up.loss = 0.05;
  model.up.two_site_loss = 0.2;
  return model;
}
std::vector<double> small_occupation() {
  const auto& fourier = data::hatsugai_kohmoto_small::down_occupation_fourier;
  std::vector<double> ascending(8);
  for (std::size_t i = 0; i < 8; ++i) ascending[i] = fourier[(i + 4) % 8];
  return ascending;
}

TEST(HatsugaiKohmotoGreen, RepeatsASmallOpenChain) {
  const auto& stored = data::hatsugai_kohmoto_small::propagation.front();
  GreenOptions options;
  options.down_occupation = small_occupation();
  const auto result = green(small_chain(true), stored.times, options, on_cpu);
  for (std::size_t t = 0; t < stored.times.size(); ++t) {
    EXPECT_NEAR(result.norm[t], stored.norm[t], 1e-13 * stored.norm[t]);
    EXPECT_NEAR(result.drift[t], stored.drift[t], 1e-13);
    EXPECT_NEAR(result.drift_symmetric[t], stored.drift_symmetric[t], 1e-13);
    for (std::size_t j = 0; j < 8; ++j)
      EXPECT_NEAR(std::abs(result.green_retarded[8 * t + j] - Complex(stored.green_re[t][j], stored.green_im[t][j])),
                  0.0, 1e-14);
  }
}

class HatsugaiKohmotoSizes : public ::testing::TestWithParam<std::int64_t> {};

TEST_P(HatsugaiKohmotoSizes, GreenIsTheSumOverMomenta) {
  const std::int64_t length = GetParam();
  const auto sites = static_cast<std::size_t>(length);
  Random random(100 + static_cast<std::uint64_t>(length));
  const HatsugaiKohmoto model = random_hatsugai_kohmoto(random, length);
  const auto chain = reference_of(model);
  GreenOptions options;
  options.down_occupation = random.vector(sites, 0.0, 1.0);
  const std::vector<double> times = {0.0, 0.3, 1.7, 6.0};
  const auto result = green(model, times, options, on_cpu);
  EXPECT_TRUE(result.converged);
  EXPECT_EQ(result.backend, Backend::cpu);
  for (std::size_t t = 0; t < times.size(); ++t) {
    const auto expected = exact::green(chain, extended_list(options.down_occupation), times[t]);
    const std::span<const Complex> row(result.green_retarded.data() + t * sites, sites);
    EXPECT_LE(relative_difference(row, expected), 1e-13) << "t = " << times[t];
    std::vector<exact::Complex> momenta;
    for (std::size_t i = 0; i < sites; ++i)
      momenta.push_back(exact::Complex(0.0L, -1.0L) * chain.mode(i).g(times[t], options.down_occupation[i]));
    EXPECT_LE(relative_difference(std::span(result.green_retarded_momentum.data() + t * sites, sites), momenta), 1e-13);
    // The sums agree with those of the returned profile.
    const Spreading sums = spreading(row);
    EXPECT_NEAR(result.norm[t], sums.norm, 1e-14 * sums.norm);
    EXPECT_NEAR(result.drift[t], sums.drift, 1e-14 * static_cast<double>(length));
    EXPECT_NEAR(result.drift_symmetric[t], sums.drift_symmetric, 1e-14 * static_cast<double>(length));
  }
}

/// Against exponentials of L^2 matrices of size 4 x 4, for small rings.
class HatsugaiKohmotoPairs : public ::testing::TestWithParam<std::int64_t> {};

/// Random correlators of up and down. They need not belong to a state for the equations to hold; only the populations
/// must be in [0, 1].
exact::Correlators random_correlators(Random& random, std::size_t sites) {
  exact::Correlators correlators;
  for (auto& values : correlators) values.assign(sites * sites, 0.0L);
  for (std::size_t k = 0; k < sites; ++k)
    for (std::size_t q = 0; q < k; ++q)
      for (std::size_t c = 0; c < 4; ++c) {
        const exact::Complex value(random.complex(0.5));
        correlators[c][k * sites + q] = value;
        // <n_k^a n_q^b c+_k c_q> and its adjoint <n_q^b n_k^a c+_q c_k>: exchanging k and q exchanges a and b.
        correlators[c % 2 * 2 + c / 2][q * sites + k] = std::conj(value);
      }
  for (std::size_t k = 0; k < sites; ++k) correlators[0][k * sites + k] = random.uniform(0.0, 1.0);
  return correlators;
}

std::vector<Complex> rounded_list(const std::vector<exact::Complex>& values) {
  std::vector<Complex> result;
  for (const auto& value : values) result.emplace_back(value);
  return result;
}

void expect_density(const DensityResult& result, const exact::Chain& chain, const exact::Correlators& start,
                    std::span<const double> times) {
  const std::size_t sites = chain.size();
  long double steady = 0.0L;
  for (std::size_t i = 0; i < sites; ++i) steady += chain.up_steady(i);
  for (std::size_t t = 0; t < times.size(); ++t) {
    SCOPED_TRACE(::testing::Message() << "t = " << times[t]);
    const auto expected = exact::density(chain, start, times[t]);
    long double number = 0.0L, moment = 0.0L, excess = 0.0L, antipode = 0.0L;
    for (std::size_t s = 0; s < sites; ++s) {
      EXPECT_NEAR(result.density[t * sites + s], static_cast<double>(expected[s]), density_accuracy);
      const long double delta = expected[s] - steady / static_cast<long double>(sites);
      number += expected[s];
      excess += delta;
      moment += static_cast<long double>(chain.index(s)) * delta;
      if (2 * chain.index(s) == -chain.sites) antipode = static_cast<long double>(chain.index(s)) * delta;
    }
    EXPECT_NEAR(result.particle_number[t], static_cast<double>(number), density_accuracy * static_cast<double>(sites));
    const double allowed = 1e-12 * static_cast<double>(sites) / std::fabs(static_cast<double>(excess));
    EXPECT_NEAR(result.drift[t], static_cast<double>(moment / excess), allowed);
    EXPECT_NEAR(result.drift_symmetric[t], static_cast<double>((moment - antipode) / excess), allowed);
  }
}

TEST_P(HatsugaiKohmotoPairs, DensityOfAnyCorrelatorsIsTheExponentialOfEveryPair) {
  const std::int64_t length = GetParam();
  const auto sites = static_cast<std::size_t>(length);
  Random random(200 + static_cast<std::uint64_t>(length));
  const HatsugaiKohmoto model = random_hatsugai_kohmoto(random, length);
  const auto start = random_correlators(random, sites);
  Correlators state;
  for (std::size_t c = 0; c < 4; ++c) state.values[c] = rounded_list(start[c]);
  const std::vector<double> times = {0.0, 0.4, 2.3};
  expect_density(density(model, state, times, {}, on_cpu), reference_of(model), start, times);
}

TEST_P(HatsugaiKohmotoPairs, DensitiesOfEveryKindOfStateAgree) {
  const std::int64_t length = GetParam();
  const auto sites = static_cast<std::size_t>(length);
  Random random(300 + static_cast<std::uint64_t>(length));
  const HatsugaiKohmoto model = random_hatsugai_kohmoto(random, length);
  const auto chain = reference_of(model);
  const std::vector<double> times = {0.0, 0.4, 2.3};
  DensityOptions options;
  options.down_occupation = random.vector(sites, 0.0, 1.0);

  // A few sites are summed one by one, many by a convolution: the sizes cover both.
  UpSites up;
  up.sites.clear();
  std::vector<Complex> correlation(sites * sites);
  UpFactors factors;
  exact::Correlators start;
  for (auto& values : start) values.assign(sites * sites, 0.0L);
  for (std::int64_t label = first_momentum_index(length); label < first_momentum_index(length) + length; ++label) {
    if (random.uniform(0.0, 1.0) < 0.3 && !(up.sites.empty() && label + 1 == first_momentum_index(length) + length))
      continue;
    const double occupation = random.uniform(0.2, 1.0);
    up.sites.push_back(label);
    up.occupations.push_back(occupation);
    factors.weights.push_back(occupation);
    for (std::size_t k = 0; k < sites; ++k) {
      factors.vectors.emplace_back(std::conj(chain.wave(k, label)) / std::sqrt(static_cast<long double>(length)));
      for (std::size_t q = 0; q < sites; ++q) {
        const exact::Complex value = chain.wave(k, label) * std::conj(chain.wave(q, label)) *
                                     (static_cast<long double>(occupation) / static_cast<long double>(length));
        const long double n_k = options.down_occupation[k], n_q = options.down_occupation[q];
        start[0][k * sites + q] += value;
        start[1][k * sites + q] += n_k * value;
        start[2][k * sites + q] += n_q * value;
        start[3][k * sites + q] += n_k * n_q * value;
      }
    }
  }
  for (std::size_t e = 0; e < sites * sites; ++e) correlation[e] = Complex(start[0][e]);

  const auto by_sites = density(model, up, times, options, on_cpu);
  expect_density(by_sites, chain, start, times);
  expect_density(density(model, factors, times, options, on_cpu), chain, start, times);
  expect_density(density(model, UpCorrelation{correlation}, times, options, on_cpu), chain, start, times);
  const auto by_factors = density(model, factors, times, options, on_cpu);
  EXPECT_LE(largest_difference(by_sites.norm, by_factors.norm), 1e-13 * static_cast<double>(length));
}

TEST_P(HatsugaiKohmotoPairs, DensityOfTwoFockStatesIsTheExponentialOfEveryPair) {
  const std::int64_t length = GetParam();
  const auto sites = static_cast<std::size_t>(length);
  Random random(400 + static_cast<std::uint64_t>(length));
  const HatsugaiKohmoto model = random_hatsugai_kohmoto(random, length);
  const auto chain = reference_of(model);
  const std::int64_t first = first_momentum_index(length);
  UpSites up;
  DensityOptions options;
  options.down_sites.emplace();
  up.sites.clear();
  for (std::int64_t label = first; label < first + length; ++label) {
    if (random.uniform(0.0, 1.0) < 0.5 || label == first) up.sites.push_back(label);
    if (random.uniform(0.0, 1.0) < 0.5) options.down_sites->push_back(label);
  }
  // <n_k n_q> of a Fock state of sites, by Wick's theorem with <d+_k d_q> = S_{k-q}.
  const auto structure = [&](const std::vector<std::int64_t>& labels, std::size_t k, std::size_t q) {
    exact::Complex sum = 0.0L;
    for (const std::int64_t s : labels) sum += chain.wave(k, s) * std::conj(chain.wave(q, s));
    return sum / static_cast<long double>(length);
  };
  const auto density_of_down = static_cast<long double>(options.down_sites->size()) / static_cast<long double>(length);
  exact::Correlators start;
  for (auto& values : start) values.assign(sites * sites, 0.0L);
  for (std::size_t k = 0; k < sites; ++k)
    for (std::size_t q = 0; q < sites; ++q) {
      const exact::Complex value = structure(up.sites, k, q);
      const long double pair = density_of_down * density_of_down - std::norm(structure(*options.down_sites, k, q));
      start[0][k * sites + q] = value;
      start[1][k * sites + q] = start[2][k * sites + q] = density_of_down * value;
      start[3][k * sites + q] = pair * value;
    }
  const std::vector<double> times = {0.0, 0.4, 2.3};
  expect_density(density(model, up, times, options, on_cpu), chain, start, times);
}

TEST_P(HatsugaiKohmotoSizes, FrequencySpaceIsTheInverseOfTheMatrix) {
  const std::int64_t length = GetParam();
  const auto sites = static_cast<std::size_t>(length);
  Random random(500 + static_cast<std::uint64_t>(length));
  const HatsugaiKohmoto model = random_hatsugai_kohmoto(random, length);
  const auto chain = reference_of(model);
  const auto modes = modes_of(model);
  std::vector<double> frequencies;
  for (double w = -9.0; w < 12.0; w += random.uniform(0.1, 1.0)) frequencies.push_back(w);
  SpectralOptions options;
  options.broadening = 0.07;
  const auto result = spectral(model, frequencies, options, on_cpu);
  const auto occupation = steady_occupation(modes.down);
  std::vector<exact::Complex> green, self_energy;
  std::vector<long double> spectrum;
  for (std::size_t k = 0; k < sites; ++k) {
    EXPECT_NEAR(result.momenta[k], static_cast<double>(chain.momentum(k)), 1e-15);
    for (const double w : frequencies) {
      const exact::Complex g = chain.mode(k).green(w, 0.07L, chain.steady(k));
      green.push_back(g);
      spectrum.push_back(-2.0L * g.imag());
      self_energy.push_back(exact::Complex(w, 0.07L) - chain.mode(k).energy - 1.0L / g);
    }
  }
  EXPECT_LE(relative_difference(result.green_retarded, green), spectral_accuracy);
  EXPECT_LE(relative_difference(result.spectral_function, spectrum), spectral_accuracy);
  EXPECT_LE(relative_difference(result.self_energy, self_energy), spectral_accuracy);
}

INSTANTIATE_TEST_SUITE_P(Sizes, HatsugaiKohmotoSizes, ::testing::Values(1, 2, 3, 4, 7, 12, 45, 128));
INSTANTIATE_TEST_SUITE_P(Sizes, HatsugaiKohmotoPairs, ::testing::Values(1, 2, 3, 4, 7, 12, 15));

TEST(HatsugaiKohmotoDensity, RepeatsTheFigures) {
  for (const auto& stored : data::hatsugai_kohmoto_figures::clouds) {
    SCOPED_TRACE(::testing::Message() << "U = " << stored.interaction);
    const auto result = density(published_chain(128, stored.interaction), UpSites{}, stored.times, {}, on_cpu);
    EXPECT_LE(largest_difference(result.particle_number, stored.particle_number), density_accuracy);
    EXPECT_LE(largest_difference(result.drift, stored.drift), drift_accuracy);
    EXPECT_LE(largest_difference(result.drift_symmetric, stored.drift_symmetric), drift_accuracy);
    for (std::size_t t = 0; t < stored.times.size(); ++t)
      for (std::size_t i = 0; i < stored.labels.size(); ++i)
        EXPECT_NEAR(result.density[t * 128 + static_cast<std::size_t>(stored.labels[i] + 64.0)], stored.density[t][i],
                    density_accuracy);
  }
}

TEST(HatsugaiKohmotoDensity, RepeatsSmallChains) {
  for (const auto& stored : data::hatsugai_kohmoto_small::clouds) {
    SCOPED_TRACE(stored.name);
    const std::string name = stored.name;
    DensityOptions options;
    UpSites state;
    if (name == "occupations") {
      options.down_occupation = small_occupation();
      state.sites.clear();
      for (std::size_t i = 0; i < 8; ++i) {
        state.sites.push_back(static_cast<std::int64_t>(i) - 4);
        state.occupations.push_back(data::hatsugai_kohmoto_small::occupation_of_sites[i]);
      }
    }
    if (name == "two_fock_states") options.down_sites = {-4, -2, 0, 2};
    const auto result = density(small_chain(name == "occupations"), state, stored.times, options, on_cpu);
    EXPECT_LE(largest_difference(result.particle_number, stored.particle_number), density_accuracy);
    EXPECT_LE(largest_difference(result.drift, stored.drift), drift_accuracy);
    EXPECT_LE(largest_difference(result.drift_symmetric, stored.drift_symmetric), drift_accuracy);
    for (std::size_t t = 0; t < stored.times.size(); ++t)
      EXPECT_LE(largest_difference(std::span(result.density.data() + 8 * t, 8), stored.density[t]), density_accuracy);
  }
}

TEST(HatsugaiKohmotoDensity, SurvivesTheDecayOfItsParticles) {
  // A loss that is equal at every momentum does not move the centre, however few particles are left.
  HatsugaiKohmoto model = published_chain(64, 4.0);
  const std::vector<double> times = {1.0, 5.0, 12.0};
  const auto expected = density(model, UpSites{}, times, {}, on_cpu);
  model.up.loss = 100.0;
  const auto result = density(model, UpSites{}, times, {}, on_cpu);
  EXPECT_EQ(result.norm.back(), 0.0);
  EXPECT_LE(largest_difference(result.drift, expected.drift), drift_accuracy);
  EXPECT_LE(largest_difference(result.drift_symmetric, expected.drift_symmetric), drift_accuracy);
}

TEST(HatsugaiKohmotoDensity, HasNoCentreWhereNothingIsLeftOfTheExcess) {
  HatsugaiKohmoto model;
  model.sites = 8;
  model.up.gain = 0.3;
  model.up.loss = 2.1;  // one particle on eight sites is the steady number
  const auto result = density(model, UpSites{}, std::vector<double>{0.0, 1.0}, {}, on_cpu);
  EXPECT_TRUE(std::isnan(result.drift[0]));
  EXPECT_TRUE(std::isnan(result.drift_symmetric[1]));
  EXPECT_NEAR(result.particle_number[1], 1.0, 1e-15);
}

TEST(HatsugaiKohmotoSpectral, RepeatsTheFigures) {
  for (const auto& panel : data::hatsugai_kohmoto_spectra::panels) {
    SCOPED_TRACE(panel.name);
    HatsugaiKohmoto model;
    model.interaction = 4.0;
    model.down.gain = panel.gain;
    model.down.loss = panel.loss;
    model.down.two_site_loss = panel.two_site_loss;
    model.up.loss = panel.up_loss;
    SpectralOptions options;
    for (const double m : panel.momenta) options.momenta.push_back(static_cast<std::int64_t>(m));
    const auto result = spectral(model, panel.frequencies, options, on_cpu);
    double largest = 0.0;
    for (const auto& row : panel.spectral_function) largest = std::max(largest, largest_magnitude(row));
    for (std::size_t k = 0; k < panel.momenta.size(); ++k)
      for (std::size_t w = 0; w < panel.frequencies.size(); ++w)
        EXPECT_NEAR(result.spectral_function[k * panel.frequencies.size() + w], panel.spectral_function[k][w],
                    spectral_accuracy * largest);
  }
}

TEST(HatsugaiKohmotoSpectral, PutsDeltaPeaksOnTheirFrequency) {
  // k = pi/2: no loss, every down mode full, no width. eps = 0, so the peak is at U.
  SpectralOptions options;
  options.momenta = {32};
  const std::vector<double> frequencies = {-1.0, 0.0, 3.999, 4.0, 4.001};
  const auto result = spectral(published_chain(128, 4.0), frequencies, options, on_cpu);
  EXPECT_EQ(result.delta_peaks, 1);
  EXPECT_EQ(result.spectral_function, (std::vector<double>{0.0, 0.0, 0.0, INFINITY, 0.0}));
  for (const Complex& sigma : result.self_energy) EXPECT_EQ(sigma, 4.0);
  EXPECT_EQ(result.green_retarded[3].imag(), -INFINITY);
  EXPECT_FALSE(std::isnan(result.green_retarded[3].real()));
  options.broadening = 0.01;
  const auto wide = spectral(published_chain(128, 4.0), frequencies, options, on_cpu);
  EXPECT_EQ(wide.delta_peaks, 0);
  EXPECT_NEAR(wide.spectral_function[3], 2.0 / 0.01, 1e-12);

  // Without baths, half of a conserved particle gives two peaks, at eps and eps + U, and zero in between.
  HatsugaiKohmoto closed;
  closed.sites = 4;
  closed.interaction = 3.0;
  SpectralOptions half;
  half.momenta = {1};
  half.conserved_occupation = {0.5, 0.5, 0.5, 0.5};
  const auto two = spectral(closed, std::vector<double>{0.0, 1.5, 3.0}, half, on_cpu);
  EXPECT_EQ(two.spectral_function, (std::vector<double>{INFINITY, 0.0, INFINITY}));
  for (const double a : two.spectral_function) EXPECT_FALSE(std::isnan(a));
}

TEST(HatsugaiKohmotoGreen, DriftSurvivesTheUnderflowOfTheNorm) {
  // Uniform loss of spin up multiplies everything by e^{-rate t / 2} and does not move the packet.
  HatsugaiKohmoto model = published_chain(100, 2.0);
  const std::vector<double> times = {5.0, 20.0};
  const auto expected = green(model, times, {}, on_cpu);
  model.up.loss = 90.0;
  const auto result = green(model, times, {}, on_cpu);
  EXPECT_EQ(result.norm[1], 0.0);
  EXPECT_LE(largest_difference(result.drift, expected.drift), drift_accuracy);
  EXPECT_LE(largest_difference(result.drift_symmetric, expected.drift_symmetric), drift_accuracy);
  // On 102 sites no momentum is at pi/2, so the packet of the slowest modes keeps moving.
  const auto late = green(published_chain(102, 4.0), std::vector<double>{1e6, 1e7}, {}, on_cpu);
  EXPECT_EQ(late.norm[1], 0.0);
  EXPECT_FALSE(std::isnan(late.drift[1]));
}

TEST(HatsugaiKohmotoGreen, EndsUniformOverTheSitesWhereOneMomentumNeverDecays) {
  const auto result = green(published_chain(64, 4.0), std::vector<double>{1e5}, {}, on_cpu);
  for (const Complex& g : result.green_retarded) EXPECT_NEAR(std::abs(g), 1.0 / 64.0, 1e-13);
  EXPECT_NEAR(result.drift[0], -0.5, 1e-9);
}

TEST(HatsugaiKohmotoGreen, KeepsWhatIsAskedFor) {
  GreenOptions options;
  options.keep_sites = false;
  options.keep_momenta = false;
  const std::vector<double> times = {1.0, 2.0};
  const auto sums = green(published_chain(30, 2.0), times, options, on_cpu),
             all = green(published_chain(30, 2.0), times, {}, on_cpu);
  EXPECT_TRUE(sums.green_retarded.empty());
  EXPECT_TRUE(sums.green_retarded_momentum.empty());
  EXPECT_EQ(sums.drift, all.drift);
  EXPECT_EQ(sums.norm, all.norm);
}

TEST(HatsugaiKohmotoGreen, StopsWhenAsked) {
  std::vector<double> times(50000);
  for (std::size_t i = 0; i < times.size(); ++i) times[i] = 0.01 * static_cast<double>(i);
  GreenOptions options;
  options.monitor.progress = [](double fraction) { return fraction < 0.002; };
  const auto result = green(published_chain(16, 2.0), times, options, {.backend = Backend::cpu, .threads = 1});
  EXPECT_FALSE(result.converged);
  EXPECT_NEAR(result.norm.front(), 1.0, 1e-14);
  EXPECT_TRUE(std::isnan(result.norm.back()));
}

TEST(Spreading, IsTheFirstMomentWithTheLabelsOfTheSites) {
  const std::vector<Complex> even = {{1.0, 1.0}, {0.0, 2.0}, {1.0, 0.0}, {3.0, 0.0}};  // j = -2, -1, 0, 1
  const Spreading a = spreading(even);
  EXPECT_DOUBLE_EQ(a.norm, 2.0 + 4.0 + 1.0 + 9.0);
  EXPECT_DOUBLE_EQ(a.drift, (-2.0 * 2.0 - 4.0 + 9.0) / 16.0);
  EXPECT_DOUBLE_EQ(a.drift_symmetric, (-4.0 + 9.0) / 16.0);
  const std::vector<Complex> odd = {{1.0, 1.0}, {0.0, 2.0}, {1.0, 0.0}};  // j = -1, 0, 1
  EXPECT_DOUBLE_EQ(spreading(odd).drift, (-2.0 + 1.0) / 7.0);
  EXPECT_DOUBLE_EQ(spreading(odd).drift_symmetric, (-2.0 + 1.0) / 7.0);
  const std::vector<Complex> nothing(5);
  EXPECT_EQ(spreading(nothing).norm, 0.0);
  EXPECT_TRUE(std::isnan(spreading(nothing).drift));
  EXPECT_TRUE(std::isnan(spreading(nothing).drift_symmetric));
}

template <class Run>
void run_on_ranks(int size, const Run& run) {
  testing::with_ranks(size, [&](Communicator& communicator) {
    Execution execution{.backend = Backend::cpu, .threads = 1};
    execution.communicator = &communicator;
    run(execution);
  });
}

TEST(HatsugaiKohmoto, NumbersDoNotDependOnThreadsAndProcesses) {
  Random random(9);
  const HatsugaiKohmoto model = random_hatsugai_kohmoto(random, 150);
  std::vector<double> times, frequencies;
  for (int i = 0; i < 333; ++i) {
    times.push_back(0.05 * i);
    frequencies.push_back(0.03 * i - 4.0);
  }
  const Execution one{.backend = Backend::cpu, .threads = 1}, three{.backend = Backend::cpu, .threads = 3};
  const auto g = green(model, times, {}, one);
  const auto n = density(model, UpSites{{0, 5, -70}, {}}, times, {}, one);
  const auto a = spectral(model, frequencies, {}, one);
  const auto expect_same = [&](const Execution& execution) {
    const auto other_g = green(model, times, {}, execution);
    EXPECT_EQ(other_g.green_retarded, g.green_retarded);
    EXPECT_EQ(other_g.green_retarded_momentum, g.green_retarded_momentum);
    EXPECT_TRUE(same_bits(other_g.drift, g.drift));
    EXPECT_TRUE(same_bits(other_g.norm, g.norm));
    const auto other_n = density(model, UpSites{{0, 5, -70}, {}}, times, {}, execution);
    EXPECT_TRUE(same_bits(other_n.density, n.density));
    EXPECT_TRUE(same_bits(other_n.drift, n.drift));
    const auto other_a = spectral(model, frequencies, {}, execution);
    EXPECT_TRUE(same_bits(other_a.spectral_function, a.spectral_function));
    EXPECT_EQ(other_a.self_energy, a.self_energy);
  };
  expect_same(three);
  for (const int ranks : {2, 3, 7}) run_on_ranks(ranks, expect_same);
}

/// Stops a task wherever it can be stopped, and resumes it in other processes.
template <class Options, class Run, class Same>
void expect_to_go_on(const Options& options, const Run& run, const Same& same) {
  const Execution one{.backend = Backend::cpu, .threads = 1};
  const auto undisturbed = run(options, one);
  std::vector<std::vector<unsigned char>> saved;
  Options saving = options;
  saving.monitor.checkpoint = [&](const auto& state) { saved.push_back(state()); };
  std::vector<double> steps;
  saving.monitor.progress = [&](double done) { return steps.push_back(done), true; };
  run(saving, one);
  ASSERT_GE(saved.size(), 3U);
  EXPECT_EQ(steps.size(), saved.size() + 1);  // no checkpoint at the end
  for (const std::size_t chosen : {std::size_t{0}, saved.size() / 2, saved.size() - 1}) {
    Options rest = options;
    rest.monitor.restored = saved[chosen];
    double first = 0.0;
    rest.monitor.progress = [&](double done) { return first = first == 0.0 ? done : first, true; };
    EXPECT_TRUE(same(run(rest, one), undisturbed));
    EXPECT_EQ(first, steps[chosen + 1]);  // known results are not computed again
    rest.monitor.progress = {};
    EXPECT_TRUE(same(run(rest, {.backend = Backend::cpu, .threads = 3}), undisturbed));
    run_on_ranks(3, [&](const Execution& execution) { EXPECT_TRUE(same(run(rest, execution), undisturbed)); });
  }
  for (const std::size_t length : {std::size_t{7}, saved.back().size() - 1, saved.back().size() + 1}) {
    Options wrong = options;
    wrong.monitor.restored = saved.back();
    wrong.monitor.restored.resize(length);
    EXPECT_TRUE(same(run(wrong, one), undisturbed));
  }
  // All ranks save the same state and stop at the same place.
  std::mutex mutex;
  std::vector<std::vector<unsigned char>> of_members;
  run_on_ranks(2, [&](const Execution& execution) {
    Options stopping = options;
    stopping.monitor.progress = [](double) { return false; };
    stopping.monitor.checkpoint = [&](const auto& state) {
      const std::lock_guard lock(mutex);
      of_members.push_back(state());
    };
    EXPECT_FALSE(run(stopping, execution).converged);
  });
  ASSERT_EQ(of_members.size(), 2U);
  EXPECT_EQ(of_members.front(), of_members.back());
  Options rest = options;
  rest.monitor.restored = of_members.front();
  EXPECT_TRUE(same(run(rest, one), undisturbed));
}

TEST(HatsugaiKohmoto, GoesOnWithTheSameBitsFromWhereItWas) {
  Random random(10);
  const HatsugaiKohmoto model = random_hatsugai_kohmoto(random, 600);
  std::vector<double> times;
  for (int i = 0; i < 4000; ++i) times.push_back(0.01 * i);
  DensityOptions of_density;
  of_density.keep_density = false;
  const auto same_density = [](const DensityResult& left, const DensityResult& right) {
    return same_bits(left.drift, right.drift) && same_bits(left.drift_symmetric, right.drift_symmetric) &&
           same_bits(left.norm, right.norm) && same_bits(left.particle_number, right.particle_number) &&
           same_bits(left.density, right.density) && left.converged == right.converged;
  };
  expect_to_go_on(
      of_density,
      [&](const DensityOptions& options, const Execution& execution) {
        return density(model, UpSites{{0, 3}, {}}, times, options, execution);
      },
      same_density);
  const HatsugaiKohmoto small = random_hatsugai_kohmoto(random, 9);
  std::vector<Complex> mixed(81);
  for (std::size_t k = 0; k < 9; ++k) mixed[10 * k] = 0.1 * static_cast<double>(k);
  of_density.keep_density = true;
  expect_to_go_on(
      of_density,
      [&](const DensityOptions& options, const Execution& execution) {
        return density(small, UpCorrelation{mixed}, std::span(times).first(1000), options, execution);
      },
      same_density);
  GreenOptions of_green;
  of_green.keep_momenta = false;
  expect_to_go_on(
      of_green,
      [&](const GreenOptions& options, const Execution& execution) { return green(model, times, options, execution); },
      [](const GreenResult& left, const GreenResult& right) {
        return left.green_retarded == right.green_retarded && same_bits(left.drift, right.drift) &&
               same_bits(left.drift_symmetric, right.drift_symmetric) && same_bits(left.norm, right.norm) &&
               left.converged == right.converged;
      });
  // A checkpoint of rows of sites does not fit rows of momenta.
  std::vector<unsigned char> saved;
  of_green.monitor.checkpoint = [&](const auto& state) { saved = state(); };
  green(model, times, of_green, on_cpu);
  GreenOptions other;
  other.keep_sites = false;
  const auto plain = green(model, times, other, on_cpu);
  other.monitor.restored = saved;
  EXPECT_EQ(green(model, times, other, on_cpu).green_retarded_momentum, plain.green_retarded_momentum);
}

TEST(HatsugaiKohmoto, RefusesWhatMakesNoSense) {
  using ::testing::HasSubstr;
  const auto message = [](const auto& call) -> std::string {
    try {
      call();
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  const std::vector<double> times = {0.0, 1.0};
  HatsugaiKohmoto model;
  model.sites = 4;
  EXPECT_THAT(message([&] { green(model, std::vector<double>{1.0, 0.5}); }), HasSubstr("task.times[1]"));
  EXPECT_THAT(message([&] { green(model, std::vector<double>{-1.0}); }), HasSubstr("task.times[0]"));
  EXPECT_THAT(message([&] { green(model, std::vector<double>{NAN}); }), HasSubstr("task.times[0]"));
  GreenOptions options;
  options.down_occupation = {0.1, 0.2, 1.1, 0.0};
  EXPECT_THAT(message([&] { green(model, times, options); }), HasSubstr("initial.down_occupation[2]: 1.1"));
  options.down_occupation = {0.1};
  EXPECT_THAT(message([&] { green(model, times, options); }), HasSubstr("one per momentum, 4"));
  EXPECT_THAT(message([&] { density(model, UpSites{{0, 2}, {}}, times); }), HasSubstr("initial.up_sites[1]: 2"));
  EXPECT_THAT(message([&] { density(model, UpSites{{0, 1, 0}, {}}, times); }), HasSubstr("appears twice"));
  EXPECT_THAT(message([&] { density(model, UpSites{{0}, {1.5}}, times); }), HasSubstr("in [0, 1]"));
  DensityOptions fock;
  fock.down_sites = {-3};
  EXPECT_THAT(message([&] { density(model, UpSites{}, times, fock); }), HasSubstr("initial.down_sites[0]: -3"));
  fock.down_sites = {1};
  EXPECT_THAT(message([&] { density(model, UpCorrelation{std::vector<Complex>(16)}, times, fock); }),
              HasSubstr("initial.up_sites only"));
  EXPECT_THAT(message([&] { density(model, UpCorrelation{std::vector<Complex>(15)}, times); }), HasSubstr("16"));
  std::vector<Complex> lopsided(16);
  lopsided[1] = 0.5;
  EXPECT_THAT(message([&] { density(model, UpCorrelation{lopsided}, times); }), HasSubstr("not Hermitian"));
  lopsided[1] = 0.0;
  lopsided[5] = 1.5;
  EXPECT_THAT(message([&] { density(model, UpCorrelation{lopsided}, times); }), HasSubstr("momentum 1 is 1.5"));
  // Populations of 1/2 but correlations of 0.9: not a valid state.
  std::vector<Complex> strong(16, 0.9);
  for (std::size_t k = 0; k < 4; ++k) strong[5 * k] = 0.5;
  EXPECT_THAT(message([&] { density(model, UpCorrelation{strong}, times); }), HasSubstr("the occupation of site"));
  EXPECT_THAT(message([&] {
                density(model, UpFactors{{1.0}, std::vector<Complex>(4, 0.8)}, times);
              }),
              HasSubstr("the occupation of site 0 at t = 0 is 2.56"));
  Execution device;
  device.backend = Backend::cuda;
  EXPECT_THAT(message([&] { density(model, UpSites{}, times, {}, device); }), HasSubstr("runs on the CPU"));
  SpectralOptions spectrum;
  spectrum.broadening = -0.1;
  EXPECT_THAT(message([&] { spectral(model, times, spectrum); }), HasSubstr("task.broadening"));
  spectrum = {};
  spectrum.momenta = {2};
  EXPECT_THAT(message([&] { spectral(model, times, spectrum); }), HasSubstr("task.momenta[0]: 2"));
  spectrum.momenta = {1, 1};
  EXPECT_THAT(message([&] { spectral(model, times, spectrum); }), HasSubstr("appears twice"));
  EXPECT_THAT(message([&] { spectral(model, std::vector<double>{1.0, 1.0}); }), HasSubstr("task.frequencies[1]"));
  model.hopping = 0.0;
  EXPECT_THAT(message([&] { green(model, times); }), HasSubstr("model.hopping"));
  model.hopping = 1.0;
  model.interaction = NAN;
  EXPECT_THAT(message([&] { green(model, times); }), HasSubstr("model.interaction"));
  model.interaction = 0.0;
  model.sites = 0;
  EXPECT_THAT(message([&] { green(model, times); }), HasSubstr("model.sites"));
}

}  // namespace
}  // namespace lindrift::testing
