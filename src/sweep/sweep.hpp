#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "catalogue/catalogue.hpp"
#include "config/config.hpp"
#include "io/output.hpp"
#include "sweep/communicator.hpp"
#include "sweep/record.hpp"

namespace lindrift::sweep {

/// Points of a rank under the static schedule: rank, rank + size, rank + 2 size, ... below `points`. Neighbouring
/// points, which cost alike, go to different ranks.
std::vector<std::size_t> points_of(int rank, int size, std::size_t points);

/// Where a run stands, for progress and the summary.
struct Tally {
  std::size_t total = 0, done = 0, failed = 0, not_converged = 0;
  double fraction_of_current = 0.0;  ///< of the point that rank 0 is working on

  std::size_t finished() const { return done + failed + not_converged; }
};

/// What a run leaves on rank 0.
struct Outcome {
  std::vector<io::Field> coordinates;  ///< of the sweep, then of the task
  std::vector<io::Field> fields;       ///< sweep dimensions first; `status` and `error` with a sweep
  std::vector<Record> points;          ///< summaries and messages, without data, in the order of the points
  Tally tally;
};

/// Computes every point of a document, shared between the ranks, and assembles the result on rank 0. A point that
/// throws is marked failed with its message and the others go on. The numbers do not depend on the number of ranks.
/// @param report  called on rank 0 when something has changed
/// @return the outcome on rank 0, an outcome with the tally of the own points elsewhere
Outcome run(const config::Document& document, const Execution& execution, Communicator& communicator,
            const std::function<void(const Tally&)>& report);

}  // namespace lindrift::sweep
