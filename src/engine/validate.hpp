#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace lindrift {

/// @throws ShapeError, ParameterError naming initial.down_occupation
void validate_down_occupation(std::span<const double> occupation, std::size_t sites);

/// The chosen m of k = 2 pi m / L in ascending order; all of them if none is chosen.
/// @throws ParameterError naming task.momenta
std::vector<std::int64_t> select_momenta(std::vector<std::int64_t> chosen, std::int64_t sites);

}  // namespace lindrift
