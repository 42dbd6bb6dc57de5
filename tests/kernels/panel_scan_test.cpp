// Sums over a thermal spectrum by panels, compared with sums over every pair in extended precision.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include "reference/tgge_chain.hpp"
#include "support/engines.hpp"
#include "support/random.hpp"
#include "tgge/energy_panels.hpp"

namespace lindrift::testing {
namespace {

using kernels::SpectrumKind;

// Ten Chebyshev polynomials leave an error of about 1e-15 of each sum; their rounding and that of e^{beta E/2} at beta
// E = 100 leave about 1e-14. The tests require 1e-13.
constexpr double rounding = 1e-13;

struct Case {
  std::string name;
  SpectrumKind spectrum;
  double beta, width;
  std::vector<double> energy;
};

/// S of Eq. 4.
long double spectrum(const Case& c, long double x) {
  const long double beta = c.beta, width = c.width;
  if (c.spectrum == SpectrumKind::lorentzian) return std::exp(beta * x / 2) / (1 + x * x / (width * width));
  const long double rate = x == 0 ? 1 / beta : x / -std::expm1(-beta * x);
  return rate * std::exp(-std::fabs(x) / width);
}
/// log S, where S itself may be out of range.
long double log_spectrum(const Case& c, long double x) {
  const long double beta = c.beta, width = c.width, size = std::fabs(x);
  if (c.spectrum == SpectrumKind::lorentzian) return beta * x / 2 - std::log1p(x * x / (width * width));
  const long double rate = size == 0 ? 1 / beta : size / -std::expm1(-beta * size);
  return std::log(rate) + (x < 0 ? beta * x : 0) - size / width;
}

/// The input of a kernel: the thermal bath alone, with random product weights that have no effect.
struct Numbers {
  std::vector<double> energy, weight;
  TggeBath bath;
  EnergyPanels panels;
  kernels::PanelTables panel_tables;
  kernels::RateTables tables;

