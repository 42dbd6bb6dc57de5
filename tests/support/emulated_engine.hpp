#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "kernels/functor.hpp"
#include "kernels/pair_block.hpp"
#include "kernels/row_block.hpp"
#include "kernels/shared_rows.hpp"

namespace lindrift::testing {

/// A signalling NaN: what memory holds before anything was written to it.
inline constexpr std::uint64_t poison_bits = 0x7ff4dead0badbeefULL;

template <class T>
void poison(T* data, std::size_t count) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % sizeof(double) == 0);
  for (std::size_t i = 0; i < count * sizeof(T) / sizeof(double); ++i)
    std::memcpy(reinterpret_cast<char*>(data) + i * sizeof(double), &poison_bits, sizeof(double));
}

/// Device memory: apart from the host's, poisoned whenever it is asked for, with guards that notice a write next to it.
class EmulatedBuffer {
 public:
  EmulatedBuffer() = default;
  EmulatedBuffer(const EmulatedBuffer&) = delete;
  EmulatedBuffer& operator=(const EmulatedBuffer&) = delete;
  ~EmulatedBuffer() { check_guards(); }

  double* resize(kernels::Index size) {
    check_guards();
    memory_.resize(static_cast<std::size_t>(size) + 2 * guard);
    poison(memory_.data(), memory_.size());
    return data();
  }
  double* data() { return memory_.data() + guard; }
  const double* data() const { return memory_.data() + guard; }

 private:
  static constexpr std::size_t guard = 64;

  void check_guards() const {
    if (memory_.empty()) return;
    for (std::size_t i = 0; i < guard; ++i)
      for (const double* word : {&memory_[i], &memory_[memory_.size() - 1 - i]})
        if (std::memcmp(word, &poison_bits, sizeof(double)) != 0) {
          ADD_FAILURE() << "a kernel wrote outside its buffer of " << memory_.size() - 2 * guard << " doubles";
          return;
        }
  }
  std::vector<double> memory_;
};

/// The verbs of kernels/cuda/engine.hpp, with every thread block walked on the host phase by phase and lane by lane.
/// What a barrier separates on the card is separated here; inside a phase the lanes go in an order that must not
/// matter, and what a lane has not written is poison.
/// @tparam Lanes  threads of a block      @tparam RowsPerLane, ElementsPerLane  as in the blocks
/// @tparam Chunks how many blocks share the columns of a row; more than there are tiles leaves some with nothing
/// @tparam Backward walks the lanes from the last to the first
template <int Lanes, int RowsPerLane, int ElementsPerLane, int Chunks, bool Backward>
class EmulatedEngine {
 public:
  using Buffer = EmulatedBuffer;
  static constexpr bool on_host = false;
  static constexpr bool rows_are_lanes = true;
  static constexpr bool wide_sums = false;
  static constexpr kernels::Index buffered_values = 1000;  ///< small, so that results go through it in several batches
  using Index = kernels::Index;

  EmulatedEngine(int /*threads*/, int /*device*/, lindrift::Communicator* communicator) : communicator_(communicator) {}

  const double* upload(const double* host, Index size, Buffer& buffer) {
    copy_in(host, size, buffer);
    return buffer.data();
  }
  double* target(double* /*host*/, Index size, Buffer& buffer) { return buffer.resize(size); }
  void download(double* host, Index size, Buffer& buffer) { copy_out(host, size, buffer); }
  void copy_in(const double* host, Index size, Buffer& buffer) {
    std::memcpy(buffer.resize(size), host, static_cast<std::size_t>(size) * sizeof(double));
  }
  void copy_out(double* host, Index size, const Buffer& buffer) {
    std::memcpy(host, buffer.data(), static_cast<std::size_t>(size) * sizeof(double));
  }

  template <class Functor>
  void map(Index size, const Functor& functor, Index /*work*/ = 1) {
    for (Index i = 0; i < size; ++i) functor(Backward ? size - 1 - i : i);
  }

  template <class Term>
  typename Term::template Sum<double> reduce(Index size, const Term& term) {
    using Block = kernels::ReduceBlock<Term, Lanes, ElementsPerLane>;
    using Sum = typename Block::Sum;
    std::vector<Sum> partial(static_cast<std::size_t>(Block::blocks(size)));
    poison(partial.data(), partial.size());
    for (Index block = 0; block < Block::blocks(size); ++block) {
      std::vector<Sum> shared(2 * Lanes);  // a read beyond the lanes meets poison
      poison(shared.data(), shared.size());
      each_lane([&](int lane) { shared[static_cast<std::size_t>(lane)] = Block::accumulate(term, size, block, lane); });
      for (int stride = Lanes / 2; stride > 0; stride /= 2)
        each_lane([&](int lane) { Block::fold(lane, stride, shared.data()); });
      partial[static_cast<std::size_t>(block)] = shared[0];
    }
    if (partial.size() == 1) return partial[0];
    return reduce(static_cast<Index>(partial.size()), PartialTerm<Sum>{partial.data()});
  }

