#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "lindrift/tgge/relax.hpp"

namespace lindrift {

/// The time after which no multiplier changes by more than the tolerance, if the run lasts at least ten times as long;
/// otherwise infinite.
/// @param multiplier  one row for each time
inline double time_of_rest(const RelaxResult& result, const std::vector<double>& multiplier, double tolerance) {
  const std::size_t length = multiplier.size() / result.times.size(), last = multiplier.size() - length;
  std::size_t rest = result.times.size() - 1;
  const auto stays = [&](std::size_t row) {
    for (std::size_t s = 0; s < length; ++s)
      if (!(std::fabs(multiplier[row * length + s] - multiplier[last + s]) <=
            tolerance * std::max(1.0, std::fabs(multiplier[last + s]))))
        return false;
    return true;
  };
  while (rest > 0 && stays(rest - 1)) --rest;
  return result.times.back() >= 10.0 * result.times[rest] && result.times[rest] > 0.0
             ? result.times[rest]
             : std::numeric_limits<double>::infinity();
}

}  // namespace lindrift
