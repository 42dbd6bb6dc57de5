// Steady states along a sweep that start from each other: the task itself, on ranks.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <mutex>

#include "lindrift/error.hpp"
#include "support/group_of_threads.hpp"
#include "sweep/sweep.hpp"

namespace lindrift::sweep {
namespace {

using testing_support::on_ranks;

constexpr std::size_t rows = 3, row = 9, points = rows * row;

/// Three rows of nine points of a direct sum.
config::Document document_of(int chain, const std::string& more = "") {
  return config::parse(
      "[model]\nkind = 'tgge_rashba'\nsites = 15\nzeeman_field = 0.7\nrashba_y = 0.4\nrashba_z = 0.9\n"
      "[bath]\nnonequilibrium_fraction = 0.5\nspectrum = 'lorentzian'\n[task]\nkind = 'steady_state'\n"
      "[solver]\nchain = " +
          std::to_string(chain) + "\n" + more +
          "[sweep]\n'initial.filling' = [0.3, 0.5, 0.6]\n"
          "'bath.inverse_temperature' = { start = 0.5, stop = 4.5, count = 9 }\n",
      "INPUT.toml", {}, registry());
}

using Records = std::map<std::size_t, Record>;

struct How {
  int ranks = 1;
  Schedule schedule = Schedule::dynamic;
  PointSet wanted{points};
  std::size_t stop_after = points + 1;  ///< points kept
};

Records records_of(const config::Document& document, const How& how = {}) {
  const TaskEntry& task = find_task(find_model(document.model), document.task);
  Records kept;
  std::mutex mutex;
  on_ranks(how.ranks, [&](ProcessGroup& ranks) {
    RunOptions options;
    options.schedule = how.schedule;
    options.keep = [&](const Record& record) {
      const std::lock_guard lock(mutex);
      EXPECT_TRUE(kept.emplace(static_cast<std::size_t>(record.point), record).second) << "computed twice";
    };
    options.stop_requested = [&] {
      const std::lock_guard lock(mutex);
      return kept.size() >= how.stop_after;
    };
    Execution execution;
    execution.backend = Backend::cpu;
    execution.threads = 1;
    run(document, task, execution, ranks, how.wanted, {}, options);
  });
  return kept;
}

int steps_of(const Record& record) {
  for (const auto& [name, value] : record.summary)
    if (name == "steps") return static_cast<int>(value);
  return 0;
}

int steps_of(const Records& records) {
  int steps = 0;
  for (const auto& [point, record] : records) steps += steps_of(record);
  return steps;
}

void expect_same(const Records& records, const Records& expected) {
  for (const auto& [point, record] : records) {
    EXPECT_EQ(record.status, expected.at(point).status) << point;
    EXPECT_EQ(record.message, expected.at(point).message) << point;
    EXPECT_TRUE(record.data == expected.at(point).data || record.status == Status::failed) << "bits of point " << point;
  }
}

TEST(Chain, AgreesWithColdStartsInFewerSteps) {
  const Records cold = records_of(document_of(1)), warm = records_of(document_of(4));
  ASSERT_EQ(warm.size(), points);
  EXPECT_LT(steps_of(warm), steps_of(cold));
  for (const auto& [point, record] : warm) {
    EXPECT_EQ(record.status, Status::done) << point;
    const bool first = point % row % 4 == 0;
    EXPECT_EQ(record.data == cold.at(point).data, first) << "the first point of a chain starts cold: " << point;
    const auto& one = std::get<std::vector<double>>(record.data.front());
    const auto& other = std::get<std::vector<double>>(cold.at(point).data.front());
    for (std::size_t s = 0; s < one.size(); ++s) EXPECT_NEAR(one[s], other[s], 1e-12 * (1.0 + std::abs(other[s])));
  }
}

TEST(Chain, BitsDependOnTheInputAlone) {
  const config::Document document = document_of(4);
  const Records expected = records_of(document);
  for (const int ranks : {2, 3, 11})
    for (const Schedule schedule : {Schedule::dynamic, Schedule::static_even}) {
      const Records records = records_of(document, {.ranks = ranks, .schedule = schedule});
      EXPECT_EQ(records.size(), points);
      expect_same(records, expected);
    }
  // Stopped, then continued on a different number of ranks.
  for (const std::size_t stop_after : {1U, 6U, 15U}) {
    Records first = records_of(document, {.ranks = 2, .stop_after = stop_after});
    EXPECT_GE(first.size(), stop_after);
    EXPECT_LT(first.size(), points);
    PointSet left(points);
    for (const auto& [point, record] : first) left.remove(point);
    const Records second = records_of(document, {.ranks = 3, .wanted = left});
    EXPECT_EQ(second.size(), left.count());
    first.insert(second.begin(), second.end());
    EXPECT_EQ(first.size(), points);
    expect_same(first, expected);
  }
  // Any point of a chain without the others.
  for (const std::size_t wanted : {7U, 8U, 12U}) {
    PointSet one(points);
    for (std::size_t p = 0; p < points; ++p)
      if (p != wanted) one.remove(p);
    const Records records = records_of(document, {.wanted = one});
    ASSERT_EQ(records.size(), 1U);
    expect_same(records, expected);
  }
}

TEST(Chain, APointThatFailsSaysWhyAndTheNextStartsCold) {
  const config::Document whole = document_of(9);
  config::Document broken = whole;
  const std::size_t bad = 3;
  config::AxisValues& axis = broken.sweep.axes.back().values;
  std::vector<config::Value> values(axis.begin(), axis.end());
  values[bad] = std::numeric_limits<double>::quiet_NaN();
  axis = values;
  const Records expected = records_of(broken), cold = records_of(document_of(1)), unbroken = records_of(whole);
  ASSERT_EQ(expected.size(), points);
  for (const auto& [point, record] : expected) {
    EXPECT_EQ(record.status, point % row == bad ? Status::failed : Status::done) << point;
    if (point % row == bad) {
      EXPECT_THAT(record.message, testing::HasSubstr("inverse_temperature"));
    }
    if (point % row < bad) {
      EXPECT_EQ(record.data, unbroken.at(point).data) << point;
    }
    if (point % row == bad + 1) {
      EXPECT_EQ(record.data, cold.at(point).data) << point;
    }
  }
  for (const int ranks : {2, 3}) expect_same(records_of(broken, {.ranks = ranks}), expected);
  PointSet later(points);
  for (std::size_t p = 0; p < points; ++p)
    if (p % row <= bad + 1) later.remove(p);
  expect_same(records_of(broken, {.wanted = later}), expected);
}

/// If both starts have too few steps, the outcome is the same, and no other point starts from the result.
TEST(Chain, PointsThatDoNotConvergeStartNobody) {
  for (const int most : {2, 3, 4}) {
    const std::string steps = "max_steps = " + std::to_string(most) + "\n";
    const Records cold = records_of(document_of(1, steps)), warm = records_of(document_of(9, steps));
    for (const auto& [point, record] : warm) {
      if (cold.at(point).status == Status::done) {
        EXPECT_EQ(record.status, Status::done) << "what converges by itself converges in a chain: " << point;
      }
      if (record.status == Status::done || point % row == 0) continue;
      const bool before_it_failed = warm.at(point - 1).status != Status::done;
      EXPECT_EQ(steps_of(record), before_it_failed ? most : 2 * most) << point;
    }
    EXPECT_GE(
        std::count_if(warm.begin(), warm.end(), [](const auto& one) { return one.second.status == Status::done; }),
        std::count_if(cold.begin(), cold.end(), [](const auto& one) { return one.second.status == Status::done; }));
  }
}

/// A distant start can take more steps than a cold one; if it takes too many, the cold start is tried too.
TEST(Chain, APointIsTriedWithoutItsStartBeforeItIsGivenUp) {
  const auto far_apart = [](int chain, int most) {
    config::Document document = document_of(chain, "max_steps = " + std::to_string(most) + "\n");
    document.sweep.axes.front().values = {0.4};
    document.sweep.axes.back().values = {0.1, 60.0};
    return records_of(document, {.wanted = PointSet(2)});
  };
  const int cold_steps = steps_of(far_apart(1, 100).at(1));
  ASSERT_GT(steps_of(far_apart(2, 100).at(1)), cold_steps);
  const Records cold = far_apart(1, cold_steps), warm = far_apart(2, cold_steps);
  EXPECT_EQ(warm.at(1).status, Status::done);
  EXPECT_EQ(steps_of(warm.at(1)), 2 * cold_steps) << "those in vain count";
  EXPECT_EQ(warm.at(1).data.front(), cold.at(1).data.front());
}

TEST(Chain, GroupsOfTheInput) {
  const auto grouping = [](const std::string& chain, const std::vector<std::pair<std::string, std::string>>& sweep) {
    std::string text =
        "[model]\nkind = 'tgge_chain'\nsites = 128\n[bath]\nspectrum = 'ohmic'\n[task]\nkind = 'steady_state'\n"
        "[solver]\nchain = " +
        chain + "\n[sweep]\n";
    for (const auto& [key, values] : sweep) text += "'" + key + "' = " + values + "\n";
    const config::Document document = config::parse(text, "INPUT.toml", {}, registry());
    return find_task(find_model("tgge_chain"), "steady_state").grouping(document);
  };
  const std::pair<std::string, std::string> beta{"bath.inverse_temperature", "[1.0, 2.0, 3.0]"},
      coupling{"bath.coupling", "[0.1, 0.2]"}, hopping{"model.hopping", "[1.0, 1.1]"};
  Grouping got = grouping("2", {hopping, beta});
  EXPECT_TRUE(got.chained && got.size == 2 && got.row == 3 && got.note.empty());
  got = grouping("1000000", {hopping, beta});
  EXPECT_TRUE(got.chained && got.size == 3 && got.row == 3);
  got = grouping("1", {hopping, beta});
  EXPECT_TRUE(!got.chained && got.size == 1 && got.note.empty());
  got = grouping("5", {beta, coupling});
  EXPECT_TRUE(!got.chained && got.size == 2);
  EXPECT_THAT(got.note, testing::HasSubstr("solver.chain = 5 has no effect"));
  for (const auto& nothing : {std::vector<std::pair<std::string, std::string>>{}, {beta, {"model.hopping", "[1.0]"}}}) {
    got = grouping("5", nothing);
    EXPECT_TRUE(!got.chained && got.size == 1);
    EXPECT_THAT(got.note, testing::HasSubstr("no effect"));
  }
  got = grouping("5", {{"mode", "'zip'"}, {"model.hopping", "[1.0, 1.1, 1.2]"}, beta});
  EXPECT_TRUE(got.chained && got.size == 3 && got.row == 3);
}

}  // namespace
}  // namespace lindrift::sweep
