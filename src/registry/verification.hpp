#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "config/config.hpp"
#include "io/field.hpp"

namespace lindrift {

/// Checks the stored results of one point.
class Verification {
 public:
  /// One comparison: its worst error, and the largest error that the file allows.
  struct Finding {
    std::string what;
    double error = 0.0, allowed = 0.0;
    std::size_t compared = 0;  ///< number of values
    bool passed = true;
  };

  /// @param parameters  parameters of the point
  /// @param result      the stored fields
  /// @param samples     maximum number of entries to evaluate again
  Verification(const config::Point& parameters, const io::Result& result, std::size_t samples, std::mt19937_64& random)
      : point(parameters), result_(result), samples_(samples), random_(random) {}

  const config::Point& point;

  /// A dataset of the point; null if it was not kept.
  const std::vector<double>* reals(const std::string& name) const { return find<double>(name); }
  const std::vector<std::complex<double>>* complex(const std::string& name) const {
    return find<std::complex<double>>(name);
  }
  const std::vector<io::Field>& fields() const { return result_.fields; }

  /// A uniform random sample of 0 .. count - 1: all of them, or as many as `samples`.
  std::vector<std::size_t> some_of(std::size_t count);

  /// Records an error; NaN exceeds every allowance.
  void note(const std::string& what, double error, double allowed);
  const std::vector<Finding>& findings() const { return findings_; }

 private:
  template <class Number>
  const std::vector<Number>* find(const std::string& name) const {
    for (const io::Field& field : result_.fields)
      if (field.name == name) return std::get_if<std::vector<Number>>(&field.data);
    return nullptr;
  }

  const io::Result& result_;
  std::size_t samples_;
  std::mt19937_64& random_;
  std::vector<Finding> findings_;
};

/// Largest finite magnitude among values, as the scale of errors.
template <class Number>
double largest_of(const std::vector<Number>& values) {
  double largest = 0.0;
  for (const Number& value : values)
    if (const double size = std::abs(value); std::isfinite(size)) largest = std::max(largest, size);
  return largest;
}

}  // namespace lindrift
