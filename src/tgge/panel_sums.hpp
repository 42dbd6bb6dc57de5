#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <vector>

#include "tgge/energy_levels.hpp"

namespace lindrift {

/// Functions K(x) of the distance x = E_from - E_to of two levels that need not be smooth at zero. On either side a
/// factor e^{-decay |x|} that they share, times functions that are analytic, also a little beyond zero.
struct SidedKernels {
  struct Side {
    double decay = 0.0;
    std::function<void(double distance, double* values)> functions{};  ///< without the factor
  };
  Side above, below;           ///< x > 0, x < 0
  std::vector<double> same{};  ///< at x = 0; as many as functions
};

/// Sums over all pairs of modes, sum_j K(E_j - E_i) source_j, in O(modes) operations (docs/physics.md, Eqs. 12a, 12b):
/// through Chebyshev polynomials on panels of the energy axis, and within a panel by one sum that runs down and one
/// that runs up. For kernels of any kind and sums that are needed once; those of every evaluation are
/// kernels/tgge/panel_scan.hpp.
class PanelSums {
 public:
  static constexpr std::size_t most_kernels = 3, most_sources = 2;

  /// @param radius  distance of the kernels' nearest pole from zero
  /// @param decay   the largest of the kernels
  PanelSums(const std::vector<double>& energy, double radius, double decay);

  /// @param sources  at most two, each (modes,)
  /// @return (modes,) for each source and kernel, the kernels of a source one after the other
  std::vector<std::vector<double>> operator()(const SidedKernels& kernels,
                                              const std::vector<std::vector<double>>& sources) const;

 private:
  static constexpr std::size_t order = 12;
  using Polynomials = std::array<double, order>;
  /// Neighbouring levels of one panel.
  struct Chunk {
    std::size_t panel, first, last;
  };
  struct Sum;

  void add_side(bool above, Sum& sum) const;
  void add_pairs(Sum& sum) const;
  std::vector<Polynomials> core(const SidedKernels::Side& side, std::size_t kernels, double distance) const;
  /// Distance of a level from the edge of its panel through which it acts on the levels below or above.
  double from_edge(bool above, std::size_t panel, std::size_t level) const;

  EnergyLevels levels_;
  double width_ = 1.0;
  std::size_t panels_ = 1;
  bool pairs_ = false;  ///< every pair costs less
  std::vector<Chunk> chunks_;
};

}  // namespace lindrift
