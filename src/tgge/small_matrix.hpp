#pragma once

#include <array>
#include <complex>
#include <cstddef>
#include <vector>

#include "engine/complex_product.hpp"

namespace lindrift {

/// A square complex matrix of an order that is nearly always 2 to 4, row-major; larger ones live on the heap.
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

/// Eigenvalues of a Hermitian matrix, descending, and eigenvectors in the columns of `vectors`. Jacobi's rotations keep
/// the digits of small eigenvalues of positive matrices whose diagonal has them.
std::vector<double> hermitian_eigen(SmallMatrix matrix, SmallMatrix& vectors);

/// The Hermitian x of gamma x + x gamma^+ = right for each Hermitian right side, in place.
void solve_sylvester(const SmallMatrix& gamma, SmallMatrix* right, std::size_t count);

}  // namespace lindrift
