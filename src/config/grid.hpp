#pragma once

#include <complex>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lindrift::config {

/// An evenly spaced grid as given in the input; long grids are written back in this form.
struct Grid {
  double start = 0.0;
  double stop = 0.0;
  std::int64_t count = 0;
  bool logarithmic = false;         ///< evenly spaced logarithms; start and stop have the same sign
  std::optional<double> modulus{};  ///< if set, the numbers are phases of complex numbers

  /// The ends are exactly as given, the others within rounding of the exact value, so that a refined grid contains the
  /// points of the coarse one. Linear grids symmetric about 0 are symmetric bit for bit.
  std::vector<double> values() const;
  std::vector<std::complex<double>> complex_values() const;  ///< modulus e^{i phase}
  std::string text() const;                                  ///< as TOML
};

}  // namespace lindrift::config
