#pragma once

#include <cstdint>
#include <variant>

#include "lindrift/lattice/lattice.hpp"
#include "lindrift/tgge/rate_equation.hpp"

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

  /// Computes the bands, with spin up as orbital 0 and spin down as orbital 1, and the hop weights of the jump
  /// operators.
  /// @throws ParameterError as validate() does
  operator TggeModel() const;
};

template <>
inline auto description<TggeRashba>() {
  return std::tuple(
      field(&TggeRashba::sites, sites_parameter(1)),
      field(&TggeRashba::hopping, {.path = "model.hopping",
                                   .help = "hopping J; set it to 1 to make it the unit of energy",
                                   .range = above_zero,
                                   .sweepable = true,
                                   .units = "energy"}),
      field(&TggeRashba::zeeman_field,
            {.path = "model.zeeman_field", .help = "Zeeman field h", .sweepable = true, .units = "energy"}),
      field(&TggeRashba::rashba_y,
            {.path = "model.rashba_y", .help = "Rashba coupling alpha_y", .sweepable = true, .units = "energy"}),
      field(&TggeRashba::rashba_z,
            {.path = "model.rashba_z", .help = "Rashba coupling alpha_z", .sweepable = true, .units = "energy"}),
      part(&TggeRashba::bath),
      one_of(&TggeRashba::jump, {.path = "bath.jump", .help = "jump operators of the nonequilibrium bath"},
             alternative<DephasingJump>("dephasing"),
             alternative<JumpOperators>(
                 "operators",
                 field(&JumpOperators::channels,
                       {.path = "bath.jump_operator",
                        .help = "one table per channel, terms = [[a, spin, b, spin, Re A, Im A], ...], spin 0 = up",
                        .term_length = 6})),
             alternative<TableJump>("table")));
}

/// Checks the ranges above.
/// @throws ParameterError naming the first quantity that is out of range
void validate(const TggeRashba& chain);

/// Dimensions of the results: momentum, band and spin; with jump operators also the orbitals of density matrices.
std::vector<Coordinate> coordinates(const TggeRashba& chain);

}  // namespace lindrift
