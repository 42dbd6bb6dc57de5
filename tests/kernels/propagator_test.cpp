// Every engine of the Hatsugai-Kohmoto kernels, compared with exponentials and inverses of the matrices.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>

#include "data/hatsugai_kohmoto_modes.hpp"
#include "engine/fourier.hpp"
#include "open_chain/propagator.hpp"
#include "reference/hatsugai_kohmoto.hpp"
#include "support/engines.hpp"
#include "support/open_chains.hpp"
#include "support/random.hpp"

namespace lindrift::testing {
namespace {

using Complex = std::complex<double>;
namespace exact = reference::hatsugai_kohmoto;
constexpr double epsilon = 0x1p-52;

std::vector<Engine> host_engines() {
  std::vector<Engine> engines;
  for (const Engine& engine : all_engines())
    if (engine.direct && engine.place != Engine::Place::cuda) engines.push_back(engine);
  return engines;
}

/// Modes that belong to no lattice.
HatsugaiKohmotoModes modes_of(const std::vector<exact::Mode>& list) {
  HatsugaiKohmotoModes modes;
  for (const exact::Mode& mode : list) {
    modes.energy.push_back(static_cast<double>(mode.energy));
    modes.up.gain.push_back(0.0);
    modes.up.loss.push_back(static_cast<double>(mode.up_rate));
    modes.down.gain.push_back(static_cast<double>(mode.gain));
    modes.down.loss.push_back(static_cast<double>(mode.loss));
  }
  modes.lattice = Lattice({static_cast<std::int64_t>(list.size())});
  modes.interaction = list.empty() ? 0.0 : static_cast<double>(list.front().interaction);
  return modes;
}

/// Amplitudes of a propagator at one time, in ascending order, without rescaling.
std::vector<Complex> amplitudes(const kernels::PropagatorFunctions& functions, const Propagator& propagator,
                                double time) {
  const std::size_t sites = propagator.sites();
  std::vector<Complex> row(sites, Complex(NAN, NAN)), result(sites);
  functions.propagate(propagator.tables(), 0, static_cast<std::int64_t>(sites), &time, 1,
                      reinterpret_cast<double*>(row.data()));
  for (std::size_t i = 0; i < sites; ++i)
    result[i] = row[ring_position(i, sites)] * std::exp(propagator.growth() * time);
  return result;
}

/// W = |eps| + |U| + Gamma_down + Gamma_up, the scale of all rotation and decay.
double rate_of(const exact::Mode& mode) {
  return static_cast<double>(std::fabs(mode.energy) + std::fabs(mode.interaction) + mode.gain + mode.loss +
                             mode.up_rate);
}

class PropagatorTest : public ::testing::TestWithParam<Engine> {
 protected:
  void SetUp() override { skip_unless_available(GetParam()); }
};

TEST_P(PropagatorTest, IsTheFirstRowOfTheExponential) {
  Random random(3);
  const auto functions = find_cpu_kernels(GetParam().place)->propagator;
  for (const std::size_t sites : {1, 2, 3, 7, 8, 9, 16, 61}) {
    for (int draw = 0; draw < 20; ++draw) {
      const double size = std::pow(10.0, random.uniform(-2.0, 1.0));
      std::vector<exact::Mode> list;
      std::vector<double> n0;
      const double interaction = random.uniform(-1.0, 1.0) * std::pow(10.0, random.uniform(-1.0, 1.5));
      for (std::size_t i = 0; i < sites; ++i) {
        exact::Mode mode{random.uniform(-3.0, 3.0), interaction, random.uniform(0.0, 0.3),
                         size * random.uniform(0.0, 1.0), size * random.uniform(0.0, 1.0)};
        const auto special = random.integer(0, 9);  // special cases of the parameters as often as generic ones
        if (special == 0) mode.gain = 0.0L;
        if (special == 1) mode.loss = 0.0L;
        if (special == 2) mode.gain = mode.loss = 0.0L;
        if (special == 3) mode.gain = mode.loss;
        if (special == 4) mode.gain = mode.loss = 0.5 * std::fabs(interaction);  // an exceptional point
        if (special == 5) mode.up_rate = 0.0L;
        list.push_back(mode);
        n0.push_back(random.uniform(0.0, 1.0));
      }
      const double time = std::pow(10.0, random.uniform(-2.0, 1.0));
      const auto modes = modes_of(list);
      const auto g = amplitudes(functions, Propagator::of_green(modes, n0), time);
      const auto v = amplitudes(functions, Propagator::of_second_entry(modes), time);
      for (std::size_t i = 0; i < sites; ++i) {
        const auto row = list[i].row(time);
        const exact::Complex expected = row[0] + static_cast<long double>(n0[i]) * row[1];
        // |e^{lambda_1 t}| is the scale; the largest entry of the exponential is at least as large.
        const auto scale = static_cast<double>(std::max({std::abs(row[0]), std::abs(row[1]), std::abs(expected)}));
        const auto rate = static_cast<double>(list[i].gain + list[i].loss);
        const double work = rate_of(list[i]) * time;
        const double allowed = (5.0 * epsilon * (1.0 + work) + epsilon * std::pow(rate * time, 2)) * scale;
        EXPECT_LE(std::abs(exact::Complex(g[i]) - expected), allowed) << "i = " << i << ", draw " << draw;
        EXPECT_LE(std::abs(exact::Complex(v[i]) - row[1]), allowed) << "i = " << i << ", draw " << draw;
      }
    }
  }
}

TEST_P(PropagatorTest, RepeatsTheStoredNumbers) {
  const auto functions = find_cpu_kernels(GetParam().place)->propagator;
  for (const auto& mode : data::hatsugai_kohmoto_modes::modes) {
    SCOPED_TRACE(::testing::Message() << "U = " << mode.interaction << ", gain " << mode.gain << ", loss "
                                      << mode.loss);
    const auto modes = modes_of({{mode.energy, mode.interaction, mode.up_rate, mode.gain, mode.loss}});
    const std::vector<double> steady = {mode.occupation}, empty = {0.0};
    const auto green = Propagator::of_green(modes, steady), first = Propagator::of_green(modes, empty),
               second = Propagator::of_second_entry(modes);
    EXPECT_NEAR(green.growth(), mode.slow_eigenvalue[0], 4e-16 * std::fabs(mode.slow_eigenvalue[0]));
    for (std::size_t t = 0; t < mode.times.size(); ++t) {
      const double time = mode.times[t], rate = mode.gain + mode.loss;
      const double work = (std::fabs(mode.energy) + std::fabs(mode.interaction) + rate + mode.up_rate) * time;
      const double scale = std::exp(mode.slow_eigenvalue[0] * time);
      // 1e-12 up to W t = 1000, 5 eps (1 + W t) beyond; next to an exceptional point
      // the conditioning of gain + loss adds eps (Gamma t)^2 relative to the result, which grows there like 1 + q t.
      const double near = epsilon * std::pow(rate * time, 2) * (1.0 + rate * time);
      const double allowed = ((work <= 1e3 ? 1e-12 : 5.0 * epsilon * (1.0 + work)) + near) * scale;
      const auto expect = [&](const Propagator& propagator, double re, double im) {
        EXPECT_NEAR(std::abs(amplitudes(functions, propagator, time)[0] - Complex(re, im)), 0.0, allowed)
            << "t = " << time;
      };
      expect(green, mode.g_re[t], mode.g_im[t]);
      expect(first, mode.u_re[t], mode.u_im[t]);
      expect(second, mode.v_re[t], mode.v_im[t]);
    }
  }
}

TEST_P(PropagatorTest, KeepsTwelveDigitsNextToExceptionalPoints) {
  const auto functions = find_cpu_kernels(GetParam().place)->propagator;
  for (const double sign : {1.0, -1.0})
    for (double distance = 0.0; distance < 1e-2; distance = distance == 0.0 ? 1e-16 : distance * 10.0) {
      const exact::Mode mode{0.3, sign * 3.0, 0.0, 1.5L, 1.5L * (1.0L + static_cast<long double>(distance))};
      const auto modes = modes_of({mode});
      const exact::Mode stored{mode.energy, mode.interaction, 0.0L, modes.down.gain[0], modes.down.loss[0]};
      for (const double time : {0.1, 1.0, 10.0, 40.0}) {
        const std::vector<double> n0 = {0.5};
        const exact::Complex expected = stored.g(time, 0.5L);
        const exact::Complex value(amplitudes(functions, Propagator::of_green(modes, n0), time)[0]);
        const double allowed = std::max(1e-14, epsilon * std::pow(3.0 * time, 2));
        EXPECT_LE(std::abs(value - expected), allowed * std::abs(expected))
            << "distance " << distance << ", t " << time;
      }
    }
}

TEST_P(PropagatorTest, TakesBlocksOfMomentaAndSeveralTimes) {
  Random random(4);
  const auto functions = find_cpu_kernels(GetParam().place)->propagator;
  const HatsugaiKohmoto model = random_hatsugai_kohmoto(random, 45);
  const auto modes = lindrift::modes_of(model);
  const auto occupation = steady_occupation(modes.down);
  const auto propagator = Propagator::of_green(modes, occupation);
  const std::vector<double> times = {0.0, 0.7, 3.1};
  std::vector<Complex> whole(3 * 45), parts(3 * 45);
  functions.propagate(propagator.tables(), 0, 45, times.data(), 3, reinterpret_cast<double*>(whole.data()));
  for (const auto& [first, last] : {std::pair{0, 16}, {16, 40}, {40, 45}})
    functions.propagate(propagator.tables(), first, last, times.data(), 3, reinterpret_cast<double*>(parts.data()));
  EXPECT_EQ(whole, parts);
  for (std::size_t k = 0; k < 45; ++k) EXPECT_EQ(whole[k], 1.0);
}

TEST_P(PropagatorTest, SumsProfilesWithTheirLabels) {
  Random random(5);
  const auto functions = find_cpu_kernels(GetParam().place)->propagator;
  for (const std::size_t sites : {1, 2, 3, 7, 8, 17, 100}) {
    std::vector<Complex> row(sites);
    for (Complex& z : row) z = random.complex(1.0);
    for (std::size_t first = 0; first < sites; first += 5) {
      double norm = NAN, moment = NAN;
      functions.profile_sums(reinterpret_cast<const double*>(row.data()), static_cast<std::int64_t>(first),
                             static_cast<std::int64_t>(sites), -7.0, &norm, &moment);
      long double expected_norm = 0.0L, expected_moment = 0.0L, magnitude = 0.0L;
      for (std::size_t j = first; j < sites; ++j) {
        const long double square = std::norm(exact::Complex(row[j])),
                          label = static_cast<long double>(j - first) - 7.0L;
        expected_norm += square;
        expected_moment += label * square;
        magnitude += std::fabs(label) * square;
      }
      EXPECT_NEAR(norm, static_cast<double>(expected_norm), 1e-15 * static_cast<double>(expected_norm));
      EXPECT_NEAR(moment, static_cast<double>(expected_moment), 2e-15 * static_cast<double>(magnitude));
    }
  }
}

TEST_P(PropagatorTest, FrequencySpaceRepeatsTheStoredNumbers) {
  const auto functions = find_cpu_kernels(GetParam().place)->propagator;
  for (const auto& mode : data::hatsugai_kohmoto_modes::modes) {
    const double rate = mode.gain + mode.loss, n = mode.gain / rate, h = mode.loss / rate;
    kernels::SpectralTables tables;
    tables.momenta = 1;
    tables.frequencies = static_cast<std::int64_t>(mode.frequencies.size());
    tables.interaction = mode.interaction;
    tables.energy = &mode.energy;
    tables.up_rate = &mode.up_rate;
    tables.down_rate = &rate;
    tables.particles = &n;
    tables.holes = &h;
    std::vector<double> a(mode.frequencies.size(), NAN);
    std::vector<Complex> self_energy(a.size()), green(a.size());
    functions.spectral(tables, mode.frequencies.data(), 0, tables.frequencies, a.data(),
                       reinterpret_cast<double*>(self_energy.data()), reinterpret_cast<double*>(green.data()));
    for (std::size_t i = 0; i < a.size(); ++i) {
      const Complex g(mode.green_re[i], mode.green_im[i]), s(mode.self_energy_re[i], mode.self_energy_im[i]);
      EXPECT_NEAR(a[i], mode.spectral_function[i], 1e-13 * std::max(std::abs(g), mode.spectral_function[i]));
      EXPECT_NEAR(std::abs(green[i] - g), 0.0, 1e-13 * std::abs(g));
      EXPECT_NEAR(std::abs(self_energy[i] - s), 0.0, 1e-13 * std::max(std::abs(s), 1e-3));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(HostEngines, PropagatorTest, ::testing::ValuesIn(host_engines()),
                         [](const auto& test) { return std::string(test.param.name); });

using PropagatorDevice = DeviceTest;

TEST_F(PropagatorDevice, AgreesWithTheHost) {
  Random random(6);
  for (const std::int64_t length : {1, 2, 3, 8, 31, 130, 1000}) {
    const auto sites = static_cast<std::size_t>(length);
    const auto modes = lindrift::modes_of(random_hatsugai_kohmoto(random, length));
    const auto occupation = random.vector(sites, 0.0, 1.0);
    const auto propagator = Propagator::of_green(modes, occupation);
    const std::vector<double> times = {0.0, 0.4, 1.9, 5.0}, factor = {0.25, 0.5, 2.0, 3.0};

    std::vector<Complex> rows(4 * sites), momentum(4 * sites), green(4 * sites);
    std::vector<double> sums(12);
    const std::unique_ptr<kernels::PropagatorDevice> device(
        kernels::device_kernels().make_propagator_device(propagator.tables(), 0));
    device->propagate(times.data(), factor.data(), 4, reinterpret_cast<double*>(momentum.data()),
                      reinterpret_cast<double*>(green.data()), sums.data());

    propagator.amplitudes(times, rows.data());
    EXPECT_LE(relative_difference(momentum, rows), 1e-14);
    const Fourier fourier(sites);
    fourier.backward(rows.data(), 4);
    for (std::size_t t = 0; t < 4; ++t) {
      const std::span<const Complex> row(rows.data() + t * sites, sites);
      const Profile profile = profile_of(row, propagator.order(), SiteOrder::transform);
      EXPECT_NEAR(sums[t], profile.norm, 1e-13 * profile.norm);
      EXPECT_NEAR(sums[4 + t], profile.moment[0], 1e-13 * profile.norm * static_cast<double>(sites));
      EXPECT_NEAR(sums[8 + t], profile.antipode[0], 1e-13 * profile.norm);
      for (std::size_t i = 0; i < sites; ++i)
        EXPECT_NEAR(std::abs(green[t * sites + i] - Complex(0.0, -factor[t]) * row[ring_position(i, sites)]), 0.0,
                    1e-13 * factor[t] * std::sqrt(profile.norm));
    }
    // Results that are not requested are not written.
    std::vector<double> again(12);
    device->propagate(times.data(), factor.data(), 4, nullptr, nullptr, again.data());
    EXPECT_EQ(again, sums);
  }
}

using SpectralDevice = DeviceTest;

TEST_F(SpectralDevice, AgreesWithTheHost) {
  Random random(10);
  constexpr std::size_t momenta = 7, frequencies = 11, elements = momenta * frequencies;
  std::vector<double> energy = random.vector(momenta, -2.0, 2.0), up_rate = random.vector(momenta, 0.0, 0.5),
                      gain = random.vector(momenta, 0.0, 1.0), loss = random.vector(momenta, 0.0, 1.0),
                      frequency = random.vector(frequencies, -4.0, 8.0), rate(momenta), n(momenta), h(momenta);
  up_rate[3] = loss[3] = 0.0;  // a delta peak, hit by one of the frequencies
  frequency[5] = energy[3] + 2.5;
  for (std::size_t k = 0; k < momenta; ++k) {
    rate[k] = gain[k] + loss[k];
    n[k] = gain[k] / rate[k];
    h[k] = loss[k] / rate[k];
  }
  kernels::SpectralTables tables;
  tables.momenta = momenta;
  tables.frequencies = frequencies;
  tables.interaction = 2.5;
  tables.energy = energy.data();
  tables.up_rate = up_rate.data();
  tables.down_rate = rate.data();
  tables.particles = n.data();
  tables.holes = h.data();
  std::vector<double> a(elements), device_a(elements);
  std::vector<Complex> sigma(elements), device_sigma(elements), green(elements), device_green(elements);
  const auto bare = [](std::vector<Complex>& values) { return reinterpret_cast<double*>(values.data()); };
  kernels::cpu_kernels().propagator.spectral(tables, frequency.data(), 0, elements, a.data(), bare(sigma), bare(green));
  kernels::device_kernels().map_spectral(tables, frequency.data(), device_a.data(), bare(device_sigma),
                                         bare(device_green), 0);
  for (std::size_t e = 0; e < elements; ++e) {
    if (e == 3 * frequencies + 5) {
      EXPECT_EQ(a[e], INFINITY);
      EXPECT_EQ(device_a[e], INFINITY);
      EXPECT_EQ(device_green[e].imag(), -INFINITY);
      continue;
    }
    EXPECT_NEAR(device_a[e], a[e], 1e-13 * std::max(a[e], 1e-3));
    EXPECT_NEAR(std::abs(device_sigma[e] - sigma[e]), 0.0, 1e-13 * std::abs(sigma[e]));
    EXPECT_NEAR(std::abs(device_green[e] - green[e]), 0.0, 1e-13 * std::abs(green[e]));
  }
}

TEST(Propagator, OfAPairOfMomentaIsTheKroneckerSum) {
  const auto& pair = data::hatsugai_kohmoto_modes::pair.front();
  std::vector<exact::Mode> list;
  for (std::size_t i = 0; i < 2; ++i)
    list.push_back({pair.energy[i], pair.interaction, pair.up_rate[i], pair.gain[i], pair.loss[i]});
  const auto modes = modes_of(list);
  const std::vector<double> empty(2, 0.0);
  const auto functions = kernels::cpu_kernels().propagator;
  const auto u = amplitudes(functions, Propagator::of_green(modes, empty), pair.time);
  const auto v = amplitudes(functions, Propagator::of_second_entry(modes), pair.time);
  const Complex left[2] = {std::conj(u[0]), std::conj(v[0])}, right[2] = {u[1], v[1]};
  Complex sum = 0.0;
  for (std::size_t a = 0; a < 2; ++a)
    for (std::size_t b = 0; b < 2; ++b)
      sum += left[a] * right[b] * Complex(pair.start_re[a + 2 * b], pair.start_im[a + 2 * b]);
  EXPECT_NEAR(std::abs(sum - Complex(pair.end_re[0], pair.end_im[0])), 0.0, 1e-15);
}

TEST(Propagator, HasTheStoredLossOfBonds) {
  HatsugaiKohmoto model;
  model.sites = 8;
  model.down.two_site_loss = 0.5;
  const auto modes = lindrift::modes_of(model);
  for (std::size_t i = 0; i < 8; ++i) {
    const double expected = data::hatsugai_kohmoto_modes::loss_of_bonds[ring_position(i, 8)];
    EXPECT_NEAR(modes.down.loss[i], expected, 4e-16 * expected);
  }
}

TEST(Propagator, SharesTheWorkOfALongRowWithoutAnotherBit) {
  Random random(8);
  const auto modes = lindrift::modes_of(random_hatsugai_kohmoto(random, 20001));
  const auto occupation = steady_occupation(modes.down);
  const auto propagator = Propagator::of_green(modes, occupation);
  const std::vector<double> times = {3.7};
  std::vector<Complex> one(20001), three(20001);
  propagator.amplitudes(times, one.data(), 1);
  propagator.amplitudes(times, three.data(), 3);
  EXPECT_EQ(one, three);
  const Profile a = profile_of(one, propagator.order(), SiteOrder::transform, 1),
                b = profile_of(one, propagator.order(), SiteOrder::transform, 3);
  EXPECT_EQ(a.norm, b.norm);
  EXPECT_EQ(a.moment, b.moment);
}

}  // namespace
}  // namespace lindrift::testing
