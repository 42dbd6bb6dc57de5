#pragma once

#include <cmath>
#include <complex>
#include <string>

#include "engine/short_text.hpp"
#include "lindrift/error.hpp"

namespace lindrift {

/// Largest size of energies and rates: the product of two stays in the range of double precision.
inline constexpr double energy_limit = 1e150;

/// @throws ParameterError if an energy or a rate is not finite, or above the limit
inline void check_energy(const std::string& path, std::complex<double> value) {
  for (const double part : {value.real(), value.imag()}) {
    if (!std::isfinite(part)) throw ParameterError(path, "must be finite");
    if (std::fabs(part) > energy_limit)
      throw ParameterError(path, short_text(part) + " is not allowed: products of energies above " +
                                     short_text(energy_limit) + " overflow; choose another unit of energy");
  }
}

/// The same for |sum of amplitudes|^2, the largest rate of a bath operator with these terms.
template <class Terms>
void check_rate(const std::string& path, const Terms& terms) {
  double sum = 0.0;
  for (const auto& term : terms) sum += std::abs(term.amplitude);
  check_energy(path, sum * sum);
}

}  // namespace lindrift
