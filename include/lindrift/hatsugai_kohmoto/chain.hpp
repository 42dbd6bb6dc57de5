#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lindrift/baths/open_bath.hpp"
#include "lindrift/lattice/open_lattice.hpp"

namespace lindrift {

/// Open Hatsugai-Kohmoto model on a ring or a lattice (docs/physics.md, section 9),
///   H = sum_{k,spin} eps_k n_{k,spin} + U sum_k n_{k,up} n_{k,down},
/// with a bath on each spin. Exactly solvable: no momentum knows of another, and the energies of spin down have no
/// effect on spin up. Where `cluster` momenta mix, which a ring of model.sites allows, they make a Hubbard ring of as
/// many sites, and the model goes from Hatsugai and Kohmoto's to Hubbard's (Eq. 134). Field names are the TOML names.
struct HatsugaiKohmoto : OpenLattice {
  double interaction = 0.0;  ///< U, either sign, energy
  std::int64_t cluster = 1;  ///< momenta that mix, 1 to 8; divides the sites. Others than 1 for green() and spectral()
  OpenBath up;
  OpenBath down;
};

template <>
inline auto description<HatsugaiKohmoto>() {
  return std::tuple_cat(
      open_lattice_fields<HatsugaiKohmoto>(1),
      std::tuple(field(&HatsugaiKohmoto::interaction, {.path = "model.interaction",
                                                       .help = "interaction U of two spins at one momentum",
                                                       .sweepable = true,
                                                       .units = "energy",
                                                       .details = "physics.md Eq. 32"}),
                 field(&HatsugaiKohmoto::cluster,
                       {.path = "model.cluster",
                        .help = "momenta that mix: 1 is the Hatsugai-Kohmoto chain, L the Hubbard ring",
                        .range = {.low = 1.0, .high = 8.0},
                        .sweepable = true,
                        .details = "divides the sites; tasks green and spectral; physics.md Eq. 134"}),
                 part(&HatsugaiKohmoto::up, "bath.up"), part(&HatsugaiKohmoto::down, "bath.down")));
}

/// Parameters and rates of every momentum. Shape (momenta,) each, ascending momentum, in energy.
struct HatsugaiKohmotoModes {
  Lattice lattice{std::vector<std::int64_t>{1}};
  std::vector<double> energy;  ///< eps_k of spin up
  BathRates up, down;
  double interaction = 0.0;
};

/// @throws ParameterError naming the key, its value and what is allowed
void validate(const HatsugaiKohmoto& model);

/// @throws ParameterError as validate() does. O(cells).
HatsugaiKohmotoModes modes_of(const HatsugaiKohmoto& model);

/// Lambda = max_k Re lambda_1(k) <= 0, the slowest decay of any G(k,t): at late times |G| falls as e^{Lambda t}.
double slowest_decay(const HatsugaiKohmotoModes& modes);

/// kappa / (kappa + gamma) of every momentum, shape (momenta,), ascending; where both rates vanish the occupation is
/// conserved, and `conserved` gives it (empty: 0).
/// @throws ShapeError, ParameterError if `conserved` has another length or leaves [0, 1]
std::vector<double> steady_occupation(const BathRates& rates, std::span<const double> conserved = {});

}  // namespace lindrift
