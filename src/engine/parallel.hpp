#pragma once

#include <omp.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <exception>
#include <vector>

#include "lindrift/backend.hpp"

/// Loops over modes on the host, shared between OpenMP's threads. Work is cut into blocks of a fixed size and the sums
/// of blocks are added by a fixed tree: the same bits for any number of threads.

namespace lindrift {

/// Below, starting threads costs more than the loop.
inline constexpr std::size_t parallel_threshold = 65536;
inline constexpr std::size_t parallel_block = 4096;

/// OpenMP threads that `execution` asks for; all unless it says.
inline int threads_of(const Execution& execution) {
  return execution.threads > 0 ? execution.threads : omp_get_max_threads();
}

/// Carries an exception, such as lack of memory, out of a parallel region, which it must not leave by itself.
class Rescue {
 public:
  template <class Body>
  void operator()(const Body& body) noexcept {
    try {
      body();
    } catch (...) {
#pragma omp critical(lindrift_rescue)
      failure_ = std::current_exception();
    }
  }
  /// After the region.
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  std::exception_ptr failure_;
};

template <class Body>
void parallel_for(std::size_t size, const Body& body) {
#pragma omp parallel for schedule(static) if (size > parallel_threshold)
  for (std::size_t i = 0; i < size; ++i) body(i);
}

/// sum over i of term(i), an array of Count doubles each.
template <std::size_t Count, class Term>
std::array<double, Count> parallel_sums(std::size_t size, const Term& term) {
  using Sums = std::array<double, Count>;
  const auto block_sum = [&](std::size_t block) {
    // Four interleaved sums hide the latency of the additions.
    std::array<Sums, 4> lanes{};
    const std::size_t first = block * parallel_block, last = std::min(first + parallel_block, size);
    for (std::size_t i = first; i < last; ++i) {
      const Sums values = term(i);
      for (std::size_t k = 0; k < Count; ++k) lanes[i % 4][k] += values[k];
    }
    for (std::size_t k = 0; k < Count; ++k) lanes[0][k] = (lanes[0][k] + lanes[1][k]) + (lanes[2][k] + lanes[3][k]);
    return lanes[0];
  };
  const std::size_t blocks = (size + parallel_block - 1) / parallel_block;
  if (blocks == 0) return {};
  if (blocks == 1) return block_sum(0);
  std::vector<Sums> partial(blocks);
#pragma omp parallel for schedule(static) if (size > parallel_threshold)
  for (std::size_t b = 0; b < blocks; ++b) partial[b] = block_sum(b);
  for (std::size_t stride = 1; stride < blocks; stride *= 2)
    for (std::size_t b = 0; b + stride < blocks; b += 2 * stride)
      for (std::size_t k = 0; k < Count; ++k) partial[b][k] += partial[b + stride][k];
  return partial[0];
}

template <class Term>
double parallel_sum(std::size_t size, const Term& term) {
  return parallel_sums<1>(size, [&](std::size_t i) { return std::array<double, 1>{term(i)}; })[0];
}

/// Largest of term(i), `least` if there is none; a NaN wins over every number.
template <class Term>
double parallel_maximum(std::size_t size, double least, const Term& term) {
  const std::size_t blocks = (size + parallel_block - 1) / parallel_block;
  std::vector<double> partial(blocks, least);
#pragma omp parallel for schedule(static) if (size > parallel_threshold)
  for (std::size_t b = 0; b < blocks; ++b) {
    const std::size_t last = std::min((b + 1) * parallel_block, size);
    for (std::size_t i = b * parallel_block; i < last; ++i) {
      const double value = term(i);
      if (!(value <= partial[b])) partial[b] = value;
    }
  }
  double largest = least;
  for (const double value : partial)
    if (!(value <= largest)) largest = value;
  return largest;
}

}  // namespace lindrift
