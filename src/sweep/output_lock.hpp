#pragma once

#include <optional>
#include <string>

#include "io/system.hpp"
#include "lindrift/error.hpp"

namespace lindrift::sweep {

/// This run must not write the output: it exists, or was made from another input. A usage error.
class OutputRefused : public Error {
 public:
  using Error::Error;
};

/// Another run is writing the same output. A usage error.
class OutputBusy : public Error {
 public:
  using Error::Error;
};

/// Who writes an output, as stated in the lock file.
struct LockHolder {
  std::string host, boot;  ///< `boot` identifies one boot of one machine
  std::string process;
  std::string job;    ///< of the batch system, if there is one
  std::string since;  ///< UTC, for human readers

  std::string text() const;
  static LockHolder parse(const std::string& text);
  static LockHolder self();
};

/// The right to write an output: a lock on the file `lock` in the folder of its journal. On one machine the kernel
/// decides, and releases the lock of a process that dies. Some file systems have no locks, or do not pass them on to
/// other machines, or keep those of a machine that died; so the file also names its holder, who touches it every few
/// seconds. A holder unknown to the kernel counts as gone if it has not done so for half a minute, or if it was an
/// earlier start of the same batch job.
class OutputLock {
 public:
  /// @param patience  seconds to watch a holder on another machine; must exceed the time between two renewals
  /// @throws OutputBusy; Error if the folder cannot be written to
  explicit OutputLock(std::string folder, double patience = 30.0);
  ~OutputLock();
  OutputLock(const OutputLock&) = delete;
  OutputLock& operator=(const OutputLock&) = delete;

  /// Touches the lock file. Call it every few seconds, from any thread.
  /// @return false if a run on another machine has taken over the lock
  bool renew() const;

 private:
  std::string folder_, text_;
  io::Descriptor file_;
};

/// The run that holds the lock of a folder, or held it and died.
struct LockState {
  LockHolder holder;
  enum class Alive { yes, no, unknown } alive = Alive::unknown;
};
std::optional<LockState> lock_state(const std::string& folder);

}  // namespace lindrift::sweep
