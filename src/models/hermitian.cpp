#include <cmath>
#include <complex>
#include <vector>

#include "kernels/tgge/rate_kernel.hpp"

namespace lindrift::kernels {

void hermitian_eigen(int dimension, double* re, double* im, double* values) {
  using Complex = std::complex<double>;
  const auto n = static_cast<std::size_t>(dimension);
  std::vector<Complex> a(n * n), v(n * n);
  for (std::size_t i = 0; i < n * n; ++i) a[i] = {re[i], im[i]};
  for (std::size_t i = 0; i < n; ++i) v[i * n + i] = 1.0;

  // Each rotation makes one off-diagonal element vanish; sweeps converge quadratically once they are small.
  for (int sweep = 0; sweep < 60; ++sweep) {
    double off = 0.0, diagonal = 0.0;
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) (i == j ? diagonal : off) += std::norm(a[i * n + j]);
    if (off <= 1e-34 * diagonal || off == 0.0) break;
    for (std::size_t p = 0; p + 1 < n; ++p) {
      for (std::size_t q = p + 1; q < n; ++q) {
        const double modulus = std::abs(a[p * n + q]);
        if (modulus == 0.0) continue;
        const Complex phase = a[p * n + q] / modulus;
        const double theta = (a[q * n + q].real() - a[p * n + p].real()) / (2.0 * modulus);
        const double t = (theta >= 0.0 ? 1.0 : -1.0) / (std::fabs(theta) + std::sqrt(1.0 + theta * theta));
        const double c = 1.0 / std::sqrt(1.0 + t * t), s = t * c;
        // Columns p, q of a and v times [[c, s phase], [-s conj(phase), c]], then rows of a likewise.
        for (std::size_t k = 0; k < n; ++k) {
          const Complex ap = a[k * n + p], aq = a[k * n + q];
          a[k * n + p] = c * ap - s * std::conj(phase) * aq;
          a[k * n + q] = s * phase * ap + c * aq;
          const Complex vp = v[k * n + p], vq = v[k * n + q];
          v[k * n + p] = c * vp - s * std::conj(phase) * vq;
          v[k * n + q] = s * phase * vp + c * vq;
        }
        for (std::size_t k = 0; k < n; ++k) {
          const Complex ap = a[p * n + k], aq = a[q * n + k];
          a[p * n + k] = c * ap - s * phase * aq;
          a[q * n + k] = s * std::conj(phase) * ap + c * aq;
        }
        a[p * n + q] = a[q * n + p] = 0.0;
      }
    }
  }
  for (std::size_t i = 0; i < n; ++i) values[i] = a[i * n + i].real();
  for (std::size_t i = 0; i < n * n; ++i) {
    re[i] = v[i].real();
    im[i] = v[i].imag();
  }
}

}  // namespace lindrift::kernels
