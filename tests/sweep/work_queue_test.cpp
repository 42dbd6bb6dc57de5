#include "sweep/work_queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <random>

#include "sweep/fake_task.hpp"

namespace lindrift::sweep {
namespace {

using testing::ElementsAre;

std::vector<int> visits_of(const WorkQueue& queue, std::size_t points) {
  std::vector<int> visits(points, 0);
  for (std::size_t place = 0; place < queue.units(); ++place)
    for (const std::size_t point : queue.points(place)) ++visits.at(point);
  return visits;
}

TEST(WorkQueue, HasEachMissingPointOnce) {
  std::mt19937 random(3);
  TaskEntry task = fake_task([](std::size_t, const Execution&, const Monitor&) { return 0.0; });
  for (const std::size_t points : {1U, 2U, 9U, 64U, 100U}) {
    const config::Document document = document_of(points);
    for (const std::size_t group : {1U, 3U, 8U, 40U})
      for (const bool costly : {false, true}) {
        task.grouping = [group](const config::Document&) { return Grouping{.size = group}; };
        task.cost = {};
        if (costly) task.cost = [](const config::Point& point) { return static_cast<double>(number_of(point) % 5); };
        PointSet missing(points);
        for (std::size_t p = 0; p < points; ++p)
          if (random() % 3 == 0) missing.remove(p);
        const WorkQueue queue(document, task, missing, 3);
        for (std::size_t place = 0; place < queue.units(); ++place) {
          const auto unit = queue.points(place);
          ASSERT_FALSE(unit.empty());
          EXPECT_EQ(unit.front() / group, unit.back() / group);
          EXPECT_EQ(queue.group(place).first, unit.front() / group * group);
        }
        const auto visits = visits_of(queue, points);
        for (std::size_t p = 0; p < points; ++p) EXPECT_EQ(visits[p], missing.has(p) ? 1 : 0);
        // With the static schedule every unit goes to exactly one rank.
        std::vector<std::size_t> dealt;
        for (int rank = 0; rank < 3; ++rank) {
          const auto own = queue.assigned_to(rank, 3);
          dealt.insert(dealt.end(), own.begin(), own.end());
        }
        std::sort(dealt.begin(), dealt.end());
        std::vector<std::size_t> all(queue.units());
        std::iota(all.begin(), all.end(), std::size_t{0});
        EXPECT_EQ(dealt, all);
      }
  }
}

TEST(WorkQueue, TakesTheLongestFirstAndEqualOnesAsTheyCome) {
  const config::Document document = document_of(6);
  TaskEntry task = fake_task([](std::size_t, const Execution&, const Monitor&) { return 0.0; });
  const auto order = [&] {
    const WorkQueue queue(document, task, PointSet(6), 1);
    std::vector<std::size_t> points;
    for (std::size_t place = 0; place < queue.units(); ++place) points.push_back(queue.points(place).front());
    return points;
  };
  EXPECT_THAT(order(), ElementsAre(0, 1, 2, 3, 4, 5));
  task.cost = [](const config::Point& point) { return number_of(point) == 4 ? 10.0 : 1.0; };
  EXPECT_THAT(order(), ElementsAre(4, 0, 1, 2, 3, 5));
}

/// One point in ten, at random, takes ten times as long. Taking the longest first ends within a twentieth of the ideal
/// time, which is the work divided by the number of ranks.
TEST(WorkQueue, KeepsSkewedPointsBalanced) {
  std::mt19937 random(5);
  for (int round = 0; round < 20; ++round) {
    std::vector<double> costs(100);
    for (std::size_t i = 0; i < costs.size(); ++i) costs[i] = i % 10 == 0 ? 10.0 : 1.0;
    std::shuffle(costs.begin(), costs.end(), random);
    std::stable_sort(costs.begin(), costs.end(), std::greater<>());
    for (const int ranks : {2, 3, 4}) {
      const double ideal = std::accumulate(costs.begin(), costs.end(), 0.0) / ranks;
      EXPECT_LE(makespan(costs, ranks), 1.05 * ideal) << ranks;
    }
  }
}

/// Of very many points the task is asked for a few costs only, along the axes.
TEST(WorkQueue, EstimatesTheCostsOfVeryManyPoints) {
  const config::Document document = config::parse(
      "[model]\nkind = 'tgge_chain'\nsites = 6\n[task]\nkind = 'steady_state'\n[sweep]\n"
      "'bath.coupling' = { start = 0.0, stop = 499.0, count = 500 }\n"
      "'bath.inverse_temperature' = { start = 0.0, stop = 499.0, count = 500 }\n",
      "INPUT.toml", {}, registry());
  TaskEntry task = fake_task([](std::size_t, const Execution&, const Monitor&) { return 0.0; });
  std::size_t asked = 0;
  task.cost = [&](const config::Point& point) {
    ++asked;
    return (1.0 + point.real("bath.coupling")) * (1000.0 - point.real("bath.inverse_temperature"));
  };
  const std::size_t points = document.sweep.points();
  const WorkQueue queue(document, task, PointSet(points), 2);
  EXPECT_LT(asked, 4096U);
  ASSERT_EQ(queue.units(), points);
  EXPECT_EQ(queue.points(0).front(), 499U * 500U);
  EXPECT_EQ(queue.points(points - 1).front(), 499U);
  double before = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < points; ++i) {
    const double cost = task.cost(document.point(queue.points(i).front()));
    EXPECT_LE(cost, before * (1.0 + 1e-6));  // costs are kept as floats
    before = cost;
  }
}

TEST(WorkQueue, CutsGroupsWhereRanksWouldIdle) {
  EXPECT_EQ(parts_of_groups(1, 64, 1), 1U);
  EXPECT_EQ(parts_of_groups(1, 64, 4), 4U);
  EXPECT_EQ(parts_of_groups(1, 64, 100), 8U);  // with 8 points each
  EXPECT_EQ(parts_of_groups(3, 64, 2), 2U);
  EXPECT_EQ(parts_of_groups(1000, 64, 64), 1U);
  EXPECT_EQ(parts_of_groups(1, 10, 4), 1U);

  TaskEntry task = fake_task([](std::size_t, const Execution&, const Monitor&) { return 0.0; });
  task.grouping = [](const config::Document&) { return Grouping{.size = 50}; };
  EXPECT_EQ(WorkQueue(document_of(100), task, PointSet(100), 1).units(), 2U);
  const WorkQueue queue(document_of(100), task, PointSet(100), 4);
  ASSERT_EQ(queue.units(), 4U);
  EXPECT_EQ(queue.points(1).front(), 25U);
  EXPECT_EQ(queue.group(1), std::pair(std::size_t{0}, std::size_t{50}));
  EXPECT_EQ(queue.points(3).back(), 99U);
}

/// The input alone determines where chains begin, whatever the ranks and the missing points.
TEST(WorkQueue, NeverCutsChains) {
  std::mt19937 random(7);
  TaskEntry task = fake_task([](std::size_t, const Execution&, const Monitor&) { return 0.0; });
  constexpr std::size_t rows = 4;
  for (const std::size_t row : {1U, 2U, 9U, 40U})
    for (const std::size_t size : {2U, 3U, 9U, 100U})
      for (const int ranks : {1, 3, 64})
        for (const bool all : {true, false}) {
          const std::size_t points = rows * row;
          const Grouping grouping{.size = std::min(size, row), .row = row, .chained = true};
          task.grouping = [&](const config::Document&) { return grouping; };
          PointSet missing(points);
          for (std::size_t p = 0; !all && p < points; ++p)
            if (random() % 3 != 0) missing.remove(p);
          const WorkQueue queue(document_of(points), task, missing, ranks);
          const auto visits = visits_of(queue, points);
          for (std::size_t p = 0; p < points; ++p) EXPECT_EQ(visits[p], missing.has(p) ? 1 : 0);
          if (all) {
            EXPECT_EQ(queue.units(), groups_of(grouping, points));
          }
          for (std::size_t place = 0; place < queue.units(); ++place) {
            const auto unit = queue.points(place);
            ASSERT_FALSE(unit.empty());
            const auto [first, length] = queue.group(place);
            EXPECT_EQ(first, unit.front() / row * row + unit.front() % row / grouping.size * grouping.size);
            EXPECT_EQ(length, std::min(grouping.size, (first / row + 1) * row - first));
            EXPECT_LT(unit.back(), first + length);
          }
        }
}

/// A chain takes as long as its points up to the last missing one.
TEST(WorkQueue, TakesTheLongestChainsFirst) {
  TaskEntry task = fake_task([](std::size_t, const Execution&, const Monitor&) { return 0.0; });
  task.grouping = [](const config::Document&) { return Grouping{.size = 4, .row = 9, .chained = true}; };
  const auto order = [&](const PointSet& missing) {
    const WorkQueue queue(document_of(18), task, missing, 2);
    std::vector<std::size_t> first;
    for (std::size_t place = 0; place < queue.units(); ++place) first.push_back(queue.group(place).first);
    return first;
  };
  EXPECT_THAT(order(PointSet(18)), ElementsAre(0, 4, 9, 13, 8, 17));
  PointSet missing(18);
  for (const std::size_t done : {2U, 3U, 4U, 5U, 6U, 9U, 10U, 11U, 12U}) missing.remove(done);
  EXPECT_THAT(order(missing), ElementsAre(4, 13, 0, 8, 17));  // 4 with point 7 alone, 0 with points 0 and 1
}

TEST(WorkQueue, SharesUnitsWhereRanksWouldIdle) {
  EXPECT_EQ(units_to_share({1.0}, 4), 1U);
  EXPECT_EQ(units_to_share({1.0, 1.0, 1.0}, 4), 3U);
  EXPECT_EQ(units_to_share(std::vector<double>(5, 1.0), 4), 1U);  // 1 + 1/3.2 instead of 2
  EXPECT_EQ(units_to_share(std::vector<double>(8, 1.0), 4), 0U);
  EXPECT_EQ(units_to_share(std::vector<double>(7, 1.0), 4),
            0U);  // giving each of three units a rank and a third would gain nothing
  // A long unit hides the short rest.
  EXPECT_EQ(units_to_share({10.0, 1.0, 1.0}, 2), 0U);
}

}  // namespace
}  // namespace lindrift::sweep
