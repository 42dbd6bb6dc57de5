// Every kind of hop weight and every spectrum on every engine, with numbers that come from no lattice.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <numeric>
#include <vector>

#include "kernels/tgge/spectrum.hpp"
#include "reference/tgge_chain.hpp"
#include "support/chains.hpp"
#include "support/compare.hpp"
#include "support/engines.hpp"
#include "support/random.hpp"
#include "support/transitions.hpp"
#include "tgge/energy_levels.hpp"

namespace lindrift::testing {
namespace {

using kernels::SpectrumKind;
using kernels::WeightKind;

constexpr double infinity = std::numeric_limits<double>::infinity();

// Relative to the magnitude of the terms: sums in blocks, e^{beta E/2} and, for operators, the eigenvectors of the
// moments each leave about 1e-15.
constexpr double rounding = 1e-13;

/// Arrays behind a RateTables with two modes per site, and the same problem as matrices in extended precision. Weights
/// of a hop and of its reverse differ, so that swapping them would show.
struct Numbers {
  std::size_t size;
  std::vector<double> energy, in, out, vector_re, vector_im, amplitude_re, amplitude_im, table;
  kernels::RateTables tables;
  reference::Problem problem;

  Numbers(Random& random, std::size_t sites, WeightKind kind, SpectrumKind spectrum, int dimension = 3,
          int channels = 2, double beta = 1.7)
      : size(2 * sites) {
    energy = random.vector(size, -2.0, 2.0);
    tables.modes = static_cast<std::int64_t>(size);
    tables.over_cells = 1.0 / static_cast<double>(sites);
    tables.scale = 0.07;
    tables.inverse_temperature = beta;
    tables.equilibrium_fraction = 0.6;
    tables.nonequilibrium_fraction = 0.8;
    tables.energy = energy.data();
    tables.spectrum = spectrum;
    tables.spectrum_width = 0.9;
    tables.weight = kind;
    if (kind == WeightKind::product) {
      tables.rank = 2;
      in = random.vector(2 * size, 0.0, 1.0);
      out = random.vector(2 * size, 0.0, 20.0);
    } else if (kind == WeightKind::table) {
      table = random.vector(size * size, 0.0, 3.0);
      for (std::size_t i = 0; i < table.size(); i += 5) table[i] = 0.0;
    } else {
      const auto d = static_cast<std::size_t>(dimension), c = static_cast<std::size_t>(channels);
      tables.dimension = dimension;
      tables.channels = channels;
      vector_re = random.vector(d * size, -1.0, 1.0);
      vector_im = random.vector(d * size, -1.0, 1.0);
      amplitude_re = random.vector(c * d * d, -1.0, 1.0);
      amplitude_im = random.vector(c * d * d, -1.0, 1.0);
    }
    point();
    describe();
  }
  Numbers(const Numbers&) = delete;
  Numbers& operator=(const Numbers&) = delete;

  void describe() {
    problem = {};
    problem.size = size;
    problem.bands = 2;
    problem.scale = tables.scale;
    problem.inverse_temperature = tables.inverse_temperature;
    problem.gamma_eq = tables.equilibrium_fraction;
    problem.gamma_neq = tables.nonequilibrium_fraction;
    problem.energy = extended(energy);
    problem.velocity.assign(size, 0.0L);
    const long double beta = tables.inverse_temperature, width = tables.spectrum_width;
    for (std::size_t to = 0; to < size; ++to)
      for (std::size_t from = 0; from < size; ++from) {
        problem.weight.push_back(weight(to, from));
        const long double x = static_cast<long double>(energy[from]) - energy[to];
        long double thermal = std::exp(beta * x / 2.0L);
        if (tables.spectrum == SpectrumKind::lorentzian) thermal /= 1.0L + x / width * (x / width);
        if (tables.spectrum == SpectrumKind::ohmic)
          thermal = x == 0.0L ? 1.0L / beta
                              : std::fabs(x) * std::exp(-std::fabs(x) / width) / std::fabs(std::expm1(-beta * x));
        problem.thermal.push_back(thermal);
      }
  }

