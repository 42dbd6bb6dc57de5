#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bench/workloads.hpp"
#include "cli/verbs.hpp"
#include "config/config.hpp"
#include "engine/linear_algebra.hpp"
#include "engine/machine_memory.hpp"
#include "engine/threads.hpp"
#include "io/output.hpp"
#include "lindrift/error.hpp"
#include "lindrift/lindrift.hpp"

namespace lindrift::cli {

namespace {

using benchmarks::Case;
using benchmarks::Ceilings;
using benchmarks::Stopwatch;
using benchmarks::Workload;

/// The ceilings of one backend, measured on first use and again beside every kernel.
class Machine {
 public:
  explicit Machine(const Execution& execution) : execution_(execution) {}

  const Execution& execution() const { return execution_; }
  bool device() const { return is_device(execution_.backend); }
  /// Number of threads for the stopwatch: 2 selects the wall clock, because a thread's processor time excludes the
  /// device.
  int clock_threads() const { return device() ? 2 : execution_.threads; }

  /// @param bytes  size of the arrays that loops over memory use; 0: larger than any cache
  Ceilings ceilings(double bytes = 0.0) {
    look_again();
    if (known_.product_operations == 0.0 && !device())
      known_.product_operations = benchmarks::product_rate(execution_.threads);
    Ceilings result = known_;
    if (!device())
      result.memory =
          bytes > 0.0 ? benchmarks::bandwidth(execution_.threads, bytes) : benchmarks::bandwidth(execution_.threads);
    return result;
  }
  /// Measures again, because another program may have slowed the first measurement.
  void look_again() {
    if (device())
      known_ = benchmarks::device_ceilings(execution_.device);
    else
      known_.multiplications = std::max(known_.multiplications, benchmarks::multiplication_rate(execution_.threads));
  }

 private:
  Execution execution_;
  Ceilings known_;
};

struct Row {
  const Workload* workload;
  std::string backend;
  std::int64_t size = 0;
  int passes = 0;
  double items = 0.0, seconds = 0.0, floor = 0.0;
  std::string limit{};    ///< origin of the floor
  std::string missing{};  ///< why there is no number

