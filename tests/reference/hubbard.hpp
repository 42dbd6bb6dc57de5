#pragma once

#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <utility>
#include <vector>

/// The driven Hubbard chain as plain loops in extended precision, written from the equations and not from the code;
/// includes nothing from the library. Momenta are numbered m = 0 .. L-1, k = 2 pi m / L. Deliberately slow.
///
/// Two versions: the second-order self-energy as the double sum over momenta, and the exact propagator of one particle
/// in the full Fock space of the open species.
namespace lindrift::reference {

using Real = long double;
using Complex = std::complex<long double>;

struct HubbardChain {
  std::int64_t sites = 2;
  Real hopping = 1.0L;
  std::vector<Real> interaction;             ///< V_r, r = 0 .. L-1
  std::vector<Real> gain, loss, probe_loss;  ///< of each momentum

  std::size_t size() const { return static_cast<std::size_t>(sites); }
  std::size_t wrap(std::int64_t m) const { return static_cast<std::size_t>(((m % sites) + sites) % sites); }
  Real momentum(std::int64_t m) const {
    return 2.0L * std::numbers::pi_v<Real> * static_cast<Real>(m) / static_cast<Real>(sites);
  }
  Real energy(std::int64_t m) const { return -2.0L * hopping * std::cos(momentum(m)); }
  Real rate(std::int64_t m) const { return gain[wrap(m)] + loss[wrap(m)]; }
  Real occupation(std::int64_t m) const { return gain[wrap(m)] / rate(m); }
  Real hole(std::int64_t m) const { return loss[wrap(m)] / rate(m); }
  Complex potential(std::int64_t q) const {
    Complex sum = 0.0L;
    for (std::int64_t r = 0; r < sites; ++r) sum += interaction[wrap(r)] * std::polar(1.0L, momentum(q * r % sites));
    return sum;
  }
  Real mean_occupation() const {
    Real sum = 0.0L;
    for (std::int64_t p = 0; p < sites; ++p) sum += occupation(p);
    return sum / static_cast<Real>(sites);
  }
  Real hartree() const { return potential(0).real() * mean_occupation(); }
};

/// Calls visit(weight, pole) for every term of the double sum over q and p at momentum k.
template <class Visit>
void each_pair(const HubbardChain& chain, std::int64_t k, const Visit& visit) {
  const Real over = 1.0L / (static_cast<Real>(chain.sites) * static_cast<Real>(chain.sites));
  std::vector<Real> coupling;
  for (std::int64_t q = 0; q < chain.sites; ++q) coupling.push_back(std::norm(chain.potential(q)));
  for (std::int64_t q = 0; q < chain.sites; ++q)
    for (std::int64_t p = 0; p < chain.sites; ++p) {
      const Real weight = over * coupling[chain.wrap(q)] * chain.occupation(p) * chain.hole(p - q);
      const Real energy = chain.energy(k + q) - chain.energy(p) + chain.energy(p - q);
      const Real width = chain.rate(p) + chain.rate(p - q) + chain.probe_loss[chain.wrap(k + q)];
      visit(weight, Complex(energy, -width / 2.0L));
    }
}

/// Sigma(k,w) without the Hartree shift, and the sum of the magnitudes of its terms.
struct SelfEnergy {
  Complex value;
  Real magnitude = 0.0L;
};
inline SelfEnergy self_energy(const HubbardChain& chain, std::int64_t k, Complex frequency) {
  SelfEnergy result;
  each_pair(chain, k, [&](Real weight, Complex pole) {
    const Complex term = weight / (frequency - pole);
    result.value += term;
    result.magnitude += std::abs(term);
  });
  return result;
}

/// K(k,t), whose transform -i int_0^inf e^{iwt} K(k,t) dt is Sigma(k,w).
inline Complex time_kernel(const HubbardChain& chain, std::int64_t k, Complex time) {
  Complex sum = 0.0L;
  each_pair(chain, k, [&](Real weight, Complex pole) { sum += weight * std::exp(Complex(0.0L, -1.0L) * pole * time); });
  return sum;
}

enum class HubbardHartree { none, bare, shifted };

/// w + i eta - e_k - 1/G, the self-energy in the Dyson equation.
inline Complex dyson_self_energy(const HubbardChain& chain, std::int64_t k, Complex frequency, HubbardHartree hartree) {
  const Real shift = chain.hartree();
  const Complex argument = hartree == HubbardHartree::shifted ? frequency - shift : frequency;
  return self_energy(chain, k, argument).value + (hartree == HubbardHartree::none ? 0.0L : shift) -
         Complex(0.0L, chain.probe_loss[chain.wrap(k)] / 2.0L);
}

inline Complex green(const HubbardChain& chain, std::int64_t k, Complex frequency, HubbardHartree hartree) {
  return 1.0L / (frequency - chain.energy(k) - dyson_self_energy(chain, k, frequency, hartree));
}

/// Self-energy of the ladder of repeated collisions with one particle, or one hole, of the open species, without the
/// mean field: sums over the closing line and over the pairs.
inline Complex ladder_self_energy(const HubbardChain& chain, std::int64_t k, Complex frequency, bool hole) {
  const Complex i(0.0L, 1.0L);
  const Real interaction = chain.interaction[0], over = 1.0L / static_cast<Real>(chain.sites);
  const auto probe = [&](std::int64_t m) { return chain.energy(m) - i * chain.probe_loss[chain.wrap(m)] / 2.0L; };
  Complex sum = 0.0L;
  for (std::int64_t p = 0; p < chain.sites; ++p) {
    Complex pairs = 0.0L, value;
    if (!hole) {  // n_p T(k + p, w + e_p + i Gamma_p / 2)
      const Complex argument = frequency + chain.energy(p) + i * chain.rate(p) / 2.0L;
      for (std::int64_t s = 0; s < chain.sites; ++s)
        pairs += over * chain.hole(s) / (argument - chain.energy(s) + i * chain.rate(s) / 2.0L - probe(k + p - s));
      value = chain.occupation(p) * interaction * interaction * pairs / (1.0L - interaction * pairs);
    } else {  // (1 - n_p) T(k - p, w - e_p + i Gamma_p / 2)
      const Complex argument = frequency - chain.energy(p) + i * chain.rate(p) / 2.0L;
      for (std::int64_t s = 0; s < chain.sites; ++s)
        pairs +=
            over * chain.occupation(s) / (argument + chain.energy(s) + i * chain.rate(s) / 2.0L - probe(k - p + s));
      value = chain.hole(p) * interaction * interaction * pairs / (1.0L + interaction * pairs);
    }
    sum += over * value;
  }
  return sum;
}

// --- small dense matrices --------------------------------------------------------------------------------------------

/// Row-major square matrix.
struct Matrix {
  std::size_t rows = 0;
  std::vector<Complex> element;

