#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lindrift/baths/open_bath.hpp"
#include "lindrift/lattice/lattice.hpp"

namespace lindrift {

/// Open Hatsugai-Kohmoto chain (docs/physics.md, section 9),
///   H = sum_{k,spin} eps_k n_{k,spin} + U sum_k n_{k,up} n_{k,down},   eps_k = -2 J cos k,
/// with a bath on each spin. Exactly solvable: no momentum knows of another. Where `cluster` momenta mix, they make a
/// Hubbard ring of as many sites, and the model goes from Hatsugai and Kohmoto's to Hubbard's (Eq. 134). Field names
/// are the TOML names.
struct HatsugaiKohmoto {
  std::int64_t sites = 128;  ///< L >= 1, either parity
  double hopping = 1.0;      ///< J, nonzero, energy
  double interaction = 0.0;  ///< U, either sign, energy
  std::int64_t cluster = 1;  ///< momenta that mix, 1 to 8; divides the sites. Others than 1 for green() and spectral()
  OpenBath up;
  OpenBath down;
};

template <>
inline auto description<HatsugaiKohmoto>() {
  return std::tuple(
      field(&HatsugaiKohmoto::sites, sites_parameter(1)), field(&HatsugaiKohmoto::hopping, signed_hopping_parameter()),
      field(&HatsugaiKohmoto::interaction, {.path = "model.interaction",
                                            .help = "interaction U of two spins at one momentum",
                                            .sweepable = true,
                                            .units = "energy",
                                            .details = "physics.md Eq. 32"}),
      field(&HatsugaiKohmoto::cluster, {.path = "model.cluster",
                                        .help = "momenta that mix: 1 is the Hatsugai-Kohmoto chain, L the Hubbard ring",
                                        .range = {.low = 1.0, .high = 8.0},
                                        .sweepable = true,
                                        .details = "divides the sites; tasks green and spectral; physics.md Eq. 134"}),
      part(&HatsugaiKohmoto::up, "bath.up"), part(&HatsugaiKohmoto::down, "bath.down"));
}

/// Parameters and rates of every momentum. Shape (sites,) each, ascending momentum, in energy.
struct HatsugaiKohmotoModes {
  std::vector<double> energy;  ///< eps_k
  BathRates up, down;
  double interaction = 0.0;
};

/// @throws ParameterError naming the key, its value and what is allowed
void validate(const HatsugaiKohmoto& model);

/// @throws ParameterError as validate() does. O(sites).
HatsugaiKohmotoModes modes_of(const HatsugaiKohmoto& model);

/// Lambda = max_k Re lambda_1(k) <= 0, the slowest decay of any G(k,t): at late times |G| falls as e^{Lambda t}.
double slowest_decay(const HatsugaiKohmotoModes& modes);

/// kappa / (kappa + gamma) of every momentum, shape (sites,), ascending; where both rates vanish the occupation is
/// conserved, and `conserved` gives it (empty: 0).
/// @throws ShapeError, ParameterError if `conserved` has another length or leaves [0, 1]
std::vector<double> steady_occupation(const BathRates& rates, std::span<const double> conserved = {});

}  // namespace lindrift
