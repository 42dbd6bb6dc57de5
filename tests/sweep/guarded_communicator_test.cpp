#include "sweep/guarded_communicator_test.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>

#include "support/group_of_threads.hpp"
#include "sweep/sweep.hpp"

namespace lindrift::sweep {
namespace {

using testing_support::on_ranks;

TEST(GuardedCommunicator, CompletesArrays) {
  for (const int size : {1, 2, 3, 5}) on_ranks(size, expect_arrays_complete);
}

TEST(GuardedCommunicator, FailsTogether) {
  for (const int size : {1, 2, 3, 4}) on_ranks(size, expect_failures_reach_everyone);
}

TEST(SharedUnitOf, DealsRanksEvenlyInOrder) {
  for (const int size : {1, 2, 3, 7, 8, 64}) {
    for (std::size_t teams = 1; teams <= static_cast<std::size_t>(size); ++teams) {
      std::vector<std::size_t> members(teams, 0);
      int last = 0;
      for (int rank = 0; rank < size; ++rank) {
        const int communicator = shared_unit_of(rank, size, teams);
        EXPECT_GE(communicator, last);
        last = communicator;
        ++members.at(static_cast<std::size_t>(communicator));
      }
      const auto [least, most] = std::minmax_element(members.begin(), members.end());
      EXPECT_GE(*least, 1U);
      EXPECT_LE(*most - *least, 1U);
    }
  }
}

/// A task whose points are sums shared by ranks; it fails on one rank at inverse temperature 7.
TaskEntry shared_sum(std::atomic<int>& largest_group) {
  TaskEntry task = find_task(find_model("tgge_chain"), "steady_state");
  task.shares_a_point = true;
  task.empty_result = [](const config::Point&) {
    io::Result result;
    result.fields.push_back({"current", {}, {}, std::vector<double>(1, 0.0), "1", "a sum"});
    return result;
  };
  task.run = [&largest_group, empty_result = task.empty_result](const config::Point& point, const Execution& execution,
                                                                const Monitor&) {
    Communicator alone;
    Communicator& communicator = execution.communicator != nullptr ? *execution.communicator : alone;
    int seen = largest_group;
    while (seen < communicator.size() && !largest_group.compare_exchange_weak(seen, communicator.size())) {
    }
    std::vector<double> terms(100);
    const auto bounds = share_bounds(communicator, terms.size(), 8);
    const double beta = point.real("bath.inverse_temperature");
    if (beta == 7.0 && communicator.rank() == communicator.size() - 1) throw NumericalError("seven cannot be");
    const auto own = static_cast<std::size_t>(communicator.rank());
    for (std::size_t i = bounds[own]; i < bounds[own + 1]; ++i) terms[i] = std::exp(-beta * value_of(i));
    communicator.all_gather(terms, bounds);
    io::Result result = empty_result(point);
    result.fields.front().data = std::vector{std::accumulate(terms.begin(), terms.end(), 0.0)};
    return result;
  };
  return task;
}

TEST(Sweep, RanksShareThePointsOfAShortSweep) {
  const config::Document document = config::parse(
      "[model]\nkind = 'tgge_chain'\nsites = 6\n[task]\nkind = 'steady_state'\n[sweep]\n"
      "'bath.inverse_temperature' = [1.0, 7.0, 2.0]\n",
      "INPUT.toml", {}, registry());
  std::atomic<int> largest_group = 0;
  const TaskEntry task = shared_sum(largest_group);
  const auto records_on = [&](int size) {
    std::mutex mutex;
    std::map<std::uint64_t, Record> records;
    largest_group = 0;
    on_ranks(size, [&](ProcessGroup& ranks) {
      RunOptions options;
      options.keep = [&](const Record& record) {
        const std::lock_guard lock(mutex);
        EXPECT_TRUE(records.emplace(record.point, record).second) << "kept twice";
      };
      const RunOutcome outcome = run(document, task, {}, ranks, PointSet(3), {}, options);
      if (ranks.rank() == 0) {
        EXPECT_EQ(outcome.tally.done, 2U);
      }
    });
    return records;
  };
  const auto serial = records_on(1);
  EXPECT_EQ(largest_group, 1);
  for (const int size : {2, 3, 4, 8}) {
    const auto shared = records_on(size);
    ASSERT_EQ(shared.size(), 3U);
    EXPECT_EQ(shared.at(1).message, "seven cannot be");
    for (const std::uint64_t point : {0U, 2U}) EXPECT_EQ(shared.at(point).data, serial.at(point).data);
    // Two ranks take one point each and share the third; three ranks leave none idle.
    EXPECT_EQ(largest_group, size == 2 ? 2 : (size + 2) / 3) << size << " ranks";
  }
}

}  // namespace
}  // namespace lindrift::sweep
