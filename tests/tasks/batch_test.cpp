#include "lindrift/tgge/batch.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <stdexcept>

#include "lindrift/lindrift.hpp"
#include "support/random.hpp"
#include "support/ranks_as_threads.hpp"

namespace lindrift {
namespace {

using testing::Random;

Execution on_cpu(Algorithm algorithm = Algorithm::automatic, int threads = 1) {
  Execution execution;
  execution.backend = Backend::cpu;
  execution.algorithm = algorithm;
  execution.threads = threads;
  return execution;
}

std::vector<double> random_table(Random& random, std::size_t modes) { return random.vector(modes * modes, 0.0, 3.0); }

JumpOperators random_operators(Random& random, int bands) {
  JumpOperators jump;
  for (int c = 0; c < 2; ++c) {
    jump.channels.emplace_back();
    for (int t = 0; t < 3; ++t)
      jump.channels.back().push_back({{random.integer(-2, 2)},
                                      static_cast<int>(random.integer(0, bands - 1)),
                                      {random.integer(-2, 2)},
                                      static_cast<int>(random.integer(0, bands - 1)),
                                      random.complex(1.0)});
  }
  return jump;
}

/// Every kind of weight with every kind of spectrum for which a matrix pays off, odd sizes, asymmetric tables.
std::vector<TggeChain> chains() {
  Random random(21);
  std::vector<TggeChain> all;
  for (const Spectrum spectrum : {Spectrum::lorentzian, Spectrum::ohmic, Spectrum::exponential})
    for (int kind = spectrum == Spectrum::exponential ? 2 : 0; kind < 3; ++kind) {
      TggeChain chain = testing::random_chain(random, 23 + 2 * kind);
      chain.bath.inverse_temperature += 0.1;
      chain.bath.spectrum = spectrum;
      chain.bath.spectrum_width = random.uniform(0.5, 3.0);
      if (kind == 1) chain.jump = random_operators(random, 1);
      if (kind == 2) chain.jump = TableJump{random_table(random, static_cast<std::size_t>(chain.sites))};
      all.push_back(chain);
    }
  return all;
}

std::vector<TggeRashba> two_bands() {
  Random random(22);
  std::vector<TggeRashba> all;
  for (int kind = 0; kind < 3; ++kind) {
    TggeRashba chain;
    chain.sites = 11;
    chain.zeeman_field = 0.7;
    chain.rashba_y = 0.4;
    chain.rashba_z = 0.9;
    chain.bath.inverse_temperature = 1.3;
    chain.bath.spectrum = Spectrum::lorentzian;
    chain.jump = DephasingJump{0.8, 0.3};
    if (kind == 1) chain.jump = random_operators(random, 2);
    if (kind == 2) chain.jump = TableJump{random_table(random, 22)};
    all.push_back(chain);
  }
  return all;
}

std::vector<std::optional<BathStrength>> strengths(std::size_t count) {
  Random random(23);
  std::vector<std::optional<BathStrength>> all;
  for (std::size_t i = 0; i < count; ++i)
    all.emplace_back(BathStrength{random.uniform(0.02, 0.2), static_cast<double>(i) / static_cast<double>(count),
                                  random.uniform(0.1, 1.5)});
  return all;
}

template <class Chain>
Chain with(Chain chain, const BathStrength& strength) {
  chain.bath.coupling = strength.coupling;
  chain.bath.nonequilibrium_fraction = strength.nonequilibrium_fraction;
  chain.bath.equilibrium_fraction = strength.equilibrium_fraction;
  return chain;
}

/// Calls every function of a generator. The number of calls depends on the seed, so that problems end at different
/// times.
std::vector<double> answers(const RateEquation& equation, std::uint64_t seed) {
  const std::size_t modes = equation.modes();
  Random random(seed);
  std::vector<double> all, holes(modes), result(modes), second(modes);
  const auto keep = [&](const std::vector<double>& values) { all.insert(all.end(), values.begin(), values.end()); };
  for (std::uint64_t round = 0; round <= seed % 3; ++round) {
    const auto lambda = random.vector(modes, -3.0, 3.0), direction = random.vector(modes, -1.0, 1.0);
    const auto occupations = random.vector(modes, 0.05, 0.95);
    for (std::size_t s = 0; s < modes; ++s) holes[s] = 1.0 - occupations[s];
    equation.generator->occupation_rate(occupations, holes, result);
    keep(result);
    equation.generator->relaxation_rate(occupations, holes, result);
    keep(result);
    equation.generator->transition_sums(direction, lambda, result, second);
    keep(result);
    keep(second);
    equation.generator->log_rates(lambda, result, second);
    keep(result);
    keep(second);
    equation.generator->log_balance_derivative(direction, result);
    keep(result);
    equation.generator->relative_transition_sums(direction, lambda, result, second);
    keep(result);
    keep(second);
  }
  return all;
}

template <class Chain>
std::vector<std::vector<double>> answers_of_batch(const Chain& chain, std::span<const std::optional<BathStrength>> all,
                                                  const Execution& execution) {
  std::vector<std::vector<double>> result(all.size());
  solve_batch(chain, all, execution,
              [&](std::size_t i, const RateEquation& equation) { result[i] = answers(equation, i); });
  return result;
}

template <class Chain>
void expect_the_direct_sums(const Chain& chain) {
  const auto all = strengths(11);
  const auto together = answers_of_batch(chain, all, on_cpu());
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto alone = answers(make_rate_equation(with(chain, *all[i]), on_cpu(Algorithm::direct)), i);
    ASSERT_EQ(together[i].size(), alone.size());
    double largest = 0.0;
    for (const double x : alone) largest = std::max(largest, std::fabs(x));
    // Sums of tens of terms in a different order; differences of gain and loss cancel to a hundredth.
    for (std::size_t e = 0; e < alone.size(); ++e)
      EXPECT_NEAR(together[i][e], alone[e], 1e-13 * largest) << i << ", " << e;
  }
}

/// Two and three panels of columns, on one rank and on several.
TEST(TogetherTest, SumsOfManyColumnsAreTheDirectOnes) {
  Random random(26);
  for (const std::int64_t sites : {601, 1201}) {
    TggeChain chain = testing::random_chain(random, sites);
    chain.bath.spectrum = sites == 601 ? Spectrum::lorentzian : Spectrum::ohmic;
    chain.bath.inverse_temperature = 1.2;
    chain.jump = TableJump{random_table(random, static_cast<std::size_t>(sites))};
    const auto all = strengths(2);
    std::vector<std::vector<double>> alone;
    for (std::size_t i = 0; i < all.size(); ++i)
      alone.push_back(answers(make_rate_equation(with(chain, *all[i]), on_cpu(Algorithm::direct)), i));
    const auto expect_alone = [&](const std::vector<std::vector<double>>& together) {
      for (std::size_t i = 0; i < all.size(); ++i) {
        double largest = 0.0, error = 0.0;
        for (std::size_t e = 0; e < alone[i].size(); ++e) {
          largest = std::max(largest, std::fabs(alone[i][e]));
          error = std::max(error, std::fabs(together.at(i).at(e) - alone[i][e]));
        }
        // Sums of a thousand terms in a different order.
        EXPECT_LE(error, 1e-12 * largest) << sites << ", " << i;
      }
    };
    expect_alone(answers_of_batch(chain, all, on_cpu()));
    testing::with_ranks(2, [&](Communicator& communicator) {
      Execution execution = on_cpu();
      execution.communicator = &communicator;
      expect_alone(answers_of_batch(chain, all, execution));
    });
  }
}

TEST(TogetherTest, SumsAreTheDirectOnes) {
  for (const TggeChain& chain : chains()) expect_the_direct_sums(chain);
  for (const TggeRashba& chain : two_bands()) expect_the_direct_sums(chain);
}

/// A resumed run computes only the missing points, so their numbers must not depend on which other points are present.
TEST(TogetherTest, BitsDoNotDependOnTheCompany) {
  auto all_chains = chains();
  // Libraries use different kernels for small matrices and cut long sums into blocks.
  Random random(25);
  for (const std::int64_t sites : {150, 301, 700, 1201}) {
    all_chains.push_back(testing::random_chain(random, sites));
    all_chains.back().bath.spectrum = Spectrum::lorentzian;
  }
  for (const TggeChain& chain : all_chains) {
    const auto all = strengths(40);
    const auto expected = answers_of_batch(chain, all, on_cpu());
    for (const auto& taken : {std::vector<std::size_t>{0}, {17}, {5, 6, 7}, {1, 30, 31, 39}}) {
      std::vector<std::optional<BathStrength>> points(all.size());
      for (const std::size_t i : taken) points[i] = all[i];
      std::mutex mutex;
      std::vector<std::size_t> solved;
      solve_batch(chain, points, on_cpu(), [&](std::size_t i, const RateEquation& equation) {
        EXPECT_EQ(answers(equation, i), expected[i]) << i;
        const std::lock_guard lock(mutex);
        solved.push_back(i);
      });
      std::sort(solved.begin(), solved.end());
      EXPECT_EQ(solved, taken);
    }
  }
}

TEST(TogetherTest, ThreadsAndTeamsDoNotChangeBits) {
  Random random(24);
  TggeChain chain = testing::random_chain(random, 1201);  // three panels of columns for the table, two for the spectrum
  chain.bath.spectrum = Spectrum::lorentzian;
  chain.jump = TableJump{random_table(random, 1201)};
  const auto all = strengths(5);
  const auto expected = answers_of_batch(chain, all, on_cpu());
  EXPECT_EQ(answers_of_batch(chain, all, on_cpu(Algorithm::automatic, 2)), expected);
  testing::with_ranks(2, [&](Communicator& communicator) {
    Execution execution = on_cpu();
    execution.communicator = &communicator;
    EXPECT_EQ(answers_of_batch(chain, all, execution), expected);
  });
}

TEST(TogetherTest, SteadyStatesAreThoseOfEachAlone) {
  for (const TggeChain& chain : chains()) {
    const auto all = strengths(9);
    std::vector<SteadyState> together(all.size());
    solve_batch(chain, all, on_cpu(),
                [&](std::size_t i, const RateEquation& equation) { together[i] = steady_state(equation, 0.3); });
    for (std::size_t i = 0; i < all.size(); ++i) {
      ASSERT_TRUE(together[i].converged) << together[i].message;
      const SteadyState alone = steady_state(make_rate_equation(with(chain, *all[i]), on_cpu(Algorithm::direct)), 0.3);
      for (std::size_t s = 0; s < alone.occupation.size(); ++s)
        EXPECT_NEAR(together[i].occupation[s], alone.occupation[s], 1e-11);
    }
  }
}

TEST(TogetherTest, AProblemThatFailsLeavesTheOthersAlone) {
  const TggeChain chain = chains().front();
  for (const std::size_t count : {6, 70}) {  // without, and with, the 38th problem waiting in the same slot
    const auto all = strengths(count);
    std::mutex mutex;
    std::size_t finished = 0;
    const auto solve = [&](std::size_t i, const RateEquation& equation) {
      if (i == 2) throw std::runtime_error("the third of all");
      if (answers(equation, i).empty()) return;
      const std::lock_guard lock(mutex);
      ++finished;
    };
    EXPECT_THROW(solve_batch(chain, all, on_cpu(), solve), std::runtime_error);
    EXPECT_EQ(finished, count - 1);
  }
}

TEST(TogetherTest, PlacesGoToTheNextProblemAtOnce) {
  const TggeChain chain = chains().front();
  const auto all = strengths(150);
  const std::size_t slots = batch_slots(all.size());
  EXPECT_EQ(slots, 50U);
  std::mutex mutex;
  std::size_t rounds = 0, busy = 0, max_busy = 0;
  std::vector<std::size_t> first_round(all.size()), rounds_of(all.size()), times(all.size(), 0);
  solve_batch(
      chain, all, on_cpu(),
      [&](std::size_t i, const RateEquation& equation) {
        {
          const std::lock_guard lock(mutex);
          max_busy = std::max(max_busy, ++busy);
          first_round[i] = rounds;
          ++times[i];
        }
        const auto together = answers(equation, i % 17);
        const auto alone = answers(make_rate_equation(with(chain, *all[i]), on_cpu(Algorithm::direct)), i % 17);
        const std::lock_guard lock(mutex);
        rounds_of[i] = rounds - first_round[i];
        --busy;
        double largest = 0.0;
        for (const double x : alone) largest = std::max(largest, std::fabs(x));
        for (std::size_t e = 0; e < alone.size(); ++e) EXPECT_NEAR(together[e], alone[e], 1e-13 * largest) << i;
      },
      [&] {
        const std::lock_guard lock(mutex);
        ++rounds;
        return true;
      });
  EXPECT_EQ(max_busy, slots);
  std::size_t longest = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(times[i], 1U);
    // A problem waits only for earlier problems in its slot.
    std::size_t before = 0;
    for (std::size_t other = i % slots; other < i; other += slots) before += rounds_of[other];
    EXPECT_EQ(first_round[i], before) << i;
    longest = std::max(longest, before + rounds_of[i]);
  }
  EXPECT_EQ(rounds, longest);
}

