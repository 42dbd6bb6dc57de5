#pragma once

#include <complex>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lindrift::config {

/// Evenly spaced numbers as an input gives them; long grids are written back in this form.
struct Grid {
  double start = 0.0;
  double stop = 0.0;
  std::int64_t count = 0;
  bool logarithmic = false;         ///< evenly spaced in their logarithm; start and stop have the same sign
  std::optional<double> modulus{};  ///< then the numbers are the phases of complex numbers

  /// Ends exactly as given; the others within rounding of the exact value, so that a refined grid holds the points of
  /// the coarse one. Linear grids that are symmetric about 0 are so bit for bit.
  std::vector<double> values() const;
  std::vector<std::complex<double>> complex_values() const;  ///< modulus e^{i phase}
  std::string text() const;                                  ///< as TOML
};

}  // namespace lindrift::config
