// Frequencies of the collisions of two driven spins: integrals with known values, the best centre and scale, and twice
// as many nodes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>

#include "hubbard/collisions.hpp"
#include "hubbard/frequency_nodes.hpp"
#include "support/random.hpp"
#include "support/relative_difference.hpp"

namespace lindrift::testing {
namespace {

constexpr std::array every_order{CollisionOrder::second, CollisionOrder::particle, CollisionOrder::both};

/// Lines of very different widths, in bands that are not symmetric.
struct RandomLines {
  std::vector<double> energy, width;
  RandomLines(Random& random, std::size_t count)
      : energy(random.vector(count, -1.0, 3.0)), width(random.vector(count, -4.0, 1.5)) {
    for (double& w : width) w = std::exp(w);
  }
};

TEST(CollisionNodes, IntegrateProductsOfLines) {
  // Two Lorentzians of half widths g and h give one of half width g + h. More momenta than lines are kept.
  Random random(401);
  for (const std::size_t count : {1, 3, 40, 700}) {
    const RandomLines up(random, count), down(random, count);
    for (const double sign : {1.0, -1.0}) {
      const auto lines = lines_of_pairs(lines_of(up.energy, up.width), lines_of(down.energy, down.width), sign);
      EXPECT_LE(lines.size(), 256U);
      const FrequencyNodes nodes = frequency_nodes(lines, 1.0);
      EXPECT_EQ(nodes.weight.size() % 2, 0U);
      for (std::size_t i = 0; i < std::min<std::size_t>(count, 20); ++i) {
        const std::size_t j = (7 * i + 3) % count, k = (5 * i + 2) % count;
        const double e = up.energy[i] + sign * down.energy[j], g = 0.5 * (up.width[i] + down.width[j]);
        const double f = up.energy[j] + sign * down.energy[k], h = 0.5 * (up.width[j] + down.width[k]);
        double sum = 0.0;
        for (std::size_t w = 0; w < nodes.weight.size(); ++w) {
          const double x = nodes.frequency[w] - e, y = nodes.frequency[w] - f;
          sum += nodes.weight[w] * 4.0 * g * h / ((x * x + g * g) * (y * y + h * h));
        }
        const double expected = 2.0 * (g + h) / ((e - f) * (e - f) + (g + h) * (g + h));
        // Rounding of the narrower line: its energies have errors of 1e-15.
        EXPECT_NEAR(sum, expected, 2e-14 / std::min(g, h)) << count << " " << g << " " << h;
      }
    }
  }
}

TEST(CollisionNodes, NoOtherCentreAndScaleDoWithFewer) {
  Random random(402);
  for (int example = 0; example < 5; ++example) {
    const RandomLines species(random, 30);
    std::vector<Line> lines = lines_of(species.energy, species.width);
    const std::size_t found = frequency_nodes(lines, 1.0).weight.size();
    double best = 0.0;  // largest distance of the nearest pole, from the inverse of the map
    for (int trial = 0; trial < 4000; ++trial) {
      const double centre = random.uniform(-2.0, 4.0), scale = std::exp(random.uniform(-4.0, 2.5));
      double nearest = std::numeric_limits<double>::infinity();
      for (const Line& line : lines)
        for (const double energy : {line.low, line.high})
          nearest =
              std::min(nearest, 2.0 * std::atan(std::complex((energy - centre) / scale, line.width / scale)).imag());
      best = std::max(best, nearest);
    }
    EXPECT_LE(static_cast<double>(found), 36.0 / best + 36.0);
  }
}

TEST(CollisionNodes, TakeAPairNoLongerThanItsOwnLineNeeds) {
  // Bands of 100 momenta whose narrowest line lies in the middle: the edges, which are wide, do not count.
  std::vector<double> energy, width;
  for (int k = 0; k < 101; ++k) {
    energy.push_back(0.04 * k - 2.0);
    width.push_back(0.1 + 2.0 * std::fabs(energy.back()));
  }
  const std::vector<Line> one = lines_of(energy, width);
  EXPECT_LT(frequency_nodes(lines_of_pairs(one, one, 1.0), 1.0).weight.size(), 200U);
  const std::vector<double> narrow(width.size(), 0.1);
  const std::vector<Line> other = lines_of(energy, narrow);
  EXPECT_NEAR(static_cast<double>(frequency_nodes(lines_of_pairs(other, other, 1.0), 1.0).weight.size()),
              36.0 * 4.0 / 0.1 + 32.0, 40.0);
}

TEST(CollisionNodes, RefuseLinesWithoutWidth) {
  EXPECT_THROW(frequency_nodes({{-1.0, 1.0, 1e-6}}, 1.0), std::exception);
}

/// Two species with bands, widths and occupations that no symmetry relates.
struct Species {
  CollisionModel model;
  std::vector<double> up, down;