  double fraction() const { return floor / seconds; }
  double rate() const { return items / seconds; }
  double ceiling() const { return items / floor; }
};

struct Timing {
  double seconds;
  int passes;
};

/// Seconds per run: the second best of several passes, as for the ceilings.
Timing time_of(const Case& made, const Machine& machine, bool quick) {
  made.run();
  const auto pass = [&](int calls) {
    const Stopwatch watch(machine.clock_threads());
    for (int i = 0; i < calls; ++i) made.run();
    return watch.seconds() / calls;
  };
  const double once = std::max(1e-7, pass(1)), least_pass = quick ? 2e-4 : 2e-3, budget = quick ? 0.02 : 0.6;
  const int calls = std::max(1, static_cast<int>(least_pass / once));
  const int passes = std::clamp(static_cast<int>(budget / (once * calls)), 3, 40);
  std::vector<double> seconds;
  for (int i = 0; i < passes; ++i) seconds.push_back(pass(calls));
  std::sort(seconds.begin(), seconds.end());
  return {seconds[1], passes};
}

std::string limit_of(const benchmarks::Work& work, const Ceilings& ceilings) {
  benchmarks::Work arithmetic = work;
  arithmetic.footprint = 0.0;
  if (benchmarks::floor_seconds(arithmetic, ceilings) < benchmarks::floor_seconds(work, ceilings)) return "memory";
  benchmarks::Work alone = arithmetic;
  alone.product_operations = 0.0;
  const double products = benchmarks::floor_seconds(arithmetic, ceilings) - benchmarks::floor_seconds(alone, ceilings);
  return products > benchmarks::floor_seconds(alone, ceilings) ? "products" : "multiply-adds";
}

Row measure(const Workload& workload, Machine& machine, bool quick) {
  Row row{.workload = &workload, .backend = std::string(name(machine.execution().backend))};
  row.size = quick ? workload.quick_size : workload.size;
  try {
    const Case made = workload.make(row.size, machine.execution());
    machine.ceilings(made.work.footprint);
    const Timing timing = time_of(made, machine, quick);
    const Ceilings ceilings = machine.ceilings(made.work.footprint);
    if (made.work.product_operations > 0.0 && ceilings.product_operations == 0.0)
      throw UnsupportedError("no BLAS was found");
    row.items = made.work.items;
    row.seconds = timing.seconds;
    row.passes = timing.passes;
    row.floor = benchmarks::floor_seconds(made.work, ceilings);
    row.limit = limit_of(made.work, ceilings);
  } catch (const UnsupportedError& error) {
    row.missing = error.what();
  }
  return row;
}

std::string seconds_text(double seconds) {
  for (const auto& [unit, factor] : {std::pair{"s", 1.0}, {"ms", 1e3}, {"us", 1e6}})
    if (seconds * factor >= 1.0) return fmt::format("{:.3g} {}", seconds * factor, unit);
  return fmt::format("{:.3g} ns", 1e9 * seconds);
}

void print_table(const std::vector<Row>& rows) {
  fmt::print("\n{:<22} {:<8}{:>9} {:>10} {:>11} {:>11} {:>9}  {}\n", "kernel", "backend", "L", "time", "rate, 1/s",
             "ceiling", "fraction", "limit, and what is counted");
  for (const Row& row : rows)
    if (row.missing.empty())
      fmt::print("{:<22} {:<8}{:>9} {:>10} {:>11.3g} {:>11.3g} {:>9.2f}  {}, {}\n", row.workload->name, row.backend,
                 row.size, seconds_text(row.seconds), row.rate(), row.ceiling(), row.fraction(), row.limit,
                 row.workload->item);
    else
      fmt::print("{:<22} {:<8}{:>9} not measured: {}\n", row.workload->name, row.backend, row.size, row.missing);
}

void print_ceilings(Machine& machine, const Ceilings& ceilings, double of_one_core) {
  if (machine.device())
    fmt::print("device     {}\n", cuda_device_name(machine.execution().device));
  else
    fmt::print("processor  {}, {}, {} of its {} threads used\n", processor_name(), simd_level(),
               machine.execution().threads, std::thread::hardware_concurrency());
  fmt::print("ceilings   {:.3g} multiply-adds of doubles a second{}\n", ceilings.multiplications,
             of_one_core > 0.0 ? fmt::format(", {:.3g} on one core", of_one_core) : "");
  fmt::print("           {:.3g} bytes a second from memory, {:.3g} in a triad\n", ceilings.memory.read,
             ceilings.memory.triad);
  fmt::print("           {:.3g} operations a second in products of matrices{}\n", ceilings.product_operations,
             machine.device() ? "" : " (" + linear_algebra::library_name() + ")");
}

// --- JSON ---

std::string json_string(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      (result += '\\') += c;
    else if (static_cast<unsigned char>(c) < 0x20)
      result += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      result += c;
  }
  return result + '"';
}

using Members = std::vector<std::pair<std::string, std::string>>;
std::string object(const Members& members, const std::string& between = ", ") {
  std::vector<std::string> texts;
  for (const auto& [key, value] : members) texts.push_back(fmt::format("{}: {}", json_string(key), value));
  return fmt::format("{{{}}}", fmt::join(texts, between));
}
std::string list(const std::vector<std::string>& values) {
  return fmt::format("[\n  {}\n ]", fmt::join(values, ",\n  "));
}
std::string number(double value) { return fmt::format("{:.6g}", value); }

std::string json_of(const Row& row) {
  Members members = {{"name", json_string(row.workload->name)},
                     {"description", json_string(row.workload->description)},
                     {"backend", json_string(row.backend)},
                     {"size", fmt::format("{}", row.size)}};
  if (!row.missing.empty()) {
    members.emplace_back("not_measured", json_string(row.missing));
    return object(members);
  }
  for (auto member : Members{{"item", json_string(row.workload->item)},
                             {"items", number(row.items)},
                             {"passes", fmt::format("{}", row.passes)},
                             {"seconds", number(row.seconds)},
                             {"items_per_second", number(row.rate())},
                             {"ceiling_items_per_second", number(row.ceiling())},
                             {"limit", json_string(row.limit)},
                             {"fraction", number(row.fraction())}})
    members.push_back(std::move(member));
  return object(members);
}

std::string json_of(const Machine& machine, const Ceilings& ceilings, double of_one_core) {
  Members members = {{"backend", json_string(name(machine.execution().backend))}};
  if (machine.device()) members.emplace_back("device", json_string(cuda_device_name(machine.execution().device)));
  if (of_one_core > 0.0) members.emplace_back("multiply_adds_per_second_of_one_core", number(of_one_core));
  members.emplace_back("multiply_adds_per_second", number(ceilings.multiplications));
  members.emplace_back("read_bytes_per_second", number(ceilings.memory.read));
  members.emplace_back("triad_bytes_per_second", number(ceilings.memory.triad));
  members.emplace_back("product_operations_per_second", number(ceilings.product_operations));
  return object(members);
}

std::string report_of(const BenchOptions& options, int threads, const std::vector<std::string>& ceilings,
                      const std::vector<Row>& rows) {
  double load[1] = {};
  const bool known = getloadavg(load, 1) == 1;
  std::vector<std::string> kernels;
  for (const Row& row : rows) kernels.push_back(json_of(row));
  const std::string lindrift = object({{"version", json_string(version())},
                                       {"git_hash", json_string(git_hash())},
                                       {"compiler", json_string(compiler())},
                                       {"cuda_compiler", json_string(cuda_compiler())},
                                       {"build_type", json_string(build_type())}});
  const std::string machine = object({{"processor", json_string(processor_name())},
                                      {"cores", fmt::format("{}", std::thread::hardware_concurrency())},
                                      {"memory_bytes", number(machine_memory())},
                                      {"instruction_set", json_string(simd_level())},
                                      {"blas", json_string(linear_algebra::library_name())},
                                      {"load_average", known ? number(load[0]) : "null"}});
  return object({{"lindrift", lindrift},
                 {"machine", machine},
                 {"threads", fmt::format("{}", threads)},
                 {"quick", options.quick ? "true" : "false"},
                 {"ceilings", list(ceilings)},
                 {"kernels", list(kernels)}},
                ",\n ") +
         "\n";
}

// --- what to measure ---

void list_workloads() {
  for (const Workload& each : benchmarks::workloads())
    fmt::print("{:<22} {:<9} {}, L = {}\n", each.name, each.on_device ? "cpu, cuda" : "cpu", each.description,
               each.size);
}

/// @throws UsageError for an unknown name
std::vector<const Workload*> chosen(const std::vector<std::string>& asked) {
  std::vector<std::string> names;
  for (const Workload& each : benchmarks::workloads()) names.emplace_back(each.name);
  for (const std::string& each : asked) {
    if (std::find(names.begin(), names.end(), each) != names.end()) continue;
    const std::string guess = config::nearest(each, names);
    throw UsageError(fmt::format(
        "bench has no kernel {}; {}", each,
        guess.empty() ? fmt::format("it is one of {}", fmt::join(names, ", ")) : "did you mean " + guess + "?"));
  }
  std::vector<const Workload*> result;
  for (const Workload& each : benchmarks::workloads())
    if (asked.empty() || std::find(asked.begin(), asked.end(), each.name) != asked.end()) result.push_back(&each);
  return result;
}

/// The available backends among those requested.
/// @throws UnsupportedError if a device is requested and there is none
std::vector<Machine> machines(const Execution& execution) {
  Execution own = execution;
  own.threads = threads_of(execution);
  std::vector<Machine> result;
  if (!is_device(execution.backend)) {
    own.backend = Backend::cpu;
    result.emplace_back(own);
  }
  if (execution.backend != Backend::cpu && is_device(resolve_backend(execution.backend))) {
    own.backend = Backend::cuda;
    result.emplace_back(own);
  }
  return result;
}

}  // namespace

