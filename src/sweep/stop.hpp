#pragma once

#include <atomic>
#include <chrono>
#include <string>

namespace lindrift::sweep {

/// Tells why a run should stop early. While this object lives, SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2 and SIGXCPU
/// are noted instead of ending the process, unless they were ignored before; a second SIGINT ends it. SIGXFSZ is
/// ignored, so that the write fails instead.
class StopRequest {
 public:
  using Clock = std::chrono::steady_clock;

  /// @param start        start time of the run
  StopRequest(Clock::time_point start, double max_seconds);
  ~StopRequest();
  StopRequest(const StopRequest&) = delete;
  StopRequest& operator=(const StopRequest&) = delete;

  bool wanted() const { return !reason().empty(); }
  /// "SIGTERM", "the time limit of --max-time", ...; empty if the run may go on.
  std::string reason() const;
  /// Requests a stop for another reason, from any thread. The text must stay valid.
  void stop(const char* reason) { own_reason_ = reason; }

 private:
  Clock::time_point start_;
  double max_seconds_;
  std::atomic<const char*> own_reason_ = nullptr;
};

}  // namespace lindrift::sweep
