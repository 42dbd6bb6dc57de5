#include "engine/device_thresholds.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "bench/crossovers.hpp"
#include "cli/verbs.hpp"
#include "engine/processor.hpp"
#include "engine/threads.hpp"
#include "io/output.hpp"
#include "lindrift/lindrift.hpp"

namespace lindrift::cli {

namespace {

using benchmarks::ComparisonTimes;
using benchmarks::Crossover;

const DeviceThreshold& threshold_called(std::string_view name) {
  const auto all = all_device_thresholds();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const DeviceThreshold& each) { return each.name == name; });
  if (found == all.end()) throw Error("no threshold is called " + std::string(name));
  return *found;
}

/// A line of the table. Where the device has never won, the estimate stays unless it is known to be too low.
std::string line_of(const DeviceThreshold& threshold, const Crossover& crossover) {
  const ComparisonTimes& last = crossover.times.back();
  const double estimate = DeviceThresholds{}.*threshold.value;
  const bool won = std::isfinite(crossover.work);
  const double value = won ? crossover.work : std::max(estimate, last.work);
  return fmt::format("{} = {:.6g}  # {}; {:.3g} s with the device and {:.3g} s without at {:.4g}{}\n", threshold.name,
                     value, threshold.meaning, last.with_device, last.without_device, last.work,
                     won                    ? ""
                     : estimate > last.work ? ": not faster yet, so the estimate stays"
                                            : ": not faster yet");
}

}  // namespace

int measure_thresholds(const BenchOptions& options) {
  if (!options.names.empty() || options.list || !options.output.empty())
    throw UsageError("--thresholds: measures the sizes from which a device gains, and nothing else");
  if (options.execution.backend == Backend::cpu) throw UsageError("--thresholds: needs a CUDA device");
  Execution execution = options.execution;
  execution.backend = resolve_backend(Backend::cuda);
  execution.threads = threads_of(execution);
  io::require_place(options.thresholds);
  io::check_writable(options.thresholds);
  std::string text = fmt::format(
      "# The sizes from which a device is faster, for LINDRIFT_DEVICE_THRESHOLDS. Measured by lindrift {} ({})\n"
      "# on {} and {} threads of {}.\n",
      version(), git_hash(), cuda_device_name(execution.device), execution.threads, processor_name());
  use_device_thresholds({});
  const double max_seconds = options.quick ? 0.005 : 0.3;
  for (const benchmarks::ComparisonSeries& series : benchmarks::comparisons()) {
    spdlog::info("measuring {}: {}", series.threshold, series.what);
    std::string line;
    try {
      line = line_of(threshold_called(series.threshold), benchmarks::measure(series, execution, max_seconds));
    } catch (const DeviceLostError&) {
      throw;
    } catch (const Error& error) {
      line = fmt::format("# {}: not measured: {}\n", series.threshold, error.what());
    }
    fmt::print("{}", line);
    std::fflush(stdout);
    text += line;
    // After each, so that what was measured is not lost.
    io::write_atomically(options.thresholds, {text.begin(), text.end()});
  }
  fmt::print("\nwritten to {}\n", options.thresholds);
  return success;
}

}  // namespace lindrift::cli
