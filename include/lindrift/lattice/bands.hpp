#pragma once

#include <complex>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "lindrift/lattice/lattice.hpp"

namespace lindrift {

/// Single-particle states of a translation-invariant Hamiltonian. A mode s is a band and a momentum: all momenta of the
/// first band come first, then those of the next. A cell has as many orbitals as there are bands; a spin counts as an
/// orbital.
struct Bands {
  Lattice lattice{{1}};
  int orbitals = 1;                             ///< per cell, and the number of bands
  std::vector<double> energy{};                 ///< E_s, shape (modes,)
  std::vector<std::vector<double>> velocity{};  ///< dE_s/dk along each direction, shape (dimensions, modes), energy
  /// Shares of the orbitals in the velocity, (dimensions, orbitals, modes), which add up to it. Empty for one orbital,
  /// and where hamiltonian_derivative() gives them.
  std::vector<std::vector<std::vector<double>>> orbital_velocity{};
  /// Component of every mode on each orbital, shape (orbitals, modes). Empty for one orbital, where it is 1.
  std::vector<std::vector<std::complex<double>>> eigenvector{};
  std::vector<std::string> names{};  ///< of the bands, for messages; empty for one band
  /// Neighbouring bands at a momentum count as degenerate if they differ by at most this fraction of the bandwidth.
  double degeneracy_tolerance = 1e-9;
  /// Writes dh/dk_i at a momentum, (orbitals, orbitals) row-major in the basis of the orbitals. Needed where bands are
  /// degenerate, because currents there depend on more than the velocities of the modes.
  std::function<void(std::size_t momentum, int direction, std::complex<double>* matrix)> hamiltonian_derivative{};

  std::size_t modes() const { return static_cast<std::size_t>(orbitals) * lattice.size(); }
  std::size_t band_of(std::size_t mode) const { return mode / lattice.size(); }
  /// Index of the mode's momentum in the lattice.
  std::size_t momentum_of(std::size_t mode) const { return mode % lattice.size(); }
  std::size_t mode(std::size_t band, std::size_t momentum) const { return band * lattice.size() + momentum; }
};

}  // namespace lindrift
