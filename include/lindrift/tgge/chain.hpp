#pragma once

#include <cstdint>
#include <variant>

#include "lindrift/lattice/lattice.hpp"
#include "lindrift/tgge/rate_equation.hpp"

namespace lindrift {

/// One-band chain H = -J sum_j (c+_{j+1} c_j + h.c.) between a thermal and a nonequilibrium bath. Field names are the
/// TOML names.
struct TggeChain {
  std::int64_t sites = 128;  ///< L >= 1, any parity
  double hopping = 1.0;      ///< J > 0
  TggeBath bath{};
  std::variant<RamanJump, JumpOperators, TableJump> jump{};

  /// Computes the bands and the hop weights of the jump operators.
  /// @throws ParameterError as validate() does
  operator TggeModel() const;
};

template <>
inline auto description<TggeChain>() {
  return std::tuple(
      field(&TggeChain::sites, sites_parameter(1)),
      field(&TggeChain::hopping, {.path = "model.hopping",
                                  .help = "hopping J; set it to 1 to make it the unit of energy",
                                  .range = above_zero,
                                  .sweepable = true,
                                  .units = "energy"}),
      part(&TggeChain::bath),
      one_of(&TggeChain::jump, {.path = "bath.jump", .help = "jump operators of the nonequilibrium bath"},
             alternative<RamanJump>("raman"),
             alternative<JumpOperators>(
                 "operators",
                 field(&JumpOperators::channels,
                       {.path = "bath.jump_operator",
                        .help = "one table per channel, terms = [[a, b, Re A, Im A], ...] of A c+_{j+a} c_{j+b}"})),
             alternative<TableJump>("table")));
}

/// Checks the ranges above.
/// @throws ParameterError naming the first quantity that is out of range
void validate(const TggeChain& chain);

/// Dimensions of the results: momentum.
std::vector<Coordinate> coordinates(const TggeChain& chain);

}  // namespace lindrift
