#pragma once

#include <cstdint>
#include <variant>

#include "lindrift/models/rate_equation.hpp"

namespace lindrift {

/// Spinful chain with Rashba coupling and Zeeman field,
///   h(k) = -2J cos k + (2 rashba_y sin k + zeeman_field) sigma_z - 2 rashba_z sin k sigma_y,
/// two bands E_{k,+-} (docs/physics.md, section 2), between a thermal and a nonequilibrium bath. Field names are the
/// TOML names.
struct TggeRashba {
  std::int64_t sites = 128;   ///< L >= 1, any parity; there are 2 L modes
  double hopping = 1.0;       ///< J > 0
  double zeeman_field = 0.0;  ///< h, energy
  double rashba_y = 0.0;      ///< alpha_y, energy
  double rashba_z = 0.0;      ///< alpha_z, energy
  TggeBath bath{};
  std::variant<DephasingJump, JumpOperators, TableJump> jump{};

  /// Its bands with spin up as orbital 0 and spin down as orbital 1, and its baths with the hop weights of the jump.
  /// @throws ParameterError as validate() does
  operator TggeModel() const;
};

/// Checks the ranges above.
/// @throws ParameterError naming the first quantity that is out of range
void validate(const TggeRashba& chain);

}  // namespace lindrift
