// Steady states on random lattices in two and three dimensions with up to three orbitals.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <map>
#include <vector>

#include "engine/linear_algebra.hpp"
#include "lindrift/tgge/model.hpp"
#include "lindrift/tgge/rate_equation.hpp"
#include "lindrift/tgge/steady_state.hpp"
#include "support/random.hpp"

namespace lindrift::testing {
namespace {

using Complex = std::complex<double>;

/// Bands of a Hermitian matrix h(k) with random hopping within a cell and to its neighbours.
Bands random_bands(Random& random, const std::vector<std::int64_t>& cells, int orbitals) {
  Bands bands;
  bands.lattice = Lattice(cells);
  bands.orbitals = orbitals;
  const auto n = static_cast<std::size_t>(orbitals), size = bands.lattice.size();
  std::map<LatticeVector, std::vector<Complex>> hopping;
  for (std::size_t direction = 0; direction <= cells.size(); ++direction) {
    LatticeVector step{};
    if (direction > 0) step[direction - 1] = 1;
    auto& matrix = hopping[step];
    for (std::size_t i = 0; i < n * n; ++i) matrix.push_back(random.complex(1.0));
  }
  bands.energy.resize(bands.modes());
  bands.velocity.assign(cells.size(), std::vector<double>(bands.modes(), 0.0));
  if (orbitals > 1) {
    bands.eigenvector.assign(n, std::vector<Complex>(bands.modes()));
    bands.orbital_velocity.assign(cells.size(), bands.velocity);
    for (auto& shares : bands.orbital_velocity) shares.assign(n, std::vector<double>(bands.modes(), 0.0));
  }
  std::vector<Complex> h(n * n);
  std::vector<double> value(n);
  for (std::size_t k = 0; k < size; ++k) {
    std::fill(h.begin(), h.end(), 0.0);
    for (const auto& [step, matrix] : hopping) {
      const auto phase = bands.lattice.phase(k, step);
      const Complex factor(phase.cosine, phase.sine);
      for (std::size_t a = 0; a < n; ++a)
        for (std::size_t b = 0; b < n; ++b)
          h[a * n + b] += factor * matrix[a * n + b] + std::conj(factor * matrix[b * n + a]);
    }
    linear_algebra::hermitian_eigen(n, h.data(), value.data());
    for (std::size_t band = 0; band < n; ++band) {
      bands.energy[bands.mode(band, k)] = value[band];
      if (orbitals > 1)
        for (std::size_t a = 0; a < n; ++a) bands.eigenvector[a][bands.mode(band, k)] = h[a * n + band];
    }
  }
  return bands;
}

/// One or two channels with two to four terms between a cell and its neighbours.
JumpOperators random_jump(Random& random, int dimensions, int orbitals) {
  JumpOperators jump;
  const auto place = [&] {
    LatticeVector vector{};
    if (const auto direction = random.integer(0, dimensions); direction < dimensions)
      vector[static_cast<std::size_t>(direction)] = 1;
    return vector;
  };
  for (std::int64_t channel = random.integer(1, 2); channel > 0; --channel) {
    jump.channels.emplace_back();
    for (std::int64_t term = random.integer(2, 4); term > 0; --term)
      jump.channels.back().push_back({place(), static_cast<int>(random.integer(0, orbitals - 1)), place(),
                                      static_cast<int>(random.integer(0, orbitals - 1)), random.complex(1.0)});
  }
  return jump;
}

TggeModel random_model(Random& random) {
  const auto dimensions = static_cast<std::size_t>(random.integer(2, 3));
  std::vector<std::int64_t> cells;
  for (std::size_t i = 0; i < dimensions; ++i) cells.push_back(random.integer(2, dimensions == 2 ? 8 : 4));
  const int orbitals = static_cast<int>(random.integer(1, 3));
  TggeModel model{.bands = random_bands(random, cells, orbitals)};
  model.jump = random_jump(random, static_cast<int>(dimensions), orbitals);
  model.bath.nonequilibrium_fraction = random.uniform(0.0, 1.0);
  model.bath.spectrum = static_cast<Spectrum>(random.integer(0, 2));
  model.bath.spectrum_width = random.uniform(0.3, 4.0);
  return model;
}

struct Statistics {
  int solved = 0;
  std::int64_t most = 0;
  double mean = 0.0;
};

/// Solves a problem by the algorithm that larger sizes would use, and checks it with sums over pairs.
void solve(const TggeModel& model, double filling, double allowed, Statistics& statistics) {
  const RateEquation equation = make_rate_equation(model, {.backend = Backend::cpu, .algorithm = Algorithm::separable});
  const SteadyState state = steady_state(equation, filling);
  ASSERT_TRUE(state.converged) << state.message;
  EXPECT_LE(state.steps, 15);
  const RateEquation pairs = make_rate_equation(model, {.backend = Backend::cpu, .algorithm = Algorithm::direct});
  EXPECT_LE(balance_residual(pairs, state.lagrange_multiplier), allowed);
  ++statistics.solved;
  statistics.most = std::max(statistics.most, state.steps);
  statistics.mean += static_cast<double>(state.steps);
}

void report(const char* what, const Statistics& statistics) {
  ::testing::Test::RecordProperty(what, static_cast<int>(statistics.most));
  std::printf("%s: %d solved, at most %ld steps, on average %.1f\n", what, statistics.solved,
              static_cast<long>(statistics.most), statistics.mean / statistics.solved);
}

TEST(RandomLattices, NewtonTakesFewSteps) {
  Random random(41);
  Statistics statistics;
  for (int i = 0; i < 300; ++i) {
    SCOPED_TRACE(::testing::Message() << "problem " << i);
    TggeModel model = random_model(random);
    model.bath.inverse_temperature = random.uniform(0.05, 10.0);
    solve(model, random.uniform(0.1, 0.9), 1e-12, statistics);
  }
  report("warm", statistics);
}

TEST(RandomLattices, NewtonTakesFewStepsWhenCold) {
  Random random(42);
  Statistics statistics;
  for (int i = 0; i < 150; ++i) {
    SCOPED_TRACE(::testing::Message() << "problem " << i);
    TggeModel model = random_model(random);
    const auto [lowest, highest] = std::minmax_element(model.bands.energy.begin(), model.bands.energy.end());
    model.bath.inverse_temperature = random.uniform(20.0, 200.0) / (*highest - *lowest);
    // Exponents as large as 100 are accurate to 1e-14.
    solve(model, random.uniform(0.1, 0.9), 1e-11, statistics);
  }
  report("cold", statistics);
}

TEST(RandomLattices, NewtonTakesFewStepsWhenNearlyIsolated) {
  Random random(43);
  Statistics statistics;
  for (int i = 0; i < 150; ++i) {
    SCOPED_TRACE(::testing::Message() << "problem " << i);
    TggeModel model = random_model(random);
    model.bath.inverse_temperature = random.uniform(0.1, 3.0);
    model.bath.nonequilibrium_fraction = 1.0;
    model.bath.equilibrium_fraction = std::pow(10.0, random.uniform(-12.0, -2.0));
    solve(model, random.uniform(0.2, 0.8), 1e-11, statistics);
  }
  report("nearly isolated", statistics);
}

}  // namespace
}  // namespace lindrift::testing
