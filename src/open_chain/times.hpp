#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "engine/parallel.hpp"
#include "lindrift/backend.hpp"
#include "lindrift/communicator.hpp"
#include "lindrift/monitor.hpp"

namespace lindrift {

/// Divides the independent times of a task into batches, which do not depend on threads or processes, because kernels
/// and transforms may treat the rows of a batch together.
struct TimeBatches {
  std::size_t times = 0;
  std::size_t sites = 1;

  /// Number of times whose rows take about a megabyte together.
  std::size_t batch() const { return std::clamp<std::size_t>((std::size_t{1} << 16) / sites, 2, 64); }
  std::size_t count() const { return (times + batch() - 1) / batch(); }

  /// Number of threads that take batches of their own; the others help within a row.
  int outer(int threads) const {
    // Rows of this size keep all threads busy, and one per thread would need too much memory.
    constexpr std::size_t large = std::size_t{1} << 21;
    return sites >= large || count() < static_cast<std::size_t>(threads) ? 1 : threads;
  }

  /// Batches between two checks whether to stop. Every thread gets several, so that none waits long for the others;
  /// small batches are many, so that the checks cost little.
  std::size_t round(int threads) const {
    constexpr std::size_t several = 8, elements = std::size_t{1} << 17;
    const int together = outer(threads);
    return together > 1 || sites < elements
               ? static_cast<std::size_t>(together) * std::max(several, elements / (batch() * sites))
               : 1;
  }

  /// Calls body(first, last, thread, threads within) for every batch that begins in [begin, end), which must be bounds
  /// of batches or the end; `thread` is less than outer(threads).
  template <class Body>
  void run(std::size_t begin, std::size_t end, int threads, const Body& body) const {
    const int together = outer(threads), inner = together > 1 ? 1 : threads;
    const std::size_t step = batch(), batches = (end - begin + step - 1) / step;
    in_parts(together, batches, [&](std::size_t b, std::size_t last, std::size_t thread) {
      for (; b < last; ++b) body(begin + b * step, std::min(end, begin + (b + 1) * step), thread, inner);
    });
  }
};

/// Rows of a result, `width` numbers per time; none if `values` is empty.
struct TimeRows {
  std::span<double> values;
  std::size_t width = 1;
};

/// A calculation over independent times that reports its progress, can stop early and can resume.
struct TimeRounds {
  std::span<const double> times;
  std::vector<TimeRows> rows;
  Backend backend;  ///< computes the rows; a checkpoint of another backend is ignored
  const Monitor& monitor;

  /// Calls part(first, last) for this member's share of each round, in whole blocks that start at a multiple of
  /// `block`, and then completes the rows on every member.
  /// @param blocks  blocks per round for each member; the largest request of all members counts
  /// @return false if it was stopped before the last time
  bool run(Communicator& communicator, std::size_t block, std::size_t blocks,
           const std::function<void(std::size_t, std::size_t)>& part) const;
};

}  // namespace lindrift
