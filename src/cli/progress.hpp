#pragma once

#include <chrono>
#include <string>

#include "sweep/sweep.hpp"

namespace lindrift::cli {

/// Progress on stderr: on a terminal a bar with the expected time left, elsewhere a line now and then.
class Progress {
 public:
  /// @param mode  auto (a bar on a terminal, otherwise a line every ten seconds) | always (a line per change) | never
  explicit Progress(const std::string& mode);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void update(const sweep::Tally& tally);

 private:
  using Clock = std::chrono::steady_clock;
  std::string line(const sweep::Tally& tally) const;

  bool shown_, bar_, every_change_;
  bool drawn_ = false;
  Clock::time_point start_ = Clock::now(), last_ = start_;
};

/// "1:02:03", "4:05" or "0.3 s".
std::string duration_text(double seconds);

}  // namespace lindrift::cli