 private:
  long double weight(std::size_t to, std::size_t from) const {
    using Complex = std::complex<long double>;
    long double sum = 0.0L;
    switch (tables.weight) {
      case WeightKind::product:
        for (std::size_t r = 0; r < 2; ++r) sum += static_cast<long double>(in[r * size + to]) * out[r * size + from];
        return sum;
      case WeightKind::table:
        return table[to * size + from];
      case WeightKind::operators:
        break;
    }
    const auto d = static_cast<std::size_t>(tables.dimension);
    for (std::size_t c = 0; c < static_cast<std::size_t>(tables.channels); ++c) {
      Complex amplitude = 0.0L;
      for (std::size_t a = 0; a < d; ++a)
        for (std::size_t b = 0; b < d; ++b)
          amplitude += std::conj(Complex(vector_re[a * size + to], vector_im[a * size + to])) *
                       Complex(amplitude_re[(c * d + a) * d + b], amplitude_im[(c * d + a) * d + b]) *
                       Complex(vector_re[b * size + from], vector_im[b * size + from]);
      sum += amplitude.real() * amplitude.real() + amplitude.imag() * amplitude.imag();
    }
    return sum;
  }
  void point() {
    tables.in = in.data();
    tables.out = out.data();
    tables.vector_re = vector_re.data();
    tables.vector_im = vector_im.data();
    tables.amplitude_re = amplitude_re.data();
    tables.amplitude_im = amplitude_im.data();
    tables.table = table.data();
  }
};

class WeightKindsTest : public ::testing::TestWithParam<Engine> {
 protected:
  void SetUp() override { skip_unless_available(GetParam()); }

