#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lindrift/lattice/open_lattice.hpp"

namespace lindrift {

/// @throws ShapeError, ParameterError naming initial.down_occupation
void validate_down_occupation(std::span<const double> occupation, std::size_t sites);

/// Positions of the chosen momenta in ascending order; all of them if none are chosen. Those of a ring are sorted,
/// those of a lattice keep the order in which they are given.
/// @param chosen  integers m, one per direction, one momentum after another
/// @throws ParameterError naming task.momenta
std::vector<std::size_t> select_momenta(const std::vector<std::int64_t>& chosen, const OpenLattice& model);

/// Momenta with these positions, shape (momenta, directions), radians.
std::vector<double> momenta_of(const std::vector<std::size_t>& numbers, const Lattice& lattice);

/// Converts rows of integers, one per direction, to positions in the ascending order of momenta or site labels, which
/// share the same ranges. A single 0 is the origin of any lattice.
/// @param what  begins the sentence on the allowed range in messages: "sites are labelled"
/// @throws ParameterError naming quantity[i]
std::vector<std::size_t> numbers_of(const std::vector<std::int64_t>& integers, const Lattice& lattice,
                                    const std::string& quantity, const std::string& what);

}  // namespace lindrift
