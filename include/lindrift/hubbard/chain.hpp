#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "lindrift/baths/open_bath.hpp"
#include "lindrift/lattice/open_lattice.hpp"

namespace lindrift {

/// Where the mean field U_0 n_down of the open species on the probe is included (docs/physics.md, Eq. 66).
enum class Hartree {
  none,    ///< not included, as in the published formulas
  bare,    ///< in the propagator but not in the argument of the self-energy: exact to second order
  shifted  ///< in both: the spectrum of `none`, shifted rigidly
};

template <>
inline constexpr auto names_of<Hartree> = std::array{std::pair{Hartree::none, "none"}, std::pair{Hartree::bare, "bare"},
                                                     std::pair{Hartree::shifted, "shifted"}};

/// Approximation for the self-energy of the probe (docs/physics.md, sections 10 and 10.5).
enum class Approximation {
  second_order,  ///< second order in the interaction, as published
  ladder         ///< all repeated collisions with one particle, or one hole, of the open species
};

template <>
inline constexpr auto names_of<Approximation> =
    std::array{std::pair{Approximation::second_order, "second_order"}, std::pair{Approximation::ladder, "ladder"}};

/// The pair that collides repeatedly in the ladder. The ladders include the mean field.
enum class Ladder {
  automatic,  ///< particle up to half filling of the open species, otherwise hole
  particle,   ///< probe and particle: exact at low density
  hole,       ///< probe and hole: exact at high density
  both        ///< the sum of both minus second order: exact to third order, but A < 0 can occur
};

template <>
inline constexpr auto names_of<Ladder> =
    std::array{std::pair{Ladder::automatic, "auto"}, std::pair{Ladder::particle, "particle"},
               std::pair{Ladder::hole, "hole"}, std::pair{Ladder::both, "both"}};

/// Hubbard model on a ring or a lattice, with driven and lossy spin-down particles probed by a single spin-up particle
/// (docs/physics.md, section 10),
///   H = sum_{k,spin} e_{k,spin} n_{k,spin} + sum_{j,i} V_{j-i} n_{j,up} n_{i,down}.
/// Field names are the TOML names.
struct HubbardChain : OpenLattice {
  /// V_r, r = 0, 1, ..., at most L values, the rest 0; V_0 = U, energy. Only U in several directions.
  std::vector<double> interaction{0.0};
  Approximation approximation = Approximation::second_order;
  Ladder ladder = Ladder::automatic;  ///< for the ladder, which requires an on-site interaction
  Hartree hartree = Hartree::none;    ///< for second order
  OpenBath up;                        ///< losses only: gain of the probe is outside the theory
  OpenBath down;                      ///< gain + loss > 0 at every momentum
};

template <>
inline auto description<HubbardChain>() {
  return std::tuple_cat(
      open_lattice_fields<HubbardChain>(2),
      std::tuple(
          field(&HubbardChain::interaction,
                {.path = "model.interaction",
                 .help = "U, or a list of the interactions V_r at distance r = 0, 1, ..., with U = V_0",
                 .sweepable = true,
                 .units = "energy",
                 .scalar = true,
                 .details = "at most L values, the rest 0; a number in several directions; physics.md Eq. "
                            "60. Swept as a number"}),
          field(&HubbardChain::approximation, {.path = "model.approximation",
                                               .help = "self-energy of the probe: second order, or the ladder of "
                                                       "repeated collisions with one particle or hole",
                                               .details = "physics.md section 10.5; ladder needs V_r = 0 for r > 0"}),
          field(&HubbardChain::ladder,
                {.path = "model.ladder",
                 .help = "what the probe collides with repeatedly: a particle, a hole, or both",
                 .when = {{"model.approximation", {"ladder"}}},
                 .details = "auto: particle up to half filling of spin down, else hole; both: exact through "
                            "the third order, but A < 0 can occur"}),
          field(&HubbardChain::hartree, {.path = "model.hartree",
                                         .help = "mean field of spin down on the probe: omitted, in the propagator's "
                                                 "energy only, or in both energies",
                                         .when = {{"model.approximation", {"second_order"}}},
                                         .details = "left out as in the paper; physics.md Eq. 66"}),
          part(&HubbardChain::up, "bath.up"), part(&HubbardChain::down, "bath.down")));
}

/// Checks the ranges above.
/// @throws ParameterError naming the first quantity that is out of range
void validate(const HubbardChain& chain);

}  // namespace lindrift
