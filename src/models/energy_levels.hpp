#pragma once

#include <cstddef>
#include <vector>

#include "kernels/tgge/rate_kernel.hpp"

namespace lindrift {

/// Modes of the same energy, which a sum over the spectrum of the thermal bath meets as one. Where E_{-k} = E_k there
/// are half as many levels as modes, and a quarter as many pairs.
struct EnergyLevels {
  std::vector<double> energy;    ///< (levels,), ascending
  std::vector<double> level_of;  ///< (modes,); this and the next two hold integers
  std::vector<double> first;     ///< (levels + 1,): members first[l] .. first[l + 1] - 1 are those of level l
  std::vector<double> member;    ///< (modes,), ascending within a level

  std::size_t size() const { return energy.size(); }
  /// Lets tables point to these levels, if there are fewer of them than modes.
  void point(kernels::RateTables& tables) const;
};

/// @param energy  (modes,); only energies that are exactly equal share a level
EnergyLevels energy_levels(const std::vector<double>& energy);

}  // namespace lindrift
