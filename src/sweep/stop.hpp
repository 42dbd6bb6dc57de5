#pragma once

#include <atomic>
#include <chrono>
#include <string>

namespace lindrift::sweep {

/// Why a run should end before it is done. SIGTERM, SIGINT and SIGUSR1 are noted instead of ending the process, from
/// the construction of this to its end; a second SIGINT ends the process as it otherwise would.
class StopWatch {
 public:
  using Clock = std::chrono::steady_clock;

  /// @param start        of the run
  /// @param max_seconds  how long it may last; 0 or less: no limit
  StopWatch(Clock::time_point start, double max_seconds);
  ~StopWatch();
  StopWatch(const StopWatch&) = delete;
  StopWatch& operator=(const StopWatch&) = delete;

  bool wanted() const { return !reason().empty(); }
  /// "SIGTERM", "--max-time is over", ...; empty if the run may go on.
  std::string reason() const;
  /// Stops for a reason of the caller's own; may come from any thread. The text must live on.
  void stop(const char* reason) { own_reason_ = reason; }

 private:
  Clock::time_point start_;
  double max_seconds_;
  std::atomic<const char*> own_reason_ = nullptr;
};

}  // namespace lindrift::sweep
