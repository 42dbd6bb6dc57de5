// Measures the overhead of a campaign, on the ranks of MPI. Points here take a given time by the clock instead of
// computing something, so that other programs on the machine disturb less. benchmarks/campaigns.py runs this and
// explains the numbers.
//   mpirun -n R campaign_benchmark FOLDER [--quick]      FOLDER receives journals

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <numeric>
#include <thread>
#include <vector>

#include "registry/registry.hpp"
#include "sweep/journal.hpp"
#include "sweep/sweep.hpp"

namespace lindrift::sweep {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

void spin(double seconds) {
  const auto start = Clock::now();
  while (seconds_since(start) < seconds) {
  }
}

double quantile(std::vector<double> values, double share) {
  const auto place = values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), place, values.end());
  return *place;
}

/// The numbers of every rank, on every rank, one rank after the other.
std::vector<double> of_all_ranks(ProcessGroup& ranks, const std::vector<double>& own) {
  const auto size = static_cast<std::size_t>(ranks.size()), rank = static_cast<std::size_t>(ranks.rank());
  std::vector<double> all(size * own.size());
  std::copy(own.begin(), own.end(), all.begin() + static_cast<std::ptrdiff_t>(rank * own.size()));
  std::vector<std::size_t> bounds(size + 1);
  for (std::size_t r = 0; r <= size; ++r) bounds[r] = r * own.size();
  ranks.all_gather(all, bounds);
  return all;
}

config::Document document_of(std::size_t points) {
  return config::parse(fmt::format("[model]\nkind = 'tgge_chain'\nsites = 6\n[task]\nkind = 'steady_state'\n[sweep]\n"
                                   "'bath.inverse_temperature' = {{ start = 0.0, stop = {}.0, count = {} }}\n",
                                   points - 1, points),
                       "benchmark.toml", {}, registry());
}
std::size_t number_of(const config::Point& point) {
  return static_cast<std::size_t>(point.real("bath.inverse_temperature") + 0.5);
}

/// Points that take the given number of seconds and yield one number.
TaskEntry task_of(const std::function<double(std::size_t)>& seconds, bool known) {
  TaskEntry task = find_task(find_model("tgge_chain"), "steady_state");
  task.shares_a_point = false;
  task.grouping = {};
  task.run_group = {};
  task.cost = {};
  if (known) task.cost = [seconds](const config::Point& point) { return seconds(number_of(point)); };
  task.run = [seconds](const config::Point& point, const Execution&, const Monitor&) {
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds(number_of(point))));
    io::Result result;
    result.fields.push_back({"current", {}, {}, std::vector{1.0}, "1", "a number"});
    return result;
  };
  return task;
}

/// Time from the first claim to the end on all ranks, divided by the points' total time shared evenly.
double makespan_over_ideal(ProcessGroup& ranks, const std::string& folder, bool known, std::size_t points) {
  constexpr double brief = 0.01;
  const auto seconds = [](std::size_t k) { return k % 11 == 10 ? 10.0 * brief : brief; };
  const config::Document document = document_of(points);
  const TaskEntry task = task_of(seconds, known);
  const std::string path = fmt::format("{}/skewed.{}.records", folder, ranks.rank());
  std::filesystem::remove(path);
  JournalWriter journal(path, 1);
  RunOptions options;
  double own = 0.0;
  options.keep = [&](const Record& record) {
    own += record.seconds;
    journal.append(record.point, encode(record));
  };
  ranks.maximum(0);
  const auto start = Clock::now();
  run(document, task, {}, ranks, PointSet(points), {}, options);
  const double taken = seconds_since(start);
  const auto all = of_all_ranks(ranks, {own});
  return taken / (std::accumulate(all.begin(), all.end(), 0.0) / ranks.size());
}

/// Median and 99th percentile of the seconds that this rank's claims take.
std::vector<double> claims(SharedCounters& counters, std::size_t count) {
  std::vector<double> seconds(count);
  for (double& each : seconds) {
    const auto start = Clock::now();
    counters.add(SharedCounters::queue_head, 1);
    each = seconds_since(start);
  }
  return {quantile(seconds, 0.5), quantile(seconds, 0.99)};
}

struct JournalCost {
  double first = 0.0;    ///< seconds for the first record, which includes creating the file
  double waiting = 0.0;  ///< share of a point's time that the rank waits, averaged over the other records
  double usual = 0.0;    ///< median of these shares, unaffected by other programs
};

