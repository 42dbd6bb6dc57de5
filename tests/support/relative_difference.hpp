#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace lindrift::testing {

/// Largest |a - b| of real or complex values relative to the largest |b|; infinity if any is NaN.
template <class Values>
double relative_difference(const Values& a, const Values& b) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  double difference = 0.0, largest = 0.0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const double away = std::abs(a[i] - b[i]);
    if (std::isnan(away)) return std::numeric_limits<double>::infinity();
    difference = std::max(difference, away);
    largest = std::max(largest, std::abs(b[i]));
  }
  return difference / largest;
}

}  // namespace lindrift::testing
