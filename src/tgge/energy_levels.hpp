#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include "kernels/tgge/rate_kernel.hpp"

namespace lindrift {

/// Groups of modes with the same energy, which sums over the thermal spectrum treat as one level. Where E_{-k} = E_k
/// there are half as many levels as modes, and a quarter as many pairs.
struct EnergyLevels {
  std::vector<double> energy;          ///< (levels,), ascending
  std::vector<std::int64_t> level_of;  ///< (modes,)
  std::vector<std::int64_t> first;     ///< (levels + 1,): level l has the members first[l] .. first[l + 1] - 1
  std::vector<std::int64_t> member;    ///< (modes,), ascending within a level

  std::size_t size() const { return energy.size(); }
  /// Makes the tables point to these levels, if there are fewer levels than modes.
  void point(kernels::RateTables& tables) const {
    if (size() == member.size()) return;
    tables.levels = static_cast<std::int64_t>(size());
    tables.level_energy = energy.data();
    tables.level_of = level_of.data();
    tables.level_first = first.data();
    tables.level_member = member.data();
  }
};

/// @param energy  (modes,); only exactly equal energies share a level
inline EnergyLevels energy_levels(const std::vector<double>& energy) {
  std::vector<std::size_t> order(energy.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return energy[a] < energy[b]; });
  EnergyLevels levels;
  levels.level_of.resize(energy.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i == 0 || energy[order[i]] != energy[order[i - 1]]) {
      levels.energy.push_back(energy[order[i]]);
      levels.first.push_back(static_cast<std::int64_t>(i));
    }
    levels.level_of[order[i]] = static_cast<std::int64_t>(levels.size() - 1);
    levels.member.push_back(static_cast<std::int64_t>(order[i]));
  }
  levels.first.push_back(static_cast<std::int64_t>(order.size()));
  return levels;
}

}  // namespace lindrift
