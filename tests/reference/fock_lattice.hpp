#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <complex>
#include <cstddef>
#include <numbers>
#include <vector>

/// The master equation of a small lattice in one to three dimensions with any number of orbitals, in Fock space: traces
/// of c+_{k,b} c_{k,a} with the action of jump operators on a Gaussian state whose occupations are matrices. Uses no
/// rate, no hop weight and no mean field, and includes nothing from the library.
namespace lindrift::reference {

struct FockTerm {
  std::array<int, 3> to{};
  int to_orbital = 0;
  std::array<int, 3> from{};
  int from_orbital = 0;
  std::complex<double> amplitude;
};

class FockLattice {
 public:
  using Scalar = std::complex<double>;
  using Matrix = std::vector<Scalar>;  ///< row-major, square

  FockLattice(std::vector<int> cells, int orbitals) : cells_(std::move(cells)), n_(static_cast<std::size_t>(orbitals)) {
    cells_.resize(3, 1);
    count_ = static_cast<std::size_t>(cells_[0] * cells_[1] * cells_[2]);
    sites_ = count_ * n_;
    dimension_ = std::size_t{1} << sites_;
  }

  std::size_t cells() const { return count_; }

  /// k.j / 2 pi of the momentum with index k; m_i start at -floor(L_i/2), the last direction runs fastest.
  double turn(std::size_t k, const std::array<int, 3>& j) const {
    const std::array<int, 3> m = unflatten(k);
    double sum = 0.0;
    for (std::size_t i = 0; i < 3; ++i)
      sum += static_cast<double>((m[i] - cells_[i] / 2) * j[i]) / static_cast<double>(cells_[i]);
    return sum;
  }

  /// Sets the natural orbitals: orbital (k, m) is a plane wave times a column of the momentum's unitary matrix.
  /// @param unitary     (cells, n, n)
  /// @param occupation  (cells, n)
  void set_state(const Matrix& unitary, const std::vector<double>& occupation) {
    natural_.assign(sites_, Matrix(sites_));
    for (std::size_t k = 0; k < count_; ++k)
      for (std::size_t m = 0; m < n_; ++m)
        for (std::size_t j = 0; j < count_; ++j)
          for (std::size_t a = 0; a < n_; ++a)
            natural_[k * n_ + m][j * n_ + a] =
                unitary[(k * n_ + a) * n_ + m] * wave(k, unflatten(j)) / std::sqrt(static_cast<double>(count_));
    state_ = identity();
    for (std::size_t s = 0; s < sites_; ++s) {
      const Matrix number = many_body(outer(natural_[s], natural_[s]));
      Matrix factor = identity();
      for (std::size_t e = 0; e < factor.size(); ++e)
        factor[e] = (1.0 - occupation[s]) * factor[e] + (2.0 * occupation[s] - 1.0) * number[e];
      state_ = product(factor, state_);
    }
  }

  /// d<c+_{k,b} c_{k,a}>/dt, (cells, n, n), due to L_j = sum of terms at every cell, for every channel.
  Matrix driven_rate(const std::vector<std::vector<FockTerm>>& channels) const {
    std::vector<Matrix> jumps;
    for (const auto& channel : channels)
      for (std::size_t j = 0; j < count_; ++j) jumps.push_back(one_body(channel, j));
    return rate(jumps);
  }

  /// The same due to sqrt(S(E' - E) / cells) c+_s c_s' for each ordered pair of natural orbitals.
  /// @param energy  (cells,), equal for all orbitals of a momentum
  template <class Spectrum>
  Matrix uniform_rate(const std::vector<double>& energy, const Spectrum& spectrum) const {
    std::vector<Matrix> jumps;
    for (std::size_t to = 0; to < sites_; ++to)
      for (std::size_t from = 0; from < sites_; ++from) {
        Matrix jump = outer(natural_[to], natural_[from]);
        for (Scalar& x : jump)
          x *= std::sqrt(spectrum(energy[from / n_] - energy[to / n_]) / static_cast<double>(count_));
        jumps.push_back(jump);
      }
    return rate(jumps);
  }

  /// The same due to local bath operators at every cell; their parts that release the same energy form one jump
  /// operator.
  template <class Spectrum>
  Matrix local_rate(const std::vector<std::vector<FockTerm>>& channels, const std::vector<double>& energy,
                    const Spectrum& spectrum) const {
    std::vector<Matrix> jumps;
    for (const auto& channel : channels)
      for (std::size_t j = 0; j < count_; ++j) {
        const Matrix whole = one_body(channel, j);
        std::vector<double> released;
        for (const double to : energy)
          for (const double from : energy)
            if (std::none_of(released.begin(), released.end(), [&](double x) { return alike(x, from - to); }))
              released.push_back(from - to);
        for (const double x : released) {
          Matrix part(sites_ * sites_);
          for (std::size_t to = 0; to < sites_; ++to)
            for (std::size_t from = 0; from < sites_; ++from) {
              if (!alike(x, energy[from / n_] - energy[to / n_])) continue;
              Scalar element = 0.0;
              for (std::size_t p = 0; p < sites_; ++p)
                for (std::size_t q = 0; q < sites_; ++q)
                  element += std::conj(natural_[to][p]) * whole[p * sites_ + q] * natural_[from][q];
              const Matrix projector = outer(natural_[to], natural_[from]);
              for (std::size_t e = 0; e < part.size(); ++e) part[e] += std::sqrt(spectrum(x)) * element * projector[e];
            }
          jumps.push_back(part);
        }
      }
    return rate(jumps);
  }

 private:
  static bool alike(double x, double y) { return std::fabs(x - y) < 1e-9; }

