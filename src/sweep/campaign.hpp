#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "io/stored.hpp"
#include "sweep/agenda.hpp"
#include "sweep/assembly.hpp"
#include "sweep/claim.hpp"
#include "sweep/journal.hpp"

namespace lindrift::sweep {

/// The output is not this run's to write: it exists, or it comes from another input. A fault of the command line.
class OutputRefused : public Error {
 public:
  using Error::Error;
};

/// The folder OUTPUT.journal, which holds what is finished until the output is whole:
///
///   claim.N                 who writes the output; see Claim
///   input.G.toml            resolved input of the G-th run, with a line on the program that ran it
///   G.RANK.records          points that a rank of that run finished; see journal.hpp
///   POINT.checkpoint        state of a point that takes long, by the hash of its values
///   overwrites              there if an output of before is to be replaced, and is none of ours
///   progress                how far the run is, for `lindrift status`
class JournalFolder {
 public:
  using Warn = std::function<void(const std::string&)>;

  explicit JournalFolder(const std::string& output) : path_(output + ".journal") {}

  const std::string& path() const { return path_; }
  bool exists() const;
  /// Whether anything in it would be lost with it: points or checkpoints.
  bool holds_work() const;
  /// Numbers of the runs that left something, ascending.
  std::vector<int> runs() const;
  /// The input of a run.
  /// @throws Error if it cannot be read as one
  config::Document input_of(int run) const;
  /// Calls take(record) for every whole record of every run, older ones first, with the points numbered as in
  /// `document`. Damage is reported and left out.
  /// @throws OutputRefused if a run's input differs from the document in more than added values of swept keys
  void for_each_record(const config::Document& document, const std::function<void(Record)>& take,
                       const Warn& warn) const;

  /// Notes the input of a new run.
  void begin(int run, const config::Document& document) const;
  /// The program that made a run, as it describes itself.
  std::string maker_of(int run) const;
  void mark_overwriting() const;
  void unmark_overwriting() const;
  bool overwrites() const;
  /// Makes the notes of a run last through a power failure.
  void synchronise(int run) const;
  std::string records_path(int run, int rank) const;
  std::string checkpoint_path(const config::Point& point) const;
  /// Waits until this machine sees the notes of a run: network file systems take their time.
  /// @throws Error if it does not within ten seconds
  void wait_for(int run) const;

  void write_progress(const Tally& tally, double seconds) const;
  std::string progress() const;  ///< the last one written; empty if there is none

  /// Removes everything but the claims; with them if they are let go of, the folder.
  void clear() const;

 private:
  std::string path_;
};

/// Finished points and checkpoints of one rank of a run, on the disk.
class Keeper {
 public:
  Keeper(const JournalFolder& folder, const config::Document& document, int run, int rank);

  /// @throws Error naming the file, the system's reason and what to do
  void keep(const Record& record);
  /// Returns when everything that was kept is on the disk, where rank 0 reads it.
  void flush() { journal_.flush(); }
  void save(std::size_t point, const Bytes& state);
  /// Empty if there is none, or it is damaged.
  Bytes restored(std::size_t point) const;

 private:
  const JournalFolder& folder_;
  const config::Document& document_;
  JournalWriter journal_;
  std::set<std::string> checkpoints_;  ///< that may be there: most points have none, and looking takes time
};

/// Calls take(record) for the points of an output that an earlier run wrote, numbered as in `document`.
/// @throws OutputRefused if it is not such an output, or its input differs in more than fewer values of swept keys
void for_each_stored_record(const io::StoredOutput& output, const std::string& path, const config::Document& document,
                            const std::function<void(Record)>& take);

/// What becomes of an output that is there already, or of points that a run left in its journal.
enum class Existing {
  refuse,
  overwrite,
  resume,       ///< compute what is missing, and what failed in a run that did not end
  retry_failed  ///< as resume, and compute again what failed or did not converge
};

/// @throws OutputRefused if `existing` is refuse and there is something
void check_existing(const std::string& output, Existing existing);

/// A run on its way from an input to an output, on rank 0: claims the output, finds out what earlier runs finished, and
/// collects everything at the end.
class Campaign {
 public:
  /// Runs of the same output are refused while this object lives.
  /// @throws OutputRefused, OutputBusy; Error if the folder of the output cannot be written to
  Campaign(const std::string& output, const config::Document& document, const TaskEntry& task, Existing existing,
           JournalFolder::Warn warn);
  ~Campaign();
  Campaign(const Campaign&) = delete;
  Campaign& operator=(const Campaign&) = delete;

  const JournalFolder& folder() const { return folder_; }
  int run() const { return run_; }
  const Wanted& wanted() const { return wanted_; }
  const Tally& before() const { return before_; }
  /// The output is there and whole, and nothing is wanted.
  bool complete() const { return complete_ && wanted_.count() == 0; }
  /// Points are in the journal that the output does not hold yet.
  bool ahead_of_output() const { return ahead_; }

  /// Everything that is finished.
  Outcome collect(std::optional<io::Result> unfinished = {}) const;

  /// Shows that the run is alive, and how far it is, every few seconds until the end.
  /// @param lost  called if another run has overtaken this one
  void show(std::function<void()> lost);
  void update(const Tally& tally);

  /// The output that is there is this run's own.
  void wrote_output() const;
  /// The output is whole: the journal is no longer needed.
  void end();

 private:
  std::string output_;
  const config::Document& document_;
  const TaskEntry& task_;
  JournalFolder::Warn warn_;
  JournalFolder folder_;
  std::optional<Claim> claim_;
  int run_ = 1;
  Wanted wanted_;
  Tally before_;
  bool takes_output_ = false, complete_ = false, ahead_ = false, ended_ = false;

  std::mutex mutex_;
  std::condition_variable over_;
  bool is_over_ = false;
  Tally shown_;
  std::thread pulse_;
};

}  // namespace lindrift::sweep