  explicit Matrix(std::size_t size) : rows(size), element(size * size) {}
  Complex& operator()(std::size_t i, std::size_t j) { return element[i * rows + j]; }
  const Complex& operator()(std::size_t i, std::size_t j) const { return element[i * rows + j]; }
};

inline Matrix operator*(const Matrix& a, const Matrix& b) {
  Matrix c(a.rows);
  for (std::size_t i = 0; i < a.rows; ++i)
    for (std::size_t j = 0; j < a.rows; ++j) {
      if (a(i, j) == Complex(0.0L)) continue;
      for (std::size_t k = 0; k < a.rows; ++k) c(i, k) += a(i, j) * b(j, k);
    }
  return c;
}

/// Solves A x = b by elimination with partial pivoting.
inline std::vector<Complex> solve(Matrix a, std::vector<Complex> b) {
  const std::size_t n = a.rows;
  for (std::size_t step = 0; step < n; ++step) {
    std::size_t pivot = step;
    for (std::size_t i = step + 1; i < n; ++i)
      if (std::abs(a(i, step)) > std::abs(a(pivot, step))) pivot = i;
    for (std::size_t j = 0; j < n; ++j) std::swap(a(step, j), a(pivot, j));
    std::swap(b[step], b[pivot]);
    for (std::size_t i = step + 1; i < n; ++i) {
      const Complex factor = a(i, step) / a(step, step);
      if (factor == Complex(0.0L)) continue;
      for (std::size_t j = step; j < n; ++j) a(i, j) -= factor * a(step, j);
      b[i] -= factor * b[step];
    }
  }
  for (std::size_t step = n; step-- > 0;) {
    for (std::size_t j = step + 1; j < n; ++j) b[step] -= a(step, j) * b[j];
    b[step] /= a(step, step);
  }
  return b;
}

/// exp(A) v by scaling and the Taylor series of the scaled matrix.
inline std::vector<Complex> exponential_times(const Matrix& a, std::vector<Complex> v) {
  Real norm = 0.0L;
  for (std::size_t i = 0; i < a.rows; ++i) {
    Real row = 0.0L;
    for (std::size_t j = 0; j < a.rows; ++j) row += std::abs(a(i, j));
    norm = std::max(norm, row);
  }
  const auto steps = static_cast<int>(norm) + 1;
  for (int step = 0; step < steps; ++step) {
    std::vector<Complex> term = v;
    for (int order = 1; order < 30; ++order) {
      std::vector<Complex> next(a.rows);
      for (std::size_t i = 0; i < a.rows; ++i) {
        for (std::size_t j = 0; j < a.rows; ++j) next[i] += a(i, j) * term[j];
        next[i] /= static_cast<Real>(order) * static_cast<Real>(steps);
      }
      term = next;
      for (std::size_t i = 0; i < a.rows; ++i) v[i] += term[i];
    }
  }
  return v;
}

/// G(k,t) of the second-order self-energy: the corner element of the exponential of an arrowhead matrix, with the
/// energy of the probe and the poles on the diagonal and the square roots of the weights on the border.
inline Complex green_in_time(const HubbardChain& chain, std::int64_t k, Real time, HubbardHartree hartree) {
  const Real shift = hartree == HubbardHartree::none ? 0.0L : chain.hartree();
  std::vector<std::pair<Real, Complex>> pairs;
  each_pair(chain, k, [&](Real weight, Complex pole) { pairs.emplace_back(weight, pole); });
  Matrix generator(pairs.size() + 1);
  const Complex i_time(0.0L, -time);
  generator(0, 0) = i_time * (chain.energy(k) + shift - Complex(0.0L, chain.probe_loss[chain.wrap(k)] / 2.0L));
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    generator(i + 1, i + 1) =
        i_time * (pairs[i].second + (hartree == HubbardHartree::shifted ? chain.hartree() : 0.0L));
    generator(0, i + 1) = generator(i + 1, 0) = i_time * std::sqrt(pairs[i].first);
  }
  std::vector<Complex> start(generator.rows);
  start[0] = 1.0L;
  return Complex(0.0L, -1.0L) * exponential_times(generator, start)[0];
}

