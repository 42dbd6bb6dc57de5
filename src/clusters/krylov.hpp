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
/// by one vector at a time (Arnoldi, orthogonalised twice). O(size vectors) memory, and O(size vectors) time per new
/// vector.
class KrylovSpace {
 public:
  /// @param start  b, not zero
  KrylovSpace(LinearMap map, std::span<const Complex> start);

  /// Adds one vector. Has no effect once the space is invariant.
  void grow();
  std::size_t vectors() const { return vectors_; }
  bool invariant() const { return invariant_; }
  double start_norm() const { return start_norm_; }
  std::span<const Complex> vector(std::size_t i) const { return {basis_.data() + i * size_, size_}; }

  /// The y that minimises |b - (z - A) V y| in the space (GMRES). Returns that residual relative to |b|.
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

/// Solves A x = b by GMRES with restarts, to |b - A x| <= tolerance |b|.
/// @param preconditioner  divides each element of a vector before A is applied; shape (size,), no zeros
/// @return the relative residual reached; above the tolerance if `max_products` products did not suffice
double solve_linear(const LinearMap& map, std::span<const Complex> right, std::span<const Complex> preconditioner,
                    double tolerance, std::size_t restart, std::size_t max_products, std::span<Complex> x);

/// x := e^{A time} x by Taylor series in steps of norm <= 1, each to the last bits. O(norm time) products.
/// @param norm  upper bound of |A|
void propagate(const LinearMap& map, double norm, double time, std::vector<Complex>& x);

}  // namespace lindrift::clusters
