#pragma once

#include <complex>

namespace lindrift {

/// a b, without the checks for infinities in std::complex.
inline std::complex<double> times(std::complex<double> a, std::complex<double> b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

}  // namespace lindrift
