#include "lindrift/communicator.hpp"

#include <gtest/gtest.h>

#include <mutex>

#include "lindrift/lindrift.hpp"
#include "support/chains.hpp"
#include "support/random.hpp"
#include "support/ranks_as_threads.hpp"

namespace lindrift {
namespace {

using testing::Random;
using testing::with_ranks;

class Alone final : public Communicator {};

TEST(ShareBounds, AreWholeBlocksThatCoverEverythingOnce) {
  with_ranks(3, [](const Communicator& communicator) {
    for (const std::size_t count : {0, 1, 7, 64, 1000})
      for (const std::size_t block : {1, 8, 64}) {
        const auto bounds = share_bounds(communicator, count, block, 2);
        ASSERT_EQ(bounds.size(), 4U);
        EXPECT_EQ(bounds.front(), 0U);
        EXPECT_EQ(bounds.back(), 2 * count);
        const std::size_t blocks = (count + block - 1) / block;
        for (std::size_t r = 0; r < 3; ++r) {
          EXPECT_LE(bounds[r], bounds[r + 1]);
          EXPECT_LE(bounds[r + 1] - bounds[r], 2 * block * ((blocks + 2) / 3));
          if (bounds[r] < 2 * count) {
            EXPECT_EQ(bounds[r] % (2 * block), 0U);
          }
        }
      }
  });
  EXPECT_EQ(share_bounds(Alone(), 5), (std::vector<std::size_t>{0, 5}));
}

TEST(Communicator, AgreesOnABackendAndOnWhatHoldsForAll) {
  with_ranks(3, [](Communicator& communicator) {
    EXPECT_TRUE(true_on_all_ranks(&communicator, true));
    EXPECT_FALSE(true_on_all_ranks(&communicator, communicator.rank() != 1));
    EXPECT_FALSE(true_on_all_ranks(&communicator, false));
    for (const Backend all : {Backend::cpu, Backend::cuda}) EXPECT_EQ(agree_on_backend(&communicator, all, false), all);
    const Backend own = communicator.rank() == 2 ? Backend::cpu : Backend::cuda;
    EXPECT_EQ(agree_on_backend(&communicator, own, true), Backend::cpu);
    EXPECT_THROW(agree_on_backend(&communicator, own, false), UnsupportedError);
  });
  EXPECT_EQ(agree_on_backend(nullptr, Backend::cuda, false), Backend::cuda);
  EXPECT_FALSE(true_on_all_ranks(nullptr, false));
}

/// Every result of a generator, one after the other.
std::vector<double> all_answers(const TggeChain& chain, Algorithm algorithm, Communicator* communicator) {
  Execution execution;
  execution.backend = Backend::cpu;
  execution.algorithm = algorithm;
  execution.threads = 1;
  execution.communicator = communicator;
  const RateEquation equation = make_rate_equation(chain, execution);
  const std::size_t modes = equation.modes();
  Random random(11);
  const auto lambda = random.vector(modes, -3.0, 3.0), direction = random.vector(modes, -1.0, 1.0);
  const auto occupations = random.vector(modes, 0.05, 0.95);
  std::vector<double> holes(modes), all, result(modes), second(modes);
  for (std::size_t s = 0; s < modes; ++s) holes[s] = 1.0 - occupations[s];
  const auto keep = [&](const std::vector<double>& values) { all.insert(all.end(), values.begin(), values.end()); };
  Generator& generator = *equation.generator;
  generator.occupation_rate(occupations, holes, result);
  keep(result);
  generator.relaxation_rate(occupations, holes, result);
  keep(result);
  generator.transition_sums(direction, lambda, result, second);
  keep(result);
  keep(second);
  generator.log_rates(lambda, result, second);
  keep(result);
  keep(second);
  generator.log_balance_derivative(direction, result);
  keep(result);
  generator.relative_transition_sums(direction, lambda, result, second);
  keep(result);
  keep(second);
  return all;
}

/// Every rank must get the bits of a single process.
void expect_same_bits(const TggeChain& chain, Algorithm algorithm) {
  const auto alone = all_answers(chain, algorithm, nullptr);
  for (const int size : {2, 3, 5}) {
    std::mutex mutex;
    with_ranks(size, [&](Communicator& communicator) {
      const auto shared = all_answers(chain, algorithm, &communicator);
      const std::lock_guard lock(mutex);
      EXPECT_TRUE(shared == alone) << "rank " << communicator.rank() << " of " << size;
    });
  }
}

TEST(TeamTest, SharesASumOverPairs) {
  Random random(1);
  for (const std::int64_t sites : {130, 512, 769})
    expect_same_bits(testing::random_chain(random, sites), Algorithm::direct);
}

TEST(TeamTest, SharesMoments) {
  Random random(2);
  expect_same_bits(testing::random_chain(random, 300001), Algorithm::separable);
}

}  // namespace
}  // namespace lindrift
