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

/// The folder OUTPUT.journal, which holds finished points until the output is complete:
///
///   lock                    who writes the output; see OutputLock
///   input.N.toml            resolved input of the N-th run, after a line that names the program
///   N.RANK.records          points finished by a rank of that run; see journal.hpp
///   POINT.checkpoint        state of an unfinished point, named by the hash of its values
///   overwrites              present if the existing output will be replaced, not resumed
///   progress                for `lindrift status`
class JournalFolder {
 public:
  explicit JournalFolder(const std::string& output) : path_(output + ".journal") {}

  const std::string& path() const { return path_; }
  bool exists() const;
  /// Whether it contains points or checkpoints, which would be lost with it.
  bool holds_work() const;
  /// Numbers of the runs that left files, ascending.
  std::vector<int> runs() const;
  /// The input of a run.
  /// @throws Error if the file is no valid input
  config::Document input_of(int run) const;
  /// The program that wrote a run, in the form of program_line().
  std::string program_of(int run) const;
  static std::string program_line();
  /// Calls take(record) for the records of all runs, older runs first, with points numbered as in `document`. Damage is
  /// reported and skipped.
  /// @throws OutputRefused if the input of a run differs in anything but a subset of the swept values
  void for_each_record(const config::Document& document, const std::function<void(Record)>& take,
                       const Warn& warn) const;

  /// Stores the input of a new run.
  void begin(int run, const config::Document& document) const;
  /// Waits until this machine sees the input of a run: network file systems may take a while.
  /// @throws Error if that takes more than ten seconds
  void wait_for(int run) const;
  std::string records_path(int run, int rank) const;
  std::string checkpoint_path(const config::Point& point) const;
  std::vector<std::string> checkpoints() const;

  void set_overwrites(bool overwrites) const;
  bool overwrites() const;

  void write_progress(const Tally& tally, double seconds) const;
  std::string progress() const;  ///< as last written; empty if there is none

  /// Removes everything but the lock, and the folder once the lock is gone.
  void clear() const;

 private:
  std::string path_;
};

/// Finished points and checkpoints of one rank of a run, on disk.
class RecordStore {
 public:
  RecordStore(const JournalFolder& folder, const config::Document& document, int run, int rank);

  /// @throws Error naming the file, the system's reason and what to do
  void keep(const Record& record);
  /// Returns when everything kept is on disk, where rank 0 reads it.
  void flush() { journal_.flush(); }
  void save_checkpoint(std::size_t point, const Bytes& state);
  /// Returns nothing if there is no checkpoint, or a damaged one.
  Bytes checkpoint(std::size_t point) const;

 private:
  const JournalFolder& folder_;
  const config::Document& document_;
  JournalWriter journal_;
  std::set<std::string> checkpoints_;  ///< files that may exist: most points have none, and looking takes time
};

}  // namespace lindrift::sweep
