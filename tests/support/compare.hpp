#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>
#include <vector>

#include "reference/tgge_chain.hpp"

namespace lindrift::testing {

/// Largest |actual - expected| / scale; infinity if a value is NaN or if there is an error where the scale is zero.
inline double largest_error(std::span<const double> actual, const reference::Vector& expected,
                            const reference::Vector& scale) {
  if (actual.size() != expected.size() || actual.size() != scale.size()) return INFINITY;
  double largest = 0.0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const long double difference = std::fabs(static_cast<long double>(actual[i]) - expected[i]);
    if (difference == 0.0L) continue;
    const auto error = static_cast<double>(difference / scale[i]);
    if (!(error <= largest)) largest = std::isnan(error) ? INFINITY : error;
  }
  return largest;
}

inline double largest_error(std::span<const double> actual, const reference::Sum& expected) {
  return largest_error(actual, expected.value, expected.magnitude);
}

/// Largest |a - b|; infinity if any value is NaN.
inline double largest_difference(std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size()) return INFINITY;
  double largest = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i]) continue;  // includes equal infinities
    const double error = std::fabs(a[i] - b[i]);
    if (!(error <= largest)) largest = std::isnan(error) ? INFINITY : error;
  }
  return largest;
}

inline double largest_magnitude(std::span<const double> values) {
  double largest = 0.0;
  for (const double value : values) largest = std::max(largest, std::fabs(value));
  return largest;
}

inline bool same_bits(std::span<const double> a, std::span<const double> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

inline long double sum(std::span<const double> values) {
  long double total = 0.0L;
  for (const double value : values) total += value;
  return total;
}

}  // namespace lindrift::testing