// --- the exact propagator ---

/// The Lindbladian on |k><0| (x) (operators of the open species), with one probe particle in the ket and none in the
/// bra. Both species may be treated as commuting: products of an odd number of fermion operators evolve with the
/// opposite sign of the jump term, which cancels the sign between the species.
class ExactPropagator {
 public:
  explicit ExactPropagator(const HubbardChain& chain)
      : chain_(chain), fock_(std::size_t{1} << chain.sites), generator_(chain.size() * fock_ * fock_), steady_(fock_) {
    build();
  }

  /// G(k,w): the corner element of (w - i Lindbladian)^{-1}.
  Complex green(std::int64_t k, Complex frequency) const {
    Matrix matrix(generator_.rows);
    for (std::size_t e = 0; e < matrix.element.size(); ++e)
      matrix.element[e] = Complex(0.0L, -1.0L) * generator_.element[e];
    for (std::size_t i = 0; i < matrix.rows; ++i) matrix(i, i) += frequency;
    return trace(k, solve(std::move(matrix), start(k)));
  }
  /// w - e_k - 1/G(k,w).
  Complex self_energy(std::int64_t k, Complex frequency) const {
    return frequency - chain_.energy(k) - 1.0L / green(k, frequency);
  }
  /// G(k,t).
  Complex green_in_time(std::int64_t k, Real time) const {
    Matrix scaled = generator_;
    for (Complex& e : scaled.element) e *= time;
    return Complex(0.0L, -1.0L) * trace(k, exponential_times(scaled, start(k)));
  }

