#pragma once

#include <exception>
#include <functional>
#include <optional>
#include <string>

#include "catalogue/catalogue.hpp"
#include "config/config.hpp"
#include "sweep/agenda.hpp"
#include "sweep/assembly.hpp"
#include "sweep/process_group.hpp"
#include "sweep/record.hpp"

namespace lindrift::sweep {

/// How a run is done, and what it does with what it has. Each function may be empty.
struct Conduct {
  Schedule schedule = Schedule::dynamic;
  double checkpoint_seconds = 60.0;  ///< between two checkpoints of a point that takes long

  /// Keeps a finished point, on the rank that computed it (a team's first one), before that rank takes another.
  std::function<void(const Record&)> keep;
  /// Whether this rank has been told to stop.
  std::function<bool()> stop_wanted;
  /// What a point saved last, and where it saves; on the rank that keeps the point.
  std::function<Bytes(std::size_t point)> restored;
  std::function<void(std::size_t point, const Bytes&)> save;
  /// Called on rank 0 when something has changed.
  std::function<void(const Tally&)> report;
  /// Something that concerns the whole run and is said once.
  std::function<void(const std::string&)> warn;
};

/// How a rank left a run.
struct Leaving {
  bool stopped = false;                  ///< the same on every rank: the run was stopped before its end
  std::exception_ptr failure;            ///< of keep() or save() on this rank: the run was stopped for it
  std::optional<io::Result> unfinished;  ///< what the last point had when it was stopped, on the rank that keeps it
  Tally tally;                           ///< on rank 0
  Traffic claims;                        ///< taking units, on this rank
  Traffic team;                          ///< of the points that this rank shared
};

/// Computes the wanted points of a document, shared between the ranks. A point that throws is marked failed with its
/// message and the others go on. Where ranks would be without work and the task can share a point, teams of ranks do.
/// The numbers depend on neither ranks nor schedule nor interruptions.
/// @param before  points that an earlier run finished, for the tally
Leaving run(const config::Document& document, const TaskEntry& task, const Execution& execution,
            ProcessGroup& communicator, const Wanted& wanted, const Tally& before, const Conduct& conduct);

}  // namespace lindrift::sweep
