#include "sweep/stop.hpp"

#include <array>
#include <csignal>

namespace lindrift::sweep {
namespace {

volatile std::sig_atomic_t caught = 0;

struct NamedSignal {
  int number;
  const char* name;
};
constexpr std::array stop_signals = {NamedSignal{SIGTERM, "SIGTERM"}, NamedSignal{SIGINT, "SIGINT"},
                                     NamedSignal{SIGHUP, "SIGHUP"},   NamedSignal{SIGUSR1, "SIGUSR1"},
                                     NamedSignal{SIGUSR2, "SIGUSR2"}, NamedSignal{SIGXCPU, "SIGXCPU"}};
std::array<struct sigaction, stop_signals.size()> before;
struct sigaction before_xfsz;

extern "C" void note_signal(int number) {
  // A second Ctrl-C ends the process at once.
  if (number == SIGINT && caught == SIGINT) {
    std::signal(SIGINT, SIG_DFL);
    std::raise(SIGINT);
  }
  caught = number;
}

}  // namespace

StopRequest::StopRequest(Clock::time_point start, double max_seconds) : start_(start), max_seconds_(max_seconds) {
  caught = 0;
  struct sigaction action {};
  action.sa_handler = note_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  for (std::size_t i = 0; i < stop_signals.size(); ++i) {
    sigaction(stop_signals[i].number, nullptr, &before[i]);
    // Signals that the parent ignored stay ignored, as SIGHUP under nohup.
    if (before[i].sa_handler != SIG_IGN) sigaction(stop_signals[i].number, &action, nullptr);
  }
  action.sa_handler = SIG_IGN;  // a write beyond the limit on file sizes then fails with an error
  sigaction(SIGXFSZ, &action, &before_xfsz);
}

StopRequest::~StopRequest() {
  for (std::size_t i = 0; i < stop_signals.size(); ++i) sigaction(stop_signals[i].number, &before[i], nullptr);
  sigaction(SIGXFSZ, &before_xfsz, nullptr);
}

std::string StopRequest::reason() const {
  if (const char* own = own_reason_) return own;
  for (const NamedSignal& signal : stop_signals)
    if (caught == signal.number) return signal.name;
  if (max_seconds_ > 0.0 && std::chrono::duration<double>(Clock::now() - start_).count() >= max_seconds_)
    return "the time limit of --max-time";
  return "";
}

}  // namespace lindrift::sweep
