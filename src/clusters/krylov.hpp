#pragma once

#include <complex>
#include <cstddef>
#include <functional>
#include <span>
#include <vector>

namespace lindrift::clusters {

using Complex = std::complex<double>;
using LinearMap = std::function<void(std::span<const Complex> in, std::span<Complex> out)>;

/// Orthonormal basis V of the Krylov space of a matrix A and a vector b, and the Hessenberg matrix H = V^+ A V, grown
/// one vector at a time (Arnoldi, orthogonalised twice). O(size vectors) memory, O(size vectors) for each new vector.
class KrylovSpace {
 public:
  /// @param start  b, not zero
  KrylovSpace(LinearMap map, std::span<const Complex> start);

  /// One vector more. No effect once the space is invariant.
  void grow();
  std::size_t vectors() const { return vectors_; }
  bool invariant() const { return invariant_; }
  double start_norm() const { return start_norm_; }
  std::span<const Complex> vector(std::size_t i) const { return {basis_.data() + i * size_, size_}; }

  /// y of the smallest |b - (z - A) V y| in the space (GMRES), and that residual relative to |b|.
  double solve_shifted(Complex z, std::vector<Complex>& y) const;

 private:
  std::size_t size_;
  LinearMap map_;
  double start_norm_ = 0.0;
  std::size_t vectors_ = 0;  ///< columns of H
  bool invariant_ = false;
  std::vector<Complex> basis_;                    ///< vectors_ + 1, each of size_
  std::vector<std::vector<Complex>> hessenberg_;  ///< column j: j + 2 elements
};

/// Solution of A x = b by GMRES with restarts, to |b - A x| <= tolerance |b|.
/// @param preconditioner  divides each element of a vector before A; (size,), no zeros
/// @return the relative residual that was reached, larger than the tolerance after `max_products` products
double solve_linear(const LinearMap& map, std::span<const Complex> right, std::span<const Complex> preconditioner,
                    double tolerance, std::size_t restart, std::size_t max_products, std::span<Complex> x);

/// x := e^{A time} x by Taylor's series in steps of norm <= 1, each to the last bits. O(norm time) products.
/// @param norm  a bound of |A|
void propagate(const LinearMap& map, double norm, double time, std::vector<Complex>& x);

}  // namespace lindrift::clusters
