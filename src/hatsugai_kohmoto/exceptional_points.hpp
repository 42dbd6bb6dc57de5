#pragma once

#include <vector>

#include "hatsugai_kohmoto/zone.hpp"

namespace lindrift {

/// A momentum where S = 0: gain and loss of spin down are equal, and their sum is |U| (docs/physics.md, Eq. 149).
struct ExceptionalPoint {
  Momentum momentum{};  ///< in [-pi, pi)
  int charge = 0;       ///< winding number of S^2 around it
};

/// All points that a grid of at least 64 momenta along each direction resolves, in ascending order of momentum. In two
/// dimensions S^2 winds around each cell of the grid that contains one; in three dimensions, around each face of a cell
/// that a line of them crosses. On a chain, where they require a fine-tuned parameter, S^2 vanishes between two
/// momenta.
std::vector<ExceptionalPoint> exceptional_points(const Zone& zone);

/// Whether gain or loss is uniform and equal to |U|/2, so that every momentum with equal gain and loss is an
/// exceptional point. On a lattice these fill lines or surfaces, which exceptional_points() would not find.
bool exceptional_everywhere_balanced(const Zone& zone);

}  // namespace lindrift
