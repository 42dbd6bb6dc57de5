#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "sweep/journal.hpp"
#include "sweep/record.hpp"
#include "sweep/result_builder.hpp"

namespace lindrift::sweep {

using Warn = std::function<void(const std::string&)>;

/// The folder OUTPUT.journal, which holds what is finished until the output is complete:
///
///   lock                    who writes the output; see OutputLock
///   input.N.toml            resolved input of the N-th run, after a line that names the program
///   N.RANK.records          points that a rank of that run finished; see journal.hpp
///   POINT.checkpoint        state of an unfinished point, named by the hash of its values
///   overwrites              present if the existing output is to be replaced, and none of ours
///   progress                for `lindrift status`
class JournalFolder {
 public:
  explicit JournalFolder(const std::string& output) : path_(output + ".journal") {}

  const std::string& path() const { return path_; }
  bool exists() const;
  /// Whether it holds points or checkpoints, which would be lost with it.
  bool holds_work() const;
  /// Numbers of the runs that left something, ascending.
  std::vector<int> runs() const;
  /// The input of a run.
  /// @throws Error if it cannot be read as one
  config::Document input_of(int run) const;
  /// The program that made a run, as program_line() describes it.
  std::string program_of(int run) const;
  static std::string program_line();
  /// Calls take(record) for the records of all runs, older runs first, with the points numbered as in `document`.
  /// Damage is reported and skipped.
  /// @throws OutputRefused if the input of a run differs in more than fewer values of swept keys
  void for_each_record(const config::Document& document, const std::function<void(Record)>& take,
                       const Warn& warn) const;

  /// Notes the input of a new run.
  void begin(int run, const config::Document& document) const;
  /// Waits until this machine sees the input of a run: network file systems take their time.
  /// @throws Error if it does not within ten seconds
  void wait_for(int run) const;
  std::string records_path(int run, int rank) const;
  std::string checkpoint_path(const config::Point& point) const;
  std::vector<std::string> checkpoints() const;

  void set_overwrites(bool overwrites) const;
  bool overwrites() const;

  void write_progress(const Tally& tally, double seconds) const;
  std::string progress() const;  ///< as last written; empty if never

  /// Removes everything but the lock, and the folder once the lock is gone.
  void clear() const;

 private:
  std::string path_;
};

/// Finished points and checkpoints of one rank of a run, on the disk.
class RecordStore {
 public:
  RecordStore(const JournalFolder& folder, const config::Document& document, int run, int rank);

  /// @throws Error naming the file, the system's reason and what to do
  void keep(const Record& record);
  /// Returns when everything that was kept is on the disk, where rank 0 reads it.
  void flush() { journal_.flush(); }
  void save_checkpoint(std::size_t point, const Bytes& state);
  /// Empty if there is none, or it is damaged.
  Bytes checkpoint(std::size_t point) const;

 private:
  const JournalFolder& folder_;
  const config::Document& document_;
  JournalWriter journal_;
  std::set<std::string> checkpoints_;  ///< that may exist: most points have none, and looking takes time
};

}  // namespace lindrift::sweep