  template <class Pair>
  void pair_sum(const Pair& pair) {
    using Block = kernels::PairBlock<Pair, Lanes, RowsPerLane>;
    using Sum = typename Block::Sum;
    std::vector<Sum> partial(static_cast<std::size_t>(pair.size * Chunks));
    poison(partial.data(), partial.size());
    const kernels::RowRange rows = own_rows(pair.size);
    const Index row_blocks = (rows.last - rows.first + Block::rows_per_block - 1) / Block::rows_per_block;
    for (Index block = 0; block < row_blocks; ++block)
      for (int chunk = 0; chunk < Chunks; ++chunk) {
        const auto columns = Block::chunk(pair.size, chunk, Chunks);
        std::vector<typename Block::Lane> state(Lanes);
        poison(state.data(), state.size());
        std::vector<typename Block::Column> tile(Block::tile_columns);
        each_lane([&](int lane) { Block::begin(pair, rows, block, lane, state[static_cast<std::size_t>(lane)]); });
        for (Index first = columns.first; first < columns.last; first += Block::tile_columns) {
          poison(tile.data(), tile.size());
          each_lane([&](int lane) { Block::stage(pair, first, columns.last, lane, tile.data()); });
          each_lane([&](int lane) {
            Block::accumulate(pair, first, columns.last, tile.data(), state[static_cast<std::size_t>(lane)]);
          });
        }
        each_lane([&](int lane) {
          Block::store(pair, rows, block, chunk, lane, state[static_cast<std::size_t>(lane)], partial.data());
        });
      }
    map(rows.last - rows.first, typename Block::Finish{pair, partial.data(), Chunks, rows.first});
  }
  void gather(double* values, Index size) {
    if (shares(size)) kernels::gather_items(*communicator_, values, size, kernels::shared_row_block, 1);
  }

  template <class Rows>
  void row_sum(const Rows& rows) {
    using Block = kernels::RowBlock<Rows, Lanes, RowsPerLane>;
    using Sum = typename Block::Sum;
    std::vector<Sum> partial(static_cast<std::size_t>(rows.rows * rows.arguments * Chunks));
    poison(partial.data(), partial.size());
    const Index blocks = (rows.arguments + Block::arguments_per_block - 1) / Block::arguments_per_block;
    // Two launches, as for more rows than a grid has.
    const Index half = (rows.rows + 1) / 2;
    for (Index first = 0; first < rows.rows; first += half) {
      const Rows some = rows.part(first, rows.rows - first < half ? rows.rows - first : half);
      for (Index row = 0; row < some.rows; ++row)
        for (Index block = 0; block < blocks; ++block)
          for (int chunk = 0; chunk < Chunks; ++chunk) row_block<Block>(some, row, block, chunk, partial.data());
      map(some.rows * some.arguments, typename Block::Finish{some, partial.data(), Chunks});
    }
  }

 private:
  bool shares(Index size) const { return communicator_ != nullptr && size >= kernels::min_shared_rows; }
  kernels::RowRange own_rows(Index size) const {
    kernels::RowRange rows{0, size};
    if (shares(size)) kernels::own_items(*communicator_, size, kernels::shared_row_block, rows.first, rows.last);
    return rows;
  }

  template <class BlockSum>
  struct PartialTerm {
    template <class T>
    using Sum = BlockSum;
    const BlockSum* partial;
    template <class T>
    void accumulate(Index i, BlockSum& sum) const {
      sum += partial[i];
    }
  };

  template <class Block, class Rows>
  static void row_block(const Rows& rows, Index row, Index block, int chunk, typename Block::Sum* partial) {
    const auto terms = Block::chunk(rows.terms, chunk, Chunks);
    std::vector<typename Block::Lane> state(Lanes);
    poison(state.data(), state.size());
    std::vector<typename Block::Term> tile(Block::tile_terms);
    each_lane([&](int lane) { Block::begin(rows, row, block, lane, state[static_cast<std::size_t>(lane)]); });
    for (Index first = terms.first; first < terms.last; first += Block::tile_terms) {
      poison(tile.data(), tile.size());
      each_lane([&](int lane) { Block::stage(rows, row, first, terms.last, lane, tile.data()); });
      each_lane(
          [&](int lane) { Block::accumulate(first, terms.last, tile.data(), state[static_cast<std::size_t>(lane)]); });
    }
    each_lane(
        [&](int lane) { Block::store(rows, row, block, chunk, lane, state[static_cast<std::size_t>(lane)], partial); });
  }

  template <class Phase>
  static void each_lane(const Phase& phase) {
    for (int lane = 0; lane < Lanes; ++lane) phase(Backward ? Lanes - 1 - lane : lane);
  }

  lindrift::Communicator* communicator_;
};

}  // namespace lindrift::testing