  std::array<int, 3> unflatten(std::size_t index) const {
    const int i = static_cast<int>(index);
    return {i / (cells_[1] * cells_[2]), i / cells_[2] % cells_[1], i % cells_[2]};
  }
  std::size_t flatten(const std::array<int, 3>& j) const {
    int index = 0;
    for (std::size_t i = 0; i < 3; ++i) index = index * cells_[i] + ((j[i] % cells_[i]) + cells_[i]) % cells_[i];
    return static_cast<std::size_t>(index);
  }
  Scalar wave(std::size_t k, const std::array<int, 3>& j) const {
    return std::polar(1.0, 2.0 * std::numbers::pi * turn(k, j));
  }
  /// J in sum_pq J_pq c+_p c_q.
  Matrix one_body(const std::vector<FockTerm>& terms, std::size_t cell) const {
    Matrix jump(sites_ * sites_);
    const std::array<int, 3> j = unflatten(cell);
    const auto site = [&](const std::array<int, 3>& r, int orbital) {
      return flatten({j[0] + r[0], j[1] + r[1], j[2] + r[2]}) * n_ + static_cast<std::size_t>(orbital);
    };
    for (const FockTerm& term : terms)
      jump[site(term.to, term.to_orbital) * sites_ + site(term.from, term.from_orbital)] += term.amplitude;
    return jump;
  }
  Matrix outer(const Matrix& v, const Matrix& w) const {
    Matrix result(sites_ * sites_);
    for (std::size_t p = 0; p < sites_; ++p)
      for (std::size_t q = 0; q < sites_; ++q) result[p * sites_ + q] = v[p] * std::conj(w[q]);
    return result;
  }
  Matrix identity() const {
    Matrix one(dimension_ * dimension_);
    for (std::size_t i = 0; i < dimension_; ++i) one[i * dimension_ + i] = 1.0;
    return one;
  }
  static int sign_before(std::size_t state, std::size_t site) {
    return std::popcount(state & ((std::size_t{1} << site) - 1)) % 2 == 0 ? 1 : -1;
  }
  Matrix many_body(const Matrix& one) const {
    Matrix result(dimension_ * dimension_);
    for (std::size_t state = 0; state < dimension_; ++state)
      for (std::size_t q = 0; q < sites_; ++q) {
        if (!(state >> q & 1U)) continue;
        const std::size_t without = state ^ (std::size_t{1} << q);
        for (std::size_t p = 0; p < sites_; ++p) {
          if (without >> p & 1U || one[p * sites_ + q] == 0.0) continue;
          const double sign = sign_before(state, q) * sign_before(without, p);
          result[(without | (std::size_t{1} << p)) * dimension_ + state] += sign * one[p * sites_ + q];
        }
      }
    return result;
  }
  Matrix adjoint(const Matrix& a) const {
    Matrix result(a.size());
    for (std::size_t i = 0; i < dimension_; ++i)
      for (std::size_t j = 0; j < dimension_; ++j) result[j * dimension_ + i] = std::conj(a[i * dimension_ + j]);
    return result;
  }
  Matrix product(const Matrix& a, const Matrix& b) const {
    Matrix result(a.size());
    for (std::size_t i = 0; i < dimension_; ++i)
      for (std::size_t k = 0; k < dimension_; ++k) {
        const double re = a[i * dimension_ + k].real(), im = a[i * dimension_ + k].imag();
        if (re == 0.0 && im == 0.0) continue;
        for (std::size_t j = 0; j < dimension_; ++j) {
          const Scalar x = b[k * dimension_ + j];
          result[i * dimension_ + j] += Scalar(re * x.real() - im * x.imag(), re * x.imag() + im * x.real());
        }
      }
    return result;
  }
  /// Tr[c+_{k,b} c_{k,a} D(rho)] of all jump operators together.
  Matrix rate(const std::vector<Matrix>& jumps) const {
    Matrix change(dimension_ * dimension_), decay(change);
    for (const Matrix& one : jumps) {
      const Matrix jump = many_body(one);
      const Matrix gained = product(jump, adjoint(product(jump, state_))), norm = product(adjoint(jump), jump);
      for (std::size_t e = 0; e < change.size(); ++e) {
        change[e] += gained[e];
        decay[e] += norm[e];
      }
    }
    const Matrix left = product(decay, state_), right = product(state_, decay);
    for (std::size_t e = 0; e < change.size(); ++e) change[e] -= 0.5 * (left[e] + right[e]);
    Matrix result(count_ * n_ * n_);
    for (std::size_t k = 0; k < count_; ++k)
      for (std::size_t a = 0; a < n_; ++a)
        for (std::size_t b = 0; b < n_; ++b) {
          Matrix pair(sites_ * sites_);
          for (std::size_t i = 0; i < count_; ++i)
            for (std::size_t j = 0; j < count_; ++j)
              pair[(i * n_ + b) * sites_ + j * n_ + a] =
                  wave(k, unflatten(i)) * std::conj(wave(k, unflatten(j))) / static_cast<double>(count_);
          const Matrix observed = many_body(pair);
          for (std::size_t i = 0; i < dimension_; ++i)
            for (std::size_t j = 0; j < dimension_; ++j)
              result[(k * n_ + a) * n_ + b] += observed[i * dimension_ + j] * change[j * dimension_ + i];
        }
    return result;
  }

  std::vector<int> cells_;
  std::size_t n_, count_ = 0, sites_ = 0, dimension_ = 0;
  std::vector<Matrix> natural_;
  Matrix state_;
};

}  // namespace lindrift::reference
