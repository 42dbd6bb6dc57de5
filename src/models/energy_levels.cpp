#include "models/energy_levels.hpp"

#include <algorithm>
#include <numeric>

namespace lindrift {

void EnergyLevels::point(kernels::RateTables& tables) const {
  if (size() == member.size()) return;
  tables.levels = static_cast<std::int64_t>(size());
  tables.level_energy = energy.data();
  tables.level_of = level_of.data();
  tables.level_first = first.data();
  tables.level_member = member.data();
}

EnergyLevels energy_levels(const std::vector<double>& energy) {
  std::vector<std::size_t> order(energy.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return energy[a] < energy[b]; });
  EnergyLevels levels;
  levels.level_of.resize(energy.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i == 0 || energy[order[i]] != energy[order[i - 1]]) {
      levels.energy.push_back(energy[order[i]]);
      levels.first.push_back(static_cast<double>(i));
    }
    levels.level_of[order[i]] = static_cast<double>(levels.size() - 1);
    levels.member.push_back(static_cast<double>(order[i]));
  }
  levels.first.push_back(static_cast<double>(order.size()));
  return levels;
}

}  // namespace lindrift
