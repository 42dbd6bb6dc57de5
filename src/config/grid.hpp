#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/key.hpp"

namespace lindrift::config {

/// An evenly spaced grid as given in the input. Long grids are written back in this form.
struct Grid {
  double start = 0.0;
  double stop = 0.0;
  std::int64_t count = 0;
  bool logarithmic = false;         ///< evenly spaced logarithms; start and stop have the same sign
  std::optional<double> modulus{};  ///< if set, the numbers are phases of complex numbers
  bool integers = false;            ///< of a key that holds an integer: all numbers are whole

  std::size_t size() const { return static_cast<std::size_t>(count); }
  /// The ends are exactly as given, the others within rounding of the exact value, so that a refined grid contains the
  /// points of the coarse one. Linear grids symmetric about 0 are symmetric bit for bit.
  double number(std::size_t i) const;
  std::vector<double> numbers() const;
  Value value(std::size_t i) const;  ///< for the key: modulus e^{i phase}, an integer, or the number itself
  std::string text() const;          ///< as TOML
  bool operator==(const Grid&) const = default;
};

}  // namespace lindrift::config
