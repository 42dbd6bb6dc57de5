#include "tgge/small_matrix.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace lindrift {

using Complex = std::complex<double>;

SmallMatrix product(const SmallMatrix& a, const SmallMatrix& b) {
  const std::size_t m = a.order();
  SmallMatrix result(m);
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t k = 0; k < m; ++k)
      for (std::size_t j = 0; j < m; ++j) result(i, j) += times(a(i, k), b(k, j));
  return result;
}

SmallMatrix product_adjoint(const SmallMatrix& a, const SmallMatrix& b) {
  const std::size_t m = a.order();
  SmallMatrix result(m);
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t j = 0; j < m; ++j)
      for (std::size_t k = 0; k < m; ++k) result(i, j) += times(a(i, k), std::conj(b(j, k)));
  return result;
}

SmallMatrix adjoint_product(const SmallMatrix& a, const SmallMatrix& b) {
  const std::size_t m = a.order();
  SmallMatrix result(m);
  for (std::size_t k = 0; k < m; ++k)
    for (std::size_t i = 0; i < m; ++i)
      for (std::size_t j = 0; j < m; ++j) result(i, j) += times(std::conj(a(k, i)), b(k, j));
  return result;
}

namespace {

/// Rotates rows and columns p and q so that the element (p, q) vanishes.
void rotate(SmallMatrix& a, SmallMatrix& vectors, std::size_t p, std::size_t q) {
  const double size = std::abs(a(p, q));
  const Complex phase = a(p, q) / size;
  // The smaller root of t^2 + 2 theta t - 1 = 0.
  const double theta = (a(q, q).real() - a(p, p).real()) / (2.0 * size);
  const double t = std::copysign(1.0, theta) / (std::fabs(theta) + std::hypot(theta, 1.0));
  const double cosine = 1.0 / std::hypot(t, 1.0), sine = t * cosine;
  const double a_pp = a(p, p).real() - t * size, a_qq = a(q, q).real() + t * size;
  for (std::size_t i = 0; i < a.order(); ++i) {
    if (i != p && i != q) {
      const Complex x = a(i, p), y = times(a(i, q), std::conj(phase));
      a(i, p) = cosine * x - sine * y;
      a(i, q) = times(sine * x + cosine * y, phase);
      a(p, i) = std::conj(a(i, p));
      a(q, i) = std::conj(a(i, q));
    }
    const Complex x = vectors(i, p), y = times(vectors(i, q), std::conj(phase));
    vectors(i, p) = cosine * x - sine * y;
    vectors(i, q) = times(sine * x + cosine * y, phase);
  }
  a(p, p) = a_pp;
  a(q, q) = a_qq;
  a(p, q) = a(q, p) = 0.0;
}

}  // namespace

std::vector<double> hermitian_eigen(SmallMatrix matrix, SmallMatrix& vectors, double negligible) {
  const std::size_t m = matrix.order();
  SmallMatrix found(m);
  for (std::size_t i = 0; i < m; ++i) found(i, i) = 1.0;
  constexpr int max_sweeps = 60;  // usually five suffice
  bool rotated = true;
  for (int sweep = 0; sweep < max_sweeps && rotated; ++sweep) {
    rotated = false;
    for (std::size_t p = 0; p < m; ++p)
      for (std::size_t q = p + 1; q < m; ++q) {
        const double size = std::abs(matrix(p, q));
        const double scale = std::sqrt(std::fabs(matrix(p, p).real())) * std::sqrt(std::fabs(matrix(q, q).real()));
        // If one of the two diagonal elements vanishes, the other sets the scale.
        const double least = scale > 0.0 ? scale : std::fabs(matrix(p, p).real()) + std::fabs(matrix(q, q).real());
        if (!(size > negligible * least) || size == 0.0) continue;
        rotate(matrix, found, p, q);
        rotated = true;
      }
  }
  std::vector<std::size_t> order(m);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t i, std::size_t j) { return matrix(i, i).real() > matrix(j, j).real(); });
  std::vector<double> values(m);
  for (std::size_t j = 0; j < m; ++j) {
    values[j] = matrix(order[j], order[j]).real();
    for (std::size_t i = 0; i < m; ++i) vectors(i, j) = found(i, order[j]);
  }
  return values;
}

void solve_sylvester(const SmallMatrix& gamma, SmallMatrix* right, std::size_t count) {
  const std::size_t m = gamma.order(), size = m * m, columns = size + count;
  // One equation per element of x, with the right-hand sides in the last columns.
  std::vector<Complex> system(size * columns);
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t j = 0; j < m; ++j) {
      Complex* const row = system.data() + (i * m + j) * columns;
      for (std::size_t k = 0; k < m; ++k) {
        row[k * m + j] += gamma(i, k);
        row[i * m + k] += std::conj(gamma(j, k));
      }
      for (std::size_t r = 0; r < count; ++r) row[size + r] = right[r](i, j);
    }
  for (std::size_t step = 0; step < size; ++step) {
    std::size_t pivot = step;
    for (std::size_t i = step + 1; i < size; ++i)
      if (std::norm(system[i * columns + step]) > std::norm(system[pivot * columns + step])) pivot = i;
    if (pivot != step)
      std::swap_ranges(system.begin() + static_cast<std::ptrdiff_t>(step * columns),
                       system.begin() + static_cast<std::ptrdiff_t>((step + 1) * columns),
                       system.begin() + static_cast<std::ptrdiff_t>(pivot * columns));
    const Complex over = 1.0 / system[step * columns + step];
    for (std::size_t i = step + 1; i < size; ++i) {
      const Complex factor = times(system[i * columns + step], over);
      if (factor == 0.0) continue;
      for (std::size_t j = step; j < columns; ++j) system[i * columns + j] -= times(factor, system[step * columns + j]);
    }
  }
  for (std::size_t r = 0; r < count; ++r) {
    std::vector<Complex> x(size);
    for (std::size_t row = size; row-- > 0;) {
      Complex sum = system[row * columns + size + r];
      for (std::size_t j = row + 1; j < size; ++j) sum -= times(system[row * columns + j], x[j]);
      x[row] = sum / system[row * columns + row];
    }
    for (std::size_t i = 0; i < m; ++i)
      for (std::size_t j = 0; j < m; ++j) right[r](i, j) = 0.5 * (x[i * m + j] + std::conj(x[j * m + i]));
  }
}

}  // namespace lindrift
