#include "clusters/krylov.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "engine/complex_product.hpp"
#include "engine/parallel.hpp"
#include "engine/threads.hpp"

namespace lindrift::clusters {

namespace {

/// sum conj(a_i) b_i, in blocks, so that the bits do not depend on the number of threads.
Complex inner_product(std::span<const Complex> a, std::span<const Complex> b) {
  const auto sums = parallel_sums<2>(a.size(), [&](std::size_t i) {
    const Complex term = times(std::conj(a[i]), b[i]);
    return std::array<double, 2>{term.real(), term.imag()};
  });
  return {sums[0], sums[1]};
}

double norm_of(std::span<const Complex> a) {
  return std::sqrt(parallel_sum(a.size(), [&](std::size_t i) { return std::norm(a[i]); }));
}

/// x += factor y
void add(std::span<Complex> x, Complex factor, std::span<const Complex> y) {
  parallel_for(x.size(), [&](std::size_t i) { x[i] += times(factor, y[i]); });
}

/// Rotation that takes (a, b) to (r, 0), with b >= 0 real.
struct Rotation {
  Complex cosine, sine;
  static Rotation of(Complex a, double b) {
    const double r = std::hypot(std::abs(a), b);
    if (r == 0.0) return {1.0, 0.0};
    return {std::conj(a) / r, b / r};
  }
  void apply(Complex& a, Complex& b) const {
    const Complex rotated = times(cosine, a) + times(sine, b);
    b = times(std::conj(cosine), b) - times(sine, a);
    a = rotated;
  }
};

}  // namespace

KrylovSpace::KrylovSpace(LinearMap map, std::span<const Complex> start)
    : size_(start.size()), map_(std::move(map)), start_norm_(norm_of(start)) {
  basis_.assign(start.begin(), start.end());
  for (Complex& element : basis_) element /= start_norm_;
}

void KrylovSpace::grow() {
  if (invariant_) return;
  Calculation::look_up();
  const std::size_t j = vectors_;
  basis_.resize((j + 2) * size_);
  const std::span<Complex> next(basis_.data() + (j + 1) * size_, size_);
  map_(vector(j), next);
  const double before = norm_of(next);
  std::vector<Complex> column(j + 2);
  for (int pass = 0; pass < 2; ++pass)  // the second pass restores the digits that cancellation loses in the first
    for (std::size_t i = 0; i <= j; ++i) {
      const Complex overlap = inner_product(vector(i), next);
      add(next, -overlap, vector(i));
      column[i] += overlap;
    }
  const double length = norm_of(next);
  // In an invariant space only rounding errors remain, a few bits per product.
  invariant_ = j + 1 == size_ || length <= 64.0 * std::numeric_limits<double>::epsilon() * before;
  column[j + 1] = invariant_ ? 0.0 : length;
  if (!invariant_)
    for (Complex& element : next) element /= length;
  hessenberg_.push_back(std::move(column));
  ++vectors_;
}

double KrylovSpace::solve_shifted(Complex z, std::vector<Complex>& y) const {
  const std::size_t m = vectors_;
  std::vector<Complex> triangle;  // column by column
  std::vector<Rotation> rotations;
  std::vector<Complex> right(m + 1);
  right[0] = start_norm_;
  std::vector<Complex> column;
  for (std::size_t j = 0; j < m; ++j) {
    column = hessenberg_[j];
    for (Complex& element : column) element = -element;
    column[j] += z;
    for (std::size_t i = 0; i < j; ++i) rotations[i].apply(column[i], column[i + 1]);
    // The element below the diagonal is -h <= 0: rotate by its modulus, with a sign.
    const double below = std::abs(column[j + 1]);
    Rotation rotation = Rotation::of(column[j], below);
    rotation.sine = -rotation.sine;
    rotation.apply(column[j], column[j + 1]);
    rotation.apply(right[j], right[j + 1]);
    rotations.push_back(rotation);
    triangle.insert(triangle.end(), column.begin(), column.begin() + static_cast<std::ptrdiff_t>(j) + 1);
  }
  y.assign(m, 0.0);
  for (std::size_t j = m; j-- > 0;) {
    const Complex* values = triangle.data() + j * (j + 1) / 2;
    y[j] = right[j] / values[j];
    for (std::size_t i = 0; i < j; ++i) right[i] -= times(values[i], y[j]);
  }
  return std::abs(right[m]) / start_norm_;
}

double solve_linear(const LinearMap& map, std::span<const Complex> right, std::span<const Complex> preconditioner,
                    double tolerance, std::size_t restart, std::size_t max_products, std::span<Complex> x) {
  const std::size_t size = right.size();
  std::vector<Complex> scaled(size), residual(right.begin(), right.end()), image(size);
  const LinearMap scaled_map = [&](std::span<const Complex> in, std::span<Complex> out) {
    parallel_for(size, [&](std::size_t i) { scaled[i] = in[i] / preconditioner[i]; });
    map(scaled, out);
  };
  std::fill(x.begin(), x.end(), Complex{});
  const double whole = norm_of(right);
  double reached = 1.0;
  for (std::size_t products = 0; products < max_products && reached > tolerance;) {
    KrylovSpace space(scaled_map, residual);
    std::vector<Complex> y;
    while (space.vectors() < restart && !space.invariant()) {
      space.grow();
      ++products;
      // The residual costs O(vectors^2), so it is checked only now and then.
      if (space.vectors() % 8 == 0 && space.solve_shifted(0.0, y) * space.start_norm() <= 0.5 * tolerance * whole)
        break;
    }
    space.solve_shifted(0.0, y);  // of -A
    for (std::size_t j = 0; j < y.size(); ++j) {
      const auto v = space.vector(j);
      parallel_for(size, [&](std::size_t i) { x[i] -= times(y[j], v[i]) / preconditioner[i]; });
    }
    map(x, image);
    parallel_for(size, [&](std::size_t i) { residual[i] = right[i] - image[i]; });
    const double now = norm_of(residual) / whole;
    if (!(now < 0.9 * reached)) return std::min(now, reached);  // rounding: no further digits are possible
    reached = now;
  }
  return reached;
}

void propagate(const LinearMap& map, double norm, double time, std::vector<Complex>& x) {
  const auto steps = static_cast<std::size_t>(std::max(1.0, std::ceil(norm * time)));
  const double step = time / static_cast<double>(steps);
  std::vector<Complex> term(x.size()), next(x.size());
  for (std::size_t s = 0; s < steps; ++s) {
    Calculation::look_up();
    term = x;
    for (int order = 1; order <= 24; ++order) {  // 1/24! is below the last bit
      map(term, next);
      const double factor = step / order;
      double largest = 0.0, largest_sum = 0.0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        next[i] *= factor;
        x[i] += next[i];
        largest = std::max(largest, std::abs(next[i].real()) + std::abs(next[i].imag()));
        largest_sum = std::max(largest_sum, std::abs(x[i].real()) + std::abs(x[i].imag()));
      }
      term.swap(next);
      if (largest <= 0.25 * std::numeric_limits<double>::epsilon() * largest_sum) break;
    }
  }
}

}  // namespace lindrift::clusters
