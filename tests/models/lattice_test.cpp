#include "lindrift/lattice/lattice.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "lattice/lattice_phases.hpp"
#include "lindrift/error.hpp"
#include "support/random.hpp"

namespace lindrift {
namespace {

TEST(Lattice, SineAndCosineAreExactAtMultiplesOfAQuarterTurn) {
  for (const std::int64_t q : {1, 2, 3, 4, 7, 20, 1024, 1000003})
    for (std::int64_t turns = -9; turns <= 9; ++turns) {
      EXPECT_EQ(sin_pi(turns * q, q), 0.0);
      EXPECT_EQ(cos_pi(turns * q, q), turns % 2 ? -1.0 : 1.0);
      EXPECT_EQ(cos_pi((2 * turns + 1) * q, 2 * q), 0.0);
      EXPECT_EQ(sin_pi((2 * turns + 1) * q, 2 * q), turns % 2 ? -1.0 : 1.0);
    }
}

TEST(Lattice, SineAndCosineAreThoseOfExtendedPrecision) {
  // Rounding of the argument, of the function and of pi: two units in the last place, relative even for small values.
  for (const std::int64_t q : {3, 4, 5, 8, 12, 97, 256, 1001})
    for (std::int64_t p = -5 * q; p <= 5 * q; ++p) {
      const std::int64_t reduced = p % (2 * q);
      const long double angle =
          std::numbers::pi_v<long double> * static_cast<long double>(reduced) / static_cast<long double>(q);
      const long double sine = std::sin(angle), cosine = std::cos(angle);
      // Except at exact zeros, which the extended functions miss by 1e-19.
      EXPECT_LE(std::fabs(static_cast<long double>(sin_pi(p, q)) - sine), 4.5e-16L * std::fabs(sine) + 1e-18L)
          << p << "/" << q;
      EXPECT_LE(std::fabs(static_cast<long double>(cos_pi(p, q)) - cosine), 4.5e-16L * std::fabs(cosine) + 1e-18L)
          << p << "/" << q;
    }
}

TEST(Lattice, SymmetriesOfSineAndCosineHoldToTheBit) {
  for (const std::int64_t q : {5, 6, 77, 128})
    for (std::int64_t p = 0; p <= 2 * q; ++p) {
      EXPECT_EQ(sin_pi(-p, q), -sin_pi(p, q));
      EXPECT_EQ(cos_pi(-p, q), cos_pi(p, q));
      EXPECT_EQ(sin_pi(q - p, q), sin_pi(p, q));
      EXPECT_EQ(cos_pi(q - p, q), -cos_pi(p, q));
      EXPECT_EQ(sin_pi(p + 2 * q, q), sin_pi(p, q));
      EXPECT_EQ(cos_pi(p - 4 * q, q), cos_pi(p, q));
      EXPECT_EQ(sin_pi(3 * p, 3 * q), sin_pi(p, q)) << "not reduced to lowest terms";
    }
}

TEST(Lattice, MomentaFillTheZoneFromMinusPi) {
  for (const std::int64_t sites : {1, 2, 3, 4, 7, 20, 1001}) {
    const auto k = momenta(sites);
    ASSERT_EQ(k.size(), static_cast<std::size_t>(sites));
    // Even: -pi is present and pi is not. Odd: neither; zero always is.
    EXPECT_EQ(k.front(), sites % 2 ? -std::numbers::pi * (static_cast<double>(sites - 1) / static_cast<double>(sites))
                                   : -std::numbers::pi);
    EXPECT_LT(k.back(), std::numbers::pi);
    EXPECT_EQ(k[static_cast<std::size_t>(sites / 2)], 0.0);
    for (std::size_t i = 1; i < k.size(); ++i)
      EXPECT_NEAR(k[i] - k[i - 1], 2.0 * std::numbers::pi / static_cast<double>(sites), 1e-15);
  }
}

const std::vector<std::vector<std::int64_t>> shapes = {{1},    {2},    {7},       {12},      {1, 1},   {2, 3},
                                                       {4, 4}, {5, 6}, {1, 2, 3}, {3, 4, 5}, {4, 6, 2}};

LatticeVector random_vector(testing::Random& random, const Lattice& lattice, std::int64_t largest) {
  LatticeVector result{};
  for (int i = 0; i < lattice.dimensions(); ++i)
    result[static_cast<std::size_t>(i)] = random.integer(-largest, largest);
  return result;
}

TEST(Lattice, MomentaAreNumberedWithTheLastDirectionFastest) {
  for (const auto& cells : shapes) {
    const Lattice lattice(cells);
    ASSERT_EQ(lattice.dimensions(), static_cast<int>(cells.size()));
    std::size_t k = 0;
    const auto expect_next = [&](const LatticeVector& m) {
      EXPECT_EQ(lattice.momentum(k), m) << k;
      EXPECT_EQ(lattice.index_of(m), k);
      ++k;
    };
    const auto range = [&](std::size_t i) {
      const std::int64_t n = i < cells.size() ? cells[i] : 1;
      std::vector<std::int64_t> m;
      for (std::int64_t j = 0; j < n; ++j) m.push_back(j - n / 2);
      return m;
    };
    for (const std::int64_t x : range(0))
      for (const std::int64_t y : range(1))
        for (const std::int64_t z : range(2)) expect_next({x, y, z});
    EXPECT_EQ(lattice.size(), k);
  }
}

TEST(Lattice, MomentaAndDisplacementsWrapAroundExactly) {
  testing::Random random(5);
  for (const auto& cells : shapes) {
    const Lattice lattice(cells);
    for (int trial = 0; trial < 50; ++trial) {
      const LatticeVector r = random_vector(random, lattice, 1000), turns = random_vector(random, lattice, 5);
      const LatticeVector wrapped = lattice.wrapped(r);
      LatticeVector beyond = r;
      for (std::size_t i = 0; i < cells.size(); ++i) {
        EXPECT_GE(wrapped[i], 0);
        EXPECT_LT(wrapped[i], cells[i]);
        EXPECT_EQ((r[i] - wrapped[i]) % cells[i], 0);
        beyond[i] += turns[i] * cells[i];
      }
      EXPECT_EQ(lattice.wrapped(beyond), wrapped);
      EXPECT_EQ(lattice.index_of(beyond), lattice.index_of(r));
      const auto k = static_cast<std::size_t>(random.integer(0, static_cast<std::int64_t>(lattice.size()) - 1));
      EXPECT_EQ(lattice.phase(k, beyond).cosine, lattice.phase(k, r).cosine);
      EXPECT_EQ(lattice.phase(k, beyond).sine, lattice.phase(k, r).sine);
      EXPECT_EQ(lattice.phase(k, {-r[0], -r[1], -r[2]}).cosine, lattice.phase(k, r).cosine);
      EXPECT_EQ(lattice.phase(k, {-r[0], -r[1], -r[2]}).sine, -lattice.phase(k, r).sine);
    }
  }
}

TEST(Lattice, PhasesAreThoseOfExtendedPrecision) {
  testing::Random random(6);
  for (const auto& cells : shapes) {
    const Lattice lattice(cells);
    for (std::size_t k = 0; k < lattice.size(); ++k) {
      const LatticeVector m = lattice.momentum(k), r = random_vector(random, lattice, 9);
      long double angle = 0.0L;
      for (std::size_t i = 0; i < cells.size(); ++i)
        angle += 2.0L * std::numbers::pi_v<long double> * static_cast<long double>(m[i] * r[i]) /
                 static_cast<long double>(cells[i]);
      EXPECT_NEAR(lattice.phase(k, r).cosine, static_cast<double>(std::cos(angle)), 3e-16);
      EXPECT_NEAR(lattice.phase(k, r).sine, static_cast<double>(std::sin(angle)), 3e-16);
    }
  }
}

TEST(Lattice, PhasesOfOneDimensionAreSinesAndCosinesOfItsIntegers) {
  for (const std::int64_t cells : {1, 2, 9, 20, 1001}) {
    const Lattice lattice({cells});
    for (std::size_t k = 0; k < lattice.size(); ++k) {
      const std::int64_t m = first_momentum_index(cells) + static_cast<std::int64_t>(k);
      EXPECT_EQ(lattice.phase(k, {1}).cosine, cos_pi(2 * m, cells));
      EXPECT_EQ(lattice.phase(k, {1}).sine, sin_pi(2 * m, cells));
      EXPECT_EQ(lattice.phase(k, {-3}).sine, sin_pi(-6 * m, cells));
    }
  }
}

TEST(Lattice, PhasesOfTheLargestLatticeLoseNoDigit) {
  constexpr std::int64_t cells = std::int64_t{1} << 32;
  const Lattice lattice({cells});
  // (-2^31 + 1) (2^32 - 1) = 2^31 - 1 modulo 2^32: just below half a turn.
  const Phase phase = lattice.phase(1, {-1});
  EXPECT_EQ(phase.cosine, cos_pi(2 * ((std::int64_t{1} << 31) - 1), cells));
  EXPECT_EQ(phase.sine, sin_pi(2 * ((std::int64_t{1} << 31) - 1), cells));
  EXPECT_GT(phase.sine, 0.0);
}

TEST(Lattice, RefusesWhatItCannotHold) {
  for (const std::vector<std::int64_t>& bad : std::vector<std::vector<std::int64_t>>{
           {}, {2, 2, 2, 2}, {0}, {3, -1}, {(std::int64_t{1} << 32) + 1}, {1 << 30, 1 << 30}})
    EXPECT_THROW(Lattice{bad}, ParameterError);
  const auto said = [](auto make) {
    try {
      make();
    } catch (const ParameterError& error) {
      return std::string(error.what());
    }
    return std::string("nothing");
  };
  EXPECT_EQ(said([] { Lattice({3, 0}); }), "model.cells[1]: 0 is not allowed: must be in 1 .. 2^32");
  EXPECT_EQ(said([] { ring_lattice(max_cells + 1); }), "model.sites: 4294967297 is not allowed: must be in 1 .. 2^32");
  EXPECT_EQ(ring_lattice(7).cells(0), 7);
}

TEST(Lattice, PhasesOfConsecutiveMomentaAreThoseOfEach) {
  testing::Random random(195);
  // One direction to three, even and odd, a single cell; the last one has too many phases for a table.
  for (const std::vector<std::int64_t>& cells :
       {std::vector<std::int64_t>{1}, {7}, {4, 6}, {1, 5}, {3, 1}, {5, 4, 3}, {257, 263}}) {
    const Lattice lattice(cells);
    const LatticePhases phases(lattice);
    for (int trial = 0; trial < 5; ++trial) {
      LatticeVector displacement{};
      for (std::size_t i = 0; i < cells.size(); ++i) displacement[i] = random.integer(-9, 9);
      const auto first = static_cast<std::size_t>(random.integer(0, static_cast<std::int64_t>(lattice.size()) - 1));
      LatticePhases::Walk phase(phases, displacement, first);
      for (std::size_t k = first; k < std::min(lattice.size(), first + 600); ++k, ++phase) {
        const Phase expected = lattice.phase(k, displacement);
        ASSERT_EQ((*phase).cosine, expected.cosine) << k;
        ASSERT_EQ((*phase).sine, expected.sine) << k;
      }
    }
  }
}

}  // namespace
}  // namespace lindrift
