#pragma once

#include "kernels/functor.hpp"

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {

/// The work of one thread block in a row sum, cut at its barriers into phases that the host can call too (see
/// pair_block.hpp).
///
/// A block owns one row and `arguments_per_block` of its arguments. Lane t keeps arguments t, t + lanes, .... All lanes
/// together compute the row's terms, once, a tile at a time, and every lane reads all of them. The terms may be split
/// over `chunks` blocks, so that few rows and arguments still fill the GPU; the partial sums are added in the order of
/// the chunks, which gives the same bits on every run.
template <class Rows, int Lanes = 128, int ArgumentsPerLane = 2>
struct RowBlock {
  using Argument = typename Rows::template Argument<double>;
  using Term = typename Rows::Term;
  using Sum = typename Rows::template Sum<double>;

  static constexpr int lanes = Lanes;
  static constexpr int arguments_per_block = Lanes * ArgumentsPerLane;
  static constexpr int tile_terms = Lanes;
  static_assert(tile_terms % Rows::group == 0, "a tile holds whole groups");

  /// Terms [first, last) of a chunk.
  struct Chunk {
    Index first, last;
  };
  LINDRIFT_HD static Chunk chunk(Index terms, int index, int chunks) {
    const Index tiles = (terms + tile_terms - 1) / tile_terms;
    const Index first = tiles * index / chunks * tile_terms;
    const Index last = tiles * (index + 1) / chunks * tile_terms;
    return {first < terms ? first : terms, last < terms ? last : terms};
  }

  /// Registers of a lane.
  struct Lane {
    Argument argument[ArgumentsPerLane];
    Sum sum[ArgumentsPerLane];
  };

  LINDRIFT_HD static Index argument_index(Index block, int lane, int r) {
    return block * arguments_per_block + lane + r * Lanes;
  }

  /// Phase 1: arguments beyond the last repeat it; store() drops their result, but their lanes still compute terms.
  LINDRIFT_HD static void begin(const Rows& rows, Index row, Index block, int lane, Lane& state) {
    for (int r = 0; r < ArgumentsPerLane; ++r) {
      state.argument[r] = rows.template argument<double>(row, argument_index(block, lane, r));
      state.sum[r] = Sum{};
    }
  }

  /// Phase 2, once per tile: terms first .. min(first + tile_terms, last) go to shared memory, one per lane; the last
  /// group is filled up with terms that add nothing.
  LINDRIFT_HD static void stage(const Rows& rows, Index row, Index first, Index last, int lane, Term* tile) {
    tile[lane] = first + lane < last ? rows.term(row, first + lane) : Rows::no_term();
  }

  /// Phase 3, once per tile, after a barrier.
  LINDRIFT_HD static void accumulate(Index first, Index last, const Term* tile, Lane& state) {
    const int terms = static_cast<int>(last - first < tile_terms ? last - first : tile_terms);
    for (int j = 0; j < terms; j += Rows::group)
      for (int r = 0; r < ArgumentsPerLane; ++r)
        Rows::template accumulate<double>(state.argument[r], tile + j, state.sum[r]);
  }

  /// Phase 4: partial[(chunk * rows + row) * arguments + argument].
  LINDRIFT_HD static void store(const Rows& rows, Index row, Index block, int chunk, int lane, const Lane& state,
                                Sum* partial) {
    for (int r = 0; r < ArgumentsPerLane; ++r) {
      const Index a = argument_index(block, lane, r);
      if (a < rows.arguments) partial[(chunk * rows.rows + row) * rows.arguments + a] = state.sum[r];
    }
  }

  /// A map over rows and arguments that completes the sum.
  struct Finish {
    Rows rows;
    const Sum* partial;
    int chunks;
    LINDRIFT_HD void operator()(Index i) const {
      Sum sum = partial[i];
      for (int c = 1; c < chunks; ++c) sum += partial[c * rows.rows * rows.arguments + i];
      rows.finish(i / rows.arguments, i % rows.arguments, sum);
    }
  };
};

}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
