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

/// Hop weights w(to, from) of a bath as the kernels take them.
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

  int numerical_rank = 0;  ///< 0 for a table, where it is not looked for

  /// w(to, from), without the factor 1/cells.
  double operator()(std::size_t to, std::size_t from) const;
  /// A few of some modes: a mode to or from which none of the few can hop exchanges no particle with any of them all.
  std::vector<std::size_t> representatives(const std::vector<std::size_t>& of) const;
  /// The weights of the same modes in another order, no table.
  HopWeights reordered(const std::vector<std::size_t>& mode) const;
  /// Points a kernel's tables at these arrays.
  void point(kernels::RateTables& tables) const;
};

/// Weights this far below the largest are what rounding leaves of an exact zero: such a hop must count as impossible.
inline constexpr double rounding_of_zero = 1e-28;

/// The hop weights of a jump for the modes of some bands. O(modes); a table is shared.
std::shared_ptr<const HopWeights> make_hop_weights(const Bands& bands, TggeJump jump);

/// Position of each displacement that any channel touches, in ascending order.
std::map<LatticeVector, std::size_t> displacements_of(const JumpOperators& jump, const Lattice& lattice);

/// Calls use(channel, term, to, from) for every term, with the elements of a mode's vector that it multiplies.
void for_each_term(const JumpOperators& jump, const Bands& bands,
                   const std::function<void(std::size_t, std::size_t, std::size_t, std::size_t)>& use);

}  // namespace lindrift
