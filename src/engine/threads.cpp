#include "engine/threads.hpp"

#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <limits>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "kernels/threads.hpp"
#include "lindrift/backend.hpp"
#include "lindrift/communicator.hpp"
#include "lindrift/error.hpp"
#include "lindrift/monitor.hpp"

namespace lindrift {

namespace {

using Clock = std::chrono::steady_clock;
using Word = std::atomic<std::uint32_t>;

/// Time between two checks whether to stop.
constexpr Clock::duration question_interval = std::chrono::milliseconds(20);
/// If a part of a loop took less than the first, the next may be twice as long; if it took more than the second, half
/// as long.
constexpr Clock::duration short_part = std::chrono::microseconds(200), long_part = std::chrono::microseconds(800);

/// What the loops on a thread obey.
struct Heeded {
  int threads = 1;
  const std::function<bool()>* stop = nullptr;
  Clock::time_point asked;
  const std::atomic<bool>* cancelled = nullptr;  ///< flag of the shared loop that this thread is in; null if in none
};
constinit thread_local Heeded heeded;

bool interruptible() { return heeded.stop != nullptr || heeded.cancelled != nullptr; }

void ask(Clock::time_point now) {
  if (heeded.cancelled != nullptr && heeded.cancelled->load(std::memory_order_relaxed)) throw Interruption();
  if (heeded.stop == nullptr || now - heeded.asked < question_interval) return;
  heeded.asked = now;
  if ((*heeded.stop)()) throw Interruption();
}

/// Sleeps while the word has this value, at most for `longest`.
void sleep_while(const Word& word, std::uint32_t value, const timespec* longest = nullptr) {
  ::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, longest, nullptr, 0);
}
void wake(const Word& word) { ::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0); }
void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}
static_assert(sizeof(Word) == 4 && Word::is_always_lock_free);

/// Chooses the size of the next part of a loop, in units, from the time that the previous ones took.
class PartSize {
 public:
  std::uint32_t units() const { return units_; }
  /// Call it after each part.
  Clock::time_point adapt() {
    const Clock::time_point now = Clock::now();
    if (now - before_ < short_part && units_ < std::uint32_t{1} << 30) units_ *= 2;
    if (now - before_ > long_part && units_ > 1) units_ /= 2;
    before_ = now;
    return now;
  }

 private:
  std::uint32_t units_ = 1;
  Clock::time_point before_ = Clock::now();
};

/// A loop, divided into units of a whole number of steps.
struct Loop {
  std::int64_t count, unit;
  kernels::LoopPart part;
  const void* body;

  Loop(std::int64_t items, std::int64_t step, kernels::LoopPart of_part, const void* of_body)
      : count(items), unit(step), part(of_part), body(of_body) {
    while ((count - 1) / unit >= std::numeric_limits<std::int32_t>::max()) unit *= 2;
  }
  std::uint32_t units() const { return static_cast<std::uint32_t>((count - 1) / unit + 1); }
  void run(std::uint32_t first, std::uint32_t last, int member) const {
    part(body, first * unit, std::min(count, last * unit), member);
  }
};

/// Units of a loop that nobody has taken yet: a member takes its own from the front, others help from the back.
class Share {
 public:
  void set(std::uint32_t first, std::uint32_t last) { rest_.store(pack(first, last), std::memory_order_relaxed); }

  /// Takes at most half of the rest at a time, so that the others can still help.
  bool take(std::uint32_t wanted, bool own, std::uint32_t& first, std::uint32_t& last) {
    std::uint64_t rest = rest_.load(std::memory_order_relaxed);
    while (true) {
      const auto begin = static_cast<std::uint32_t>(rest >> 32), end = static_cast<std::uint32_t>(rest);
      if (begin >= end) return false;
      const std::uint32_t some = std::min(wanted, (end - begin + 1) / 2);
      first = own ? begin : end - some;
      last = first + some;
      if (rest_.compare_exchange_weak(rest, own ? pack(last, end) : pack(begin, first), std::memory_order_relaxed))
        return true;
    }
  }

 private:
  static std::uint64_t pack(std::uint32_t first, std::uint32_t last) { return std::uint64_t{first} << 32 | last; }

  alignas(64) std::atomic<std::uint64_t> rest_ = 0;
};

/// A host thread with the threads that help it.
class Team {
 public:
  Team() = default;
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;
  ~Team() {
    ending_.store(true, std::memory_order_relaxed);
    for (const auto& helper : helpers_) call(*helper);
    for (const auto& helper : helpers_) helper->thread.join();
  }

