#include "clusters/krylov.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <utility>

#include "engine/complex_product.hpp"
#include "engine/parallel.hpp"
#include "engine/threads.hpp"
#include "kernels/clusters/krylov.hpp"

namespace lindrift::clusters {

namespace {

using kernels::Index;
using kernels::clusters::AddTaylorTerm, kernels::clusters::LargestOfSeries, kernels::clusters::Rotation;

double* doubles(Complex* values) { return reinterpret_cast<double*>(values); }
const double* doubles(const Complex* values) { return reinterpret_cast<const double*>(values); }

/// The verbs of kernels/functor.hpp on the threads of the calculation.
struct HostVectors {
  template <class Functor>
  void map(Index size, const Functor& functor) {
    in_parts(
        parallel_threads(static_cast<std::size_t>(size)), static_cast<std::size_t>(size),
        [&](std::size_t i, std::size_t last, std::size_t) {
          const Functor own = functor;  // its numbers cannot be among those that it writes
          for (; i < last; ++i) own(static_cast<Index>(i));
        },
        parallel_block);
  }
  template <class Term>
  typename Term::template Sum<double> reduce(Index size, const Term& term) {
    using Sum = typename Term::template Sum<double>;
    using Doubles = std::array<double, sizeof(Sum) / sizeof(double)>;
    // In blocks, so that the bits do not depend on the number of threads.
    return std::bit_cast<Sum>(parallel_sums<std::tuple_size_v<Doubles>>(static_cast<std::size_t>(size), [&](auto i) {
      Doubles zeros;
      zeros.fill(-0.0);  // the zero that costs no addition, because it changes no number
      Sum sum = std::bit_cast<Sum>(zeros);
      term.template accumulate<double>(static_cast<Index>(i), sum);
      return std::bit_cast<Doubles>(sum);
    }));
  }
};

using Steps = kernels::clusters::Arnoldi<HostVectors, 1>;

double norm_of(std::span<const Complex> a) {
  HostVectors engine;
  return Steps::norm_of(engine, doubles(a.data()), static_cast<Index>(a.size()));
}

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
  HostVectors engine;
  std::vector<Complex> column(j + 2);
  invariant_ = Steps::orthogonalise(engine, doubles(basis_.data()), static_cast<Index>(size_),
                                    static_cast<Index>(j + 1), doubles(column.data()));
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
    for (std::size_t i = 0; i < j; ++i) rotations[i].apply(doubles(&column[i]));
    rotations.push_back(Rotation::clearing({column[j].real(), column[j].imag()}, std::abs(column[j + 1])));
    rotations.back().apply(doubles(&column[j]));
    rotations.back().apply(doubles(&right[j]));
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
    for (int order = 1; order <= kernels::clusters::taylor_orders; ++order) {
      map(term, next);
      const double factor = step / order;
      const AddTaylorTerm add{doubles(next.data()), doubles(x.data()), factor};
      const LargestOfSeries largest_of{doubles(next.data()), doubles(x.data())};
      LargestOfSeries::Sum<double> largest{};
      for (Index i = 0; i < static_cast<Index>(x.size()); ++i) {
        add(i);
        largest_of.accumulate(i, largest);
      }
      term.swap(next);
      if (largest.has_converged()) break;
    }
  }
}

}  // namespace lindrift::clusters
