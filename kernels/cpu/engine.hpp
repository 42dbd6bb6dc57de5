#pragma once

#include <omp.h>

#include <new>

#include "kernels/functor.hpp"

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace cpu {

/// Uninitialised doubles on a cache-line boundary. No standard container here: its inline functions would be shared
/// with code compiled for other instruction sets.
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { release(); }

  double* resize(Index size) {
    if (size > capacity_) {
      release();
      data_ =
          static_cast<double*>(::operator new (static_cast<std::size_t>(size) * sizeof(double), std::align_val_t{64}));
      capacity_ = size;
    }
    return data_;
  }
  double* data() const { return data_; }

 private:
  void release() {
    if (data_) ::operator delete (data_, std::align_val_t{64});
    data_ = nullptr;
    capacity_ = 0;
  }
  double* data_ = nullptr;
  Index capacity_ = 0;
};

/// The verbs as OpenMP loops over packs of doubles. Work is cut into blocks whose size does not depend on the number of
/// threads, block sums are added by a fixed binary tree, and a sum has the same lanes whatever the width of a pack: the
/// same bits for any number of threads. Another instruction set may fuse a multiply-add elsewhere and move the last
/// bit.
class Engine {
 public:
  using Buffer = cpu::Buffer;
  /// Partners run over the lanes of a vector.
  static constexpr bool rows_are_lanes = false;

  explicit Engine(int threads, int /*device*/) : threads_(threads > 0 ? threads : omp_get_max_threads()) {}

  /// Memory that the host sees is memory that the CPU computes on: nothing to copy.
  const double* upload(const double* host, Index /*size*/, Buffer& /*buffer*/) { return host; }
  double* target(double* host, Index /*size*/, Buffer& /*buffer*/) { return host; }
  void download(double* /*host*/, Index /*size*/, Buffer& /*buffer*/) {}
  void copy_in(const double* host, Index size, Buffer& buffer) {
    __builtin_memcpy(buffer.resize(size), host, static_cast<std::size_t>(size) * sizeof(double));
  }
  void copy_out(double* host, Index size, const Buffer& buffer) {
    __builtin_memcpy(host, buffer.data(), static_cast<std::size_t>(size) * sizeof(double));
  }

  template <class Functor>
  void map(Index size, const Functor& functor) {
#pragma omp parallel for simd schedule(static) num_threads(threads_) if (parallel : size > parallel_elements)
    for (Index i = 0; i < size; ++i) functor(i);
  }

  template <class Term>
  typename Term::template Sum<double> reduce(Index size, const Term& term) {
    using Sum = typename Term::template Sum<double>;
    const Index blocks = (size + block_elements - 1) / block_elements;
    if (blocks <= 1) return block_sum(term, 0, size);
    constexpr Index doubles = (sizeof(Sum) + sizeof(double) - 1) / sizeof(double);
    Sum* partial = reinterpret_cast<Sum*>(partial_.resize(blocks * doubles));
#pragma omp parallel for schedule(static) num_threads(threads_) if (size > parallel_elements)
    for (Index b = 0; b < blocks; ++b) {
      const Index first = b * block_elements, last = first + block_elements;
      new (partial + b) Sum(block_sum(term, first, last < size ? last : size));
    }
    for (Index stride = 1; stride < blocks; stride *= 2)
      for (Index b = 0; b + stride < blocks; b += 2 * stride) partial[b] += partial[b + stride];
    return partial[0];
  }

  template <class Pair>
  void pair_sum(const Pair& pair) {
    const Index tiles = (pair.size + tile_rows - 1) / tile_rows;
#pragma omp parallel for schedule(static) num_threads(threads_) if (pair.size > parallel_rows)
    for (Index tile = 0; tile < tiles; ++tile) pair_tile(pair, tile * tile_rows);
  }

 private:
  static constexpr Index parallel_elements = 65536;  ///< below, starting threads costs more than the loop
  static constexpr Index parallel_rows = 1024;
  static constexpr Index block_elements = 4096;
  static constexpr int lanes = 8;  ///< of a sum: elements i, i + lanes, i + 2 lanes, ... go to the same one
  static constexpr int packs = lanes / pack_width;
  static constexpr int tile_rows = 6;  ///< rows that share a loaded column: what 32 vector registers hold
  static constexpr Index pair_block =
      512;  ///< columns summed before the block's sum joins the total: keeps error small

  template <class Sum>
  LINDRIFT_HD static auto fold_lanes(const Sum (&sum)[packs]) {
    const auto lane = [&](int i) { return sum[i / pack_width].lane(i % pack_width); };
    auto a = lane(0), b = lane(1), c = lane(2), d = lane(3);
    a += lane(4);
    b += lane(5);
    c += lane(6);
    d += lane(7);
    a += c;
    b += d;
    a += b;
    return a;
  }

  template <class Term>
  static typename Term::template Sum<double> block_sum(const Term& term, Index first, Index last) {
    // Two independent sums hide the latency of the additions.
    typename Term::template Sum<Pack> even[packs]{}, odd[packs]{};
    Index i = first;
    for (; i + 2 * lanes <= last; i += 2 * lanes)
      for (int p = 0; p < packs; ++p) {
        term.template accumulate<Pack>(i + p * pack_width, even[p]);
        term.template accumulate<Pack>(i + p * pack_width + lanes, odd[p]);
      }
    for (int p = 0; p < packs; ++p) even[p] += odd[p];
    auto sum = fold_lanes(even);
    for (; i < last; ++i) term.template accumulate<double>(i, sum);
    return sum;
  }

  template <class Pair>
  static void pair_tile(const Pair& pair, Index first_row) {
    using PackSum = typename Pair::template Sum<Pack>;
    typename Pair::Row row[tile_rows];
    for (int r = 0; r < tile_rows; ++r) row[r] = pair.row(first_row + r < pair.size ? first_row + r : pair.size - 1);

    PackSum total[tile_rows][packs]{};
    const Index packed = pair.size / lanes * lanes;
    for (Index first = 0; first < packed; first += pair_block) {
      const Index last = first + pair_block < packed ? first + pair_block : packed;
      for (int p = 0; p < packs; ++p) {
        PackSum sum[tile_rows]{};
        for (Index j = first + p * pack_width; j < last; j += lanes) {
          const auto column = pair.template column<Pack>(j);
#pragma GCC unroll 8
          for (int r = 0; r < tile_rows; ++r) pair.template accumulate<Pack>(row[r], column, sum[r]);
        }
        for (int r = 0; r < tile_rows; ++r) total[r][p] += sum[r];
      }
    }
    for (int r = 0; r < tile_rows && first_row + r < pair.size; ++r) {
      auto sum = fold_lanes(total[r]);
      for (Index j = packed; j < pair.size; ++j)
        pair.template accumulate<double>(row[r], pair.template column<double>(j), sum);
      pair.finish(first_row + r, sum);
    }
  }

  int threads_;
  Buffer partial_;
};

}  // namespace cpu
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