JournalCost journal_cost(const std::string& folder, std::size_t points, std::size_t numbers) {
  constexpr double point_seconds = 0.01;
  const std::string path = fmt::format("{}/journal.{}.records", folder, numbers);
  std::filesystem::remove(path);
  JournalWriter journal(path, 1);
  Record record;
  record.status = Status::done;
  record.data.emplace_back(std::vector<double>(numbers, 1.0));
  std::vector<double> waiting;
  for (std::size_t k = 0; k < points; ++k) {
    record.point = k;
    record.seconds = point_seconds;
    spin(point_seconds);
    const auto begin = Clock::now();
    journal.append(record.point, encode(record));
    waiting.push_back(seconds_since(begin));
  }
  const double first = waiting.front();
  waiting.erase(waiting.begin());
  const double mean = std::accumulate(waiting.begin(), waiting.end(), 0.0) / static_cast<double>(waiting.size());
  return {first, mean / point_seconds, quantile(waiting, 0.5) / point_seconds};
}

void print_list(const char* name, const std::vector<double>& values, const char* end) {
  fmt::print("  \"{}\": [{}]{}\n", name, fmt::join(values, ", "), end);
}

void measure(ProcessGroup& ranks, const std::string& folder, bool quick) {
  const bool root = ranks.rank() == 0;
  const std::size_t points = quick ? 44 : 220, repetitions = quick ? 1 : 5;
  if (root) fmt::print("{{\n  \"ranks\": {},\n  \"points\": {},\n", ranks.size(), points);

  for (const bool known : {true, false}) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < repetitions; ++i) ratios.push_back(makespan_over_ideal(ranks, folder, known, points));
    if (root) print_list(known ? "makespan_of_known_costs" : "makespan_of_unknown_costs", ratios, ",");
  }

  const std::size_t count = quick ? 2000 : 20000;
  {
    const auto counters = ranks.make_counters();
    if (root) fmt::print("  \"counters\": \"{}\",\n", counters->kind());
    claims(*counters, 100);
    for (int claiming = 0; claiming < ranks.size(); ++claiming) {
      ranks.maximum(0);
      std::vector<double> own(2);
      const double busy = quick ? 0.2 : 1.0;
      if (ranks.rank() == claiming)
        own = claims(*counters, count);
      else
        spin(busy);  // busy with a long point, without calls of MPI
      const auto all = of_all_ranks(ranks, own);
      const auto first = all.begin() + 2 * claiming;
      if (root) print_list(fmt::format("claim_of_rank_{}_alone", claiming).c_str(), {first, first + 2}, ",");
    }
    ranks.maximum(0);
    const auto all = of_all_ranks(ranks, claims(*counters, count));
    if (root) print_list("claims_at_once", all, ",");
    ranks.maximum(0);  // no rank uses the counters any more
  }

  if (root)
    for (const std::size_t numbers : {std::size_t{1}, std::size_t{1000}}) {
      std::vector<double> first, waiting, usual;
      for (std::size_t i = 0; i < repetitions; ++i) {
        const JournalCost cost = journal_cost(folder, quick ? 30 : 100, numbers);
        first.push_back(cost.first);
        waiting.push_back(cost.waiting);
        usual.push_back(cost.usual);
      }
      print_list(fmt::format("journal_first_{}", numbers).c_str(), first, ",");
      print_list(fmt::format("journal_waiting_{}", numbers).c_str(), waiting, ",");
      print_list(fmt::format("journal_usual_{}", numbers).c_str(), usual, numbers == 1 ? "," : "\n}");
    }
  ranks.maximum(0);
}

}  // namespace
}  // namespace lindrift::sweep

int main(int argc, char** argv) {
  const auto ranks = lindrift::sweep::make_process_group(&argc, &argv);
  if (argc < 2) {
    fmt::print(stderr, "usage: mpirun -n R campaign_benchmark FOLDER [--quick]\n");
    return 2;
  }
  try {
    lindrift::sweep::measure(*ranks, argv[1], argc > 2 && std::string(argv[2]) == "--quick");
  } catch (const std::exception& failure) {
    fmt::print(stderr, "error: rank {}: {}\n", ranks->rank(), failure.what());
    ranks->abort(1);
  }
}
