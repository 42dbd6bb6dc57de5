#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include "engine/threads.hpp"
#include "kernels/threads.hpp"

/// Loops over modes on the host, shared between the threads of the calculation (engine/threads.hpp). Work is cut into
/// blocks of a fixed size, and the sums of the blocks are added by a fixed tree, so the bits do not depend on the
/// number of threads.

namespace lindrift {

/// Below this, waking the threads costs more than the loop.
inline constexpr std::size_t parallel_threshold = 65536;
inline constexpr std::size_t parallel_rows_threshold = 256;
inline constexpr std::size_t parallel_block = 4096;

/// Calls body(first, last, thread) for parts of a loop over `count` items on `threads` threads; see
/// kernels::run_loop().
template <class Body>
void in_parts(int threads, std::size_t count, const Body& body, std::size_t step = 1) {
  using kernels::Index;
  kernels::in_parts(
      threads, static_cast<Index>(count), static_cast<Index>(step), [&](Index first, Index last, int thread) {
        body(static_cast<std::size_t>(first), static_cast<std::size_t>(last), static_cast<std::size_t>(thread));
      });
}

/// Number of threads for a loop over `size` modes.
inline int parallel_threads(std::size_t size) { return size > parallel_threshold ? Calculation::threads() : 1; }

template <class Body>
void parallel_for(std::size_t size, const Body& body) {
  in_parts(
      parallel_threads(size), size,
      [&](std::size_t i, std::size_t last, std::size_t) {
        for (; i < last; ++i) body(i);
      },
      parallel_block);
}

/// The same for expensive bodies, such as a sum over all modes.
template <class Body>
void parallel_rows(std::size_t count, const Body& body) {
  in_parts(count > parallel_rows_threshold ? Calculation::threads() : 1, count,
           [&](std::size_t i, std::size_t last, std::size_t) {
             for (; i < last; ++i) body(i);
           });
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
  in_parts(parallel_threads(size), blocks, [&](std::size_t b, std::size_t last, std::size_t) {
    for (; b < last; ++b) partial[b] = block_sum(b);
  });
  for (std::size_t stride = 1; stride < blocks; stride *= 2)
    for (std::size_t b = 0; b + stride < blocks; b += 2 * stride)
      for (std::size_t k = 0; k < Count; ++k) partial[b][k] += partial[b + stride][k];
  return partial[0];
}

template <class Term>
double parallel_sum(std::size_t size, const Term& term) {
  return parallel_sums<1>(size, [&](std::size_t i) { return std::array<double, 1>{term(i)}; })[0];
}

/// Largest term(i), or `least` if there are no terms; a NaN counts as larger than any number.
template <class Term>
double parallel_maximum(std::size_t size, double least, const Term& term) {
  const std::size_t blocks = (size + parallel_block - 1) / parallel_block;
  std::vector<double> partial(blocks, least);
  in_parts(parallel_threads(size), blocks, [&](std::size_t first_block, std::size_t last_block, std::size_t) {
    for (std::size_t b = first_block; b < last_block; ++b) {
      const std::size_t last = std::min((b + 1) * parallel_block, size);
      for (std::size_t i = b * parallel_block; i < last; ++i) {
        const double value = term(i);
        if (!(value <= partial[b])) partial[b] = value;
      }
    }
  });
  double largest = least;
  for (const double value : partial)
    if (!(value <= largest)) largest = value;
  return largest;
}

}  // namespace lindrift
