#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "lindrift/arguments.hpp"
#include "lindrift/lattice/bands.hpp"

namespace lindrift {

/// Named initial states.
enum class InitialKind {
  uniform,         ///< the same occupation in every mode
  thermal,         ///< Fermi functions of the energies, optionally displaced by some momenta
  single_momentum  ///< one particle at one momentum, in its lowest band
};

template <>
inline constexpr auto names_of<InitialKind> =
    std::array{std::pair{InitialKind::uniform, "uniform"}, std::pair{InitialKind::thermal, "thermal"},
               std::pair{InitialKind::single_momentum, "single_momentum"}};

/// An initial state and its parameters.
struct InitialState {
  InitialKind kind = InitialKind::uniform;
  double inverse_temperature = 1.0;                ///< of the Fermi functions, >= 0, 1/energy
  std::vector<std::int64_t> momentum_shift = {0};  ///< thermal: displacement along each direction, units of 2 pi / L_i
  std::vector<std::int64_t> momentum = {0};        ///< single_momentum: m_i of k_i = 2 pi m_i / L_i
};

template <>
inline auto description<InitialState>() {
  const std::string in_directions = "on a lattice of several directions a list, one for each; wraps around the zone";
  const Condition thermal{"initial.state", {"thermal"}}, single{"initial.state", {"single_momentum"}};
  return std::tuple(
      field(
          &InitialState::kind,
          {.path = "initial.state",
           .help = "initial state: uniform, thermal with mean occupation initial.filling, or a single filled momentum",
           .unless = {"initial.lagrange_multiplier"},
           .details = "a steady state uses only its conserved quantities"}),
      field(&InitialState::inverse_temperature, {.path = "initial.inverse_temperature",
                                                 .help = "inverse temperature of the initial state, 1/energy",
                                                 .range = from_zero,
                                                 .when = {thermal},
                                                 .sweepable = true,
                                                 .units = "1/energy",
                                                 .details = "a large value with a shift is a displaced Fermi sea"}),
      field(&InitialState::momentum_shift, {.path = "initial.momentum_shift",
                                            .help = "shift of the thermal state in momentum, in units of 2 pi / L",
                                            .range = {.low = -1e15, .high = 1e15},
                                            .when = {thermal},
                                            .repeats = true,
                                            .scalar = true,
                                            .details = in_directions}),
      field(&InitialState::momentum, {.path = "initial.momentum",
                                      .help = "integer m of the filled momentum k = 2 pi m / L",
                                      .range = {.low = -1e15, .high = 1e15},
                                      .when = {single},
                                      .repeats = true,
                                      .scalar = true,
                                      .details = in_directions + "; in the band that is lowest there"}));
}

/// Checks that momenta have an integer for each direction; a plain 0 stands for any number of them.
/// @throws ParameterError
void validate(const InitialState& state, const Lattice& lattice);

/// log((1-n)/n) of every mode, shape (modes,), within [-700, 700]; beyond that range occupations round to 0 or 1.
/// Displaced states have n_{a,k} = n_a(k - shift). O(modes).
/// @param filling  mean occupation of a mode, strictly between 0 and 1; ignored for single_momentum
/// @throws ParameterError
std::vector<double> multipliers_of(const InitialState& state, const Bands& bands, double filling);

}  // namespace lindrift
