#pragma once

#include "kernels/functor.hpp"

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {

/// Puts the values that several arrays hold for a row side by side, so that one message takes them all: a map over rows
/// from `first` on.
template <int Count>
struct Interleave {
  const double* from[Count];
  Index first;
  double* to;  ///< (rows, Count)
  LINDRIFT_HD void operator()(Index i) const {
    for (int c = 0; c < Count; ++c) to[(first + i) * Count + c] = from[c][first + i];
  }
};
/// The inverse, over all rows.
template <int Count>
struct Separate {
  const double* from;
  double* to[Count];
  LINDRIFT_HD void operator()(Index row) const {
    for (int c = 0; c < Count; ++c) to[c][row] = from[row * Count + c];
  }
};

}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
