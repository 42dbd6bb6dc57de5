#pragma once

#include <functional>
#include <optional>
#include <string>

#include "lindrift/error.hpp"

namespace lindrift::sweep {

/// Another run is at work on the same output.
class OutputBusy : public Error {
 public:
  using Error::Error;
};

/// Who writes an output, as its claim says it.
struct Holder {
  std::string host, machine;  ///< `machine` tells one boot of one machine, in one container, from any other
  long process = 0;
  std::string started;  ///< of the process, in the kernel's ticks: numbers of processes are used again
  std::string job;      ///< of the batch system, if there is one
  std::string since;    ///< UTC, for people

  std::string text() const;
  static Holder of(const std::string& text);
  static Holder self();
};

/// The right to write an output, held by a file in the folder of its journal. No locks, which parallel file systems
/// lack: a claim is made by creating a file that must not be there. Claims are numbered, and the highest one holds. It
/// is let go of by its holder, or overtaken by the next number where its holder is known to be gone: its process no
/// longer runs on this machine, it belongs to an earlier start of this batch job, or, on another machine, it has not
/// been renewed while it was watched.
class Claim {
 public:
  /// @param patience  seconds to watch a claim of another machine; longer than the time between two renewals
  /// @throws OutputBusy; Error if the folder cannot be written to
  explicit Claim(std::string folder, double patience = 30.0);
  ~Claim();
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;

  int number() const { return number_; }
  std::string path() const;
  /// Shows that the holder is alive; to be called every few seconds, from any thread.
  /// @return false if another run has overtaken the claim, which ends the right to write
  bool renew() const;

 private:
  std::string folder_;
  int number_ = 0;
};

/// Holder of the highest claim in a folder, and whether it is still alive as far as this machine can tell at once;
/// nothing if there is none.
struct Holding {
  Holder holder;
  int number = 0;
  enum class Alive { yes, no, unknown } alive = Alive::unknown;
};
std::optional<Holding> holding_of(const std::string& folder);

}  // namespace lindrift::sweep
