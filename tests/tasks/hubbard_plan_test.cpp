// Plans of long chains, which are made from a few of their momenta.
#include <gtest/gtest.h>

#include <vector>

#include "hubbard/fft.hpp"
#include "hubbard/modes.hpp"
#include "lindrift/hubbard/green.hpp"
#include "lindrift/hubbard/spectral.hpp"

namespace lindrift {
namespace {

/// @param gain  small: only few momenta are slow, those near k = pi/2
HubbardChain chain_of(std::int64_t sites, double gain) {
  HubbardChain chain;
  chain.sites = sites;
  chain.interaction = {2.0};
  chain.down.gain = gain;
  chain.down.two_site_loss = 2.0;
  return chain;
}

/// The same chain, whose plans are made from all momenta because it has a list of them.
HubbardChain with_a_list(HubbardChain chain) {
  chain.down.loss_table.assign(chain.size(), 0.0);
  return chain;
}

std::vector<double> frequencies() {
  std::vector<double> grid(201);
  for (std::size_t i = 0; i < grid.size(); ++i) grid[i] = -4.0 + 0.04 * static_cast<double>(i);
  return grid;
}

/// Of numbers that depend on averages over a smooth rate, on few momenta and on all.
constexpr double allowed = 0.02;
void expect_close(double one, double other, const char* what) { EXPECT_NEAR(one, other, allowed * other) << what; }

TEST(HubbardPlan, IsThatOfAllMomenta) {
  const std::vector<double> times = {1.0, 20.0};
  for (const double gain : {0.2, 0.001})
    for (const std::int64_t sites : {20'001, 30'000}) {
      const HubbardChain chain = chain_of(sites, gain), whole = with_a_list(chain);
      const HubbardGreenPlan green = plan_green(chain, times, 1e-10), of_all = plan_green(whole, times, 1e-10);
      expect_close(static_cast<double>(green.steps), static_cast<double>(of_all.steps), "steps");
      expect_close(green.seconds, of_all.seconds, "seconds of green");
      expect_close(green.memory_bytes, of_all.memory_bytes, "memory of green");
      const HubbardSpectralPlan spectral = plan_spectral(chain, frequencies()),
                                all = plan_spectral(whole, frequencies());
      EXPECT_EQ(spectral.algorithm, all.algorithm);
      expect_close(spectral.nodes, all.nodes, "nodes");
      expect_close(spectral.terms, all.terms, "terms");
      expect_close(spectral.seconds, all.seconds, "seconds of spectral");
      expect_close(spectral.memory_bytes, all.memory_bytes, "memory of spectral");
    }
}

/// Beyond 8192 momenta, the way by time is chosen by every second of them, and here no other way may come of it.
TEST(HubbardPlan, OfTheSelfEnergyByTimeDoesNotJumpWhereSamplesBegin) {
  const auto plan_of = [](std::int64_t sites) {
    const HubbardModes modes = hubbard_modes(chain_of(sites, 0.001));
    return FftSelfEnergy(modes, frequencies(), 0.0, 1e-11, {.backend = Backend::cpu, .threads = 1}).plan();
  };
  const FftPlan all = plan_of(8190), some = plan_of(8194);
  EXPECT_GT(all.cut, 0.0) << "slow momenta are summed directly";
  EXPECT_EQ(some.transform, all.transform);
  expect_close(some.cut, all.cut, "cut");
  expect_close(some.end, all.end, "end");
  expect_close(static_cast<double>(some.nodes), static_cast<double>(all.nodes), "nodes");
}

}  // namespace
}  // namespace lindrift
