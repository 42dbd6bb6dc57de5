#include "sweep/sweep.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>

#include "engine/machine_memory.hpp"
#include "lindrift/error.hpp"
#include "support/group_of_threads.hpp"
#include "sweep/fake_task.hpp"

namespace lindrift::sweep {
namespace {

using testing::ElementsAre;
using testing_support::on_ranks;

/// The kept records, and the order in which they were kept.
struct Kept {
  std::mutex mutex;
  std::map<std::size_t, Record> records;
  std::map<std::size_t, int> times;
  std::vector<std::size_t> order;

  std::function<void(const Record&)> keep() {
    return [this](const Record& record) {
      const std::lock_guard lock(mutex);
      const auto point = static_cast<std::size_t>(record.point);
      records[point] = record;
      ++times[point];
      order.push_back(point);
    };
  }
  double value(std::size_t point) const {
    return std::get<std::vector<double>>(records.at(point).data.front()).front();
  }
};

RunOutcome run_on(ProcessGroup& ranks, std::size_t points, const TaskEntry& task, const RunOptions& options,
                  PointSet wanted = PointSet(0), const Execution& execution = {}) {
  const config::Document document = document_of(points);
  return run(document, task, execution, ranks, wanted.points() == 0 ? PointSet(points) : wanted, {}, options);
}

double square(std::size_t k, const Execution&, const Monitor&) { return static_cast<double>(k * k); }

TEST(Sweep, EveryPointIsComputedOnceWhateverTheRanksAndTheSchedule) {
  for (const Schedule schedule : {Schedule::dynamic, Schedule::static_even})
    for (const int size : {1, 2, 3, 4, 8})
      for (const std::size_t points : {1U, 2U, 7U, 40U}) {
        Kept kept;
        RunOptions options;
        options.schedule = schedule;
        options.keep = kept.keep();
        on_ranks(size, [&](ProcessGroup& ranks) {
          const RunOutcome outcome = run_on(ranks, points, fake_task(square), options);
          EXPECT_FALSE(outcome.stopped);
          if (ranks.rank() == 0) {
            EXPECT_EQ(outcome.tally.done, points);
          }
        });
        ASSERT_EQ(kept.records.size(), points) << size << " ranks";
        for (std::size_t k = 0; k < points; ++k) {
          EXPECT_EQ(kept.times[k], 1);
          EXPECT_EQ(kept.value(k), static_cast<double>(k * k));
        }
      }
}

/// Number of points that were computed at the same time, at most, and the threads that each was given. Points wait for
/// each other as long as fewer than `together` run.
struct AtOnce {
  int most = 0;
  std::vector<int> threads;
};
AtOnce run_at_once(std::size_t points, int threads, int together,
                   std::function<double(const config::Point&)> cost = {}) {
  AtOnce seen;
  int now = 0;
  std::mutex mutex;
  std::condition_variable changed;
  TaskEntry task = fake_task([&](std::size_t k, const Execution& execution, const Monitor&) {
    std::unique_lock lock(mutex);
    seen.most = std::max(seen.most, ++now);
    seen.threads.push_back(execution.threads);
    changed.notify_all();
    changed.wait_for(lock, std::chrono::seconds(20), [&] { return seen.most >= together; });
    --now;
    return static_cast<double>(k * k);
  });
  task.cost = std::move(cost);
  Kept kept;
  RunOptions options;
  options.keep = kept.keep();
  ProcessGroup alone;
  run_on(alone, points, task, options, PointSet(0), {.backend = Backend::cpu, .threads = threads});
  EXPECT_EQ(kept.records.size(), points);
  for (std::size_t k = 0; k < points; ++k) EXPECT_EQ(kept.value(k), static_cast<double>(k * k));
  return seen;
}

TEST(Sweep, PointsRunOnThreads) {
  using ::testing::Each;
  AtOnce seen = run_at_once(9, 3, 3);
  EXPECT_EQ(seen.most, 3);
  EXPECT_THAT(seen.threads, Each(1));
  seen = run_at_once(2, 4, 2);
  EXPECT_EQ(seen.most, 2);
  EXPECT_THAT(seen.threads, Each(2));  // what is left shares the work within the points
  // One point that takes longer than all others together needs every thread itself.
  seen = run_at_once(4, 3, 1, [](const config::Point& point) { return number_of(point) == 2 ? 10.0 : 1.0; });
  EXPECT_EQ(seen.most, 1);
  EXPECT_THAT(seen.threads, Each(3));
}

TEST(Sweep, PointsAtATimeFitIntoMemory) {
  const ProcessGroup alone;
  const config::Document document = document_of(16);
  const Execution execution{.backend = Backend::cpu, .threads = 4};
  TaskEntry task = fake_task(square);
  EXPECT_EQ(points_at_once(WorkQueue(document, task, PointSet(16), 1), document, task, execution, alone), 4);
  // A single large point, and one that may grow, wherever they stand.
  for (const std::size_t large : {0U, 7U, 15U})
    for (const double growth : {1.0, 4.0}) {
      task.footprint = [=](const config::Point& point, const Execution&) {
        return Footprint{.working = number_of(point) == large ? 0.24 / growth * machine_memory() : 1e3,
                         .growth = growth};
      };
      const WorkQueue queue(document, task, PointSet(16), 1);
      EXPECT_EQ(points_at_once(queue, document, task, execution, alone), 2);
      EXPECT_EQ(largest_footprint(document, task, execution).working, 0.24 / growth * machine_memory());
    }
}

TEST(Sweep, PointsOfDifferentSizesRunTogetherOnlyIfTheirCostsAreKnown) {
  const ProcessGroup alone;
  const config::Document document = config::parse(
      "[model]\nkind = 'tgge_chain'\n[task]\nkind = 'steady_state'\n[output]\nfields = ['current']\n[sweep]\n"
      "'model.sites' = [4, 8, 12, 16]\n",
      "INPUT.toml", {}, registry());
  TaskEntry task = fake_task(square);
  const auto at_once = [&] {
    return points_at_once(WorkQueue(document, task, PointSet(4), 1), document, task,
                          {.backend = Backend::cpu, .threads = 2}, alone);
  };
  EXPECT_EQ(at_once(), 1);
  task.cost = [](const config::Point&) { return 1.0; };
  EXPECT_EQ(at_once(), 2);
}

TEST(Sweep, OnlyPointSetPointsAreComputed) {
  PointSet wanted(20);
  for (const std::size_t done : {0U, 3U, 4U, 19U}) wanted.remove(done);
  EXPECT_EQ(wanted.count(), 16U);
  EXPECT_EQ(PointSet(20, wanted.bytes()).count(), 16U);
  for (const int size : {1, 3}) {
    Kept kept;
    RunOptions options;
    options.keep = kept.keep();
    on_ranks(size, [&](ProcessGroup& ranks) { run_on(ranks, 20, fake_task(square), options, wanted); });
    EXPECT_EQ(kept.records.size(), 16U);
    for (const auto& [point, record] : kept.records) EXPECT_TRUE(wanted.has(point));
  }
}

TEST(Sweep, APointThatThrowsIsMarkedAndTheOthersGoOn) {
  const TaskEntry task = fake_task([](std::size_t k, const Execution&, const Monitor&) -> double {
    if (k == 3) throw NumericalError("three cannot be");
    if (k == 5) throw std::bad_alloc();
    return 1.0;
  });
  Kept kept;
  RunOptions options;
  options.keep = kept.keep();
  on_ranks(2, [&](ProcessGroup& ranks) {
    const RunOutcome outcome = run_on(ranks, 8, task, options);
    if (ranks.rank() == 0) {
      EXPECT_EQ(outcome.tally.failed, 2U);
    }
  });
  EXPECT_EQ(kept.records.at(3).status, Status::failed);
  EXPECT_EQ(kept.records.at(3).message, "three cannot be");
  EXPECT_EQ(kept.records.at(5).message, "out of memory");
  EXPECT_EQ(kept.records.at(4).status, Status::done);
}

TEST(Sweep, StopsOnEveryRankWhereverTheWordComesFrom) {
  for (const int told : {0, 2}) {
    std::atomic<int> computed = 0;
    Kept kept;
    on_ranks(3, [&](ProcessGroup& ranks) {
      RunOptions options;
      options.keep = kept.keep();
      options.stop_requested = [&] { return ranks.rank() == told && computed >= 10; };
      const TaskEntry task = fake_task([&](std::size_t k, const Execution&, const Monitor&) {
        // The others wait for the rank that is told to stop, however long that one waits for a processor.
        if (ranks.rank() != told) std::this_thread::sleep_for(std::chrono::milliseconds(computed > 100 ? 2 : 0));
        ++computed;
        return static_cast<double>(k);
      });
      const RunOutcome outcome = run_on(ranks, 100000, task, options);
      EXPECT_TRUE(outcome.stopped);
    });
    EXPECT_GE(kept.records.size(), 10U);
    EXPECT_LT(kept.records.size(), 100000U);
  }
}

TEST(Sweep, ALongPointIsAskedToStopAndSavesItself) {
  std::map<std::size_t, Bytes> saved;
  int asked = 0;
  TaskEntry task = fake_task(square);
  task.run = [empty_result = task.empty_result, &asked](const config::Point& point, const Execution&,
                                                        const Monitor& monitor) {
    io::Result result = empty_result(point);
    std::size_t step = monitor.restored.empty() ? 0 : monitor.restored.front();
    for (; step < 100; ++step) {
      ++asked;
      const bool go_on = monitor.progress(static_cast<double>(step) / 100.0);
      monitor.checkpoint([&] { return Bytes{static_cast<unsigned char>(step + 1)}; });
      if (!go_on) {
        result.stopped = true;
        return result;
      }
    }
    result.fields.front().data = std::vector{42.0};
    return result;
  };
  Kept kept;
  RunOptions options;
  options.checkpoint_seconds = 1e9;
  options.keep = kept.keep();
  options.save_checkpoint = [&](std::size_t point, const Bytes& bytes) { saved[point] = bytes; };
  options.checkpoint = [&](std::size_t point) { return saved.count(point) != 0 ? saved[point] : Bytes{}; };
  ProcessGroup alone;
  options.stop_requested = [&] { return asked == 30; };
  EXPECT_TRUE(run_on(alone, 1, task, options).stopped);
  EXPECT_TRUE(kept.records.empty());
  ASSERT_EQ(saved.at(0), Bytes{30});
  options.stop_requested = {};
  EXPECT_FALSE(run_on(alone, 1, task, options).stopped);
  EXPECT_EQ(asked, 100);  // none of them twice
  EXPECT_EQ(kept.value(0), 42.0);

  // It also saves checkpoints without being stopped.
  saved.clear();
  options.checkpoint_seconds = 0.0;
  EXPECT_FALSE(run_on(alone, 1, task, options).stopped);
  EXPECT_EQ(saved.at(0), Bytes{100});
}

TEST(Sweep, APointThatCannotBeKeptEndsTheRun) {
  std::atomic<int> computed = 0;
  on_ranks(3, [&](ProcessGroup& ranks) {
    RunOptions options;
    options.keep = [&](const Record&) {
      if (ranks.rank() == 1) throw Error("the disk is full");
    };
    const TaskEntry task = fake_task([&](std::size_t k, const Execution&, const Monitor&) {
      if (ranks.rank() != 1) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      ++computed;
      return static_cast<double>(k);
    });
    const RunOutcome outcome = run_on(ranks, 100000, task, options);
    EXPECT_TRUE(outcome.stopped);
    EXPECT_EQ(static_cast<bool>(outcome.failure), ranks.rank() == 1);
  });
  EXPECT_LT(computed, 100000);
}

TEST(Sweep, GroupsAreRunTogetherAndFallApartWhereTheyFail) {
  std::vector<std::size_t> groups;
  TaskEntry task = fake_task([](std::size_t k, const Execution&, const Monitor&) -> double {
    if (k == 6) throw NumericalError("six cannot be");
    return static_cast<double>(k * k);
  });
  task.grouping = [](const config::Document&) { return Grouping{.size = 4}; };
  bool out_of_memory = false;
  task.run_group = [&](const Group& group, const Execution&, const Monitor&,
                       const std::function<void(std::size_t, io::Result)>& finished) {
    const auto count = static_cast<std::size_t>(std::count(group.wanted.begin(), group.wanted.end(), true));
    groups.push_back(count);
    EXPECT_FALSE(group.chained);
    if (out_of_memory && count > 2) throw DeviceMemoryError("no room for so many");
    for (std::size_t i = 0; i < group.wanted.size(); ++i) {
      if (!group.wanted[i]) continue;
      const std::size_t k = number_of(group.point(i));
      EXPECT_EQ(k % 4, i);
      if (k == 6) throw NumericalError("one of them");
      io::Result result = task.empty_result(group.point(i));
      result.fields.front().data = std::vector{static_cast<double>(k * k)};
      finished(i, std::move(result));
    }
  };
  Kept kept;
  std::vector<std::string> warnings;
  RunOptions options;
  options.keep = kept.keep();
  options.warn = [&](const std::string& text) { warnings.push_back(text); };
  ProcessGroup alone;
  PointSet wanted(10);
  wanted.remove(1);
  EXPECT_EQ(run_on(alone, 10, task, options, wanted).tally.failed, 1U);
  EXPECT_THAT(groups, ElementsAre(3, 4, 2));  // 0 2 3, then 4 5 6 7, then 8 9
  EXPECT_EQ(kept.records.size(), 9U);
  EXPECT_EQ(kept.records.at(6).message, "six cannot be");
  EXPECT_EQ(kept.value(7), 49.0);

  groups.clear();
  out_of_memory = true;
  EXPECT_EQ(run_on(alone, 4, task, options).tally.done, 4U);
  EXPECT_THAT(groups, ElementsAre(4, 2, 2));
  EXPECT_EQ(warnings.size(), 1U);
}

/// A large sweep is not examined point by point before it runs: what is not allowed fails, alone or in a group.
TEST(Sweep, PointsOfALargeSweepThatAreNotAllowedFail) {
  config::Document document = document_of(config::most_examined + 1000);
  const std::size_t points = document.sweep.points(), bad = 12345;
  document.schema.validate = [](const config::Point& point) {
    if (number_of(point) == bad) throw ParameterError("bath.inverse_temperature", "not this one");
  };
  for (const bool grouped : {false, true}) {
    TaskEntry task = fake_task(square);
    std::size_t in_groups = 0;
    if (grouped) {
      task.grouping = [](const config::Document&) { return Grouping{.size = 100}; };
      task.run_group = [&](const Group& group, const Execution&, const Monitor&,
                           const std::function<void(std::size_t, io::Result)>& finished) {
        for (std::size_t i = 0; i < group.wanted.size(); ++i) {
          if (!group.wanted[i]) continue;
          ++in_groups;
          EXPECT_NE(group.first + i, bad);
          finished(i, task.empty_result(group.point(i)));
        }
      };
    }
    PointSet few(points);
    for (std::size_t p = 0; p < points; ++p)
      if (p < bad - 45 || p > bad + 10) few.remove(p);
    Kept kept;
    RunOptions options;
    options.keep = kept.keep();
    ProcessGroup alone;
    const RunOutcome outcome = run(document, task, {}, alone, few, {}, options);
    EXPECT_EQ(outcome.tally.failed, 1U);
    EXPECT_EQ(outcome.tally.done, 55U);
    EXPECT_EQ(in_groups, grouped ? 55U : 0U);
    EXPECT_EQ(kept.records.at(bad).status, Status::failed);
    EXPECT_EQ(kept.records.at(bad).message, "bath.inverse_temperature: not this one");
  }
}

TEST(Sweep, PointsThatTheDeviceHasNoRoomForAreComputedOnTheCpu) {
  const TaskEntry task = fake_task([](std::size_t k, const Execution& execution, const Monitor&) -> double {
    if (k % 2 == 0 && execution.backend != Backend::cpu) throw DeviceMemoryError("out of device memory");
    return static_cast<double>(k);
  });
  std::atomic<int> warnings = 0;
  Kept kept;
  RunOptions options;
  options.keep = kept.keep();
  options.warn = [&](const std::string&) { ++warnings; };
  on_ranks(2, [&](ProcessGroup& ranks) { run_on(ranks, 9, task, options); });
  EXPECT_EQ(warnings, 1);
  EXPECT_EQ(kept.value(4), 4.0);
  EXPECT_THAT(kept.records.at(4).message, testing::HasSubstr("computed on the CPU"));
  EXPECT_EQ(kept.records.at(3).message, "");

  // --backend cuda does not fall back.
  Execution insistent;
  insistent.backend = Backend::cuda;
  ProcessGroup alone;
  EXPECT_EQ(run_on(alone, 4, task, options, PointSet(0), insistent).tally.failed, 2U);
}

/// A rank whose device is lost continues on the CPU if it may; otherwise it leaves its points missing.
TEST(Sweep, ALostDeviceMarksNoPointAsFailed) {
  for (const Backend backend : {Backend::automatic, Backend::cuda}) {
    std::atomic<int> warnings = 0;
    Kept kept;
    on_ranks(3, [&](ProcessGroup& ranks) {
      bool lost = false;
      const TaskEntry task = fake_task([&](std::size_t k, const Execution& where, const Monitor&) -> double {
        if (ranks.rank() == 1 && k > 3) lost = true;
        if (lost && where.backend != Backend::cpu) throw DeviceLostError("an illegal address");
        return static_cast<double>(k);
      });
      RunOptions options;
      options.schedule = Schedule::static_even;
      options.keep = kept.keep();
      options.warn = [&](const std::string& text) {
        EXPECT_THAT(text, testing::HasSubstr(backend == Backend::cuda ? "rank 1 computes no more points"
                                                                      : "rank 1 continues on the CPU"));
        ++warnings;
      };
      // As where there is a device: it computes one point at a time.
      const Execution execution{.backend = backend, .threads = 1};
      const RunOutcome outcome = run_on(ranks, 60, task, options, PointSet(0), execution);
      EXPECT_FALSE(outcome.stopped);
    });
    EXPECT_EQ(warnings, 1);
    EXPECT_EQ(kept.records.size(), backend == Backend::cuda ? 41U : 60U);  // rank 1 has 1, 4, 7, ... and loses 4
    for (const auto& [point, record] : kept.records) EXPECT_EQ(record.status, Status::done);
  }
}

TEST(Sweep, TellsOfRanksWithoutWork) {
  TaskEntry task = fake_task(square);
  for (const std::size_t chain : {1U, 5U}) {
    if (chain > 1)
      task.grouping = [&](const config::Document&) { return Grouping{.size = chain, .row = 10, .chained = true}; };
    std::vector<std::string> warnings;
    on_ranks(3, [&](ProcessGroup& ranks) {
      RunOptions options;
      if (ranks.rank() == 0) options.warn = [&](const std::string& text) { warnings.push_back(text); };
      run_on(ranks, 10, task, options);
    });
    EXPECT_EQ(warnings, chain > 1 ? std::vector<std::string>{"3 ranks for 2 chains: 1 of them idle"}
                                  : std::vector<std::string>{});
  }
}

TEST(Sweep, ReportsProgressUpToTheEnd) {
  std::vector<std::size_t> finished;
  on_ranks(3, [&](ProcessGroup& ranks) {
    RunOptions options;
    if (ranks.rank() == 0)
      options.report = [&](const Tally& tally) {
        finished.push_back(tally.finished());
        EXPECT_EQ(tally.total, 50U);
      };
    run_on(ranks, 50, fake_task(square), options);
  });
  EXPECT_TRUE(std::is_sorted(finished.begin(), finished.end()));
  EXPECT_EQ(finished.back(), 50U);
}

TEST(Sweep, ReportsWhatIsDoneOfThePointsThatRun) {
  const TaskEntry task = fake_task([](std::size_t k, const Execution&, const Monitor& monitor) {
    for (const double fraction : {0.25, 0.75}) monitor.progress(fraction);
    return static_cast<double>(k);
  });
  double largest = 0.0, last = 1.0;
  RunOptions options;
  options.report = [&](const Tally& tally) {
    last = tally.fraction_of_current;
    largest = std::max(largest, last);
    EXPECT_GE(last, -1e-12);
    EXPECT_LE(last, 0.75 * 2 + 1e-12);  // of two points
  };
  ProcessGroup alone;
  run_on(alone, 20, task, options, PointSet(0), {.backend = Backend::cpu, .threads = 2});
  EXPECT_GE(largest, 0.75 - 1e-12);
  EXPECT_NEAR(last, 0.0, 1e-12);
}

}  // namespace
}  // namespace lindrift::sweep
