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
  std::vector<double> vector_re, vector_im, amplitude_re, amplitude_im;
  double floor = 0.0;
  // table
  std::shared_ptr<const std::vector<double>> table;

  int numerical_rank = 0;  ///< 0 for a table, whose rank is not determined

  /// w(to, from), without the factor 1/cells.
  double operator()(std::size_t to, std::size_t from) const;
  /// A few of the given modes: a mode that exchanges no particle with any of the few exchanges none with any of the
  /// given ones.
  std::vector<std::size_t> representatives(const std::vector<std::size_t>& of) const;
  /// The weights of the same modes in another order; not for a table.
  HopWeights reordered(const std::vector<std::size_t>& mode) const;
  /// Makes a kernel's tables point to these arrays.
  void point(kernels::RateTables& tables) const;
};

/// Weights below this fraction of the largest one are rounding errors of an exact zero; such a hop must count as
/// impossible.
inline constexpr double rounding_of_zero = 1e-28;

/// The hop weights of a jump for the modes of given bands. O(modes); a table is shared.
std::shared_ptr<const HopWeights> make_hop_weights(const Bands& bands, TggeJump jump);

/// Index of each displacement that any channel contains, in ascending order.
std::map<LatticeVector, std::size_t> displacements_of(const JumpOperators& jump, const Lattice& lattice);

/// Calls use(channel, term, to, from) for every term; `to` and `from` index the elements of a mode's vector that the
/// term multiplies.
void for_each_term(const JumpOperators& jump, const Bands& bands,
                   const std::function<void(std::size_t, std::size_t, std::size_t, std::size_t)>& use);

}  // namespace lindrift