  explicit Numbers(const Case& c)
      : energy(c.energy),
        weight(c.energy.size(), 1.0),
        bath(bath_of(c)),
        panels(*PanelSpectrum::of(bath), energy_levels(energy)) {
    panel_tables = panels.tables();
    tables.modes = static_cast<std::int64_t>(energy.size());
    tables.over_cells = 1.0 / static_cast<double>(energy.size());
    tables.scale = 1.0;
    tables.inverse_temperature = c.beta;
    tables.equilibrium_fraction = 1.0;
    tables.energy = energy.data();
    tables.spectrum = c.spectrum;
    tables.spectrum_width = c.width;
    tables.in = tables.out = weight.data();
    tables.panels = &panel_tables;
  }
  static TggeBath bath_of(const Case& c) {
    TggeBath bath;
    bath.inverse_temperature = c.beta;
    bath.spectrum_width = c.width;
    bath.spectrum = c.spectrum == SpectrumKind::ohmic ? Spectrum::ohmic : Spectrum::lorentzian;
    return bath;
  }
};

std::vector<double> square_lattice(int side) {
  std::vector<double> energy;
  for (int x = 0; x < side; ++x)
    for (int y = 0; y < side; ++y)
      energy.push_back(-2.0 * (std::cos(2 * std::numbers::pi * x / side) + std::cos(2 * std::numbers::pi * y / side)));
  return energy;
}

/// Ties, van Hove singularities, gaps, and one level far from all the others.
std::vector<double> energies(Random& random, std::size_t size) {
  std::vector<double> energy = random.vector(size, -3.0, 3.0);
  for (std::size_t i = 0; i < size; ++i) {
    if (i % 5 == 1) energy[i] = energy[i - 1];                         // ties
    if (i % 7 == 2) energy[i] = -3.0 + 1e-3 * (energy[i] + 3.0);       // dense
    if (energy[i] > -1.0 && energy[i] < 1.2) energy[i] += 2.5;         // a gap
    if (i % 11 == 3) energy[i] = std::nextafter(energy[i - 1], 10.0);  // adjacent doubles
  }
  if (size > 2) energy[2] = 6.5;
  return energy;
}

std::vector<Case> cases() {
  std::vector<Case> result;
  const struct { double beta, width; } baths[] = {{2.0, 1.0}, {0.1, 0.2}, {20.0, 0.05}, {100.0, 1.0}, {5.0, 30.0}};
  for (const auto kind : {SpectrumKind::lorentzian, SpectrumKind::ohmic})
    for (const auto& bath : baths) {
      const auto add = [&](const std::string& what, std::vector<double> energy) {
        result.push_back(
            {(kind == SpectrumKind::ohmic ? "ohmic_" : "lorentzian_") + std::to_string(result.size()) + "_" + what,
             kind, bath.beta, bath.width, std::move(energy)});
      };
      Random random(7 + result.size());
      for (const std::size_t size : {1, 2, 3, 100, 1000}) add(std::to_string(size), energies(random, size));
      add("degenerate", std::vector<double>(9, 1.25));
      add("square", square_lattice(24));
      if (bath.beta == 2.0 || bath.beta == 20.0) add("10000", energies(random, 10000));
    }
  return result;
}

/// Rows to compare: all if there are few, a selection if there are many.
std::vector<std::size_t> rows_of(std::size_t size) {
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < size; i += 1 + size / 150) rows.push_back(i);
  return rows;
}

class PanelScanTest : public ::testing::TestWithParam<Engine> {
 protected:
  void SetUp() override { skip_unless_available(GetParam()); }
};

/// Mostly full and mostly empty modes, and a tail of particles that falls as e^{-beta E}.
std::vector<double> multipliers(Random& random, const Case& c) {
  std::vector<double> lambda = random.vector(c.energy.size(), -4.0, 4.0);
  for (std::size_t i = 0; i < lambda.size(); ++i) lambda[i] += c.beta * (c.energy[i] - 0.3);
  return lambda;
}

TEST_P(PanelScanTest, PlainSumsAreThoseOverEveryPair) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    if (c.beta > 50.0) continue;  // e^{beta E/2} is in range for plain sums
    Numbers numbers(c);
    const auto kernel = make_kernel(GetParam(), numbers.tables);
    const std::size_t size = c.energy.size();
    Random random(size);
    const std::vector<double> lambda = multipliers(random, c);
    std::vector<double> n(size), h(size), gain(size, NAN), loss(size, NAN);
    for (std::size_t i = 0; i < size; ++i) {
      n[i] = static_cast<double>(reference::occupation(lambda[i]));
      h[i] = static_cast<double>(reference::hole(lambda[i]));
    }
    kernel->transition_sums(n.data(), h.data(), gain.data(), loss.data());
    double worst = 0.0;
    for (const std::size_t i : rows_of(size)) {
      long double up = 0.0, down = 0.0;
      for (std::size_t j = 0; j < size; ++j) {
        const long double x = static_cast<long double>(c.energy[j]) - c.energy[i];
        up += spectrum(c, x) * n[j];
        down += spectrum(c, -x) * h[j];
      }
      up /= static_cast<long double>(size);
      down /= static_cast<long double>(size);
      worst = std::max({worst, static_cast<double>(std::fabs(gain[i] / up - 1)),
                        static_cast<double>(std::fabs(loss[i] / down - 1))});
    }
    EXPECT_LE(worst, rounding);
  }
}

