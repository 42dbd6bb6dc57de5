#pragma once

#include <functional>
#include <vector>

#include "config/config.hpp"
#include "io/stored.hpp"
#include "registry/registry.hpp"
#include "sweep/record.hpp"

namespace lindrift::sweep {

/// Numbers of points, for progress and the summary.
struct Tally {
  std::size_t total = 0, done = 0, failed = 0, not_converged = 0;
  std::size_t before = 0;            ///< how many of the finished ones an earlier run finished
  double fraction_of_current = 0.0;  ///< progress of the point that rank 0 is computing

  std::size_t finished() const { return done + failed + not_converged; }
  void count(Status status);
};

/// The whole result, as written to the output.
struct SweepResult {
  std::vector<io::Field> coordinates;  ///< of the sweep, then of the task
  std::vector<io::Field> fields;       ///< sweep dimensions first; with a sweep, `status` and `error` last
  std::vector<Record> points;          ///< summaries and messages, without data, in the order of the points
  Tally tally;
};

/// Builds the whole result from records in any order. If a point has two records, the later one counts.
class ResultBuilder {
 public:
  ResultBuilder(const config::Document& document, const TaskEntry& task);

  /// A record of an unfinished point, with the status `missing`, contributes its partial result.
  void add(Record record);
  SweepResult finish();

 private:
  bool swept_;
  SweepResult result_;
};

/// Calls take(record) for every point in an output, numbered as in that output.
/// @param document  the input that the output was made from
/// @param checked   an input that yields the same datasets, and whose sizes can be trusted
void for_each_record(const io::StoredOutput& output, const config::Document& document, const config::Document& checked,
                     const TaskEntry& task, const std::function<void(Record)>& take);

}  // namespace lindrift::sweep