TEST(TogetherTest, PlacesAreEnoughForProductsAndFewEnoughToBeFull) {
  for (std::size_t problems = 1; problems < 2000; ++problems) {
    const std::size_t slots = batch_slots(problems), rounds = (problems + slots - 1) / slots;
    EXPECT_LE(slots, 64U);
    EXPECT_GE(slots, std::min<std::size_t>(problems, 17));
    EXPECT_LT(slots * rounds - problems, rounds) << problems;  // at most one slot is empty in the last round
    EXPECT_GE(rounds, problems > 32 ? 2U : 1U);
  }
}

TEST(TogetherTest, StopsWhenAsked) {
  const auto all = strengths(70);
  int rounds = 0;
  std::atomic<int> finished = 0;
  std::atomic<std::size_t> started = 0;
  const auto solve = [&](std::size_t, const RateEquation& equation) {
    ++started;
    for (std::uint64_t round = 0; round < 100; ++round) answers(equation, round);
    ++finished;
  };
  EXPECT_THROW(solve_batch(chains().front(), all, on_cpu(), solve, [&] { return ++rounds < 5; }), Interruption);
  EXPECT_EQ(rounds, 5);
  EXPECT_EQ(finished, 0);
  EXPECT_EQ(started, batch_slots(all.size()));
}