  /// Whether this is the process that created the team; a forked process has no helpers.
  bool is_here() const { return process_ == ::getpid(); }

  void run(const Loop& loop, int threads) {
    const auto units = loop.units();
    const auto wanted = static_cast<int>(std::min(static_cast<std::uint32_t>(threads), units));
    members_ = grow(wanted - 1) + 1;
    for (int m = 0; m < members_; ++m) shares_[static_cast<std::size_t>(m)].set(bound(units, m), bound(units, m + 1));
    loop_ = &loop;
    cancelled_.store(false, std::memory_order_relaxed);
    state_.store(open, std::memory_order_release);
    for (int m = 1; m < members_; ++m) call(*helpers_[static_cast<std::size_t>(m) - 1]);
    work(0);
    close();
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  }

 private:
  struct Helper {
    alignas(64) Word calls = 0;
    std::thread thread;
  };

  /// The state counts the helpers at work; two flags tell whether others may join them, and whether the caller sleeps
  /// until all have finished.
  static constexpr std::uint32_t open = 1U << 31, awaited = 1U << 30;

  std::uint32_t bound(std::uint32_t units, int member) const {
    return static_cast<std::uint32_t>(std::uint64_t{units} * static_cast<std::uint64_t>(member) /
                                      static_cast<std::uint64_t>(members_));
  }

  /// Starts helpers until there are `wanted`, or the system grants no more. Returns the number available to this loop.
  int grow(int wanted) {
    while (static_cast<int>(helpers_.size()) < wanted) {
      const auto member = static_cast<int>(helpers_.size()) + 1;
      auto helper = std::make_unique<Helper>();
      // Signals belong to the program's own threads.
      sigset_t all, before;
      sigfillset(&all);
      for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP}) sigdelset(&all, fault);
      pthread_sigmask(SIG_BLOCK, &all, &before);
      try {
        helper->thread = std::thread([this, member, own = helper.get()] { serve(*own, member); });
      } catch (const std::system_error&) {  // the system grants no more threads
      }
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
      if (!helper->thread.joinable()) break;
      helpers_.push_back(std::move(helper));
    }
    const int there = std::min(wanted, static_cast<int>(helpers_.size()));
    if (static_cast<int>(shares_.size()) <= there) shares_ = std::vector<Share>(static_cast<std::size_t>(there) + 1);
    return there;
  }

  static void call(Helper& helper) {
    helper.calls.fetch_add(1, std::memory_order_release);
    wake(helper.calls);
  }

  // --- a helper ---
  void serve(Helper& self, int member) {
    for (std::uint32_t seen = 0;;) {
      std::uint32_t calls = self.calls.load(std::memory_order_acquire);
      for (; calls == seen; calls = self.calls.load(std::memory_order_acquire)) sleep_while(self.calls, seen);
      seen = calls;
      if (ending_.load(std::memory_order_relaxed)) return;
      if (!enter()) continue;  // the others have done all the work
      if (member < members_) work(member);
      leave();
    }
  }
  bool enter() {
    std::uint32_t state = state_.load(std::memory_order_relaxed);
    while ((state & open) != 0)
      if (state_.compare_exchange_weak(state, state + 1, std::memory_order_acquire, std::memory_order_relaxed))
        return true;
    return false;
  }
  void leave() {
    if (state_.fetch_sub(1, std::memory_order_release) - 1 == awaited) wake(state_);
  }

  /// Lets no more helpers in and waits for those still at work.
  void close() {
    std::uint32_t state = state_.fetch_and(~open, std::memory_order_acquire) & ~open;
    // Most finish within a microsecond or two of each other; going to sleep takes longer than that.
    for (int look = 0; look < 64 && state != 0; ++look) {
      pause();
      state = state_.load(std::memory_order_acquire);
    }
    if (state == 0) return;
    state = state_.fetch_or(awaited, std::memory_order_acquire) | awaited;
    constexpr timespec between_questions{
        0, std::chrono::duration_cast<std::chrono::nanoseconds>(question_interval).count()};
    for (; state != awaited; state = state_.load(std::memory_order_acquire)) {
      sleep_while(state_, state, heeded.stop != nullptr ? &between_questions : nullptr);
      if (heeded.stop == nullptr || cancelled_.load(std::memory_order_relaxed)) continue;
      try {
        ask(Clock::now());
      } catch (...) {
        fail();
      }
    }
  }

  // --- all members ---
  void work(int member) noexcept {
    const Heeded outer = heeded;
    heeded.threads = 1;
    heeded.cancelled = &cancelled_;
    try {
      PartSize size;
      std::uint32_t first = 0, last = 0;
      for (int i = 0; i < members_; ++i) {
        Share& share = shares_[static_cast<std::size_t>((member + i) % members_)];
        while (!cancelled_.load(std::memory_order_relaxed) && share.take(size.units(), i == 0, first, last)) {
          loop_->run(first, last, member);
          ask(size.adapt());
        }
      }
    } catch (...) {
      fail();
    }
    const Clock::time_point asked = heeded.asked;
    heeded = outer;
    heeded.asked = asked;
  }

  /// Ends the loop. The caller gets the first exception thrown.
  void fail() {
    const std::lock_guard lock(failing_);
    if (!cancelled_.exchange(true, std::memory_order_relaxed)) failure_ = std::current_exception();
  }

  const pid_t process_ = ::getpid();
  std::vector<std::unique_ptr<Helper>> helpers_;
  std::atomic<bool> ending_ = false;
  // The current loop: changed only while no helper is at work.
  int members_ = 1;
  const Loop* loop_ = nullptr;
  std::vector<Share> shares_;
  std::atomic<bool> cancelled_ = false;
  std::mutex failing_;
  std::exception_ptr failure_;
  alignas(64) Word state_ = 0;
};

