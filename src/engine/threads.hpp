#pragma once

#include <functional>

namespace lindrift {

struct Execution;
struct Monitor;

/// Threads that a calculation gets unless it says: OMP_NUM_THREADS, or as many as the cores that this process may use.
int default_threads();

/// Threads that `execution` asks for.
int threads_of(const Execution& execution);

/// While it lives, the loops over modes on this host thread (engine/parallel.hpp) share their work between so many
/// threads, and those that take long ask whether to stop. Where there is none they run on the one thread. Another host
/// thread has its own.
///
/// Threads beside the caller are the caller's own. They sleep while they wait and end with it. A loop does not wait
/// for those that are slow to wake up: the others do their share. So a busy processor costs no more than its core.
class Calculation {
 public:
  explicit Calculation(int threads);
  /// @param monitor  its stop() is asked by loops, unless ranks share the calculation: they must stop at one place
  Calculation(int threads, const Monitor& monitor, bool shared);
  Calculation(const Execution& execution, const Monitor& monitor);
  ~Calculation();
  Calculation(const Calculation&) = delete;
  Calculation& operator=(const Calculation&) = delete;

  /// While it lives nobody asks: for work that is called from C, which an exception must not cross.
  class Undisturbed {
   public:
    Undisturbed();
    ~Undisturbed();
    Undisturbed(const Undisturbed&) = delete;
    Undisturbed& operator=(const Undisturbed&) = delete;

   private:
    const std::function<bool()>* outer_stop_;
  };

  /// Threads of the calculation that runs on this host thread.
  static int threads();
  /// Asks whether to stop, if that was not long ago. For work outside the loops.
  /// @throws Interruption
  static void look_up();

 private:
  int outer_threads_;
  const std::function<bool()>* outer_stop_;
};

}  // namespace lindrift
