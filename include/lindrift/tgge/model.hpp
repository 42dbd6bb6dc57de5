#pragma once

#include <variant>

#include "lindrift/lattice/bands.hpp"
#include "lindrift/tgge/bath.hpp"

namespace lindrift {

using TggeJump = std::variant<ProductJump, JumpOperators, TableJump>;

/// A gas of fermions on a lattice between a thermal and a nonequilibrium bath: what TggeChain and TggeRashba convert
/// to, and what rate equations are made from.
struct TggeModel {
  Bands bands;
  double rate_unit = 1.0;  ///< J > 0, energy: unit of the rates of both baths
  TggeBath bath{};
  TggeJump jump{};
  /// Hermitian operators X^(c) of every cell that couple to a thermal bath of its own; none: the uniform bath, which
  /// moves a particle between any two modes.
  JumpOperators thermal_operators{};
};

/// Checks the baths, the jump, and that the vectors of the bands have their lengths.
/// @throws ParameterError, ShapeError
void validate(const TggeModel& model);

}  // namespace lindrift
