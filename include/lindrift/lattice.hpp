#pragma once

#include <cstdint>
#include <vector>

namespace lindrift {

/// m of the lowest momentum of a ring of `sites` sites: k_m = 2 pi m / L, m = -floor(L/2) .. ceil(L/2)-1.
constexpr std::int64_t first_momentum_index(std::int64_t sites) { return -(sites / 2); }

/// sin(pi numerator / denominator), exact at the multiples of pi/2 and odd in its argument.
double sin_pi(std::int64_t numerator, std::int64_t denominator);

/// cos(pi numerator / denominator), exact at the multiples of pi/2 and even in its argument.
double cos_pi(std::int64_t numerator, std::int64_t denominator);

/// Momenta 2 pi m / L, ascending in [-pi, pi). Shape (sites,), radians per lattice constant.
std::vector<double> momenta(std::int64_t sites);

}  // namespace lindrift
