// Bands from the memory of a device: random Hermitian lattices against the Bloch matrices of tests/reference and
// against the bands of the CPU, in whatever basis an eigensolver chooses.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <vector>

#include "kernels/lattice/bands.hpp"
#include "lattice/device_bands.hpp"
#include "lindrift/error.hpp"
#include "lindrift/tgge/matrix_rate_equation.hpp"
#include "reference/bloch.hpp"
#include "support/engines.hpp"
#include "support/random.hpp"

namespace lindrift::testing {
namespace {

using Complex = std::complex<double>;

const Execution on_device{.backend = Backend::cuda};

/// Hops of up to three cells between any orbitals. On small lattices they wrap around more than once.
TightBinding random_model(Random& random, int directions, int orbitals) {
  TightBinding model{.orbitals = orbitals};
  for (int i = 0; i < 4 + 3 * orbitals; ++i) {
    HoppingTerm term;
    for (int direction = 0; direction < directions; ++direction)
      term.displacement[static_cast<std::size_t>(direction)] = random.integer(-3, 3);
    term.to_orbital = static_cast<int>(random.integer(0, orbitals - 1));
    term.from_orbital = static_cast<int>(random.integer(0, orbitals - 1));
    term.amplitude = random.complex(1.0);
    model.hopping_terms.push_back(term);
  }
  for (int a = 0; a < orbitals; ++a) model.hopping_terms.push_back({{}, a, a, random.uniform(-2.0, 2.0)});
  // An on-site term of a single orbital has no partner, so it must be real.
  for (HoppingTerm& term : model.hopping_terms)
    if (term.displacement == LatticeVector{} && term.to_orbital == term.from_orbital)
      term.amplitude = term.amplitude.real();
  add_hermitian_conjugates(model.hopping_terms);
  return model;
}

/// Every orbital twice, without hops between the copies: all bands are degenerate. A reflection of the orbitals hides
/// the copies.
TightBinding doubled(Random& random, const TightBinding& model) {
  const int n = 2 * model.orbitals;
  std::vector<double> w = random.vector(static_cast<std::size_t>(n), 0.1, 1.0);
  double square = 0.0;
  for (const double x : w) square += x * x;
  const auto element = [&](int a, int b) {
    return (a == b ? 1.0 : 0.0) - 2.0 * w[static_cast<std::size_t>(a)] * w[static_cast<std::size_t>(b)] / square;
  };
  TightBinding both{.orbitals = n};
  for (const HoppingTerm& term : model.hopping_terms)
    for (int copy = 0; copy < 2; ++copy)
      for (int a = 0; a < n; ++a)
        for (int b = 0; b < n; ++b)
          both.hopping_terms.push_back({term.displacement, a, b,
                                        term.amplitude * element(a, term.to_orbital + copy * model.orbitals) *
                                            element(b, term.from_orbital + copy * model.orbitals)});
  return both;
}

Bands bands_on(const TightBinding& model, const Lattice& lattice, const Execution& execution) {
  Bands bands = make_bands(model, lattice, {.backend = Backend::cpu});
  for (double& x : bands.energy) x = NAN;
  for (auto& along : bands.velocity)
    for (double& x : along) x = NAN;
  for (auto& orbital : bands.eigenvector)
    for (Complex& x : orbital) x = NAN;
  const LatticePhases phases(lattice);
  const HoppingArrays arrays(model, lattice);
  compute_on_device(arrays.tables(phases), execution, bands);
  return bands;
}

Complex component(const Bands& bands, std::size_t orbital, std::size_t s) {
  return bands.eigenvector.empty() ? 1.0 : bands.eigenvector[orbital][s];
}

/// At most a thousand momenta, evenly spaced; the first and the last among them.
std::vector<std::size_t> some_momenta(std::size_t cells) {
  std::vector<std::size_t> some;
  const std::size_t step = std::max<std::size_t>(1, cells / 997);
  for (std::size_t k = 0; k < cells; k += step) some.push_back(k);
  if (some.back() != cells - 1) some.push_back(cells - 1);
  return some;
}

/// Each mode solves the eigenvalue equation of the reference and has its velocity, and the modes of a momentum are
/// orthonormal and ascend. All to rounding: some roundings of numbers up to 100, times the number of orbitals.
void expect_eigenvectors(const TightBinding& model, const Bands& bands, const std::vector<std::int64_t>& cells) {
  using Long = std::complex<long double>;
  std::vector<reference::HoppingTerm> terms;
  for (const HoppingTerm& term : model.hopping_terms)
    terms.push_back({{term.displacement[0], term.displacement[1], term.displacement[2]},
                     static_cast<std::size_t>(term.to_orbital),
                     static_cast<std::size_t>(term.from_orbital),
                     Long(term.amplitude)});
  const auto n = static_cast<std::size_t>(bands.orbitals);
  const double rounding = 1e-13 * static_cast<double>(n);
  for (const std::size_t k : some_momenta(bands.lattice.size())) {
    const LatticeVector m = bands.lattice.momentum(k);
    std::vector<reference::BlochMatrix> matrices;
    for (int i = -1; i < bands.lattice.dimensions(); ++i)
      matrices.push_back(reference::bloch_matrix(terms, n, m, cells, i));
    for (std::size_t band = 0; band < n; ++band) {
      const std::size_t s = bands.mode(band, k);
      if (band > 0) {
        ASSERT_LE(bands.energy[bands.mode(band - 1, k)], bands.energy[s]);
      }
      std::vector<Long> velocity(bands.velocity.size());
      for (std::size_t a = 0; a < n; ++a) {
        Long image = 0.0L;
        for (std::size_t b = 0; b < n; ++b) {
          const Long u(component(bands, b, s));
          image += matrices[0][a][b] * u;
          for (std::size_t i = 0; i < velocity.size(); ++i)
            velocity[i] += std::conj(Long(component(bands, a, s))) * matrices[1 + i][a][b] * u;
        }
        image -= static_cast<long double>(bands.energy[s]) * Long(component(bands, a, s));
        ASSERT_LE(static_cast<double>(std::abs(image)), rounding) << "momentum " << k << ", band " << band;
      }
      for (std::size_t i = 0; i < velocity.size(); ++i)
        ASSERT_NEAR(bands.velocity[i][s], static_cast<double>(velocity[i].real()), 3.0 * rounding)
            << "momentum " << k << ", band " << band << ", direction " << i;
      for (std::size_t other = 0; other <= band; ++other) {
        Complex overlap = 0.0;
        for (std::size_t a = 0; a < n; ++a)
          overlap += std::conj(component(bands, a, bands.mode(other, k))) * component(bands, a, s);
        ASSERT_LE(std::abs(overlap - (other == band ? 1.0 : 0.0)), rounding);
      }
    }
  }
}

/// The energies of the CPU, and of each set of neighbouring bands, which no other band comes close to, the same sums of
/// velocities and the same projector. No basis matters. A projector has an error of a few roundings of the largest
/// energy, divided by the distance to the other bands.
void expect_same_bands(const Bands& bands, const Bands& expected) {
  const auto n = static_cast<std::size_t>(bands.orbitals);
  double largest = 1.0;
  for (const double energy : expected.energy) largest = std::max(largest, std::fabs(energy));
  constexpr double together = 1e-6, rounding = 1e-14;
  const auto energy = [&](std::size_t band, std::size_t k) { return expected.energy[expected.mode(band, k)]; };
  for (std::size_t s = 0; s < bands.modes(); ++s)
    ASSERT_NEAR(bands.energy[s], expected.energy[s], rounding * static_cast<double>(n) * largest);
  for (std::size_t k = 0; k < bands.lattice.size(); ++k)
    for (std::size_t first = 0, last = 0; first < n; first = last) {
      for (last = first + 1; last < n && energy(last, k) - energy(last - 1, k) < together * largest;) ++last;
      double gap = largest;
      if (first > 0) gap = std::min(gap, energy(first, k) - energy(first - 1, k));
      if (last < n) gap = std::min(gap, energy(last, k) - energy(last - 1, k));
      const double allowed = 10.0 * rounding * static_cast<double>(n) * largest / gap;
      for (std::size_t i = 0; i < bands.velocity.size(); ++i) {
        double sum = 0.0, wanted = 0.0;
        for (std::size_t band = first; band < last; ++band) {
          sum += bands.velocity[i][bands.mode(band, k)];
          wanted += expected.velocity[i][bands.mode(band, k)];
        }
        ASSERT_NEAR(sum, wanted, 10.0 * largest * allowed) << "momentum " << k;
      }
      for (std::size_t a = 0; a < n; ++a)
        for (std::size_t b = 0; b < n; ++b) {
          Complex difference = 0.0;
          for (std::size_t band = first; band < last; ++band) {
            const std::size_t s = bands.mode(band, k);
            difference += component(bands, a, s) * std::conj(component(bands, b, s)) -
                          component(expected, a, s) * std::conj(component(expected, b, s));
          }
          ASSERT_LE(std::abs(difference), allowed) << "momentum " << k;
        }
    }
}

void expect_right(const TightBinding& model, const std::vector<std::int64_t>& cells,
                  const Execution& execution = on_device) {
  const Lattice lattice(cells);
  const Bands bands = bands_on(model, lattice, execution);
  expect_same_bands(bands, make_bands(model, lattice, {.backend = Backend::cpu}));
  if (model.positions.empty()) expect_eigenvectors(model, bands, cells);
}

using BandDeviceTest = DeviceTest;

TEST_F(BandDeviceTest, AgreesWithTheReferenceOnRandomLattices) {
  Random random(150);
  const std::vector<std::vector<std::int64_t>> sizes = {{1},    {2},     {7},       {129},     {5, 3},
                                                        {1, 6}, {13, 8}, {3, 2, 5}, {1, 4, 1}, {5, 7, 3}};
  for (const auto& cells : sizes)
    for (const int orbitals : {1, 2, 3, 5}) {
      SCOPED_TRACE(::testing::PrintToString(cells) + " with " + std::to_string(orbitals) + " orbitals");
      expect_right(random_model(random, static_cast<int>(cells.size()), orbitals), cells);
    }
  expect_right(random_model(random, 2, 32), {3, 2});
}

TEST_F(BandDeviceTest, ComputesPhasesThatAreTooManyForATable) {
  Random random(151);
  expect_right(random_model(random, 1, 1), {70001});
  expect_right(random_model(random, 1, 2), {65538});
  expect_right(random_model(random, 3, 1), {41, 43, 47});
}

TEST_F(BandDeviceTest, TakesPositionsIntoVelocities) {
  Random random(152);
  for (const int orbitals : {2, 3}) {
    TightBinding model = random_model(random, 2, orbitals);
    for (int a = 0; a < orbitals; ++a) model.positions.push_back(random.vector(2, 0.0, 1.0));
    expect_right(model, {7, 6});
  }
}

TEST_F(BandDeviceTest, AgreesOnDegenerateBandsInAnyBasis) {
  Random random(153);
  for (const int orbitals : {1, 2, 3})
    for (const std::vector<std::int64_t>& cells : {std::vector<std::int64_t>{9}, {5, 4}, {3, 3, 2}}) {
      SCOPED_TRACE(::testing::PrintToString(cells) + " with twice " + std::to_string(orbitals) + " orbitals");
      const TightBinding model = doubled(random, random_model(random, static_cast<int>(cells.size()), orbitals));
      expect_right(model, cells);
      const Lattice lattice(cells);
      const DegenerateBlocks found = degenerate_blocks(bands_on(model, lattice, on_device)),
                             expected = degenerate_blocks(make_bands(model, lattice, {.backend = Backend::cpu}));
      ASSERT_GE(expected.count(), lattice.size() * static_cast<std::size_t>(orbitals));
      ASSERT_EQ(found.count(), expected.count());
      for (std::size_t i = 0; i < found.count(); ++i) {
        const auto modes = found.modes(i), wanted = expected.modes(i);
        EXPECT_TRUE(std::equal(modes.begin(), modes.end(), wanted.begin(), wanted.end()));
      }
    }
}

TEST_F(BandDeviceTest, ManyBatchesGiveTheSameBands) {
  Random random(154);
  for (const int orbitals : {1, 2, 3}) {
    SCOPED_TRACE(orbitals);
    const std::vector<std::int64_t> cells{23, 19};
    const Lattice lattice(cells);
    const TightBinding model = random_model(random, 2, orbitals);
    const LatticePhases phases(lattice);
    const HoppingArrays arrays(model, lattice);
    const kernels::HoppingTables tables = arrays.tables(phases);
    // A share of the memory that is a quarter of what all momenta take, beside what the eigensolver takes for itself.
    const double whole = bands_on_device_bytes(tables, on_device), own = orbitals > 2 ? 32 << 20 : 0.0;
    const double wanted = own + (whole - own) / 4.0;
    Execution shared = on_device;
    shared.device_sharers = static_cast<int>(kernels::device_kernels().memory(0).total * 0.95 / wanted);
    const double bytes = bands_on_device_bytes(tables, shared);
    EXPECT_LE(bytes, 1.01 * wanted);
    EXPECT_LT(bytes - own, 0.3 * (whole - own));
    expect_right(model, cells, shared);
    shared.device_sharers = 1 << 30;
    EXPECT_THROW(bands_on(model, lattice, shared), DeviceMemoryError);
  }
}

TEST_F(BandDeviceTest, IsChosenWhereADeviceIsAskedForAndThereIsEnoughToDo) {
  Random random(155);
  const TightBinding few = random_model(random, 2, 3), many = random_model(random, 1, 33);
  const Lattice small({36, 37}), large({37, 37});
  EXPECT_TRUE(bands_on_device(few, large, on_device));
  EXPECT_FALSE(bands_on_device(few, small, on_device));
  EXPECT_FALSE(bands_on_device(many, Lattice({200}), on_device));
  for (const Backend backend : {Backend::automatic, Backend::cpu})
    EXPECT_FALSE(bands_on_device(few, large, {.backend = backend}));
  EXPECT_EQ(bands_device_bytes(few, small, on_device), 0.0);
  EXPECT_GT(bands_device_bytes(few, large, on_device), 0.0);
  expect_same_bands(make_bands(few, large, on_device), make_bands(few, large));
}

}  // namespace
}  // namespace lindrift::testing
