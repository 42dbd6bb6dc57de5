#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdint>
#include <numeric>
#include <vector>

#include "engine/linear_algebra.hpp"
#include "lindrift/tgge/matrix_rate_equation.hpp"
#include "support/random.hpp"

namespace lindrift::testing {

using Complex = std::complex<double>;
/// n x n, row-major.
using Matrix = std::vector<Complex>;

/// amplitude c+_{j,to} c_{j+displacement,from}
struct Hop {
  LatticeVector displacement{};
  int to = 0, from = 0;
  Complex amplitude;
};

/// A lattice given by its hops, each listed together with its adjoint.
struct HoppingLattice {
  std::vector<std::int64_t> cells;
  int orbitals = 1;
  std::vector<Hop> hops;

  /// h(k), or its derivative along a direction.
  Matrix hamiltonian(std::size_t k, int direction = -1) const {
    const Lattice lattice(cells);
    const auto n = static_cast<std::size_t>(orbitals);
    Matrix h(n * n);
    for (const Hop& hop : hops) {
      const Phase phase = lattice.phase(k, hop.displacement);
      Complex term = hop.amplitude * Complex(phase.cosine, phase.sine);
      if (direction >= 0)
        term *= Complex(0.0, static_cast<double>(hop.displacement[static_cast<std::size_t>(direction)]));
      h[static_cast<std::size_t>(hop.to) * n + static_cast<std::size_t>(hop.from)] += term;
    }
    return h;
  }
};

inline Matrix random_unitary(Random& random, std::size_t n) {
  Matrix u(n * n);
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t i = 0; i < n; ++i) u[i * n + j] = random.complex(1.0);
    for (int pass = 0; pass < 2; ++pass) {
      for (std::size_t l = 0; l < j; ++l) {
        Complex overlap = 0.0;
        for (std::size_t i = 0; i < n; ++i) overlap += std::conj(u[i * n + l]) * u[i * n + j];
        for (std::size_t i = 0; i < n; ++i) u[i * n + j] -= overlap * u[i * n + l];
      }
      double norm = 0.0;
      for (std::size_t i = 0; i < n; ++i) norm += std::norm(u[i * n + j]);
      for (std::size_t i = 0; i < n; ++i) u[i * n + j] /= std::sqrt(norm);
    }
  }
  return u;
}

/// Bands from LAPACK, ascending. With `random`, a random unitary mixes degenerate eigenvectors.
inline Bands bands_of(const HoppingLattice& hopping, Random* random = nullptr, double tolerance = 1e-9) {
  Bands bands{.lattice = Lattice(hopping.cells), .orbitals = hopping.orbitals};
  bands.degeneracy_tolerance = tolerance;
  const auto n = static_cast<std::size_t>(hopping.orbitals);
  const std::vector<double> zero(bands.modes());
  bands.energy = zero;
  const auto directions = static_cast<std::size_t>(bands.lattice.dimensions());
  bands.velocity.assign(directions, zero);
  if (n > 1) {
    bands.orbital_velocity.assign(directions, {n, zero});
    bands.eigenvector.assign(n, std::vector<Complex>(bands.modes()));
  }
  for (std::size_t k = 0; k < bands.lattice.size(); ++k) {
    Matrix u = hopping.hamiltonian(k);
    std::vector<double> energy(n);
    linear_algebra::hermitian_eigen(n, u.data(), energy.data());
    for (std::size_t i = 0, j = 0; i < n && random; i = j) {
      for (j = i + 1; j < n && energy[j] - energy[j - 1] < 1e-9;) ++j;
      const Matrix mixing = random_unitary(*random, j - i);
      const Matrix before = u;
      for (std::size_t a = 0; a < n; ++a)
        for (std::size_t l = i; l < j; ++l) {
          u[a * n + l] = 0.0;
          for (std::size_t m = i; m < j; ++m) u[a * n + l] += before[a * n + m] * mixing[(m - i) * (j - i) + l - i];
        }
    }
    for (std::size_t band = 0; band < n; ++band) {
      const std::size_t s = bands.mode(band, k);
      bands.energy[s] = energy[band];
      for (std::size_t a = 0; a < n && n > 1; ++a) bands.eigenvector[a][s] = u[a * n + band];
      for (std::size_t i = 0; i < directions; ++i) {
        const Matrix v = hopping.hamiltonian(k, static_cast<int>(i));
        for (std::size_t a = 0; a < n; ++a) {
          Complex share = 0.0;
          for (std::size_t b = 0; b < n; ++b) share += std::conj(u[a * n + band]) * v[a * n + b] * u[b * n + band];
          bands.velocity[i][s] += share.real();
          if (n > 1) bands.orbital_velocity[i][a][s] = share.real();
        }
      }
    }
  }
  bands.hamiltonian_derivative = [hopping](std::size_t k, int direction, Complex* matrix) {
    const Matrix v = hopping.hamiltonian(k, direction);
    std::copy(v.begin(), v.end(), matrix);
  };
  return bands;
}

/// Makes a lattice from hops [R_1..R_d, a, b, re, im].
inline HoppingLattice hopping_lattice(const std::vector<double>& cells, double orbitals,
                                      const std::vector<std::vector<double>>& hops) {
  HoppingLattice lattice;
  for (const double count : cells) lattice.cells.push_back(static_cast<std::int64_t>(count));
  lattice.orbitals = static_cast<int>(orbitals);
  const std::size_t d = cells.size();
  for (const auto& numbers : hops) {
    Hop hop;
    for (std::size_t i = 0; i < d; ++i) hop.displacement[i] = static_cast<std::int64_t>(numbers[i]);
    hop.to = static_cast<int>(numbers[d]);
    hop.from = static_cast<int>(numbers[d + 1]);
    hop.amplitude = {numbers[d + 2], numbers[d + 3]};
    lattice.hops.push_back(hop);
  }
  return lattice;
}

/// Makes channels from terms [R_1..R_d, a, R'_1..R'_d, b, re, im].
inline JumpOperators jump_operators(std::size_t d, const std::vector<std::vector<std::vector<double>>>& channels) {
  JumpOperators jump;
  for (const auto& channel : channels) {
    auto& terms = jump.channels.emplace_back();
    for (const auto& numbers : channel) {
      JumpTerm term;
      for (std::size_t i = 0; i < d; ++i) {
        term.to[i] = static_cast<std::int64_t>(numbers[i]);
        term.from[i] = static_cast<std::int64_t>(numbers[d + 1 + i]);
      }
      term.to_orbital = static_cast<int>(numbers[d]);
      term.from_orbital = static_cast<int>(numbers[2 * d + 1]);
      term.amplitude = {numbers[2 * d + 2], numbers[2 * d + 3]};
      terms.push_back(term);
    }
  }
  return jump;
}

/// A case of tests/data/tgge_lattice_*.json.
template <class Case>
TggeModel model_of(const Case& one, Random* random = nullptr, double tolerance = 1e-9) {
  TggeModel model{.bands = bands_of(hopping_lattice(one.cells, one.orbitals, one.hopping), random, tolerance)};
  model.bath.coupling = one.coupling;
  model.bath.inverse_temperature = one.beta;
  model.bath.nonequilibrium_fraction = one.gamma_neq;
  model.bath.equilibrium_fraction = one.gamma_eq;
  model.jump = jump_operators(one.cells.size(), one.channels);
  return model;
}

}  // namespace lindrift::testing
