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

/// Numbers of the chosen momenta among the ascending ones; all of them if none is chosen. Those of a ring ascend, those
/// of a lattice stay in the order in which they are given.
/// @param chosen  integers m, one for each direction, one momentum after another
/// @throws ParameterError naming task.momenta
std::vector<std::size_t> select_momenta(const std::vector<std::int64_t>& chosen, const OpenLattice& model);

/// Momenta of these numbers, shape (momenta, directions), radians.
std::vector<double> momenta_of(const std::vector<std::size_t>& numbers, const Lattice& lattice);

/// Rows of integers, one for each direction, within the ranges of momenta and of the labels of sites alike; the numbers
/// of what they stand for in ascending order. A single 0 is the origin of any lattice.
/// @param what  the integers, for messages: "sites are labelled"
/// @throws ParameterError naming quantity[i]
std::vector<std::size_t> numbers_of(const std::vector<std::int64_t>& integers, const Lattice& lattice,
                                    const std::string& quantity, const std::string& what);

}  // namespace lindrift
