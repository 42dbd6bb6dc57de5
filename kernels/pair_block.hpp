#pragma once

#include "kernels/functor.hpp"

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {

/// What a pair adds up for all rows together, and what is stored for a row.
template <class Pair, bool Has>
struct CommonOf {
  struct Common {};
  using Stored = typename Pair::template Sum<double>;
};
template <class Pair>
struct CommonOf<Pair, true> {
  using Common = typename Pair::Common;
  using Stored = typename Pair::Stored;
};

/// The work of one thread block in a pair sum, cut at its barriers into phases that the host can call too: tests go
/// through the lanes of a block one by one, with tiles poisoned in between, and find index errors without a GPU.
///
/// A block owns `rows_per_block` rows. Lane t keeps rows t, t + lanes, t + 2 lanes, ... of them, so that neighbouring
/// lanes load neighbouring rows and one column read from the tile serves `RowsPerLane` rows. Columns are processed in
/// tiles. They may be split over `chunks` blocks, so that few rows still fill the GPU; the partial sums are then added
/// in the order of the chunks, which gives the same bits on every run.
///
/// A pair may have sums that are the same for all rows: add_common(column, Common&), once for the rows of a lane, and
/// with_common(sum of a row, Common), which is what is stored and finished.
template <class Pair, int RowsPerLane = Pair::rows_per_lane, int Lanes = 256 / RowsPerLane>
struct PairBlock {
  using Row = typename Pair::Row;
  using Column = typename Pair::template Column<double>;
  using RowSum = typename Pair::template Sum<double>;
  static constexpr bool has_common = requires { typename Pair::Common; };
  using Common = typename CommonOf<Pair, has_common>::Common;
  using Sum = typename CommonOf<Pair, has_common>::Stored;

  static constexpr int lanes = Lanes;
  static constexpr int rows_per_block = Lanes * RowsPerLane;
  static constexpr int tile_columns = Lanes;

  /// Columns [first, last) of a chunk.
  struct Chunk {
    Index first, last;
  };
  LINDRIFT_HD static Chunk chunk(Index size, int index, int chunks) {
    const Index tiles = (size + tile_columns - 1) / tile_columns;
    const Index first = tiles * index / chunks * tile_columns;
    const Index last = tiles * (index + 1) / chunks * tile_columns;
    return {first < size ? first : size, last < size ? last : size};
  }

  /// Registers of a lane.
  struct Lane {
    Row row[RowsPerLane];
    RowSum sum[RowsPerLane];
    Common common;
  };

  LINDRIFT_HD static Index row_index(RowRange rows, Index block, int lane, int r) {
    return rows.first + block * rows_per_block + lane + r * Lanes;
  }

  /// Phase 1: lanes beyond the last row repeat it; store() drops their result, but they still stage tiles.
  LINDRIFT_HD static void begin(const Pair& pair, RowRange rows, Index block, int lane, Lane& state) {
    for (int r = 0; r < RowsPerLane; ++r) {
      const Index i = row_index(rows, block, lane, r);
      state.row[r] = pair.row(i < rows.last ? i : rows.last - 1);
      state.sum[r] = RowSum{};
    }
    state.common = Common{};
  }

  /// Phase 2, once per tile: columns first .. min(first + tile_columns, last) go to shared memory, one per lane.
  LINDRIFT_HD static void stage(const Pair& pair, Index first, Index last, int lane, Column* tile) {
    if (first + lane < last) tile[lane] = pair.template column<double>(first + lane);
  }

  /// Phase 3, once per tile, after a barrier.
  LINDRIFT_HD static void accumulate(const Pair& pair, Index first, Index last, const Column* tile, Lane& state) {
    const int columns = static_cast<int>(last - first < tile_columns ? last - first : tile_columns);
    for (int j = 0; j < columns; ++j) {
      const Column column = tile[j];
      if constexpr (has_common) pair.add_common(column, state.common);
      for (int r = 0; r < RowsPerLane; ++r) pair.template accumulate<double>(state.row[r], column, state.sum[r]);
    }
  }

  /// Phase 4: partial[chunk * size + row].
  LINDRIFT_HD static void store(const Pair& pair, RowRange rows, Index block, int chunk, int lane, const Lane& state,
                                Sum* partial) {
    for (int r = 0; r < RowsPerLane; ++r) {
      const Index i = row_index(rows, block, lane, r);
      if (i >= rows.last) continue;
      if constexpr (has_common)
        partial[chunk * pair.size + i] = Pair::with_common(state.sum[r], state.common);
      else
        partial[chunk * pair.size + i] = state.sum[r];
    }
  }

  /// A map over the rows that completes the sum.
  struct Finish {
    Pair pair;
    const Sum* partial;
    int chunks;
    Index first_row;
    LINDRIFT_HD void operator()(Index row) const {
      const Index i = first_row + row;
      Sum sum = partial[i];
      for (int c = 1; c < chunks; ++c) sum += partial[c * pair.size + i];
      pair.finish(i, sum);
    }
  };
};

/// The work of one thread block in a reduction, also cut at its barriers. A block owns `block_elements` consecutive
/// elements; lane t takes elements t, t + lanes, ...; the engine adds the lanes.
template <class Term, int Lanes = 256, int ElementsPerLane = 16>
struct ReduceBlock {
  using Sum = typename Term::template Sum<double>;
  static constexpr int lanes = Lanes;
  static constexpr Index block_elements = Index{Lanes} * ElementsPerLane;

  LINDRIFT_HD static Index blocks(Index size) { return (size + block_elements - 1) / block_elements; }

  /// Sum of one lane's elements.
  LINDRIFT_HD static Sum accumulate(const Term& term, Index size, Index block, int lane) {
    Sum sum{};
    for (int e = 0; e < ElementsPerLane; ++e) {
      const Index i = block * block_elements + Index{e} * Lanes + lane;
      if (i < size) term.template accumulate<double>(i, sum);
    }
    return sum;
  }
};

}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
