#pragma once

#include <exception>
#include <functional>
#include <optional>
#include <string>

#include "config/config.hpp"
#include "registry/registry.hpp"
#include "sweep/process_group.hpp"
#include "sweep/record.hpp"
#include "sweep/result_builder.hpp"
#include "sweep/work_queue.hpp"

namespace lindrift::sweep {

/// How a run is done, and what it does with what it has. Each function may be empty.
struct RunOptions {
  Schedule schedule = Schedule::dynamic;
  double checkpoint_seconds = 60.0;  ///< between two checkpoints of a long point

  /// Keeps a finished point before the rank that computed it (the first of those that shared it) takes another.
  std::function<void(const Record&)> keep;
  /// Whether this rank has been told to stop.
  std::function<bool()> stop_requested;
  /// The last checkpoint of a point, and where to save the next; on the rank that keeps the point.
  std::function<Bytes(std::size_t point)> checkpoint;
  std::function<void(std::size_t point, const Bytes&)> save_checkpoint;
  /// Called on rank 0 when something has changed.
  std::function<void(const Tally&)> report;
  /// For what concerns the whole run and is said once.
  std::function<void(const std::string&)> warn;
};

/// How a rank ended a run.
struct RunOutcome {
  bool stopped = false;              ///< before all was computed; the same on every rank
  std::exception_ptr failure;        ///< of keep() or save_checkpoint() on this rank, for which the run was stopped
  std::optional<Record> unfinished;  ///< what a stopped point had so far, on the rank that keeps it
  Tally tally;                       ///< on rank 0
  Traffic queue;                     ///< of taking units, on this rank
  Traffic sharing;                   ///< of the points that this rank shared
};

/// Computes the missing points of a sweep on the ranks of a group. A point that throws is marked failed, with its
/// message, and the others go on. Where ranks would be idle and the task can share a point, several ranks do. The
/// numbers depend on neither ranks nor schedule nor interruptions.
/// @param before  points that an earlier run finished, for the tally
RunOutcome run(const config::Document& document, const TaskEntry& task, const Execution& execution, ProcessGroup& ranks,
               const PointSet& missing, const Tally& before, const RunOptions& options);

}  // namespace lindrift::sweep
