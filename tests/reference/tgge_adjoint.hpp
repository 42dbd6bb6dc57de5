#pragma once

#include <utility>

#include "reference/tgge_chain.hpp"

/// Linear response and noise of the rate equations with dense matrices in extended precision, written from the
/// equations and not from the code.
namespace lindrift::reference {

/// Solves a dense system by elimination with row pivoting. Rows may differ in scale by any factor.
inline Vector solve_dense(Vector matrix, Vector right) {
  const std::size_t n = right.size();
  for (std::size_t i = 0; i < n; ++i) {
    Real largest = 0.0L;
    for (std::size_t j = 0; j < n; ++j) largest = std::max(largest, std::fabs(matrix[i * n + j]));
    for (std::size_t j = 0; j < n; ++j) matrix[i * n + j] /= largest;
    right[i] /= largest;
  }
  for (std::size_t step = 0; step < n; ++step) {
    std::size_t pivot = step;
    for (std::size_t i = step + 1; i < n; ++i)
      if (std::fabs(matrix[i * n + step]) > std::fabs(matrix[pivot * n + step])) pivot = i;
    for (std::size_t j = 0; j < n; ++j) std::swap(matrix[step * n + j], matrix[pivot * n + j]);
    std::swap(right[step], right[pivot]);
    for (std::size_t i = step + 1; i < n; ++i) {
      const Real factor = matrix[i * n + step] / matrix[step * n + step];
      for (std::size_t j = step; j < n; ++j) matrix[i * n + j] -= factor * matrix[step * n + j];
      right[i] -= factor * right[step];
    }
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t j = i + 1; j < n; ++j) right[i] -= matrix[i * n + j] * right[j];
    right[i] /= matrix[i * n + i];
  }
  return right;
}

/// -(gain_s + loss_s) delta_sj + (1-n_s) W(s,j) + n_s W(j,s), row s.
inline Vector jacobian(const Problem& p, const Vector& lambda) {
  const Vector g = gain(p, lambda), l = loss(p, lambda), n = occupations(lambda), h = holes(lambda);
  Vector matrix(p.size * p.size);
  for (std::size_t s = 0; s < p.size; ++s)
    for (std::size_t j = 0; j < p.size; ++j)
      matrix[s * p.size + j] = h[s] * p.hop(s, j) + n[s] * p.hop(j, s) - (s == j ? g[s] + l[s] : 0.0L);
  return matrix;
}

/// Solves Jac^T y + alpha = -weight / cells with sum y = 0. Returns y, then alpha.
inline Vector adjoint(const Problem& p, const Vector& lambda, const Vector& weight) {
  const std::size_t n = p.size + 1;
  const Vector jac = jacobian(p, lambda);
  Vector matrix(n * n, 0.0L), right(n, 0.0L);
  for (std::size_t s = 0; s < p.size; ++s) {
    for (std::size_t j = 0; j < p.size; ++j) matrix[s * n + j] = jac[j * p.size + s];
    matrix[s * n + p.size] = 1.0L;
    matrix[p.size * n + s] = 1.0L;
    right[s] = -weight[s] / p.sites();
  }
  return solve_dense(matrix, right);
}

/// Derivatives of (1/cells) sum_s weight_s n_s at fixed energies, from sums over all pairs,
///   sum_ss' dW(s,s')/dp n_s' (1-n_s) (y_s - y_s').
struct BathSlopes {
  Real gamma_eq = 0.0L, gamma_neq = 0.0L, inverse_temperature = 0.0L, filling = 0.0L;
};
inline BathSlopes bath_slopes(const Problem& p, const Vector& lambda, const Vector& weight) {
  const Vector y = adjoint(p, lambda, weight), n = occupations(lambda), h = holes(lambda);
  BathSlopes slopes;
  for (std::size_t to = 0; to < p.size; ++to)
    for (std::size_t from = 0; from < p.size; ++from) {
      const Real flow = n[from] * h[to] * (y[to] - y[from]) / p.sites();
      slopes.gamma_eq += p.boltzmann(to, from) * flow;
      slopes.gamma_neq += p.w(to, from) * flow;
      slopes.inverse_temperature += p.gamma_eq * (p.energy[from] - p.energy[to]) / 2.0L * p.boltzmann(to, from) * flow;
    }
  slopes.filling = -y.back() * static_cast<Real>(p.size);
  return slopes;
}

/// v^T Jac^-1 B Jac^-T v / cells, the zero-frequency noise of linear fluctuations driven by independent hops, with
/// sources
///   B(a,b) = -(W(a,b) n_b (1-n_a) + W(b,a) n_a (1-n_b)) off the diagonal, and rows that sum to zero.
/// Jac is inverted on vectors whose elements sum to zero. The unknown is the change of n divided by n (1-n), which
/// keeps a cold system well conditioned.
inline Real noise(const Problem& p, const Vector& lambda, const Vector& weight) {
  const Vector jac = jacobian(p, lambda), n = occupations(lambda), h = holes(lambda);
  const Vector y = adjoint(p, lambda, weight);
  const std::size_t size = p.size + 1;
  Vector matrix(size * size, 0.0L), right(size, 0.0L);
  for (std::size_t a = 0; a < p.size; ++a) {
    for (std::size_t b = 0; b < p.size; ++b) {
      matrix[a * size + b] = jac[a * p.size + b] * n[b] * h[b];
      const Real source = p.hop(a, b) * n[b] * h[a] + p.hop(b, a) * n[a] * h[b];
      right[a] += source * (y[a] - y[b]);
    }
    matrix[a * size + p.size] = 1.0L;
    matrix[p.size * size + a] = n[a] * h[a];
  }
  const Vector x = solve_dense(matrix, right);  // the multiplier of the border vanishes, because B y sums to zero
  Real sum = 0.0L;
  for (std::size_t s = 0; s < p.size; ++s) sum -= weight[s] * n[s] * h[s] * x[s];
  return sum;
}

}  // namespace lindrift::reference
