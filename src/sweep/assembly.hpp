#pragma once

#include <vector>

#include "catalogue/catalogue.hpp"
#include "config/config.hpp"
#include "io/stored.hpp"
#include "sweep/record.hpp"

namespace lindrift::sweep {

/// Where a run stands, for progress and the summary.
struct Tally {
  std::size_t total = 0, done = 0, failed = 0, not_converged = 0;
  std::size_t before = 0;            ///< of the finished ones, those that an earlier run left
  double fraction_of_current = 0.0;  ///< of the point that rank 0 is working on

  std::size_t finished() const { return done + failed + not_converged; }
  void count(Status status);
};

/// The whole result, as it stands in the output.
struct Outcome {
  std::vector<io::Field> coordinates;  ///< of the sweep, then of the task
  std::vector<io::Field> fields;       ///< sweep dimensions first; `status` and `error` with a sweep
  std::vector<Record> points;          ///< summaries and messages, without data, in the order of the points
  Tally tally;
};

/// Holds the whole result and takes the points as they come, in any order. Of two records of a point the later counts.
class Assembly {
 public:
  Assembly(const config::Document& document, const TaskEntry& task);

  /// @throws Error if the record does not fit
  void place(Record record);
  /// Values of a point that is not finished, without a status.
  void place_unfinished(std::size_t point, std::vector<io::Data> data);
  Outcome finish();

 private:
  void place_data(std::size_t point, const std::vector<io::Data>& data);

  bool swept_;
  Outcome outcome_;
};

/// The records of an output that an earlier run wrote: calls take(record) for every point that has one, numbered as in
/// that output.
/// @param document  that the output was made from
/// @throws Error if a dataset is missing or does not fit the document
void for_each_record(const io::StoredOutput& output, const config::Document& document, const TaskEntry& task,
                     const std::function<void(Record)>& take);

}  // namespace lindrift::sweep