/// The team of this host thread, created for its first shared loop.
Team& own_team() {
  struct Owner {
    std::unique_ptr<Team> team;
    ~Owner() {
      if (team && !team->is_here()) team.release();  // a forked process cannot join its parent's threads
    }
  };
  thread_local Owner owner;
  if (owner.team && !owner.team->is_here()) owner.team.release();
  if (!owner.team) owner.team = std::make_unique<Team>();
  return *owner.team;
}

/// Cores that this process may use: those it is bound to, or fewer if the container limits its CPU time.
int usable_cores() {
  cpu_set_t set;
  int cores = ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set)
                                                            : static_cast<int>(std::thread::hardware_concurrency());
  double quota = 0.0, period = 0.0;  // "max 100000" if there is no limit
  if (std::ifstream limit("/sys/fs/cgroup/cpu.max"); limit >> quota >> period && quota > 0.0 && period > 0.0)
    cores = std::min(cores, static_cast<int>(std::ceil(quota / period)));
  return std::max(1, cores);
}

}  // namespace

int default_threads() {
  static const int threads = [] {
    const char* wished = std::getenv("OMP_NUM_THREADS");
    const int number = wished != nullptr ? std::atoi(wished) : 0;
    return number > 0 ? number : usable_cores();
  }();
  return threads;
}

int threads_of(const Execution& execution) { return execution.threads > 0 ? execution.threads : default_threads(); }

Calculation::Calculation(int threads) : outer_threads_(heeded.threads), outer_stop_(heeded.stop) {
  heeded.threads = heeded.cancelled != nullptr ? 1 : threads;
}
Calculation::Calculation(int threads, const Monitor& monitor, bool shared) : Calculation(threads) {
  if (!monitor.stop || shared) return;
  heeded.stop = &monitor.stop;
  heeded.asked = {};
}
Calculation::Calculation(const Execution& execution, const Monitor& monitor)
    : Calculation(threads_of(execution), monitor,
                  execution.communicator != nullptr && execution.communicator->size() > 1) {}
Calculation::~Calculation() {
  heeded.threads = outer_threads_;
  heeded.stop = outer_stop_;
}

Calculation::Undisturbed::Undisturbed() : outer_stop_(std::exchange(heeded.stop, nullptr)) {}
Calculation::Undisturbed::~Undisturbed() { heeded.stop = outer_stop_; }

int Calculation::threads() { return heeded.threads; }

void Calculation::look_up() {
  if (interruptible()) ask(Clock::now());
}

namespace kernels {

void run_loop(int threads, std::int64_t count, std::int64_t step, LoopPart part, const void* body) {
  if (count <= 0) return;
  const bool shared = threads > 1 && heeded.cancelled == nullptr;  // within a shared loop: on its own thread
  if (!shared && !interruptible()) return part(body, 0, count, 0);
  const Loop loop(count, step, part, body);
  if (shared && loop.units() > 1) return own_team().run(loop, threads);
  PartSize size;
  for (std::uint32_t first = 0, units = loop.units(); first < units;) {
    const std::uint32_t last = first + std::min(size.units(), units - first);
    loop.run(first, last, 0);
    first = last;
    ask(size.adapt());
  }
}

}  // namespace kernels

}  // namespace lindrift
