#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "io/stored.hpp"
#include "sweep/journal_folder.hpp"
#include "sweep/output_lock.hpp"
#include "sweep/work_queue.hpp"

namespace lindrift::sweep {

/// An output written by an earlier run, with the input it was made from.
struct StoredSweep {
  io::StoredOutput output;
  config::Document document;
  bool complete = false;

  /// @throws io::NotAResult if it is not an output of this program, or of a version that this one cannot read
  static StoredSweep read(const std::string& path);
  /// Calls take(record) for its points, numbered as in `newer`.
  /// @throws OutputRefused if its input differs in anything but a subset of the swept values
  void for_each_record(const config::Document& newer, const std::function<void(Record)>& take) const;
};

/// What to do with an existing output, or with points that a run left in its journal.
enum class Existing {
  refuse,
  overwrite,
  resume,       ///< compute what is missing, and what failed in a run that did not end
  retry_failed  ///< like resume, and repeat points that failed or did not converge
};

/// The part of a run on rank 0 that turns an input into an output: locks the output, finds what earlier runs finished,
/// and collects the results at the end.
class Campaign {
 public:
  /// While this object lives, other runs of the same output are refused.
  /// @throws OutputRefused, OutputBusy, io::WrongPlace; Error if the output's folder cannot be written to
  Campaign(std::string output, const config::Document& document, const TaskEntry& task, Existing existing, Warn warn);
  ~Campaign();
  Campaign(const Campaign&) = delete;
  Campaign& operator=(const Campaign&) = delete;

  const JournalFolder& folder() const { return folder_; }
  int run() const { return run_; }
  const PointSet& missing() const { return missing_; }
  const Tally& before() const { return before_; }
  /// Whether the output is already complete.
  bool complete() const { return complete_ && missing_.count() == 0; }
  /// Whether the journal holds points that are not in the output.
  bool ahead_of_output() const { return ahead_; }

  /// All finished points, and the partial result of an unfinished one.
  SweepResult collect(std::optional<Record> unfinished = {}) const;
  /// Root attributes of the resumed output; empty if there is none.
  const std::map<std::string, io::Attribute>& earlier_attributes() const { return earlier_attributes_; }

  /// Renews the lock and writes the progress every few seconds while this object lives.
  /// @param lost  called if another run has taken over the lock
  void start_heartbeat(std::function<void()> lost);
  void update(const Tally& tally);

  /// Call it after writing the output.
  /// @param complete  whether the journal is no longer needed
  void wrote_output(bool complete);
  /// Deletes the journal although no output was written.
  void end() { ended_ = true; }

 private:
  void look_for_finished_points();

  std::string output_;
  const config::Document& document_;
  const TaskEntry& task_;
  Existing existing_;
  Warn warn_;
  JournalFolder folder_;
  std::optional<OutputLock> lock_;
  int run_ = 1;
  PointSet missing_;
  Tally before_;
  bool resumes_output_ = false, complete_ = false, ahead_ = false, ended_ = false;
  std::map<std::string, io::Attribute> earlier_attributes_;

  std::mutex mutex_;
  std::condition_variable_any wake_;
  Tally shown_;
  std::jthread heartbeat_;
};

}  // namespace lindrift::sweep