 private:
  /// c_p of the open species, with Jordan-Wigner signs over the momenta.
  Matrix annihilator(std::size_t p) const {
    Matrix c(fock_);
    for (std::size_t state = 0; state < fock_; ++state) {
      if (!(state >> p & 1)) continue;
      Real sign = 1.0L;
      for (std::size_t below = 0; below < p; ++below)
        if (state >> below & 1) sign = -sign;
      c(state ^ (std::size_t{1} << p), state) = sign;
    }
    return c;
  }
  static Matrix adjoint(const Matrix& a) {
    Matrix b(a.rows);
    for (std::size_t i = 0; i < a.rows; ++i)
      for (std::size_t j = 0; j < a.rows; ++j) b(i, j) = std::conj(a(j, i));
    return b;
  }
  std::size_t index(std::size_t k, std::size_t row, std::size_t column) const {
    return (k * fock_ + row) * fock_ + column;
  }
  /// Adds factor * left Y right, from probe momentum `from` to `to`.
  void add(std::size_t to, std::size_t from, Complex factor, const Matrix& left, const Matrix& right) {
    for (std::size_t a = 0; a < fock_; ++a)
      for (std::size_t b = 0; b < fock_; ++b) {
        if (left(a, b) == Complex(0.0L)) continue;
        for (std::size_t c = 0; c < fock_; ++c)
          for (std::size_t d = 0; d < fock_; ++d)
            generator_(index(to, a, d), index(from, b, c)) += factor * left(a, b) * right(c, d);
      }
  }
  void build() {
    const Complex i(0.0L, 1.0L);
    const std::size_t sites = chain_.size();
    std::vector<Matrix> c, creator;
    Matrix one(fock_), energy(fock_), decay(fock_);
    for (std::size_t s = 0; s < fock_; ++s) one(s, s) = 1.0L;
    for (std::size_t p = 0; p < sites; ++p) {
      c.push_back(annihilator(p));
      creator.push_back(adjoint(c.back()));
      const Matrix particles = creator[p] * c[p], holes = c[p] * creator[p];
      for (std::size_t e = 0; e < energy.element.size(); ++e) {
        energy.element[e] += chain_.energy(static_cast<std::int64_t>(p)) * particles.element[e];
        decay.element[e] += 0.5L * (chain_.loss[p] * particles.element[e] + chain_.gain[p] * holes.element[e]);
      }
    }
    for (std::size_t k = 0; k < sites; ++k) {
      add(k, k, -i * chain_.energy(static_cast<std::int64_t>(k)) - 0.5L * chain_.probe_loss[k], one, one);
      add(k, k, -i, energy, one);
      add(k, k, i, one, energy);
      add(k, k, -1.0L, decay, one);
      add(k, k, -1.0L, one, decay);
      for (std::size_t p = 0; p < sites; ++p) {
        add(k, k, chain_.loss[p], c[p], creator[p]);
        add(k, k, chain_.gain[p], creator[p], c[p]);
      }
      // (U_q/L) rho_q rho_{-q}: the probe goes from k to k - q while sum_p c+_p c_{p-q} acts on the ket.
      for (std::size_t q = 0; q < sites; ++q) {
        const auto shift = static_cast<std::int64_t>(q);
        Matrix density(fock_);
        for (std::size_t p = 0; p < sites; ++p) {
          const Matrix hop = creator[p] * c[chain_.wrap(static_cast<std::int64_t>(p) - shift)];
          for (std::size_t e = 0; e < density.element.size(); ++e) density.element[e] += hop.element[e];
        }
        add(chain_.wrap(static_cast<std::int64_t>(k) - shift), k,
            -i * chain_.potential(shift) / static_cast<Real>(chain_.sites), density, one);
      }
    }
    for (std::size_t s = 0; s < fock_; ++s) {
      Real weight = 1.0L;
      for (std::size_t p = 0; p < sites; ++p)
        weight *=
            s >> p & 1 ? chain_.occupation(static_cast<std::int64_t>(p)) : chain_.hole(static_cast<std::int64_t>(p));
      steady_[s] = weight;
    }
  }
  std::vector<Complex> start(std::int64_t k) const {
    std::vector<Complex> vector(generator_.rows);
    for (std::size_t s = 0; s < fock_; ++s) vector[index(chain_.wrap(k), s, s)] = steady_[s];
    return vector;
  }
  Complex trace(std::int64_t k, const std::vector<Complex>& vector) const {
    Complex sum = 0.0L;
    for (std::size_t s = 0; s < fock_; ++s) sum += vector[index(chain_.wrap(k), s, s)];
    return sum;
  }

  HubbardChain chain_;
  std::size_t fock_;
  Matrix generator_;
  std::vector<Real> steady_;  ///< diagonal of the steady state of the open species
};

}  // namespace lindrift::reference