TEST(TogetherTest, EndsOnceAndSaysSoWhateverProblemsCatch) {
  const auto all = strengths(70);
  int rounds = 0;
  std::atomic<std::size_t> started = 0, refused = 0;
  const auto solve = [&](std::size_t, const RateEquation& equation) {
    ++started;
    for (int attempt = 0; attempt < 2; ++attempt) try {
        for (std::uint64_t round = 0; round < 100; ++round) answers(equation, round);
      } catch (const Interruption&) {
        ++refused;
      }
  };
  EXPECT_THROW(solve_batch(chains().front(), all, on_cpu(), solve, [&] { return ++rounds < 5; }), Interruption);
  EXPECT_EQ(rounds, 5);
  EXPECT_EQ(started, batch_slots(all.size()));
  EXPECT_EQ(refused, 2 * started);
}

TEST(TogetherTest, TheFirstFailureIsThrown) {
  const auto all = strengths(70);
  const std::size_t slots = batch_slots(all.size());
  const auto solve = [&](std::size_t i, const RateEquation&) {
    if (i == 2) throw std::runtime_error("first");
    if (i == 2 + slots) throw std::runtime_error("second");
  };
  try {
    solve_batch(chains().front(), all, on_cpu(), solve);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const std::runtime_error& failure) {
    EXPECT_STREQ(failure.what(), "first");
  }
}

