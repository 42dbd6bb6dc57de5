#include <gtest/gtest.h>

#include <cstring>

#include "lindrift/tgge/chain.hpp"
#include "lindrift/tgge/relax.hpp"

namespace lindrift::testing {
namespace {

bool same_bits(const std::vector<double>& left, const std::vector<double>& right) {
  return left.size() == right.size() && std::memcmp(left.data(), right.data(), left.size() * sizeof(double)) == 0;
}

void expect_same(const RelaxResult& left, const RelaxResult& right) {
  EXPECT_TRUE(same_bits(left.lagrange_multiplier, right.lagrange_multiplier));
  EXPECT_TRUE(same_bits(left.occupation, right.occupation));
  EXPECT_TRUE(same_bits(left.current, right.current));
  EXPECT_TRUE(same_bits(left.particle_number, right.particle_number));
  EXPECT_TRUE(same_bits(left.residual, right.residual));
  EXPECT_EQ(left.steps, right.steps);
  EXPECT_EQ(left.rate_evaluations, right.rate_evaluations);
  EXPECT_EQ(left.converged, right.converged);
}

class RelaxCheckpointTest : public ::testing::TestWithParam<Integrator> {
 protected:
  RelaxCheckpointTest() {
    chain_.sites = 12;
    chain_.bath.nonequilibrium_fraction = 0.6;
    chain_.bath.inverse_temperature = 3.0;
    options_.integrator = GetParam();
  }
  /// An independent calculation, as another process would run it.
  RelaxResult run(const RelaxOptions& options) const {
    const RateEquation equation = make_rate_equation(chain_);
    std::vector<double> start(12);
    for (std::size_t s = 0; s < start.size(); ++s) start[s] = s % 3 == 0 ? -4.0 : 2.5;
    return relax(equation, start, times_, options);
  }

  TggeChain chain_;
  RelaxOptions options_;
  std::vector<double> times_ = {0.0, 0.5, 3.0, 20.0, 21.0, 300.0};
};

TEST_P(RelaxCheckpointTest, GoesOnWithTheSameBitsFromEveryOutputTime) {
  const RelaxResult undisturbed = run(options_);
  ASSERT_TRUE(undisturbed.converged);
  for (std::size_t reached = 1; reached < times_.size(); ++reached) {
    std::vector<unsigned char> saved;
    RelaxOptions first = options_;
    first.monitor.progress = [&, times = times_.size()](double fraction) {
      return fraction < (static_cast<double>(reached) - 0.5) / static_cast<double>(times);
    };
    first.monitor.checkpoint = [&](const auto& state) { saved = state(); };
    const RelaxResult part = run(first);
    EXPECT_TRUE(part.stopped);
    EXPECT_FALSE(part.converged);
    RelaxOptions second = options_;
    second.monitor.restored = saved;
    std::vector<double> seen;
    second.monitor.progress = [&](double fraction) { return seen.push_back(fraction), true; };
    expect_same(run(second), undisturbed);
    EXPECT_EQ(seen.size(), times_.size() - reached);  // known results are not integrated again
  }
}

TEST_P(RelaxCheckpointTest, IgnoresBytesOfAnotherProblem) {
  std::vector<unsigned char> saved;
  RelaxOptions options = options_;
  options.monitor.checkpoint = [&](const auto& state) { saved = state(); };
  const RelaxResult undisturbed = run(options);
  options.monitor.checkpoint = {};
  for (const std::size_t length : {std::size_t{0}, std::size_t{7}, saved.size() - 1, saved.size() + 1}) {
    options.monitor.restored = saved;
    options.monitor.restored.resize(length);
    expect_same(run(options), undisturbed);
  }
  options.monitor.restored = saved;
  times_.back() = 301.0;  // the checkpoint is for time 21, which is unchanged; the rest is integrated
  EXPECT_TRUE(run(options).converged);
  times_[4] = 22.0;
  RelaxOptions plain = options_;
  expect_same(run(options), run(plain));
}

INSTANTIATE_TEST_SUITE_P(Both, RelaxCheckpointTest, ::testing::Values(Integrator::adams, Integrator::bdf),
                         [](const auto& param_info) { return std::string(name(param_info.param)); });

}  // namespace
}  // namespace lindrift::testing
