#include <fmt/format.h>

#include <algorithm>

#include "cli/progress.hpp"
#include "cli/verbs.hpp"
#include "config/config.hpp"
#include "engine/device_thresholds.hpp"
#include "engine/machine_memory.hpp"
#include "engine/short_text.hpp"
#include "engine/threads.hpp"
#include "registry/registry.hpp"
#include "sweep/sweep.hpp"

namespace lindrift::cli {

namespace {

/// How a sweep is divided, on one rank.
void print_division(const Grouping& grouping, std::size_t points, int at_once, int threads) {
  if (grouping.chained) {
    const std::size_t chains = sweep::groups_of(grouping, points);
    fmt::print("chains       {} of {}{} points, each of which starts from the solutions before it\n", chains,
               chains * grouping.size > points ? "up to " : "", grouping.size);
  } else if (grouping.size > 1) {
    fmt::print("batches      {} points at a time, {}\n", grouping.at_once, grouping.how);
  } else if (at_once > 1) {
    fmt::print("threads      {} points at a time, each on {}\n", at_once,
               counted(static_cast<std::size_t>(threads), "thread"));
  }
}

}  // namespace

int check(const RunOptions& options) {
  device_thresholds();  // of a file, which may be wrong
  const config::Document document = config::load(options.input, options.sets, registry());
  const TaskEntry& task = find_task(find_model(document.model), document.task);
  check_execution(document, options.execution);
  Execution execution = options.execution;
  resolve_backend(execution.backend);  // throws if this machine does not have it
  const std::size_t points = document.sweep.points();
  const Backend groups = group_backend(task, document, execution.backend);
  const sweep::WorkQueue queue(document, task, sweep::PointSet(points), 1, groups);
  const int at_once = points_at_once(queue, document, task, execution, sweep::ProcessGroup());
  execution.threads = threads_of(execution) / at_once;
  Execution of_group = execution;
  if (is_device(groups)) of_group.backend = groups;
  Plan plan = task.plan(document.point(0), of_group);
  const Grouping& grouping = queue.grouping();
  const bool batched = grouping.at_once > 1;
  if (batched && task.group_device_bytes) {
    plan.backend = resolve_backend(execution.backend, &plan.backend_reason);
    plan_device(plan, execution, [&] { return task.group_device_bytes(document, grouping, of_group); });
  }
  if (is_device(execution.backend) && plan.backend == Backend::cpu)
    throw UnsupportedError("backend = cuda is impossible: " + plan.backend_reason + "; use cpu or auto");
  Footprint needed = sweep::largest_footprint(document, task, execution);
  needed.working = batched ? grouping.memory_bytes : needed.working * at_once;
  needed.results *= at_once;
  const ResultBytes results = result_bytes(task, document.point(0), points);

  fmt::print("input        {}: no errors\n", options.input);
  fmt::print("model, task  {}, {}\n", document.model, document.task);
  fmt::print("points       {}", points);
  if (!document.sweep.empty()) {
    fmt::print(" ({}:", document.sweep.mode == config::SweepMode::zip ? "zip" : "grid");
    for (const config::Axis& axis : document.sweep.axes) fmt::print(" {} x {}", axis.path, axis.values.size());
    fmt::print(")");
  }
  fmt::print("\nalgorithm    {}: {}\n", plan.method.algorithm, plan.method.reason);
  print_division(grouping, points, at_once, execution.threads);
  fmt::print("backend      {}: {}\n", name(plan.backend), plan.backend_reason);
  fmt::print("memory       {} at most: {} for {}, {} for the results; the file will have {}\n",
             bytes_text(std::max(needed.working + needed.results, results.memory)), bytes_text(needed.working),
             batched       ? "a batch"
             : at_once > 1 ? "the points at a time"
                           : "a point",
             bytes_text(results.memory), bytes_text(results.file));
  if (plan.device_bytes > 0.0)
    fmt::print("device       {} for {}; {} can be used\n", bytes_text(plan.device_bytes),
               batched ? "a batch" : "a point", bytes_text(usable_device_memory(execution)));
  fmt::print("work         about {:.3g} {} a point, each {:.3g} operations on {}\n", plan.rate_evaluations, plan.work,
             plan.operations, bytes_text(plan.bytes_moved));
  constexpr double seconds_per_byte = 7e-9;  // of the file: its journal, its image, and reading it back
  const double seconds = plan.rate_evaluations * plan.seconds_per_evaluation * static_cast<double>(points) / at_once;
  // The measured time is that of a single point; a batch is faster.
  fmt::print("time         {} {} in all ({} for each of the {}, {}{})\n", batched ? "less than" : "about",
             duration_text(seconds + seconds_per_byte * results.file), duration_text(plan.seconds_per_evaluation),
             plan.work, plan.measured ? "measured here" : "by the number of operations",
             batched ? " without batches" : "");
  for (const std::string& warning : document.warnings) fmt::print("warning      {}\n", warning);
  if (task.remarks)
    for (const std::string& remark : task.remarks(document)) fmt::print("note         {}\n", remark);
  if (!grouping.note.empty()) fmt::print("note         {}\n", grouping.note);
  for (const std::string& note : plan.notes) fmt::print("note         {}\n", note);
  return success;
}

}  // namespace lindrift::cli
