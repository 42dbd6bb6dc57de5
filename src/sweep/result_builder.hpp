#pragma once

#include <functional>
#include <limits>
#include <map>
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

/// Number of points whose messages a run prints.
inline constexpr int most_messages = 10;

/// The whole result, as written to the output. Of ten million points nothing else may be kept than what is written, so
/// there are records, without data, of a few.
struct SweepResult {
  std::vector<io::Field> coordinates;  ///< of the sweep, then of the task
  std::vector<io::Field> fields;       ///< sweep dimensions first; with a sweep, `status` and `error` last
  Tally tally;
  std::map<std::size_t, Record> shown;  ///< the points of a summary: at most eleven, evenly chosen
  std::vector<Record> messages;         ///< the first points with a message, one more than most_messages if there are
  Record example;                       ///< if possible of a point that was not read from an output
  double worst_certificate = std::numeric_limits<double>::quiet_NaN();  ///< NaN if no record has one

  /// How this run or a killed one computed points; null if none did. `auto` chooses the same for every point, because
  /// its choice depends only on the kind of bath and the size.
  const Record* how() const { return example.algorithm.empty() ? nullptr : &example; }
};

/// Points of a sweep that a summary shows.
std::vector<std::size_t> shown_points(std::size_t points);

/// Builds the whole result from records in any order. If a point has two records, the later one counts.
class ResultBuilder {
 public:
  ResultBuilder(const config::Document& document, const TaskEntry& task);

  /// A record of an unfinished point, with the status `missing`, contributes its partial result.
  void add(Record record);
  SweepResult finish();

 private:
  bool swept_;
  std::size_t points_;
  SweepResult result_;
};

/// Calls take(record) for every point in an output, numbered as in that output.
/// @param document  the input that the output was made from
/// @param checked   an input that yields the same datasets, and whose sizes can be trusted
void for_each_record(const io::StoredOutput& output, const config::Document& document, const config::Document& checked,
                     const TaskEntry& task, const std::function<void(Record)>& take);

}  // namespace lindrift::sweep
