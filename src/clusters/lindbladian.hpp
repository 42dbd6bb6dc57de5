#pragma once

#include <array>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "lindrift/lattice/lattice.hpp"

namespace lindrift::clusters {

using Complex = std::complex<double>;

/// amplitude c+_{to_up} c_{from_up} c+_{to_down} c_{from_down}: the first two of spin up, the others of spin down.
struct Scattering {
  int to_up, from_up, to_down, from_down;
  Complex amplitude;
};

/// A few orbitals for both spins, and the operators that act on them (docs/physics.md, Eq. 130):
///   H = sum h^s_ab c+_{a,s} c_{b,s} + sum of scattering,
///   D rho = -i [H, rho] + sum loss^s_ab (c_a rho c+_b - {c+_b c_a, rho}/2) + sum gain^s_ab (c+_a rho c_b - {c_b c+_a,
///   rho}/2).
/// Matrices are (orbitals, orbitals), row-major, Hermitian; loss and gain are positive semidefinite. Spin up is 0.
struct Cluster {
  int orbitals = 1;
  std::array<std::vector<Complex>, 2> hamiltonian, loss, gain;
  std::vector<Scattering> scattering;
  /// Conserved momentum of every orbital, if the orbitals are momenta of a lattice; otherwise empty.
  std::vector<LatticeVector> momentum;
  LatticeVector momenta{1, 1, 1};  ///< momenta add modulo these numbers
};

/// Largest number of orbitals in a cluster: configurations of one spin then fit into a byte, and their pairs into a
/// table of 4^8.
inline constexpr int max_orbitals = 8;

/// Adds U_ab n_{a,up} n_{b,down} as scattering.
void add_density_interaction(Cluster& cluster, std::span<const double> interaction);

/// |ket><bra| as bits of the occupied orbitals: spin up from bit 0 on, spin down from bit `orbitals` on.
struct Pair {
  std::uint32_t ket, bra;
};

/// Which pairs of configurations of one spin a sector contains: all whose particle numbers differ by `difference`, or
/// only those with `bra_particles` particles in the bra.
struct SpinSector {
  int difference = 0;
  std::optional<int> bra_particles = std::nullopt;
};

/// The Lindbladian between the operators |ket><bra| that it connects: a sparse matrix, one row per operator. If ket and
/// bra differ by an odd number of fermions, it is the one that propagates c+ rho: the jump terms then have the opposite
/// sign (physics.md, Eq. 131).
class Lindbladian {
 public:
  /// @param momentum  of ket minus bra, modulo Cluster::momenta; only with Cluster::momentum
  Lindbladian(const Cluster& cluster, SpinSector up, SpinSector down,
              std::optional<LatticeVector> momentum = std::nullopt);

  /// Size of the sector that the constructor would build, without building it.
  static std::size_t dimension(const Cluster& cluster, SpinSector up, SpinSector down,
                               std::optional<LatticeVector> momentum = std::nullopt);

  std::size_t size() const { return basis_.size(); }
  std::size_t elements() const { return value_.size(); }  ///< nonzero elements
  int orbitals() const { return orbitals_; }
  const std::vector<Pair>& basis() const { return basis_; }
  /// Index of an operator in the basis, or nothing if it is not in the sector.
  std::optional<std::size_t> index_of(Pair pair) const;

  /// out = D in. O(elements), about 4 orbitals^2 per row, shared between the threads of the calculation.
  void apply(std::span<const Complex> in, std::span<Complex> out) const;
  /// Largest sum of moduli in a column: an upper bound of the eigenvalues.
  double norm() const { return norm_; }
  /// Copies the matrix: the start of each row, (size() + 1,), the column and the value of each element. At most 2^32
  /// elements.
  void copy_to(std::uint32_t* first, std::uint32_t* column, Complex* value) const;
  /// Diagonal element of D.
  Complex diagonal(std::size_t row) const { return diagonal_[row]; }

 private:
  class Builder;

  int orbitals_;
  std::vector<Pair> basis_;
  std::array<std::vector<std::int32_t>, 2> spin_pair_;  ///< index of a pair of configurations of a spin, or -1
  std::array<std::size_t, 2> spin_pairs_{};
  std::vector<std::int32_t> number_;  ///< index in the basis of a pair of pairs, or -1
  std::vector<std::size_t> first_;    ///< start of each row in the next two
  std::vector<std::uint32_t> column_;
  std::vector<Complex> value_;
  std::vector<Complex> diagonal_;
  double norm_ = 0.0;
};

/// Applies c_orbital or c+_orbital to a configuration of all orbitals and spins (bit `position`). Returns the sign, or
/// 0. Fermions of lower bits stand to the left.
int annihilate(std::uint32_t& configuration, int position);
int create(std::uint32_t& configuration, int position);

}  // namespace lindrift::clusters