TEST_P(PanelScanTest, LogarithmsHoldHoweverColdTheBath) {
  std::vector<Case> all = cases();
  for (const auto kind : {SpectrumKind::lorentzian, SpectrumKind::ohmic}) {
    Random random(3);
    // beta times the range of the energies is 2000 and 19000.
    all.push_back({"cold", kind, 210.0, 1.0, energies(random, 700)});
    all.push_back({"colder", kind, 2000.0, 20.0, energies(random, 500)});
  }
  for (const Case& c : all) {
    SCOPED_TRACE(c.name);
    Numbers numbers(c);
    const auto kernel = make_kernel(GetParam(), numbers.tables);
    const std::size_t size = c.energy.size();
    Random random(size);
    const std::vector<double> lambda = multipliers(random, c);
    std::vector<double> log_gain(size, NAN), log_loss(size, NAN);
    kernel->log_rates(lambda.data(), log_gain.data(), log_loss.data());
    std::vector<double> direction = random.vector(size, -1.0, 1.0), decrease(size, NAN), increase(size, NAN);
    kernel->log_rate_derivatives(direction.data(), decrease.data(), increase.data());
    std::vector<long double> log_n(size), log_h(size);
    for (std::size_t j = 0; j < size; ++j) {
      const long double l = lambda[j];
      log_n[j] = -(l > 0 ? l : 0) - std::log1p(std::exp(-std::fabs(l)));
      log_h[j] = log_n[j] + l;
    }
    // Exponents as large as beta E/2 have a relative error of 1e-16, which multiplies every term.
    double largest_energy = 0.0;
    for (const double e : c.energy) largest_energy = std::max(largest_energy, std::fabs(e));
    const long double digits = 1 + 1e-3L * c.beta * largest_energy;
    double worst = 0.0, worst_derivative = 0.0;
    for (const std::size_t i : rows_of(size)) {
      const auto compare = [&](bool of_gain, double log_rate, double derivative) {
        std::vector<long double> exponent(size);
        for (std::size_t j = 0; j < size; ++j) {
          const long double x = static_cast<long double>(c.energy[j]) - c.energy[i];
          exponent[j] = of_gain ? log_spectrum(c, x) + log_n[j] : log_spectrum(c, -x) + log_h[j];
        }
        const long double largest = *std::max_element(exponent.begin(), exponent.end());
        long double sum = 0.0, change = 0.0, size_of_change = 0.0;
        for (std::size_t j = 0; j < size; ++j) {
          const long double term = std::exp(exponent[j] - largest);
          sum += term;
          const long double other = std::exp(of_gain ? log_h[j] : log_n[j]);
          change += term * other * direction[j];
          size_of_change += term * other * std::fabs(static_cast<long double>(direction[j]));
        }
        const long double expected = largest + std::log(sum / static_cast<long double>(size));
        worst = std::max(worst, static_cast<double>(std::fabs(log_rate - expected) / digits));
        worst_derivative = std::max(worst_derivative, static_cast<double>(std::fabs(derivative - change / sum) /
                                                                          (size_of_change / sum * digits + 1e-290L)));
      };
      compare(true, log_gain[i], decrease[i]);
      compare(false, log_loss[i], increase[i]);
    }
    EXPECT_LE(worst, rounding);
    EXPECT_LE(worst_derivative, rounding);
  }
}

/// Gain and loss of every mode from all pairs. Exponentials belong to the levels and are rounded once; every term is
/// positive, so sums of 10^4 of them in double have an error of about 1e-15.
struct PairSums {
  std::vector<double> gain, loss;

  PairSums(const Case& c, const std::vector<double>& lambda) {
    const std::size_t size = c.energy.size();
    const bool ohmic = c.spectrum == SpectrumKind::ohmic;
    // S(x) is rise_from / rise_to times an even function of x: 1 / (1 + x^2/width^2), or for an ohmic bath
    // x / (2 sinh(beta x/2)) e^{-|x|/width}. With energies in ascending order x > 0.
    std::vector<std::size_t> order(size);
    for (std::size_t i = 0; i < size; ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return c.energy[a] < c.energy[b]; });
    std::vector<double> energy(size), rise(size), fall(size), cut(size), n(size), h(size), in(size), out(size),
        even(size);
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t s = order[i];
      const long double half = 0.5L * c.beta * c.energy[s];
      energy[i] = c.energy[s];
      rise[i] = static_cast<double>(std::exp(half));
      fall[i] = static_cast<double>(std::exp(-half));
      cut[i] = static_cast<double>(std::exp(static_cast<long double>(energy[i]) / c.width));
      n[i] = static_cast<double>(reference::occupation(lambda[s]) * std::exp(half));
      h[i] = static_cast<double>(reference::hole(lambda[s]) * std::exp(-half));
    }
    for (std::size_t i = 0; i < size; ++i) {
      // Close levels would lose the digits of the difference of exponentials.
      std::size_t far = i;
      if (ohmic)
        while (far > 0 && c.beta * (energy[i] - energy[far - 1]) < 1.0) --far;
      for (std::size_t j = 0; j < far; ++j) {
        const double x = energy[i] - energy[j], q = x / c.width;
        even[j] = ohmic ? x / (rise[i] * fall[j] - rise[j] * fall[i]) * (cut[j] / cut[i]) : 1.0 / (1.0 + q * q);
      }
      for (std::size_t j = far; j < i; ++j) {
        const double x = energy[i] - energy[j];
        even[j] = (x == 0.0 ? 1.0 / c.beta : 0.5 * x / std::sinh(0.5 * c.beta * x)) * (cut[j] / cut[i]);
      }
      const double self = ohmic ? 1.0 / c.beta : 1.0;
      double into = self * n[i], out_of = self * h[i];
      for (std::size_t j = 0; j < i; ++j) {
        into += even[j] * n[j];
        out_of += even[j] * h[j];
        in[j] += even[j] * n[i];
        out[j] += even[j] * h[i];
      }
      in[i] += into;
      out[i] += out_of;
    }
    gain.resize(size);
    loss.resize(size);
    for (std::size_t i = 0; i < size; ++i) {
      gain[order[i]] = in[i] * fall[i] / static_cast<double>(size);
      loss[order[i]] = out[i] * rise[i] / static_cast<double>(size);
    }
  }
};

