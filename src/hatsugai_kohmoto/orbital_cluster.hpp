#pragma once

#include <array>
#include <complex>
#include <cstddef>
#include <vector>

#include "clusters/lindbladian.hpp"
#include "lindrift/hatsugai_kohmoto/orbitals.hpp"

namespace lindrift {

/// Momenta of a Hatsugai-Kohmoto model with several orbitals, each a cluster of orbitals (docs/physics.md, Eq. 152).
class OrbitalMomenta {
 public:
  /// @throws ParameterError
  explicit OrbitalMomenta(const OrbitalHatsugaiKohmoto& model);

  const Lattice& lattice() const { return lattice_; }
  std::size_t size() const { return lattice_.size(); }
  std::size_t orbitals() const { return orbitals_; }
  bool up_empty() const { return up_empty_; }  ///< spin up has no gain

  /// Hamiltonian, rates and interaction of momentum number k.
  clusters::Cluster cluster(std::size_t k) const;
  /// Numbers that are not zero wherever those of cluster() at some momentum may not be, with all rates different: the
  /// matrices of no momentum have more elements.
  clusters::Cluster pattern() const;
  /// dh_ab/dk_i of a spin at momentum number k, (orbitals, orbitals).
  std::vector<std::complex<double>> slope(std::size_t k, std::size_t spin, int direction) const;

 private:
  Lattice lattice_;
  std::size_t orbitals_;
  std::array<std::vector<HoppingTerm>, 2> terms_;
  std::array<OrbitalBath, 2> baths_;
  std::vector<double> interaction_;
  bool up_empty_;
};

/// Whether a bath adds no particles.
bool has_no_gain(const OrbitalBath& bath);

}  // namespace lindrift
