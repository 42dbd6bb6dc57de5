#pragma once

#include <vector>

#include "hatsugai_kohmoto/zone.hpp"

namespace lindrift {

/// A momentum where S = 0: gain and loss of spin down are equal, and their sum is |U| (docs/physics.md, Eq. 149).
struct ExceptionalPoint {
  Momentum momentum{};  ///< in [-pi, pi)
  int charge = 0;       ///< turns of S^2 around it
};

/// All that a grid of at least 64 momenta along each direction tells apart, in ascending order of their momenta.
/// In two dimensions S^2 turns around every cell of the grid that holds one; in three around every face of a cell that
/// a line of them pierces; on a chain, where they need a fine-tuned parameter, it vanishes between two momenta.
std::vector<ExceptionalPoint> exceptional_points(const Zone& zone);

/// Whether gain or loss is the same at every momentum and |U| twice that: then every momentum with equal gain and loss
/// is an exceptional point. On a lattice they fill lines, or surfaces, that exceptional_points() would not find.
bool exceptional_everywhere_balanced(const Zone& zone);

}  // namespace lindrift
