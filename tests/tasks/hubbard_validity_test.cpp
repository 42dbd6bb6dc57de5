// How far the approximations to the Hubbard model are from the master equation of small rings: the numbers with which
// the documentation says what may be trusted. Each is compared to the digits that are stored.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <string>
#include <vector>

#include "data/hubbard_one_particle.hpp"
#include "hubbard/collisions.hpp"
#include "hubbard/rings.hpp"
#include "lindrift/hubbard/exact.hpp"
#include "lindrift/hubbard/green.hpp"
#include "lindrift/hubbard/spectral.hpp"
#include "lindrift/hubbard/steady_state.hpp"
#include "lindrift/hubbard/transport.hpp"
#include "support/hubbard.hpp"
#include "support/relative_difference.hpp"

namespace lindrift::testing {
namespace {

using Complex = std::complex<double>;
using Values = std::vector<Complex>;

/// Half a unit of the last of some digits, and the rounding of a sum of it.
double digits(int places) { return 0.5001 * std::pow(10.0, -places); }

HubbardChain second_order(HubbardChain chain, Hartree hartree) {
  chain.hartree = hartree;
  return chain;
}

HubbardChain ladder(HubbardChain chain, Ladder kind) {
  chain.approximation = Approximation::ladder;
  chain.ladder = kind;
  return chain;
}

TEST(HubbardValidity, GreenFunctionOfARingOfSix) {
  struct Row {
    double interaction, gain, loss, bare, shifted, particle, hole;
  };
  constexpr double none = 0.0;
  const std::vector<Row> rows = {{1.0, 0.2, 2.0, .148, .122, .008, none}, {2.0, 0.2, 2.0, .412, .360, .023, .138},
                                 {4.0, 0.2, 2.0, .732, .697, .042, none}, {4.0, 0.02, 2.0, .854, .856, .010, none},
                                 {2.0, 1.5, 0.5, .216, .186, .043, .035}, {4.0, 1.5, 0.5, .462, .365, .096, .047},
                                 {4.0, 3.0, 0.2, none, .536, .104, .006}};
  HubbardExactOptions exactly;
  exactly.frequencies = std::vector<double>();
  for (int i = -10; i <= 16; ++i) exactly.frequencies->push_back(0.5 * i);  // where the stored errors were found
  for (const Row& row : rows) {
    SCOPED_TRACE(::testing::Message() << "U = " << row.interaction << ", gain " << row.gain);
    const HubbardChain chain = published_chain(6, row.interaction, row.gain, row.loss);
    const Values wanted = exact(chain, exactly).green_retarded_frequency;
    const auto expect = [&](const HubbardChain& approximate, double error) {
      if (error == none) return;
      EXPECT_NEAR(relative_difference(spectral(approximate, *exactly.frequencies).green_retarded, wanted), error,
                  digits(3));
    };
    expect(second_order(chain, Hartree::bare), row.bare);
    expect(second_order(chain, Hartree::shifted), row.shifted);
    expect(ladder(chain, Ladder::particle), row.particle);
    expect(ladder(chain, Ladder::hole), row.hole);
  }
}

TEST(HubbardValidity, NormOfARingOfSix) {
  struct Rows {
    double interaction;
    std::vector<double> exact, particle, second;
  };
  const std::vector<double> times = {2.0, 4.0, 6.0, 8.0, 10.0};
  const std::vector<Rows> all = {{2.0,
                                  {.6941, .4512, .2948, .1937, .1279},
                                  {.6933, .4460, .2860, .1838, .1186},
                                  {.6579, .3700, .2027, .1105, .0607}},
                                 {4.0,
                                  {.3763, .1560, .0667, .0292, .0130},
                                  {.3733, .1488, .0616, .0264, .0116},
                                  {.1599, .0094, .0006, .0002, .0000}}};
  HubbardExactOptions exactly;
  exactly.times = times;
  for (const Rows& rows : all) {
    const HubbardChain chain = published_chain(6, rows.interaction, 0.2, 2.0);
    const auto of_exact = exact(chain, exactly).norm, particle = green(ladder(chain, Ladder::particle), times).norm,
               second = green(second_order(chain, Hartree::shifted), times).norm;
    for (std::size_t t = 0; t < times.size(); ++t) {
      EXPECT_NEAR(of_exact[t], rows.exact[t], digits(4));
      EXPECT_NEAR(particle[t], rows.particle[t], digits(4));
      EXPECT_NEAR(second[t], rows.second[t], digits(4));
    }
  }
}

double steady_current(const HubbardChain& chain, CollisionOrder order) {
  HubbardSteadyStateOptions options;
  options.order = order;
  options.tolerance = 1e-12;
  const HubbardSteadyState state = steady_state(chain, options);
  EXPECT_TRUE(state.converged) << state.message;
  return state.current_spin[0];
}

/// The current of n_0 + I[n_0] / Gamma, without any step towards a balance.
double current_of_one_step(const HubbardChain& chain, CollisionOrder order) {
  const auto baths = rates_of_spins(chain);
  const CollisionModel model = collision_model(chain, baths);
  std::array<std::vector<double>, 2> free;
  for (std::size_t s = 0; s < 2; ++s)
    for (std::size_t k = 0; k < model.width[s].size(); ++k) free[s].push_back(baths[s].gain[k] / model.width[s][k]);
  const CollisionRates rates = Collisions(model, order).rates(free[0], free[1]);
  std::vector<double> up = free[0];
  for (std::size_t k = 0; k < up.size(); ++k)
    up[k] += (rates.gain[0][k] * (1.0 - free[0][k]) - rates.loss[0][k] * free[0][k]) / model.width[0][k];
  return velocity_sum(chain, Spin::up, up, 0) / static_cast<double>(up.size());
}

TEST(HubbardValidity, CurrentOfTheUndrivenSpinOfThreeSites) {
  const double interactions[] = {0.25, 0.5, 1.0, 2.0}, of_exact[] = {.00522, .01704, .03804, .04546},
               kinetic[] = {.00522, .01723, .03995, .05435}, one_step[] = {.00562, .0225, .0899, .360};
  for (std::size_t i = 0; i < 4; ++i) {
    const HubbardChain chain = driven_chain(3, interactions[i], 0.05, 0.05, 1.5, 0.5, 0.5);
    EXPECT_NEAR(exact(chain).current_spin[0], of_exact[i], digits(5));
    EXPECT_NEAR(steady_current(chain, CollisionOrder::second), kinetic[i], digits(5));
    EXPECT_NEAR(current_of_one_step(chain, CollisionOrder::second), one_step[i], digits(i == 0 ? 5 : i == 3 ? 3 : 4));
  }
}

TEST(HubbardValidity, CurrentOfTheUndrivenSpinOfFourSites) {
  const auto expect = [](const HubbardChain& chain, double of_exact, double both, double second, int places) {
    EXPECT_NEAR(exact(chain).current_spin[0], of_exact, digits(places));
    EXPECT_NEAR(steady_current(chain, CollisionOrder::both), both, digits(places));
    EXPECT_NEAR(steady_current(chain, CollisionOrder::second), second, digits(places));
  };
  // Half filling: odd in U, from the third order on.
  expect(driven_chain(4, 0.25, 0.05, 0.05, 0.5, 0.8, 0.25), 3.468e-5, 3.518e-5, 0.0, 8);
  expect(driven_chain(4, 1.0, 0.02, 0.08, 0.5, 0.8, 0.25), .002397, .002460, .000261, 6);
  expect(driven_chain(4, 1.0, 0.02, 0.08, 0.2, 2.0, 0.5), .00512, .00218, 0.0, 5);
}

TEST(HubbardValidity, CurrentOfTheUndrivenSpinOfFiveSites) {
  struct Row {
    double up_gain, up_loss, phase;
    double of_exact[3], both[3], second[3];
  };
  const Row rows[] = {
      {0.02, 0.08, 0.5, {.005212, .010924, .013952}, {.005173, .010678, .013649}, {.004973, .010285, .012434}},
      {0.05, 0.05, 0.25, {.005420, .007842, .003255}, {.005659, .009424, .007700}, {.006681, .013181, .015099}}};
  const double interactions[] = {0.5, 1.0, 2.0};
  for (const Row& row : rows)
    for (std::size_t i = 0; i < 3; ++i) {
      const HubbardChain chain = driven_chain(5, interactions[i], row.up_gain, row.up_loss, 0.5, 0.8, row.phase);
      EXPECT_NEAR(exact(chain).current_spin[0], row.of_exact[i], digits(6));
      EXPECT_NEAR(steady_current(chain, CollisionOrder::both), row.both[i], digits(6));
      EXPECT_NEAR(steady_current(chain, CollisionOrder::second), row.second[i], digits(6));
    }
}

/// v of one particle on eight sites for interactions 0.25, 0.5, 1, 2, 4; the exact ones are those of tests/data.
struct EightSites {
  const char* name;
  double phase, gain, loss, second;
  std::vector<double> both;
};
const std::vector<EightSites> eight_sites = {
    {"UpToPiHalf", 0.5, 0.2, 2.0, 0.0, {.003296, .012943, .048294, .154524, -.18}},
    {"UpToPiQuarter", 0.25, 0.2, 2.0, .120733, {.094604, .068230, .022578, .012296}},
    {"StrongGain", 0.25, 1.5, 0.5, .020783, {.021485, .020407, .013239, -.015320}}};

class HubbardDriftOfEightSites : public ::testing::TestWithParam<EightSites> {};

TEST_P(HubbardDriftOfEightSites, OfOneParticle) {
  const EightSites& row = GetParam();
  const auto& stored = data::hubbard_one_particle::exact;
  const auto of_exact = std::find_if(stored.begin(), stored.end(), [&](const auto& one) {
    return one.phase_over_pi == row.phase && one.gain == row.gain;
  });
  ASSERT_NE(of_exact, stored.end());
  for (std::size_t i = 0; i < row.both.size(); ++i) {
    const HubbardChain chain = driven_chain(8, of_exact->interactions[i], 0.0, 0.0, row.gain, row.loss, row.phase);
    TransportOptions options;
    // The exact ring takes seconds: only that at U = 2, where the sign of the third row has changed.
    const bool exactly = of_exact->interactions[i] == 2.0;
    options.exact_sites = exactly ? 8 : 0;
    const Transport both = transport(chain, options);
    EXPECT_NEAR(both.drift_velocity.front(), row.both[i], digits(i == 4 ? 2 : 6));
    if (exactly) {
      EXPECT_NEAR(both.drift_velocity_exact.front(), of_exact->velocities[i], 1e-6);
    }
    options.order = CollisionOrder::second;
    options.exact_sites = 0;
    const Transport second = transport(chain, options);
    EXPECT_NEAR(second.drift_velocity.front(), row.second, digits(6));  // the same at every U
    const double uniform = 1.0 / 8.0;
    for (const double p : second.occupation) EXPECT_NEAR(p, uniform, row.phase == 0.5 ? 1e-13 : uniform);
  }
}

INSTANTIATE_TEST_SUITE_P(Published, HubbardDriftOfEightSites, ::testing::ValuesIn(eight_sites),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace lindrift::testing