  static bool possible(WeightKind kind, SpectrumKind spectrum) {
    return GetParam().direct || (kind != WeightKind::table && spectrum == SpectrumKind::exponential);
  }
};

/// Every function of the kernel against the reference.
void expect_reference(kernels::RateKernel& kernel, const reference::Problem& problem, const std::vector<double>& lambda,
                      const std::vector<double>& direction) {
  const std::size_t size = problem.size;
  const auto n = occupations_of(lambda);
  const reference::Vector at = extended(lambda), one(size, 1.0L);
  std::vector<double> rate(size, NAN), relaxation(size, NAN), log_gain(size, NAN), log_loss(size, NAN),
      balance(size, NAN);

  kernel.occupation_rate(n.particles.data(), n.holes.data(), rate.data());
  const auto expected = reference::occupation_rate(problem, at);
  EXPECT_LE(largest_error(rate, expected), rounding);
  EXPECT_LE(largest_error(rate, reference::occupation_rate_from_forces(problem, at), expected.magnitude), rounding);
  const long double all = std::accumulate(expected.magnitude.begin(), expected.magnitude.end(), 0.0L);
  EXPECT_LE(std::fabs(sum(rate)), rounding * all);

  kernel.relaxation_rate(n.particles.data(), n.holes.data(), relaxation.data());
  const std::vector<double> derivative = jacobian_times(kernel, n, direction);
  expect_transition_sums(kernel, problem, lambda, direction, lambda, rounding);
  auto gain = reference::gain(problem, at), loss = reference::loss(problem, at);
  reference::Vector diagonal;
  for (std::size_t s = 0; s < size; ++s) diagonal.push_back(problem.scale * (gain[s] + loss[s]));
  EXPECT_LE(largest_error(relaxation, diagonal, diagonal), rounding);
  const auto jacobian = reference::occupation_rate_derivative(problem, at, extended(direction));
  EXPECT_LE(largest_error(derivative, jacobian), rounding);
  // Second degree in n: the central difference is exact for any step.
  std::vector<double> above(size), below(size);
  for (const double step : {0.5, -0.5}) {
    Occupations moved = n;
    for (std::size_t s = 0; s < size; ++s) {
      moved.particles[s] += step * direction[s];
      moved.holes[s] -= step * direction[s];
    }
    kernel.occupation_rate(moved.particles.data(), moved.holes.data(), (step > 0.0 ? above : below).data());
  }
  reference::Vector quotient, scale;
  for (std::size_t s = 0; s < size; ++s) {
    quotient.push_back(static_cast<long double>(above[s]) - below[s]);
    scale.push_back(jacobian.magnitude[s] + diagonal[s]);
  }
  EXPECT_LE(largest_error(derivative, quotient, scale), 2.0 * rounding);

  kernel.log_rates(lambda.data(), log_gain.data(), log_loss.data());
  kernel.log_balance_derivative(direction.data(), balance.data());
  for (auto* rates : {&gain, &loss})
    for (auto& r : *rates) r = std::log(r);
  EXPECT_LE(largest_error(log_gain, gain, one), rounding);
  EXPECT_LE(largest_error(log_loss, loss, one), rounding);
  EXPECT_LE(largest_error(balance, reference::log_balance_derivative(problem, at, extended(direction))), rounding);
  std::vector<double> gain_decrease(size), loss_increase(size);
  kernel.log_rate_derivatives(direction.data(), gain_decrease.data(), loss_increase.data());
  EXPECT_LE(
      largest_error(gain_decrease, reference::log_balance_derivative(problem, at, extended(direction), true, false)),
      rounding);
  EXPECT_LE(
      largest_error(loss_increase, reference::log_balance_derivative(problem, at, extended(direction), false, true)),
      rounding);
  // Fourth order, h = 1/256: truncation h^4/30 times a fifth derivative of order one, rounding over h: 1e-11 and 1e-13.
  const double h = 1.0 / 256;
  reference::Vector slope(size, 0.0L);
  for (const auto& [shift, weight] : {std::pair{1.0, 8.0L}, {-1.0, -8.0L}, {2.0, -1.0L}, {-2.0, 1.0L}}) {
    std::vector<double> moved = lambda;
    for (std::size_t s = 0; s < size; ++s) moved[s] += shift * h * direction[s];
    kernel.log_rates(moved.data(), log_gain.data(), log_loss.data());
    for (std::size_t s = 0; s < size; ++s)
      slope[s] += weight * (static_cast<long double>(log_loss[s]) - log_gain[s]) / (12.0L * h);
  }
  EXPECT_LE(largest_error(balance, slope, one), 1e-10);
}

TEST_P(WeightKindsTest, EverythingIsTheReference) {
  for (const WeightKind kind : {WeightKind::product, WeightKind::operators, WeightKind::table})
    for (const SpectrumKind spectrum : {SpectrumKind::exponential, SpectrumKind::lorentzian, SpectrumKind::ohmic}) {
      if (!possible(kind, spectrum)) continue;
      // Sizes around packs of 8, tiles of 32 to 128 columns and blocks of 256 rows, with two modes per site.
      for (const std::size_t sites : {1, 2, 4, 9, 33, 64, 65, 129}) {
        SCOPED_TRACE(::testing::Message() << "weight " << static_cast<int>(kind) << ", spectrum "
                                          << static_cast<int>(spectrum) << ", " << 2 * sites << " modes");
        Random random(7000 + sites);
        const Numbers numbers(random, sites, kind, spectrum);
        const auto lambda = random.vector(numbers.size, -5.0, 5.0), direction = random.vector(numbers.size, -1.0, 1.0);
        expect_reference(*make_kernel(GetParam(), numbers.tables), numbers.problem, lambda, direction);
      }
    }
}

TEST(LorentzianSpectrum, KeepsItsDigitsForAnyWidth) {
  // Energies in units of the width, and widths from the smallest to the largest numbers.
  for (const double width : {3e-310, 1e-300, 1e-100, 0.3, 1.0, 1e100, 1e300})
    for (const double farthest : {0.0, 0.4, 3.0, 1e7, 1e50}) {
      if (farthest * width > 1e305) continue;
      const double energy = farthest * width;
      const auto spectrum = kernels::tgge::LorentzianSpectrum::of(width, energy);
      const double there = energy * spectrum.over_unit, here = -0.25 * energy * spectrum.over_unit;
      using Mode = kernels::tgge::LorentzianSpectrum::Mode<double>;
      const auto exact = [&](long double x) {
        x /= static_cast<long double>(width);
        return static_cast<double>(1.0L / (1.0L + x * x));
      };
      // Subnormal numbers themselves have few digits.
      const double tolerance = width < 1e-305 ? 1e-12 : 1e-15;
      const double alone = spectrum.scale() * spectrum.pair(Mode{here}, Mode{there}).particle;
      EXPECT_NEAR(alone / exact(1.25L * static_cast<long double>(energy)), 1.0, 4.0 * tolerance) << width << farthest;
      kernels::tgge::ThermalFactors<double> first, second;
      spectrum.pairs(Mode{here}, Mode{0.0}, Mode{there}, first, second);
      EXPECT_NEAR(spectrum.scale() * first.hole / alone, 1.0, 1e-15);
      EXPECT_NEAR(spectrum.scale() * second.particle / exact(energy), 1.0, 4.0 * tolerance);
      EXPECT_NEAR(spectrum(0.0, energy) / exact(energy), 1.0, 4.0 * tolerance);
    }
}

/// Merges the energies of one to four modes that are not neighbours into levels, which must live while a kernel is
/// made.
EnergyLevels share_energies(Numbers& numbers) {
  for (std::size_t s = 0; s < numbers.size; ++s)
    if (s % 5 != 0) numbers.energy[s] = numbers.energy[s % (1 + numbers.size / 3)];
  numbers.describe();
  EnergyLevels levels = energy_levels(numbers.energy);
  EXPECT_LT(levels.size(), numbers.size);
  levels.point(numbers.tables);
  return levels;
}

TEST_P(WeightKindsTest, ModesOfTheSameEnergyAreOneLevel) {
  for (const WeightKind kind : {WeightKind::product, WeightKind::operators, WeightKind::table})
    for (const SpectrumKind spectrum : {SpectrumKind::lorentzian, SpectrumKind::ohmic})
      for (const std::size_t sites : {1, 3, 9, 64, 129}) {
        if (!possible(kind, spectrum)) continue;
        SCOPED_TRACE(::testing::Message() << "weight " << static_cast<int>(kind) << ", spectrum "
                                          << static_cast<int>(spectrum) << ", " << 2 * sites << " modes");
        Random random(7050 + sites);
        Numbers numbers(random, sites, kind, spectrum);
        const EnergyLevels levels = share_energies(numbers);
        const auto lambda = random.vector(numbers.size, -5.0, 5.0), direction = random.vector(numbers.size, -1.0, 1.0);
        expect_reference(*make_kernel(GetParam(), numbers.tables), numbers.problem, lambda, direction);
      }
}

TEST_P(WeightKindsTest, OperatorsOfAnyShape) {
  // Gram matrices are filled four columns at a time: dimensions around multiples of four.
  for (const auto& [dimension, channels] : {std::pair{1, 1}, {1, 3}, {2, 1}, {4, 2}, {5, 1}, {8, 3}, {9, 2}}) {
    SCOPED_TRACE(::testing::Message() << dimension << " x " << dimension << ", " << channels << " channels");
    Random random(7100);
    const Numbers numbers(random, 20, WeightKind::operators, SpectrumKind::exponential, dimension, channels);
    const auto lambda = random.vector(numbers.size, -5.0, 5.0), direction = random.vector(numbers.size, -1.0, 1.0);
    expect_reference(*make_kernel(GetParam(), numbers.tables), numbers.problem, lambda, direction);
  }
}

TEST_P(WeightKindsTest, EitherBathAlone) {
  for (const WeightKind kind : {WeightKind::product, WeightKind::operators, WeightKind::table})
    for (const SpectrumKind spectrum : {SpectrumKind::exponential, SpectrumKind::lorentzian, SpectrumKind::ohmic})
      for (const auto& [gamma_eq, gamma_neq] : {std::pair{0.0, 0.9}, {0.9, 0.0}}) {
        if (!possible(kind, spectrum)) continue;
        SCOPED_TRACE(::testing::Message() << "weight " << static_cast<int>(kind) << ", spectrum "
                                          << static_cast<int>(spectrum) << ", gamma_eq = " << gamma_eq);
        Random random(7200);
        Numbers numbers(random, 29, kind, spectrum);
        numbers.tables.equilibrium_fraction = gamma_eq;
        numbers.tables.nonequilibrium_fraction = gamma_neq;
        const EnergyLevels levels = share_energies(numbers);
        const auto lambda = random.vector(numbers.size, -5.0, 5.0), direction = random.vector(numbers.size, -1.0, 1.0);
        expect_reference(*make_kernel(GetParam(), numbers.tables), numbers.problem, lambda, direction);
      }
}

TEST_P(WeightKindsTest, LogRatesNeitherOverflowNorLoseDigitsInTheCold) {
  // Boltzmann factors up to e^{+-2000}, multipliers up to 1500.
  for (const SpectrumKind spectrum : {SpectrumKind::exponential, SpectrumKind::lorentzian, SpectrumKind::ohmic})
    for (const WeightKind kind : {WeightKind::product, WeightKind::operators, WeightKind::table}) {
      if (!possible(kind, spectrum)) continue;
      for (const auto& [near, by_levels] : {std::pair{false, false}, {false, true}, {true, false}, {true, true}}) {
        SCOPED_TRACE(::testing::Message()
                     << "weight " << static_cast<int>(kind) << ", spectrum " << static_cast<int>(spectrum)
                     << (near ? ", near balance" : "") << (by_levels ? ", by levels" : ""));
        Random random(7300);
        Numbers numbers(random, 30, kind, spectrum, 3, 2, 1000.0);
        const EnergyLevels levels = by_levels ? share_energies(numbers) : EnergyLevels{};
        auto lambda = random.vector(numbers.size, -1500.0, 1500.0);
        if (near)
          for (std::size_t s = 0; s < numbers.size; ++s)
            lambda[s] = 500.0 * numbers.energy[s] + random.uniform(-3.0, 3.0);
        const auto direction = random.vector(numbers.size, -1.0, 1.0);
        const auto kernel = make_kernel(GetParam(), numbers.tables);
        std::vector<double> log_gain(numbers.size), log_loss(numbers.size), balance(numbers.size);
        kernel->log_rates(lambda.data(), log_gain.data(), log_loss.data());
        kernel->log_balance_derivative(direction.data(), balance.data());
        auto gain = reference::gain(numbers.problem, extended(lambda)),
             loss = reference::loss(numbers.problem, extended(lambda));
        for (auto* rates : {&gain, &loss})
          for (auto& r : *rates) r = std::log(r);
        // Exponents up to 3000 are accurate to 3000 * 1e-16.
        const reference::Vector one(numbers.size, 1.0L);
        EXPECT_LE(largest_error(log_gain, gain, one), 3e-12);
        EXPECT_LE(largest_error(log_loss, loss, one), 3e-12);
        const auto expected = reference::log_balance_derivative(numbers.problem, extended(lambda), extended(direction));
        reference::Vector scale = expected.magnitude;
        for (auto& x : scale) x += 1e-290L;  // these may underflow
        EXPECT_LE(largest_error(balance, expected.value, scale), 3e-12);
      }
    }
}

TEST_P(WeightKindsTest, RatesOfZeroHaveLogarithmsOfMinusInfinity) {
  // Mode 3 gains from no mode, mode 5 loses to none, mode 7 does neither.
  for (const WeightKind kind : {WeightKind::product, WeightKind::operators, WeightKind::table}) {
    if (!possible(kind, SpectrumKind::exponential)) continue;
    SCOPED_TRACE(::testing::Message() << "weight " << static_cast<int>(kind));
    Random random(7400);
    Numbers numbers(random, 11, kind, SpectrumKind::exponential);
    numbers.tables.equilibrium_fraction = 0.0;
    if (kind == WeightKind::operators) {
      // One operator |e_0><e_1|: a mode without the first element cannot gain, one without the second cannot lose.
      std::fill(numbers.amplitude_re.begin(), numbers.amplitude_re.end(), 0.0);
      std::fill(numbers.amplitude_im.begin(), numbers.amplitude_im.end(), 0.0);
      numbers.amplitude_re[1] = 1.0;
      for (auto* v : {&numbers.vector_re, &numbers.vector_im})
        (*v)[3] = (*v)[7] = (*v)[numbers.size + 5] = (*v)[numbers.size + 7] = 0.0;
    }
    for (std::size_t s = 0; s < numbers.size; ++s) {
      if (kind == WeightKind::table)
        numbers.table[3 * numbers.size + s] = numbers.table[7 * numbers.size + s] =
            numbers.table[s * numbers.size + 5] = numbers.table[s * numbers.size + 7] = 0.0;
    }
    if (kind == WeightKind::product)
      for (const std::size_t r : {0U, 1U})
        numbers.in[r * numbers.size + 3] = numbers.in[r * numbers.size + 7] = numbers.out[r * numbers.size + 5] =
            numbers.out[r * numbers.size + 7] = 0.0;
    numbers.describe();
    const auto lambda = random.vector(numbers.size, -2.0, 2.0), direction = random.vector(numbers.size, -1.0, 1.0);
    const auto kernel = make_kernel(GetParam(), numbers.tables);
    std::vector<double> log_gain(numbers.size), log_loss(numbers.size), balance(numbers.size);
    kernel->log_rates(lambda.data(), log_gain.data(), log_loss.data());
    kernel->log_balance_derivative(direction.data(), balance.data());
    for (std::size_t s = 0; s < numbers.size; ++s) {
      EXPECT_EQ(log_gain[s] == -infinity, s == 3 || s == 7) << s;
      EXPECT_EQ(log_loss[s] == -infinity, s == 5 || s == 7) << s;
    }
    EXPECT_LE(largest_error(balance,
                            reference::log_balance_derivative(numbers.problem, extended(lambda), extended(direction))),
              rounding);
  }
}

TEST_P(WeightKindsTest, SameBitsForAnyNumberOfThreads) {
  for (const WeightKind kind : {WeightKind::product, WeightKind::operators, WeightKind::table}) {
    if (!possible(kind, SpectrumKind::exponential)) continue;
    // Above the sizes at which the loops go parallel: 256 rows, 16384 elements.
    const std::size_t sites = GetParam().direct ? 150 : 9000;
    Random random(7500);
    Numbers numbers(random, 1, kind, SpectrumKind::exponential);
    const std::size_t size = 2 * sites;
    const auto energy = random.vector(size, -2.0, 2.0), in = random.vector(2 * size, 0.0, 1.0),
               out = random.vector(2 * size, 0.0, 1.0), re = random.vector(3 * size, -1.0, 1.0),
               im = random.vector(3 * size, -1.0, 1.0),
               table = kind == WeightKind::table ? random.vector(size * size, 0.0, 1.0) : std::vector<double>{};
    kernels::RateTables tables = numbers.tables;
    tables.modes = static_cast<std::int64_t>(size);
    tables.energy = energy.data();
    tables.in = in.data();
    tables.out = out.data();
    tables.vector_re = re.data();
    tables.vector_im = im.data();
    tables.table = table.data();
    const auto lambda = random.vector(size, -3.0, 3.0);
    const auto n = occupations_of(lambda);
    std::vector<double> first_rate, first_gain;
    for (const int threads : {1, 2, 3, 7}) {
      std::vector<double> rate(size), log_gain(size), log_loss(size);
      const auto kernel = make_kernel(GetParam(), tables, threads);
      kernel->occupation_rate(n.particles.data(), n.holes.data(), rate.data());
      kernel->log_rates(lambda.data(), log_gain.data(), log_loss.data());
      if (first_rate.empty()) {
        first_rate = rate;
        first_gain = log_gain;
      }
      EXPECT_TRUE(same_bits(rate, first_rate)) << threads << " threads, weight " << static_cast<int>(kind);
      EXPECT_TRUE(same_bits(log_gain, first_gain)) << threads << " threads, weight " << static_cast<int>(kind);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(AllEngines, WeightKindsTest, ::testing::ValuesIn(all_engines()),
                         [](const auto& instance) { return std::string(instance.param.name); });

}  // namespace
}  // namespace lindrift::testing
