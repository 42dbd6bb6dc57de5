#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "lindrift/baths/open_bath.hpp"
#include "lindrift/lattice/lattice.hpp"

namespace lindrift {

/// Where the mean field U_0 n_down that the open species exerts on the probe is counted (docs/physics.md, Eq. 66).
enum class Hartree {
  none,    ///< left out, as in the published formulas
  bare,    ///< in the propagator, not in the argument of the self-energy: exact through the second order
  shifted  ///< in both: the spectrum without it, moved rigidly
};

template <>
inline constexpr auto names_of<Hartree> = std::array{std::pair{Hartree::none, "none"}, std::pair{Hartree::bare, "bare"},
                                                     std::pair{Hartree::shifted, "shifted"}};

/// Hubbard chain whose spin-down particles are driven and lost while one spin-up particle probes it
/// (docs/physics.md, section 10),
///   H = sum_{k,spin} e_k n_{k,spin} + sum_{j,i} V_{j-i} n_{j,up} n_{i,down},   e_k = -2 J cos k.
/// Field names are the TOML names.
struct HubbardChain {
  std::int64_t sites = 128;              ///< L >= 2, either parity
  double hopping = 1.0;                  ///< J, nonzero, energy
  std::vector<double> interaction{0.0};  ///< V_r, r = 0, 1, ..., at most L of them, the rest 0; V_0 = U, energy
  Hartree hartree = Hartree::none;
  OpenBath up;    ///< losses only: a gain of the probe is outside the theory
  OpenBath down;  ///< gain + loss > 0 at every momentum
};

template <>
inline auto description<HubbardChain>() {
  return std::tuple(field(&HubbardChain::sites, sites_parameter(2)),
                    field(&HubbardChain::hopping, signed_hopping_parameter()),
                    field(&HubbardChain::interaction,
                          {.path = "model.interaction",
                           .help = "U, or a list V_r, r = 0, 1, ... of the interaction over a distance r, U = V_0",
                           .sweepable = true,
                           .units = "energy",
                           .scalar = true,
                           .details = "at most L values, the rest 0; physics.md Eq. 60. Swept as a number"}),
                    field(&HubbardChain::hartree,
                          {.path = "model.hartree",
                           .help = "mean field of spin down on the probe: left out, in its energy, or in both energies",
                           .details = "left out as in the paper; physics.md Eq. 66"}),
                    part(&HubbardChain::up, "bath.up"), part(&HubbardChain::down, "bath.down"));
}

/// Checks the ranges above.
/// @throws ParameterError naming the first quantity that is out of range
void validate(const HubbardChain& chain);

}  // namespace lindrift
