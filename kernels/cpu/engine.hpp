#pragma once

#include <new>

#include "kernels/functor.hpp"
#include "kernels/interleave.hpp"
#include "kernels/shared_rows.hpp"
#include "kernels/threads.hpp"

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace cpu {

/// Uninitialised numbers aligned to a cache line. Standard containers are not used here, because their inline functions
/// would be shared with code compiled for other instruction sets.
template <class T>
class BufferOf {
 public:
  BufferOf() = default;
  BufferOf(const BufferOf&) = delete;
  BufferOf& operator=(const BufferOf&) = delete;
  ~BufferOf() { release(); }

  T* resize(Index size) {
    if (size > capacity_) {
      release();
      data_ = static_cast<T*>(::operator new (static_cast<std::size_t>(size) * sizeof(T), std::align_val_t{64}));
      capacity_ = size;
    }
    return data_;
  }
  T* data() const { return data_; }

 private:
  void release() {
    if (data_) ::operator delete (data_, std::align_val_t{64});
    data_ = nullptr;
    capacity_ = 0;
  }
  T* data_ = nullptr;
  Index capacity_ = 0;
};
using Buffer = BufferOf<double>;

/// The verbs as loops over packs of doubles, shared between threads. Work is cut into blocks whose size does not depend
/// on the number of threads, block sums are added by a fixed binary tree, and a sum has the same lanes for any pack
/// width; so the bits do not depend on the number of threads. Another instruction set may fuse different multiply-adds
/// and change the last bit.
class Engine {
 public:
  using Buffer = cpu::Buffer;
  using IndexBuffer = BufferOf<Index>;
  /// Buffers are host memory.
  static constexpr bool on_host = true;
  /// The lanes of a vector are source modes.
  static constexpr bool rows_are_lanes = false;
  /// Doubles that verbs may hand to one another through a buffer without leaving a core's cache.
  static constexpr Index buffered_values = 1 << 16;

  Engine(int threads, int /*device*/, Communicator* communicator) : threads_(threads), communicator_(communicator) {}

  /// The CPU computes in host memory: nothing to copy.
  template <class T>
  const T* upload(const T* host, Index /*size*/, BufferOf<T>& /*buffer*/) {
    return host;
  }
  double* target(double* host, Index /*size*/, Buffer& /*buffer*/) { return host; }
  void download(double* /*host*/, Index /*size*/, Buffer& /*buffer*/) {}
  template <class T>
  void copy_in(const T* host, Index size, BufferOf<T>& buffer) {
    __builtin_memcpy(buffer.resize(size), host, static_cast<std::size_t>(size) * sizeof(T));
  }
  void copy_out(double* host, Index size, const Buffer& buffer) {
    __builtin_memcpy(host, buffer.data(), static_cast<std::size_t>(size) * sizeof(double));
  }

  /// @param work  cost of one element, in units of an element of a typical map
  template <class Functor>
  void map(Index size, const Functor& functor, Index work = 1) {
    if constexpr (requires { functor.template at<Pack>(Index{}); }) {
      const Index packed = size / pack_width * pack_width;
      in_parts(threads_if(size * work > parallel_elements), packed, element_step(work), [&](Index i, Index last, int) {
        for (; i < last; i += pack_width) functor.template at<Pack>(i);
      });
      for (Index i = packed; i < size; ++i) functor.template at<double>(i);
    } else {
      in_parts(threads_if(size * work > parallel_elements), size, element_step(work),
               [&](Index first, Index last, int) {
#pragma omp simd
                 for (Index i = first; i < last; ++i) functor(i);
               });
    }
  }

  template <class Term>
  typename Term::template Sum<double> reduce(Index size, const Term& term) {
    using Sum = typename Term::template Sum<double>;
    const Index blocks = (size + block_elements - 1) / block_elements;
    if (blocks <= 1) return block_sum(term, 0, size);
    constexpr Index doubles = (sizeof(Sum) + sizeof(double) - 1) / sizeof(double);
    Sum* partial = reinterpret_cast<Sum*>(partial_.resize(blocks * doubles));
    Index first_block = 0, last_block = blocks;
    const bool shared = communicator_ != nullptr && size >= min_shared_elements;
    if (shared) own_items(*communicator_, blocks, 1, first_block, last_block);
    in_parts(threads_if(size > parallel_elements), last_block - first_block, 1, [&](Index from, Index to, int) {
      for (Index b = first_block + from; b < first_block + to; ++b) {
        const Index first = b * block_elements, last = first + block_elements;
        new (partial + b) Sum(block_sum(term, first, last < size ? last : size));
      }
    });
    if (shared) gather_items(*communicator_, partial_.data(), blocks, 1, doubles);
    for (Index stride = 1; stride < blocks; stride *= 2)
      for (Index b = 0; b + stride < blocks; b += 2 * stride) partial[b] += partial[b + stride];
    return partial[0];
  }

  template <class Pair>
  void pair_sum(const Pair& pair) {
    RowRange rows{0, pair.size};
    if (shares(pair.size)) own_items(*communicator_, pair.size, shared_row_block, rows.first, rows.last);
    const Index tiles = (rows.last - rows.first + tile_rows - 1) / tile_rows;
    in_parts(threads_if(pair.size > parallel_rows), tiles, 1, [&](Index tile, Index last, int) {
      for (; tile < last; ++tile) pair_tile(pair, rows.first + tile * tile_rows, rows.last);
    });
  }
  /// Completes arrays over the rows, of which this process has computed its own, by one message.
  template <int Count>
  void gather(double* const (&values)[Count], Index size) {
    if (!shares(size)) return;
    Interleave<Count> interleave{{}, 0, gathered_.resize(Count * size)};
    Separate<Count> separate{gathered_.data(), {}};
    for (int c = 0; c < Count; ++c) interleave.from[c] = separate.to[c] = values[c];
    Index last = 0;
    own_items(*communicator_, size, shared_row_block, interleave.first, last);
    map(last - interleave.first, interleave);
    gather_items(*communicator_, gathered_.data(), size, shared_row_block, Count);
    map(size, separate);
  }

  template <class Rows>
  void row_sum(const Rows& rows) {
    const Index tiles = (rows.arguments + tile_arguments - 1) / tile_arguments;
    const bool shared = rows.rows * rows.arguments * rows.terms > parallel_terms;
    in_parts(threads_if(shared), rows.rows * tiles, 1, [&](Index item, Index last, int) {
      for (; item < last; ++item) row_tile(rows, item / tiles, item % tiles * tile_arguments);
    });
  }

 private:
  static constexpr Index parallel_elements = 65536;  ///< below this, starting threads costs more than the loop
  static constexpr Index parallel_rows = 1024;
  static constexpr Index block_elements = 4096;
  /// Smallest reduction that is worth an exchange between processes.
  static constexpr Index min_shared_elements = 262144;
  static constexpr int lanes = 8;  ///< of a sum: elements i, i + lanes, i + 2 lanes, ... go to the same lane
  static constexpr int packs = lanes / pack_width;
  static constexpr int few_sums = 8;   ///< with more, their additions overlap anyway, and a second set has no registers
  static constexpr int tile_rows = 6;  ///< rows that share a loaded column: even, and what 32 registers hold
  static constexpr Index pair_block = 512;  ///< columns per partial sum: keeps rounding small
  static constexpr Index parallel_terms = 200000;
  static constexpr Index tile_arguments = 512;  ///< the terms of a row are made once for all of these
  static constexpr Index tile_terms = 512;      ///< in the first-level cache; also a partial sum, as above
  static constexpr int abreast = 2;             ///< packs of arguments whose sums hide each other's latency

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
    using PackSum = typename Term::template Sum<Pack>;
    PackSum even[packs]{};
    Index i = first;
    if constexpr (sizeof(PackSum) <= few_sums * sizeof(Pack)) {
      // Two independent sums hide the latency of the additions.
      PackSum odd[packs]{};
      for (; i + 2 * lanes <= last; i += 2 * lanes)
        for (int p = 0; p < packs; ++p) {
          term.template accumulate<Pack>(i + p * pack_width, even[p]);
          term.template accumulate<Pack>(i + p * pack_width + lanes, odd[p]);
        }
      for (int p = 0; p < packs; ++p) even[p] += odd[p];
    } else {
      for (; i + lanes <= last; i += lanes)
        for (int p = 0; p < packs; ++p) term.template accumulate<Pack>(i + p * pack_width, even[p]);
    }
    auto sum = fold_lanes(even);
    for (; i < last; ++i) term.template accumulate<double>(i, sum);
    return sum;
  }

  // Rows computed in pairs have the same partner, whichever thread or process computes them.
  static_assert(tile_rows % 2 == 0 && shared_row_block % 2 == 0);

  template <class Pair>
  static void pair_tile(const Pair& pair, Index first_row, Index last_row) {
    using PackSum = typename Pair::template Sum<Pack>;
    typename Pair::Row row[tile_rows];
    for (int r = 0; r < tile_rows; ++r) row[r] = pair.row(first_row + r < last_row ? first_row + r : last_row - 1);

    PackSum total[tile_rows][packs]{};
    const Index packed = pair.size / lanes * lanes;
    for (Index first = 0; first < packed; first += pair_block) {
      const Index last = first + pair_block < packed ? first + pair_block : packed;
      for (int p = 0; p < packs; ++p) {
        PackSum sum[tile_rows]{};
        for (Index j = first + p * pack_width; j < last; j += lanes) {
          const auto column = pair.template column<Pack>(j);
#pragma GCC unroll 8
          for (int r = 0; r < tile_rows; r += 2)
            if constexpr (requires { pair.template accumulate<Pack>(row[r], row[r], column, sum[r], sum[r]); }) {
              pair.template accumulate<Pack>(row[r], row[r + 1], column, sum[r], sum[r + 1]);
            } else {
              pair.template accumulate<Pack>(row[r], column, sum[r]);
              pair.template accumulate<Pack>(row[r + 1], column, sum[r + 1]);
            }
        }
        for (int r = 0; r < tile_rows; ++r) total[r][p] += sum[r];
      }
    }
    for (int r = 0; r < tile_rows && first_row + r < last_row; ++r) {
      auto sum = fold_lanes(total[r]);
      for (Index j = packed; j < pair.size; ++j)
        pair.template accumulate<double>(row[r], pair.template column<double>(j), sum);
      pair.finish(first_row + r, sum);
    }
  }

  template <class Rows>
  static void row_tile(const Rows& rows, Index row, Index first) {
    constexpr Index tile_packs = tile_arguments / pack_width;
    using PackSum = typename Rows::template Sum<Pack>;
    typename Rows::Term table[tile_terms];
    typename Rows::template Argument<Pack> argument[tile_packs];
    PackSum total[tile_packs]{};
    const Index count = rows.arguments - first < tile_arguments ? rows.arguments - first : tile_arguments;
    const Index packs = (count + abreast * pack_width - 1) / (abreast * pack_width) * abreast;
    for (Index i = 0; i < packs; ++i) argument[i] = rows.template argument<Pack>(row, first + i * pack_width);

    for (Index begin = 0; begin < rows.terms; begin += tile_terms) {
      Index terms = rows.terms - begin < tile_terms ? rows.terms - begin : tile_terms;
      for (Index j = 0; j < terms; ++j) table[j] = rows.term(row, begin + j);
      for (; terms % Rows::group != 0; ++terms) table[terms] = Rows::no_term();
      for (Index i = 0; i < packs; i += abreast) {
        PackSum sum[abreast]{};
        for (Index j = 0; j < terms; j += Rows::group)
#pragma GCC unroll 8
          for (int r = 0; r < abreast; ++r) Rows::template accumulate<Pack>(argument[i + r], table + j, sum[r]);
        for (int r = 0; r < abreast; ++r) total[i + r] += sum[r];
      }
    }
    for (Index a = 0; a < count; ++a)
      rows.finish(row, first + a, total[a / pack_width].lane(static_cast<int>(a % pack_width)));
  }

  int threads_if(bool shared) const { return shared ? threads_ : 1; }
  /// Step of a map: a multiple of every pack width, so that the remainder is the same however the map is cut.
  static constexpr Index element_step(Index work) {
    return work < block_elements / lanes ? block_elements / work / lanes * lanes : lanes;
  }
  bool shares(Index size) const { return communicator_ != nullptr && size >= min_shared_rows; }

  int threads_;
  Communicator* communicator_;
  Buffer partial_, gathered_;
};

}  // namespace cpu
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
