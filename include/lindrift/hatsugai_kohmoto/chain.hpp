#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lindrift/baths/open_bath.hpp"
#include "lindrift/lattice/open_lattice.hpp"

namespace lindrift {

/// Open Hatsugai-Kohmoto model on a ring or a lattice (docs/physics.md, section 9),
///   H = sum_{k,spin} eps_k n_{k,spin} + U sum_k n_{k,up} n_{k,down},
/// with a bath for each spin. Exactly solvable: the momenta do not couple, and the energies of spin down have no effect
/// on spin up. With `cluster` > 1, for rings given by model.sites, that many momenta mix and form a Hubbard ring of as
/// many sites, which interpolates between the Hatsugai-Kohmoto and the Hubbard model (Eq. 134). Field names are the
/// TOML names.
struct HatsugaiKohmoto : OpenLattice {
  double interaction = 0.0;  ///< U, either sign, energy
  std::int64_t cluster = 1;  ///< number of momenta that mix, 1 to 8; divides the sites. Values > 1 only for green() and
                             ///< spectral()
  OpenBath up;
  OpenBath down;
};

template <>
inline auto description<HatsugaiKohmoto>() {
  return std::tuple_cat(
      open_lattice_fields<HatsugaiKohmoto>(1),
      std::tuple(
          field(&HatsugaiKohmoto::interaction, {.path = "model.interaction",
                                                .help = "interaction U between the two spins at the same momentum",
                                                .sweepable = true,
                                                .units = "energy",
                                                .details = "physics.md Eq. 32"}),
          field(&HatsugaiKohmoto::cluster,
                {.path = "model.cluster",
                 .help = "number of momenta that scatter into each other: 1 is the Hatsugai-Kohmoto chain, L the "
                         "Hubbard ring",
                 .range = {.low = 1.0, .high = 8.0},
                 .sweepable = true,
                 .details = "divides the sites; tasks green and spectral; physics.md Eq. 134"}),
          part(&HatsugaiKohmoto::up, "bath.up"), part(&HatsugaiKohmoto::down, "bath.down")));
}

/// Parameters and rates of every momentum. Each of shape (momenta,), ascending momentum, in energy.
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

/// Lambda = max_k Re lambda_1(k) <= 0, the slowest decay rate of any G(k,t): at late times |G| falls as e^{Lambda t}.
double slowest_decay(const HatsugaiKohmotoModes& modes);

/// kappa / (kappa + gamma) of every momentum, shape (momenta,), ascending. Where both rates vanish, the occupation is
/// conserved and equals `conserved` (empty: 0).
/// @throws ShapeError if `conserved` has another length, ParameterError if it leaves [0, 1]
std::vector<double> steady_occupation(const BathRates& rates, std::span<const double> conserved = {});

}  // namespace lindrift
