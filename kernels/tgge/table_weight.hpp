#pragma once

#include "kernels/functor.hpp"

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

  template <class T>
  struct Mode {
    Index s;
  };
  template <class T>
  LINDRIFT_HD Mode<T> mode(Index s) const {
    return {s};
  }
  /// w(row, source): rate at which the row gains from the source.
  template <class T>
  LINDRIFT_HD T gain(const Mode<double>& row, const Mode<T>& source) const {
    if constexpr (RowsAreLanes)
      return load<T>(by_from + source.s * size, row.s);
    else
      return load<T>(by_to + row.s * size, source.s);
  }
  /// w(source, row): rate at which the row loses to the source.
  template <class T>
  LINDRIFT_HD T loss(const Mode<double>& row, const Mode<T>& source) const {
    if constexpr (RowsAreLanes)
      return load<T>(by_to + source.s * size, row.s);
    else
      return load<T>(by_from + row.s * size, source.s);
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
