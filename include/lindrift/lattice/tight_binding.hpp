#pragma once

#include <complex>
#include <iosfwd>
#include <string>
#include <vector>

#include "lindrift/backend.hpp"
#include "lindrift/description.hpp"
#include "lindrift/lattice/bands.hpp"

namespace lindrift {

/// One term of a Hamiltonian, amplitude c+_{j, to_orbital} c_{j + displacement, from_orbital} at every cell j. The
/// amplitude is the matrix element H_ab(R) of Wannier90.
struct HoppingTerm {
  LatticeVector displacement{};
  int to_orbital = 0;
  int from_orbital = 0;
  std::complex<double> amplitude;
};

/// The indices of a term are the displacement and the two orbitals.
inline void assign(HoppingTerm& hop, const Term& term) {
  const std::size_t directions = term.indices.size() - 2;
  hop = {};
  for (std::size_t i = 0; i < directions && i < hop.displacement.size(); ++i) hop.displacement[i] = term.indices[i];
  hop.to_orbital = static_cast<int>(term.indices[directions]);
  hop.from_orbital = static_cast<int>(term.indices[directions + 1]);
  hop.amplitude = term.amplitude;
}

/// A translation-invariant tight-binding Hamiltonian, h_ab(k) = sum_R e^{ik.R} H_ab(R) (docs/physics.md, Eq. 100). A
/// spin counts as an orbital.
struct TightBinding {
  int orbitals = 1;                          ///< n, in 1 .. 256
  std::vector<HoppingTerm> hopping_terms{};  ///< each with its Hermitian partner; repeated terms add
  /// Positions of the orbitals in a cell, shape (orbitals, directions), in units of the lattice vectors; zero if empty.
  /// They affect only the shares of the orbitals in the currents.
  std::vector<std::vector<double>> positions{};
  double degeneracy_tolerance = 1e-9;  ///< see Bands
};

/// Checks orbitals, displacements and positions, and that H(-R) = H(R)^+ within 1e-12 of the largest element, term by
/// term.
/// @throws ParameterError naming model.hopping_terms[i] for the first invalid term
void validate(const TightBinding& model, const Lattice& lattice);

/// Appends the Hermitian partner of every term except on-site terms of a single orbital.
void add_hermitian_conjugates(std::vector<HoppingTerm>& terms);

/// Energies, ascending at every momentum, eigenvectors and velocities (docs/physics.md, Eqs. 100-102).
/// @param execution  Backend::cuda: the device computes them, for 4096 modes and more of at most 32 orbitals. With
///                   `automatic` the CPU does, because what runs where is chosen by the energies.
/// @throws ParameterError as validate() does; UnsupportedError without OpenBLAS for three orbitals or more
///         on the CPU; NumericalError if an eigensolve fails; DeviceError
/// O(cells orbitals^3), shared between threads.
Bands make_bands(const TightBinding& model, const Lattice& lattice, const Execution& execution = {});

/// Device memory that this takes, in bytes; 0 if the CPU computes the bands.
/// @throws DeviceMemoryError if this process may not use as much
double bands_device_bytes(const TightBinding& model, const Lattice& lattice, const Execution& execution);

/// A Hamiltonian read from a Wannier90 file, and how it was changed.
struct WannierHamiltonian {
  TightBinding model;
  int directions = 0;           ///< the highest direction with a nonzero displacement; 0 if there is none
  double largest_change = 0.0;  ///< of an element by making it Hermitian, relative to the largest element
};

/// Reads `*_hr.dat`: a comment, the numbers of orbitals and of displacements, a weight for every displacement, and
/// lines R1 R2 R3 a b Re Im with orbitals counted from 1. Elements are divided by the weights and made Hermitian,
/// because such files contain rounded numbers.
/// @param name  of the file, for messages
/// @throws ParameterError naming model.hamiltonian, the file and the line; also if the Hamiltonian deviates from
///         Hermitian by more than 1e-4 of its largest element
WannierHamiltonian read_wannier90(std::istream& text, const std::string& name);

/// The same for a file. An unchanged file is read only once.
WannierHamiltonian read_wannier90(const std::string& path);

}  // namespace lindrift
