#pragma once

#include "kernels/tgge/source_mode.hpp"

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

/// Hop weight from a table, stored in both orders, so that the values are contiguous along the index that runs over the
/// lanes of a vector or warp: the source mode on the CPU, the row on a GPU.
template <bool RowsAreLanes>
struct TableWeight {
  const double* by_to;    ///< w(to, from) at [to * size + from]
  const double* by_from;  ///< w(to, from) at [from * size + to]
  Index size;

  static constexpr int rows_per_lane = 2;

  using Row = Index;
  template <class T>
  struct Column {
    Index s;
    T particle, hole;
  };
  LINDRIFT_HD Row row(Index s) const { return s; }
  template <class T>
  LINDRIFT_HD Column<T> column(Index s, T particle, T hole) const {
    return {s, particle, hole};
  }
  template <class T>
  LINDRIFT_HD void accumulate(Row row, const Column<T>& column, BathSums<T>& sum) const {
    if constexpr (RowsAreLanes) {
      sum.gain += load<T>(by_from + column.s * size, row) * column.particle;
      sum.loss += load<T>(by_to + column.s * size, row) * column.hole;
    } else {
      sum.gain += load<T>(by_to + row * size, column.s) * column.particle;
      sum.loss += load<T>(by_from + row * size, column.s) * column.hole;
    }
  }
};

/// Writes one row of the transposed table.
struct TransposeTable {
  const double* from;
  double* to;
  Index size;
  LINDRIFT_HD void operator()(Index row) const {
    for (Index column = 0; column < size; ++column) to[row * size + column] = from[column * size + row];
  }
};

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
