#pragma once

#include <variant>

#include "lindrift/backend.hpp"
#include "lindrift/lattice/bands.hpp"
#include "lindrift/tgge/bath.hpp"

namespace lindrift {

using TggeJump = std::variant<ProductJump, JumpOperators, TableJump>;

/// A gas of fermions on a lattice between a thermal and a nonequilibrium bath. TggeChain, TggeRashba and TggeLattice
/// convert to it, and rate equations are made from it.
struct TggeModel {
  Bands bands;
  double rate_unit = 1.0;  ///< J > 0, energy: the unit of the rates of both baths
  TggeBath bath{};
  TggeJump jump{};
  /// Operators X^(c), among them the adjoint of each, that couple every cell to a thermal bath of its own. Empty: the
  /// uniform bath, which moves a particle between any two modes.
  JumpOperators thermal_operators{};
};

/// A model whose bands are there already; those of TggeLattice depend on the backend.
inline TggeModel make_model(TggeModel model, const Execution& /*execution*/) { return model; }

/// Checks the baths, the jump operators and the lengths of the vectors in the bands.
/// @throws ParameterError, ShapeError
void validate(const TggeModel& model);

}  // namespace lindrift
