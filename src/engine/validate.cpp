#include "engine/validate.hpp"

#include <algorithm>

#include "lindrift/arguments.hpp"
#include "lindrift/error.hpp"
#include "lindrift/lattice/lattice.hpp"

namespace lindrift {

void validate_down_occupation(std::span<const double> occupation, std::size_t sites) {
  if (occupation.size() != sites)
    throw ShapeError("initial.down_occupation: " + std::to_string(occupation.size()) +
                     " entries were given; it must have one per momentum, " + std::to_string(sites));
  check_list("initial.down_occupation", down_occupation_parameter(), occupation);
}

std::vector<std::int64_t> select_momenta(std::vector<std::int64_t> chosen, std::int64_t sites) {
  const std::int64_t first = first_momentum_index(sites);
  if (chosen.empty())
    for (std::int64_t m = first; m < first + sites; ++m) chosen.push_back(m);
  for (std::size_t i = 0; i < chosen.size(); ++i)
    if (chosen[i] < first || chosen[i] >= first + sites)
      throw ParameterError("task.momenta[" + std::to_string(i) + "]",
                           std::to_string(chosen[i]) + " is not allowed: must be in [" + std::to_string(first) + ", " +
                               std::to_string(first + sites - 1) + "]");
  std::sort(chosen.begin(), chosen.end());
  const auto twice = std::adjacent_find(chosen.begin(), chosen.end());
  if (twice != chosen.end()) throw ParameterError("task.momenta", std::to_string(*twice) + " appears twice");
  return chosen;
}

}  // namespace lindrift
