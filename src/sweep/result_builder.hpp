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
  std::size_t before = 0;            ///< of the finished ones: finished by an earlier run
  double fraction_of_current = 0.0;  ///< of the point that rank 0 computes

  std::size_t finished() const { return done + failed + not_converged; }
  void count(Status status);
};

/// The whole result, as the output holds it.
struct SweepResult {
  std::vector<io::Field> coordinates;  ///< of the sweep, then of the task
  std::vector<io::Field> fields;       ///< sweep dimensions first; with a sweep, `status` and `error` last
  std::vector<Record> points;          ///< summaries and messages, without data, in the order of the points
  Tally tally;
};

/// Builds the whole result from records in any order. Of two records of a point the later counts.
class ResultBuilder {
 public:
  ResultBuilder(const config::Document& document, const TaskEntry& task);

  /// A record of an unfinished point, with the status `missing`, adds what there is of it.
  /// @throws Error if the record does not fit
  void add(Record record);
  SweepResult finish();

 private:
  bool swept_;
  SweepResult result_;
};

/// Calls take(record) for every point that an output holds, numbered as in that output.
/// @param document  that the output was made from
/// @param checked   one that makes the same datasets, and whose sizes can be trusted
/// @throws Error if a dataset is missing or does not fit the document
void for_each_record(const io::StoredOutput& output, const config::Document& document, const config::Document& checked,
                     const TaskEntry& task, const std::function<void(Record)>& take);

}  // namespace lindrift::sweep
