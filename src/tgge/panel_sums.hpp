#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <vector>

#include "tgge/energy_levels.hpp"

namespace lindrift {

/// Functions K(x) of the distance x = E_from - E_to of two levels, which need not be smooth at zero. On each side they
/// are a common factor e^{-decay |x|} times functions that are analytic, even slightly beyond zero.
struct SidedKernels {
  struct Side {
    double decay = 0.0;
    std::function<void(double distance, double* values)> functions{};  ///< without that factor
  };
  Side above, below;           ///< x > 0, x < 0
  std::vector<double> same{};  ///< at x = 0, one value per function
};

/// Sums over all pairs of modes, sum_j K(E_j - E_i) source_j, in O(modes) operations (docs/physics.md, Eqs. 12a, 12b):
/// by Chebyshev polynomials between panels of the energy axis, and within a panel by one sum that runs down and one
/// that runs up. For any kernels, and for sums that are needed once; kernels/tgge/panel_scan.hpp has those of every
/// evaluation.
class PanelSums {
 public:
  static constexpr std::size_t most_kernels = 3, most_sources = 2;

  /// @param radius  distance from zero to the nearest pole of the kernels
  /// @param decay   the largest decay of the kernels
  PanelSums(const std::vector<double>& energy, double radius, double decay);

  /// @param sources  at most two, each (modes,)
  /// @return (modes,) for each source and kernel; the kernels of one source follow each other
  std::vector<std::vector<double>> operator()(const SidedKernels& kernels,
                                              const std::vector<std::vector<double>>& sources) const;

 private:
  static constexpr std::size_t order = 12;
  using Polynomials = std::array<double, order>;
  /// Consecutive levels in one panel.
  struct Chunk {
    std::size_t panel, first, last;
  };
  struct Sum;

  void add_side(bool above, Sum& sum) const;
  void add_pairs(Sum& sum) const;
  std::vector<Polynomials> core(const SidedKernels::Side& side, std::size_t kernels, double distance) const;
  /// Distance of a level from the edge of its panel: the lower edge for sources above, the upper edge for sources
  /// below.
  double from_edge(bool above, std::size_t panel, std::size_t level) const;

  EnergyLevels levels_;
  double width_ = 1.0;
  std::size_t panels_ = 1;
  bool pairs_ = false;  ///< direct sums over pairs cost less
  std::vector<Chunk> chunks_;
};

}  // namespace lindrift