int bench(const BenchOptions& options) {
  if (!options.thresholds.empty()) return measure_thresholds(options);
  if (options.list) {
    list_workloads();
    return success;
  }
  const std::vector<const Workload*> selected = chosen(options.names);
  if (!options.output.empty()) {
    io::require_place(options.output);
    io::check_writable(options.output);
  }
  std::vector<Machine> all = machines(options.execution);
  std::vector<std::string> ceilings;
  std::vector<Row> rows;
  for (Machine& machine : all) {
    const Ceilings measured = machine.ceilings();
    const double of_one_core = machine.device() ? 0.0 : benchmarks::multiplication_rate(1);
    print_ceilings(machine, measured, of_one_core);
    ceilings.push_back(json_of(machine, measured, of_one_core));
    for (const Workload* each : selected) {
      if (machine.device() && !each->on_device) continue;
      spdlog::info("measuring {} on {}", each->name, name(machine.execution().backend));
      rows.push_back(measure(*each, machine, options.quick));
    }
  }
  std::stable_sort(rows.begin(), rows.end(), [](const Row& one, const Row& other) {
    const auto place = [](const Row& row) { return row.missing.empty() ? -row.fraction() : 0.0; };
    return place(one) < place(other);
  });
  print_table(rows);
  if (!options.output.empty()) {
    const std::string text = report_of(options, threads_of(options.execution), ceilings, rows);
    io::write_atomically(options.output, {text.begin(), text.end()});
    fmt::print("\nwritten to {}\n", options.output);
  }
  return success;
}

}  // namespace lindrift::cli
