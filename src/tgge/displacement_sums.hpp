#pragma once

#include <complex>
#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "lindrift/lattice/lattice.hpp"
#include "lindrift/tgge/bath.hpp"

namespace lindrift {

/// e^{i k.R} for every momentum and displacement of a lattice, from one table per direction.
class PhaseTable {
 public:
  explicit PhaseTable(const Lattice& lattice);
  /// @param momentum      the integers that Lattice::momentum() returns
  /// @param displacement  wrapped
  std::complex<double> operator()(const LatticeVector& momentum, const LatticeVector& displacement) const;

 private:
  std::vector<std::vector<std::complex<double>>> turns_;  ///< e^{2 pi i j / cells} of each direction
};

/// Sums of matrices over momenta for jump operators, computed through moments of displacements. With
/// D^c_ab(q,k) = sum A e^{-iqR} e^{ikR'} they are
///   gain(q)    = (1/N) sum_ck D^c(q,k) n_k D^c(q,k)^+          loss(k) = (1/N) sum_cq D^c(q,k)^+ h_q D^c(q,k)
/// and the mean field (i/2) sum_c [conj(m_c) D^c(k,k) - m_c D^c(k,k)^+] with m_c = (1/N) sum_k Tr[D^c(k,k) n_k]
/// (docs/physics.md, Eqs. 91-94). Each is a sum over a few displacements D of e^{-iqD} times a matrix: a Field.
class DisplacementSums {
 public:
  using Complex = std::complex<double>;
  /// (displacements, orbitals, orbitals)
  using Field = std::vector<Complex>;
  /// Writes the matrix at a momentum, (orbitals, orbitals) row-major and Hermitian.
  using Source = std::function<void(std::size_t momentum, Complex* matrix)>;

  DisplacementSums(const JumpOperators& jump, const Lattice& lattice, int orbitals);

  std::size_t displacements() const { return displacement_.size(); }
  std::size_t channels() const { return channel_.size(); }

  /// (1/N) sum_k e^{ikD} n_k. O(N displacements orbitals^2).
  Field moments(const Source& source) const;
  Field gain(const Field& moments) const;
  Field loss(const Field& moments) const;
  Field mean_field(const Field& moments) const;
  /// sum_D e^{-iqD} field(D) at a momentum q, Hermitian.
  void evaluate(const Field& field, std::size_t momentum, Complex* matrix) const;

  /// D^c(q,k), (orbitals, orbitals): for the direct sums.
  void hop(std::size_t channel, std::size_t q, std::size_t k, Complex* matrix) const;

 private:
  /// An orbital of a displaced cell.
  struct Site {
    LatticeVector cell;
    std::size_t orbital;
  };
  struct Channel {
    std::vector<Site> to, from;
    std::vector<Complex> amplitude;  ///< (to, from)
  };
  /// A displacement, given by its index in displacement_ and whether its sign is reversed.
  struct Signed {
    std::size_t place;
    bool reversed, own_reverse;
  };

  Signed find(const LatticeVector& from, const LatticeVector& to) const;
  void collect(const LatticeVector& difference);
  /// X with the elements C(cell - cell') between the sites.
  std::vector<Complex> between(const std::vector<Site>& sites, const Field& moments) const;
  /// Adds a Hermitian matrix between sites to a field.
  void add(const std::vector<Site>& sites, const std::vector<Complex>& matrix, Field& field) const;

  Lattice lattice_;
  PhaseTable phases_;
  std::size_t orbitals_;
  std::vector<Channel> channel_;
  std::vector<LatticeVector> displacement_;  ///< one of each pair D, -D; ascending
  std::vector<bool> own_reverse_;            ///< whether D = -D
};

}  // namespace lindrift
