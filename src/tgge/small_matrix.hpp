#pragma once

#include <array>
#include <complex>
#include <cstddef>
#include <vector>

#include "engine/complex_product.hpp"

namespace lindrift {

/// A square complex matrix, row-major, usually of order 2 to 4; larger ones are stored on the heap.
class SmallMatrix {
 public:
  using Complex = std::complex<double>;

  explicit SmallMatrix(std::size_t order) : order_(order) {
    if (order_ * order_ > inside_.size()) heap_.resize(order_ * order_);
  }

  std::size_t order() const { return order_; }
  Complex* data() { return heap_.empty() ? inside_.data() : heap_.data(); }
  const Complex* data() const { return heap_.empty() ? inside_.data() : heap_.data(); }
  Complex& operator()(std::size_t i, std::size_t j) { return data()[i * order_ + j]; }
  const Complex& operator()(std::size_t i, std::size_t j) const { return data()[i * order_ + j]; }

 private:
  std::size_t order_;
  std::array<Complex, 16> inside_{};
  std::vector<Complex> heap_;
};

SmallMatrix product(const SmallMatrix& a, const SmallMatrix& b);
/// a b^+
SmallMatrix product_adjoint(const SmallMatrix& a, const SmallMatrix& b);
/// a^+ b
SmallMatrix adjoint_product(const SmallMatrix& a, const SmallMatrix& b);

/// Elements off the diagonal that are smaller than this, in units of those on it, do not change an eigenvalue.
constexpr double negligible_element = 1e-17;

/// Eigenvalues of a Hermitian matrix in descending order, and eigenvectors in the columns of `vectors`. Jacobi
/// rotations preserve the relative accuracy of small eigenvalues of positive matrices whose diagonal has it.
/// @param negligible  elements that count as zero; zero for the smallest angles of eigenvectors, too
std::vector<double> hermitian_eigen(SmallMatrix matrix, SmallMatrix& vectors, double negligible = negligible_element);

/// Solves gamma x + x gamma^+ = right for the Hermitian x, for each of `count` Hermitian right-hand sides, in place.
void solve_sylvester(const SmallMatrix& gamma, SmallMatrix* right, std::size_t count);

}  // namespace lindrift
