#pragma once

#include <array>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <vector>

/// The Hatsugai-Kohmoto chain as plain loops in extended precision: exponentials and inverses of the matrices as
/// written (docs/physics.md, Eqs. 33, 46), and plain sums over momenta. No eigenvalues, no roots, no fast transforms.
namespace lindrift::reference::hatsugai_kohmoto {

using Real = long double;
using Complex = std::complex<long double>;

template <std::size_t N>
using Matrix = std::array<std::array<Complex, N>, N>;

template <std::size_t N>
Matrix<N> product(const Matrix<N>& a, const Matrix<N>& b) {
  Matrix<N> c{};
  for (std::size_t i = 0; i < N; ++i)
    for (std::size_t k = 0; k < N; ++k)
      for (std::size_t j = 0; j < N; ++j) c[i][j] += a[i][k] * b[k][j];
  return c;
}

/// e^{A t} from the Taylor series of a small step, squared repeatedly.
template <std::size_t N>
Matrix<N> exponential(const Matrix<N>& a, Real t) {
  Real norm = 0.0L;
  for (const auto& row : a)
    for (const Complex& x : row) norm = std::max(norm, std::abs(x) * t);
  int squarings = 0;
  while (std::ldexp(norm * N, -squarings) > 0.25L) ++squarings;
  const Real step = std::ldexp(t, -squarings);
  Matrix<N> sum{}, term{}, scaled = a;
  for (auto& row : scaled)
    for (Complex& x : row) x *= step;
  for (std::size_t i = 0; i < N; ++i) sum[i][i] = term[i][i] = 1.0L;
  for (int n = 1; n < 30; ++n) {
    term = product(term, scaled);
    for (auto& row : term)
      for (Complex& x : row) x /= static_cast<Real>(n);
    for (std::size_t i = 0; i < N; ++i)
      for (std::size_t j = 0; j < N; ++j) sum[i][j] += term[i][j];
  }
  for (int s = 0; s < squarings; ++s) sum = product(sum, sum);
  return sum;
}

/// One momentum.
struct Mode {
  Real energy, interaction, up_rate, gain, loss;  ///< eps, U, kappa_up + gamma_up, kappa_down, gamma_down

  Matrix<2> generator() const {
    const Complex i(0.0L, 1.0L);
    const Complex decay = -i * energy - 0.5L * up_rate;
    return {{{decay, -i * interaction}, {gain, decay - i * interaction - gain - loss}}};
  }
  /// First row (u, v) of e^{D t}.
  std::array<Complex, 2> row(Real t) const { return exponential(generator(), t)[0]; }
  Complex g(Real t, Real n0) const {
    const auto r = row(t);
    return r[0] + n0 * r[1];
  }
  /// First entry of (w + i eta - i D)^{-1} (1, n0), by Cramer's rule.
  Complex green(Real frequency, Real broadening, Real n0) const {
    const Complex i(0.0L, 1.0L);
    const auto d = generator();
    const Complex w(frequency, broadening);
    const Complex a = w - i * d[0][0], b = -i * d[0][1], c = -i * d[1][0], e = w - i * d[1][1];
    return (e - b * n0) / (a * e - b * c);
  }
};

/// The matrix M of (1, n_k, n_q, n_k n_q) c+_k c_q, as written.
inline Matrix<4> pair_generator(const Mode& k, const Mode& q) {
  const Complex i(0.0L, 1.0L);
  const Real u = k.interaction, rate_k = k.gain + k.loss, rate_q = q.gain + q.loss;
  const Complex a = i * (k.energy - q.energy) - 0.5L * (k.up_rate + q.up_rate);
  return {{{a, i * u, -i * u, 0.0L},
           {k.gain, a + i * u - rate_k, 0.0L, -i * u},
           {q.gain, 0.0L, a - i * u - rate_q, i * u},
           {0.0L, q.gain, k.gain, a - rate_k - rate_q}}};
}

/// A chain given by the rates of its momenta, ascending.
struct Chain {
  std::int64_t sites = 1;
  Real hopping = 1.0L, interaction = 0.0L;
  std::vector<Real> up_gain, up_loss, gain, loss;

  std::int64_t index(std::size_t i) const { return static_cast<std::int64_t>(i) - sites / 2; }
  Real momentum(std::size_t i) const {
    return 2.0L * std::numbers::pi_v<Real> * static_cast<Real>(index(i)) / static_cast<Real>(sites);
  }
  std::size_t size() const { return static_cast<std::size_t>(sites); }
  Mode mode(std::size_t i) const {
    return {-2.0L * hopping * std::cos(momentum(i)), interaction, up_gain[i] + up_loss[i], gain[i], loss[i]};
  }
  Real steady(std::size_t i) const { return gain[i] + loss[i] > 0.0L ? gain[i] / (gain[i] + loss[i]) : 0.0L; }
  Real up_steady(std::size_t i) const {
    return up_gain[i] + up_loss[i] > 0.0L ? up_gain[i] / (up_gain[i] + up_loss[i]) : 0.0L;
  }
  /// e^{i k_i j}, with the product reduced exactly.
  Complex wave(std::size_t i, std::int64_t j) const {
    const std::int64_t m = ((index(i) * j) % sites + sites) % sites;
    return std::polar(1.0L, 2.0L * std::numbers::pi_v<Real> * static_cast<Real>(m) / static_cast<Real>(sites));
  }
};

/// G(j,t) in the order of the labels.
inline std::vector<Complex> green(const Chain& chain, const std::vector<Real>& n0, Real t) {
  std::vector<Complex> g, result(chain.size());
  for (std::size_t i = 0; i < chain.size(); ++i) g.push_back(chain.mode(i).g(t, n0[i]));
  for (std::size_t s = 0; s < chain.size(); ++s) {
    for (std::size_t i = 0; i < chain.size(); ++i) result[s] += chain.wave(i, chain.index(s)) * g[i];
    result[s] *= Complex(0.0L, -1.0L) / static_cast<Real>(chain.sites);
  }
  return result;
}

/// Correlators <(n_k)^a (n_q)^b c+_k c_q> of every pair, element a + 2 b, each of shape (sites, sites).
using Correlators = std::array<std::vector<Complex>, 4>;

/// n_j(t) from the exponential of the 4 x 4 matrix of every pair.
inline std::vector<Real> density(const Chain& chain, const Correlators& start, Real t) {
  const std::size_t sites = chain.size();
  std::vector<Complex> now(sites * sites);
  for (std::size_t k = 0; k < sites; ++k)
    for (std::size_t q = 0; q < sites; ++q) {
      const std::size_t e = k * sites + q;
      if (k == q) {
        const Real steady = chain.up_steady(k), rate = chain.up_gain[k] + chain.up_loss[k];
        now[e] = steady + (start[0][e].real() - steady) * std::exp(-rate * t);
        continue;
      }
      const Matrix<4> evolution = exponential(pair_generator(chain.mode(k), chain.mode(q)), t);
      for (std::size_t c = 0; c < 4; ++c) now[e] += evolution[0][c] * start[c][e];
    }
  std::vector<Real> result;
  for (std::size_t s = 0; s < sites; ++s) {
    Complex sum = 0.0L;
    for (std::size_t k = 0; k < sites; ++k)
      for (std::size_t q = 0; q < sites; ++q)
        sum += std::conj(chain.wave(k, chain.index(s))) * chain.wave(q, chain.index(s)) * now[k * sites + q];
    result.push_back(sum.real() / static_cast<Real>(sites));
  }
  return result;
}

}  // namespace lindrift::reference::hatsugai_kohmoto
