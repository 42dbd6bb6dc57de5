#pragma once

#include <complex>

namespace lindrift {

/// Eigenvalues of D_k (docs/physics.md, Eq. 33) relative to -i eps - Gamma_up/2.
struct Eigenvalues {
  std::complex<double> slow;       ///< l1: the slow eigenvalue is -i eps - Gamma_up/2 + l1
  std::complex<double> splitting;  ///< S = l1 - l2, Re S >= 0
};

/// Roots without cancellation, for any kappa, gamma >= 0 and U of either sign                         (Eqs. 36, 37)
inline Eigenvalues eigenvalues(double kappa, double gamma, double u) {
  using Complex = std::complex<double>;
  const double rate = kappa + gamma;
  Complex s = std::sqrt(Complex((rate - u) * (rate + u), 2.0 * u * (gamma - kappa)));
  // On the branch cut the library's root may lie on the side where rate + iU + S vanishes.
  if (s.real() == 0.0 && u * s.imag() < 0.0) s = -s;
  if (rate == 0.0 && u == 0.0) return {0.0, s};
  const Complex slow = kappa <= gamma ? Complex(0.0, -2.0 * u * kappa) / (Complex(rate, u) + s)
                                      : Complex(0.0, -u) + Complex(0.0, 2.0 * u * gamma) / (Complex(rate, -u) + s);
  return {slow, s};
}

}  // namespace lindrift
