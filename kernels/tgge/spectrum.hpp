#pragma once

#include <cmath>

#include "kernels/functor.hpp"

/// Even part sigma of the thermal bath's spectrum, S(x) = e^{beta x/2} sigma(x) for the energy x that a hop releases
/// (docs/physics.md, Eq. 4): detailed balance S(x) = S(-x) e^{beta x} then holds by construction.

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

/// sigma = 1.
struct ExponentialSpectrum {
  static constexpr bool reads_energy = false;
  template <class T>
  LINDRIFT_HD T operator()(double, T) const {
    return T{} + 1.0;
  }
};

/// sigma = 1 / (1 + (x/width)^2).
struct LorentzianSpectrum {
  static constexpr bool reads_energy = true;
  double over_width;
  template <class T>
  LINDRIFT_HD T operator()(double to, T from) const {
    const T x = (from - to) * over_width;
    return 1.0 / (1.0 + x * x);
  }
};

/// sigma = |x| e^{-|x|/width} / (2 sinh(beta |x|/2)), 1/beta at x = 0; beta > 0.
struct OhmicSpectrum {
  static constexpr bool reads_energy = true;
  double over_width, beta;

  LINDRIFT_HD double operator()(double to, double from) const {
    const double x = std::fabs(from - to), y = 0.5 * beta * x;
    // y / sinh y = 2 y e^{-y} / (1 - e^{-2y}): neither overflow nor cancellation.
    const double quotient = y > 0.0 ? -2.0 * y / std::expm1(-2.0 * y) : 1.0;
    return quotient * std::exp(-y - x * over_width) / beta;
  }
#ifndef __CUDACC__
  LINDRIFT_HD Pack operator()(double to, Pack from) const {
    Pack result;
    for (int i = 0; i < pack_width; ++i) result[i] = (*this)(to, static_cast<double>(from[i]));
    return result;
  }
#endif
};

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
