#pragma once

#include <cstddef>

namespace lindrift {

/// sum of term(i) over [first, last) by halving the range: the same bits wherever it runs, and an error that grows with
/// the logarithm of the length only.
template <class Term>
double tree_sum(std::size_t first, std::size_t last, const Term& term) {
  if (last - first <= 64) {
    double sum = 0.0;
    for (std::size_t i = first; i < last; ++i) sum += term(i);
    return sum;
  }
  const std::size_t middle = first + (last - first) / 2;
  return tree_sum(first, middle, term) + tree_sum(middle, last, term);
}

}  // namespace lindrift
