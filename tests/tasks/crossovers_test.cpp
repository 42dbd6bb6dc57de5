#include "bench/crossovers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace lindrift::benchmarks {
namespace {

/// A CPU that takes 1e-9 w^2 seconds for work w, and a device that takes `start` w^{1/2}.
std::vector<ComparisonTimes> times_at(const std::vector<double>& work, double start) {
  std::vector<ComparisonTimes> times;
  for (const double w : work) times.push_back({w, 1e-9 * w * w, start * std::pow(w, 0.5)});
  return times;
}

TEST(CrossoverTest, LiesWherePowersOfTheWorkCross) {
  // 1e-9 w^2 = s w^0.5 at w = (1e9 s)^{2/3}; logarithms of powers are straight lines.
  for (const double start : {1e-6, 3.7e-5, 2e-4})
    EXPECT_NEAR(crossover_of(times_at({10.0, 70.0, 300.0, 1000.0, 9000.0}, start)), std::pow(1e9 * start, 2.0 / 3.0),
                1e-9 * std::pow(1e9 * start, 2.0 / 3.0));
}

TEST(CrossoverTest, IsTheLeastWorkOfADeviceThatAlwaysWins) {
  EXPECT_EQ(crossover_of(times_at({1000.0, 2000.0}, 1e-9)), 1000.0);
  EXPECT_EQ(crossover_of(times_at({1000.0}, 1e-9)), 1000.0);
}

TEST(CrossoverTest, IsInfiniteForADeviceThatNeverWins) {
  EXPECT_TRUE(std::isinf(crossover_of(times_at({10.0, 20.0}, 1.0))));
  EXPECT_TRUE(std::isinf(crossover_of({{1.0, 2.0, 1.0}, {2.0, 3.0, 3.0}}))) << "as fast at the end";
}

TEST(CrossoverTest, LiesBehindTheLastDefeat) {
  const double work = crossover_of({{1.0, 2.0, 1.0}, {2.0, 1.0, 2.0}, {4.0, 2.0, 1.0}});
  EXPECT_NEAR(work, 2.0 * std::sqrt(2.0), 1e-12);
}

TEST(CrossoverTest, EverySeriesBelongsToAThreshold) {
  std::set<std::string_view> names, measured;
  for (const DeviceThreshold& each : all_device_thresholds()) names.insert(each.name);
  for (const ComparisonSeries& each : comparisons()) {
    EXPECT_TRUE(names.contains(each.threshold)) << each.threshold;
    EXPECT_TRUE(measured.insert(each.threshold).second) << each.threshold;
    EXPECT_TRUE(std::is_sorted(each.sizes.begin(), each.sizes.end())) << each.threshold;
  }
}

}  // namespace
}  // namespace lindrift::benchmarks