  Species(Random& random, const std::vector<std::int64_t>& cells, double interaction)
      : model{Lattice(cells), {}, {}, interaction} {
    const std::size_t momenta = model.lattice.size();
    for (std::size_t s = 0; s < 2; ++s) {
      const RandomLines lines(random, momenta);
      model.energy[s] = lines.energy;
      model.width[s] = lines.width;
    }
    up = random.vector(momenta, 0.0, 1.0);
    down = random.vector(momenta, 0.0, 1.0);
  }

  /// As the tasks do it.
  Collisions resolved(CollisionOrder order, double factor) const {
    Collisions collisions(model, order, factor);
    collisions.resolve(up, down);
    return collisions;
  }
};

double difference_of_rates(const CollisionRates& one, const CollisionRates& other) {
  double largest = 0.0;
  for (std::size_t s = 0; s < 2; ++s)
    largest = std::max(
        {largest, relative_difference(one.gain[s], other.gain[s]), relative_difference(one.loss[s], other.loss[s])});
  return largest;
}

TEST(CollisionNodes, TwiceAsManyChangeNothing) {
  Random random(403);
  const std::vector<double> frequencies{-3.1, 0.3, 9.0};
  for (int example = 0; example < 4; ++example) {
    const Species species(random, example % 2 == 0 ? std::vector<std::int64_t>{5, 3} : std::vector<std::int64_t>{11},
                          random.uniform(-3.0, 3.0));
    for (const CollisionOrder order : every_order) {
      const Collisions enough = species.resolved(order, 1.0), twice = species.resolved(order, 2.0);
      EXPECT_GT(twice.nodes(), enough.nodes());
      const CollisionRates rates = enough.rates(species.up, species.down);
      EXPECT_LE(rates.error, Collisions::resolved);
      EXPECT_EQ(rates.error, enough.error(species.up, species.down));
      // Rounding of some hundred terms, of either sign for `both`.
      EXPECT_LT(difference_of_rates(rates, twice.rates(species.up, species.down)), 1e-13);
      EXPECT_LT(relative_difference(enough.scattering(species.down), twice.scattering(species.down)), 1e-13);
      EXPECT_LT(relative_difference(enough.self_energy(species.up, species.down, frequencies),
                                    twice.self_energy(species.up, species.down, frequencies)),
                1e-13);
    }
  }
}

TEST(CollisionNodes, ResonancesOfStrongCollisionsAreNoticed) {
  // Bands much narrower than the interaction: T has a pole far outside, which the lines of the pairs know nothing of.
  Random random(404);
  Species species(random, {5}, 12.0);
  for (std::size_t s = 0; s < 2; ++s)
    for (std::size_t k = 0; k < 5; ++k) {
      species.model.energy[s][k] *= 0.1;
      species.model.width[s][k] = random.uniform(0.4, 0.6);
    }
  species.up.assign(5, 0.1);
  species.down.assign(5, 0.2);
  const Collisions converged(species.model, CollisionOrder::particle, 500.0);
  const CollisionRates expected = converged.rates(species.up, species.down);
  Collisions collisions(species.model, CollisionOrder::particle);
  const CollisionRates first = collisions.rates(species.up, species.down);
  EXPECT_GT(first.error, 1e-6);
  EXPECT_GT(difference_of_rates(first, expected), 0.01 * first.error);
  EXPECT_LT(difference_of_rates(first, expected), 1000.0 * first.error);
  collisions.resolve(species.up, species.down);
  EXPECT_LT(difference_of_rates(collisions.rates(species.up, species.down), expected), 1e-13);
  while (collisions.refine(1e-3)) EXPECT_LE(collisions.nodes(), 16384U);
}

}  // namespace
}  // namespace lindrift::testing
