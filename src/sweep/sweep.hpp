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

/// How to carry out a run and where its results go. Any function may be empty.
struct RunOptions {
  Schedule schedule = Schedule::dynamic;
  double checkpoint_seconds = 60.0;  ///< time between two checkpoints of a long point
  /// See lindrift::group_backend(); the same on every rank.
  Backend group_backend = Backend::automatic;

  /// Stores a finished point, before the rank that computed it (the first of those that shared it) takes another.
  std::function<void(const Record&)> keep;
  /// Whether this rank has been told to stop.
  std::function<bool()> stop_requested;
  /// Reads the last checkpoint of a point and saves the next, on the rank that stores the point.
  std::function<Bytes(std::size_t point)> checkpoint;
  std::function<void(std::size_t point, const Bytes&)> save_checkpoint;
  /// Called on rank 0 when the tally has changed.
  std::function<void(const Tally&)> report;
  /// Warnings that concern the whole run, each given once.
  std::function<void(const std::string&)> warn;
};

/// How a rank ended a run.
struct RunOutcome {
  bool stopped = false;              ///< before everything was computed; the same on every rank
  std::exception_ptr failure;        ///< from keep() or save_checkpoint() on this rank; the run was stopped for it
  std::optional<Record> unfinished;  ///< partial result of a stopped point, on the rank that stores it
  Tally tally;                       ///< on rank 0
  Traffic queue;                     ///< traffic of taking units, on this rank
  Traffic sharing;                   ///< traffic of the points that this rank shared
};

/// The footprint of the largest point of a sweep; of very many points, a thousand are looked at.
Footprint largest_footprint(const config::Document& document, const TaskEntry& task, const Execution& execution);

/// Number of points that a rank computes at the same time, as far as there are enough of them and memory: on the CPU
/// independent points come before the loops within one, and the threads that are left share each point.
int points_at_once(const WorkQueue& queue, const config::Document& document, const TaskEntry& task,
                   const Execution& execution, const ProcessGroup& ranks);

/// Computes the missing points of a sweep on the ranks of a group. A point that throws is marked as failed, with its
/// message, and the others go on. Where ranks would be idle and the task can share a point, several ranks share one.
/// The results do not depend on ranks, schedule or interruptions.
/// @param before  points finished by an earlier run, for the tally
RunOutcome run(const config::Document& document, const TaskEntry& task, const Execution& execution, ProcessGroup& ranks,
               const PointSet& missing, const Tally& before, const RunOptions& options);

}  // namespace lindrift::sweep
