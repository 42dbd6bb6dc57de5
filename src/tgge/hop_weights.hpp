#pragma once

#include <complex>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "kernels/tgge/rate_kernel.hpp"
#include "tgge/model.hpp"

namespace lindrift {

/// Hop weights w(to, from) of a bath in the form that the kernels use.
struct HopWeights {
  kernels::WeightKind kind = kernels::WeightKind::product;
  std::size_t modes = 0;
  // product
  int rank = 1;
  std::vector<double> in, out;
  // operators
  int dimension = 0, channels = 0;
  std::vector<double> vector_re, vector_im;  ///< (dimension, modes); empty after release_vectors()
  std::vector<double> amplitude_re, amplitude_im;
  double floor = 0.0;
  // table
  std::shared_ptr<const std::vector<double>> table;

  int numerical_rank = 0;  ///< 0 for a table, whose rank is not determined

  /// w(to, from), without the factor 1/cells.
  double operator()(std::size_t to, std::size_t from) const;
  /// A few of the given modes: a mode that exchanges no particle with any of the few exchanges none with any of the
  /// given ones.
  std::vector<std::size_t> representatives(const std::vector<std::size_t>& of) const;
  /// Puts the modes into another order; not for a table.
  void reorder(const std::vector<std::size_t>& mode);
  /// Frees the vectors of jump operators, which take most of the memory. From then on each is computed when it is asked
  /// for, from the phases of the momenta and the eigenvectors of these bands.
  /// @param bands  those of make_hop_weights(). The elements of their eigenvectors must stay where they are.
  void release_vectors(const Bands& bands);
  /// Makes a kernel's tables point to these arrays.
  void point(kernels::RateTables& tables) const;

  /// v_s, (dimension,)
  void vector(std::size_t mode, std::complex<double>* elements) const;

 private:
  friend std::shared_ptr<HopWeights> make_hop_weights(const Bands& bands, TggeJump jump);
  std::vector<LatticeVector> displacements_;
  Lattice lattice_{{1}};
  std::vector<const std::complex<double>*> eigenvectors_;  ///< of each orbital; empty for one orbital
};

/// Weights below this fraction of the largest one are rounding errors of an exact zero; such a hop must count as
/// impossible.
inline constexpr double rounding_of_zero = 1e-28;

/// The hop weights of a jump for the modes of given bands. O(modes); a table is shared.
std::shared_ptr<HopWeights> make_hop_weights(const Bands& bands, TggeJump jump);

/// Index of each displacement that any channel contains, in ascending order.
std::map<LatticeVector, std::size_t> displacements_of(const JumpOperators& jump, const Lattice& lattice);

/// Calls use(channel, term, to, from) for every term; `to` and `from` index the elements of a mode's vector that the
/// term multiplies.
void for_each_term(const JumpOperators& jump, const Bands& bands,
                   const std::function<void(std::size_t, std::size_t, std::size_t, std::size_t)>& use);

}  // namespace lindrift
