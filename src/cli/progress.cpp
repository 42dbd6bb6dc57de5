#include "cli/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>

namespace lindrift::cli {

namespace {

constexpr double bar_interval = 0.1;    // seconds
constexpr double line_interval = 10.0;  // seconds
constexpr int bar_width = 30;

}  // namespace

std::string duration_text(double seconds) {
  if (seconds < 10.0) return fmt::format("{:.2g} s", seconds);
  const auto whole = std::llround(seconds);
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

Progress::Progress(const std::string& mode)
    : shown_(mode != "never"), bar_(mode == "auto" && isatty(STDERR_FILENO) != 0), every_change_(mode == "always") {}

Progress::~Progress() {
  if (drawn_ && bar_) std::fputs("\r\033[K", stderr);
}

std::string Progress::line(const sweep::Tally& tally) const {
  const double total = static_cast<double>(tally.total);
  const double fraction = (static_cast<double>(tally.finished()) + tally.fraction_of_current) / total;
  const double elapsed = std::chrono::duration<double>(Clock::now() - start_).count();
  std::string text = fmt::format("{:3.0f} %  {}/{} points", 100.0 * fraction, tally.finished(), tally.total);
  if (tally.failed > 0) text += fmt::format(", {} failed", tally.failed);
  if (tally.not_converged > 0) text += fmt::format(", {} not converged", tally.not_converged);
  // The rate counts only the points of this run.
  const double before = static_cast<double>(tally.before) / total;
  const auto now_finished = static_cast<double>(tally.finished() - tally.before);
  if (now_finished >= 1.0 && elapsed > 0.0) text += fmt::format(", {:.3g} points/s", now_finished / elapsed);
  if (fraction > before && fraction < 1.0)
    text += "  ETA " + duration_text(elapsed * (1.0 - fraction) / (fraction - before));
  return text;
}

void Progress::update(const sweep::Tally& tally) {
  if (!shown_) return;
  const auto now = Clock::now();
  const double since = std::chrono::duration<double>(now - last_).count();
  if (!every_change_ && since < (bar_ ? bar_interval : line_interval)) return;
  last_ = now;
  if (bar_) {
    const double fraction =
        (static_cast<double>(tally.finished()) + tally.fraction_of_current) / static_cast<double>(tally.total);
    const int filled = static_cast<int>(fraction * bar_width);
    fmt::print(stderr, "\r\033[K[{}{}] {}", std::string(static_cast<std::size_t>(filled), '='),
               std::string(static_cast<std::size_t>(bar_width - filled), ' '), line(tally));
    std::fflush(stderr);
    drawn_ = true;
  } else {
    fmt::print(stderr, "{}\n", line(tally));
  }
}

}  // namespace lindrift::cli
