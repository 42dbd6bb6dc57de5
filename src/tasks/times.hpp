#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <functional>
#include <span>

#include "lindrift/backend.hpp"

namespace lindrift {

/// @throws ParameterError naming task.times unless they are finite, >= 0 and strictly ascending
void validate_times(std::span<const double> times);

/// @throws ShapeError, ParameterError naming initial.down_occupation
void validate_down_occupation(std::span<const double> occupation, std::size_t sites);

/// CPU threads that `execution` asks for.
int threads_of(const Execution& execution);

/// How the independent times of a task are dealt with: in batches of a few, whose members do not depend on threads or
/// processes, because kernels and transforms may treat the rows of a batch together.
struct TimeBatches {
  std::size_t times = 0;
  std::size_t sites = 1;

  /// Times whose rows make about a megabyte together.
  std::size_t batch() const { return std::clamp<std::size_t>((std::size_t{1} << 16) / sites, 2, 64); }
  std::size_t count() const { return (times + batch() - 1) / batch(); }

  /// Threads that take batches of their own; the others help within a row.
  int outer(int threads) const {
    // Rows of this size keep all threads busy, and one for each thread would be a burden on memory.
    constexpr std::size_t large = std::size_t{1} << 21;
    return sites >= large || count() < static_cast<std::size_t>(threads) ? 1 : threads;
  }

  /// Calls body(first, last, threads within) for every batch that begins in [begin, end), which are bounds of batches
  /// or the end; after every few, from the calling thread, done(times done so far). False from it ends the loop.
  /// @return false if it was ended
  template <class Body>
  bool run(std::size_t begin, std::size_t end, int threads, const std::function<bool(std::size_t)>& done,
           const Body& body) const {
    const int together = outer(threads), inner = together > 1 ? 1 : threads;
    const std::size_t step = batch(), batches = (end - begin + step - 1) / step;
    // Between two reports every thread gets several batches, so that none waits long for the others.
    const auto round = static_cast<std::size_t>(together) * (together > 1 ? 8 : 1);
    std::exception_ptr failure;  // such as lack of memory: it must not leave the parallel region
    for (std::size_t first = 0; first < batches; first += round) {
      const std::size_t last = std::min(batches, first + round);
#pragma omp parallel for schedule(dynamic) num_threads(together) if (together > 1)
      for (std::size_t b = first; b < last; ++b) {
        try {
          body(begin + b * step, std::min(end, begin + (b + 1) * step), inner);
        } catch (...) {
#pragma omp critical(lindrift_time_batches)
          failure = std::current_exception();
        }
      }
      if (failure) std::rethrow_exception(failure);
      if (done && !done(std::min(end - begin, last * step))) return last == batches;
    }
    return true;
  }
};

}  // namespace lindrift
