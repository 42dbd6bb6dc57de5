#include "sweep/stop.hpp"

#include <array>
#include <csignal>

namespace lindrift::sweep {
namespace {

volatile std::sig_atomic_t caught = 0;

constexpr std::array signals = {SIGTERM, SIGINT, SIGUSR1};
std::array<struct sigaction, signals.size()> before;

extern "C" void note_signal(int number) {
  // Someone at a terminal who asks twice means it.
  if (number == SIGINT && caught == SIGINT) {
    std::signal(SIGINT, SIG_DFL);
    std::raise(SIGINT);
  }
  caught = number;
}

}  // namespace

StopWatch::StopWatch(Clock::time_point start, double max_seconds) : start_(start), max_seconds_(max_seconds) {
  caught = 0;
  struct sigaction action {};
  action.sa_handler = note_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  for (std::size_t i = 0; i < signals.size(); ++i) sigaction(signals[i], &action, &before[i]);
}

StopWatch::~StopWatch() {
  for (std::size_t i = 0; i < signals.size(); ++i) sigaction(signals[i], &before[i], nullptr);
}

std::string StopWatch::reason() const {
  if (const char* own = own_reason_) return own;
  switch (caught) {
    case 0:
      break;
    case SIGTERM:
      return "SIGTERM";
    case SIGINT:
      return "SIGINT";
    case SIGUSR1:
      return "SIGUSR1";
    default:
      return "a signal";
  }
  if (max_seconds_ > 0.0 && std::chrono::duration<double>(Clock::now() - start_).count() >= max_seconds_)
    return "the time given by --max-time is over";
  return "";
}

}  // namespace lindrift::sweep