TEST(TogetherTest, RefusesBathsThatMakeNoSense) {
  for (const std::size_t bad : {1, 69}) {
    auto all = strengths(70);
    all[bad]->coupling = -1.0;
    bool solved = false;
    EXPECT_THROW(solve_batch(chains().front(), all, on_cpu(), [&](std::size_t, const RateEquation&) { solved = true; }),
                 ParameterError);
    EXPECT_FALSE(solved);
  }
}

TEST(TogetherTest, GainsWhereWeightsTakeTime) {
  TggeChain chain;
  std::string reason;
  EXPECT_FALSE(gains_from_batching(chain, on_cpu(), &reason));
  EXPECT_FALSE(reason.empty());
  chain.bath.spectrum = Spectrum::lorentzian;
  EXPECT_FALSE(gains_from_batching(chain, on_cpu()));
  chain.bath.spectrum = Spectrum::ohmic;
  EXPECT_TRUE(gains_from_batching(chain, on_cpu()));
  chain.sites = 127;
  EXPECT_FALSE(gains_from_batching(chain, on_cpu(), &reason));
  EXPECT_NE(reason.find("few modes"), std::string::npos);
  chain.sites = 128;
  reason.clear();
  EXPECT_TRUE(gains_from_batching(chain, on_cpu(), &reason));
  EXPECT_EQ(reason, "");
  chain.bath.spectrum = Spectrum::exponential;
  for (const std::int64_t sites : {3, 255, 256}) {
    chain.sites = sites;
    chain.jump = TableJump{std::vector<double>(static_cast<std::size_t>(sites * sites), 1.0)};
    EXPECT_EQ(gains_from_batching(chain, on_cpu()), sites == 256);
  }
}

TEST(TogetherTest, LeavesColdOhmicBathsToThemselves) {
  TggeChain chain;
  chain.bath.spectrum = Spectrum::ohmic;
  EXPECT_TRUE(gains_from_batching(chain, on_cpu()));
  chain.bath.inverse_temperature = 1000.0;
  std::string reason;
  EXPECT_FALSE(gains_from_batching(chain, on_cpu(), &reason));
  EXPECT_FALSE(reason.empty());
  EXPECT_THROW(solve_batch(chain, std::vector<std::optional<BathStrength>>(1, BathStrength{}), on_cpu(),
                           [](std::size_t, const RateEquation&) {}),
               UnsupportedError);
}

}  // namespace
}  // namespace lindrift
