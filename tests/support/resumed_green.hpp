#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "lindrift/hubbard/green.hpp"
#include "support/ranks_as_threads.hpp"

namespace lindrift::testing {

/// Interrupts a propagator whose tolerance cannot be met, so that it needs several runs, each with half the step.
/// From each state that it saves it must go on to the same bits, on one rank and on three.
/// @param[in,out] options  its tolerance is set
/// @return the states, one after every group of momenta; five groups a run
inline std::vector<std::vector<unsigned char>> expect_green_goes_on(const HubbardChain& chain,
                                                                    const std::vector<double>& times,
                                                                    HubbardGreenOptions& options) {
  options.tolerance = 1e-13;
  HubbardGreenOptions own = options;
  std::vector<std::vector<unsigned char>> saved;
  own.monitor.checkpoint = [&](const auto& state) { saved.push_back(state()); };
  const Execution alone{Backend::cpu, Algorithm::automatic, 1};
  const HubbardGreen whole = green(chain, times, own, alone);
  own.monitor.checkpoint = {};
  EXPECT_EQ(saved.size() % 4, 0u);
  EXPECT_GT(saved.size(), 4u);
  for (std::size_t i = 0; i < saved.size(); i += 3) {
    own.monitor.restored = saved[i];
    for (const int size : {1, 3})
      with_ranks(size, [&](Communicator& communicator) {
        Execution member = alone;
        member.communicator = &communicator;
        HubbardGreenOptions of_rank = own;
        std::size_t rounds = 0;
        of_rank.monitor.progress = [&](double) { return ++rounds, true; };
        const HubbardGreen resumed = green(chain, times, of_rank, member);
        EXPECT_EQ(resumed.green_retarded, whole.green_retarded);
        EXPECT_EQ(resumed.error, whole.error);
        EXPECT_EQ(resumed.steps, whole.steps);
        if (communicator.rank() == 0) {
          EXPECT_EQ(rounds, saved.size() - i - 1);
        }
      });
  }
  return saved;
}

}  // namespace lindrift::testing