TEST_P(PanelScanTest, EveryModeOfTenThousandHasTheSumOverItsPairs) {
  // The best instruction set of this machine; the tests above compare a selection of modes for every one.
  for (const Engine& engine : all_engines())
    if (!engine.direct && engine.place > GetParam().place && engine.place != Engine::Place::cuda &&
        find_kernels(engine.place))
      GTEST_SKIP() << "done by " << engine.name;
  if (GetParam().place == Engine::Place::cuda) GTEST_SKIP() << "done by the CPU";
  const struct {
    const char* what;
    double beta, width;
  } baths[] = {{"warm", 2.0, 1.0}, {"narrow", 20.0, 0.05}, {"cold", 100.0, 1.0}};
  for (const auto kind : {SpectrumKind::lorentzian, SpectrumKind::ohmic})
    for (const auto& bath : baths) {
      SCOPED_TRACE(::testing::Message() << (kind == SpectrumKind::ohmic ? "ohmic, " : "lorentzian, ") << bath.what);
      Random random(23);
      const Case c{bath.what, kind, bath.beta, bath.width, energies(random, 10000)};
      const std::vector<double> lambda = multipliers(random, c);
      const PairSums exact(c, lambda);
      Numbers numbers(c);
      const auto kernel = make_kernel(GetParam(), numbers.tables, 2);
      const std::size_t size = c.energy.size();
      std::vector<double> n(size), h(size), gain(size, NAN), loss(size, NAN);
      // The logarithm of a rate has the relative error of the rate, and half a unit in the last place of numbers up to
      // 500, which is 3e-14.
      const auto difference = [](double logarithm, double rate) {
        return static_cast<double>(std::fabs(logarithm - std::log(static_cast<long double>(rate))));
      };
      kernel->log_rates(lambda.data(), gain.data(), loss.data());
      double worst = 0.0;
      for (std::size_t i = 0; i < size; ++i)
        worst = std::max({worst, difference(gain[i], exact.gain[i]), difference(loss[i], exact.loss[i])});
      EXPECT_LE(worst, rounding);
      if (bath.beta > 50.0) continue;  // e^{beta E/2} is in range for plain sums
      for (std::size_t i = 0; i < size; ++i) {
        n[i] = static_cast<double>(reference::occupation(lambda[i]));
        h[i] = static_cast<double>(reference::hole(lambda[i]));
      }
      kernel->transition_sums(n.data(), h.data(), gain.data(), loss.data());
      worst = 0.0;
      for (std::size_t i = 0; i < size; ++i)
        worst = std::max({worst, std::fabs(gain[i] / exact.gain[i] - 1.0), std::fabs(loss[i] / exact.loss[i] - 1.0)});
      EXPECT_LE(worst, rounding);
    }
}

TEST_P(PanelScanTest, ThreadsDoNotChangeABit) {
  for (const auto kind : {SpectrumKind::lorentzian, SpectrumKind::ohmic}) {
    Random random(17);
    const Case c{"threads", kind, 3.0, 0.7, random.vector(70000, -4.0, 4.0)};
    Numbers numbers(c);
    const std::vector<double> lambda = multipliers(random, c);
    std::vector<double> gain[2], loss[2];
    for (int threads = 1; threads <= 2; ++threads) {
      const auto kernel = make_kernel(GetParam(), numbers.tables, threads);
      gain[threads - 1].resize(lambda.size());
      loss[threads - 1].resize(lambda.size());
      kernel->log_rates(lambda.data(), gain[threads - 1].data(), loss[threads - 1].data());
    }
    EXPECT_EQ(gain[0], gain[1]);
    EXPECT_EQ(loss[0], loss[1]);
  }
}

std::vector<Engine> engines_with_panels() {
  std::vector<Engine> result;
  for (const Engine& engine : all_engines())
    if (!engine.direct) result.push_back(engine);
  return result;
}
INSTANTIATE_TEST_SUITE_P(Engines, PanelScanTest, ::testing::ValuesIn(engines_with_panels()),
                         [](const auto& engine) { return engine.param.name; });

}  // namespace
}  // namespace lindrift::testing
