#pragma once

#include <functional>

namespace lindrift {

struct Execution;
struct Monitor;

/// Default number of threads of a calculation: OMP_NUM_THREADS, or the number of cores that this process may use.
int default_threads();

/// Number of threads that `execution` asks for.
int threads_of(const Execution& execution);

/// While an object of this class lives, the loops over modes on this host thread (engine/parallel.hpp) share their work
/// between that many threads, and long loops check whether to stop. Without one they run on the host thread alone. Each
/// host thread has its own.
///
/// The helper threads belong to the calling thread: they sleep while they wait, and end with it. A loop does not wait
/// for threads that are slow to wake up, because the others do their share; so a core that is busy with other work
/// costs only its own share.
class Calculation {
 public:
  explicit Calculation(int threads);
  /// @param monitor  loops call its stop(), unless ranks share the calculation, because these must all stop at the same
  ///                 place
  Calculation(int threads, const Monitor& monitor, bool shared);
  Calculation(const Execution& execution, const Monitor& monitor);
  ~Calculation();
  Calculation(const Calculation&) = delete;
  Calculation& operator=(const Calculation&) = delete;

  /// While it lives, loops do not check whether to stop: for work called from C code, which an exception must not
  /// cross.
  class Undisturbed {
   public:
    Undisturbed();
    ~Undisturbed();
    Undisturbed(const Undisturbed&) = delete;
    Undisturbed& operator=(const Undisturbed&) = delete;

   private:
    const std::function<bool()>* outer_stop_;
  };

  /// Number of threads of the calculation on this host thread.
  static int threads();
  /// Checks whether to stop, unless the last check was a moment ago. For work outside the loops.
  /// @throws Interruption
  static void look_up();

 private:
  int outer_threads_;
  const std::function<bool()>* outer_stop_;
};

}  // namespace lindrift
