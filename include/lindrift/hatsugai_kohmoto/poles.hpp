#pragma once

#include <complex>
#include <cstdint>
#include <string>
#include <vector>

#include "lindrift/arguments.hpp"
#include "lindrift/backend.hpp"
#include "lindrift/hatsugai_kohmoto/chain.hpp"
#include "lindrift/monitor.hpp"
#include "lindrift/observable.hpp"

namespace lindrift {

/// Options of poles().
struct PolesOptions {
  /// <n_{k,down}> at the earlier time, used for the residues: shape (momenta,), momenta ascending, values in [0, 1].
  /// Empty: the steady state, with 0 where no bath acts on spin down.
  std::vector<double> down_occupation;
  /// Rows [Re, Im] of complex energies E_b around which the poles may wind; none by default.
  std::vector<std::vector<double>> base_energies;
  std::int64_t max_exceptional_points = 32;  ///< capacity of the result
  Monitor monitor = {};                      ///< only stop() is called
};

template <>
inline auto description<PolesOptions>() {
  return std::tuple(
      field(&PolesOptions::down_occupation, down_occupation_parameter()),
      field(&PolesOptions::base_energies, {.path = "task.base_energies",
                                           .help = "[[Re, Im], ...] of energies that the poles may wind around",
                                           .derived = "no windings",
                                           .details = "below the real axis, where the poles lie; physics.md Eq. 150"}),
      field(&PolesOptions::max_exceptional_points,
            {.path = "task.max_exceptional_points",
             .help = "exceptional points that the result has room for",
             .range = {.low = 1.0, .high = 1e6},
             .details = "exceptional_points counts all that were found, also where they are more"}));
}

/// Poles of the Green's function. `branch` is slow, the pole closer to the real axis, or fast.
struct PolesResult {
  std::vector<std::complex<double>> pole;     ///< E = i lambda, (branch, momenta), energy; Im E <= 0
  std::vector<std::complex<double>> residue;  ///< z of g_k = sum z e^{-iEt}, (branch, momenta); NaN where the poles
                                              ///< coincide
  /// Smallest distance between the two poles at the same momentum, energy.
  double smallest_separation = 0.0;
  /// Momenta at which the two poles merge, (number, directions), radians; NaN beyond the last.
  std::vector<double> exceptional_point;
  /// Winding number of S^2 around each point, counterclockwise from direction i to direction j > i, (number,): +1 or
  /// -1; 0 on a chain. In three dimensions exceptional points form lines; the listed points are where these cross the
  /// faces of the cells of a grid.
  std::vector<double> exceptional_point_charge;
  std::vector<std::complex<double>> exceptional_point_energy;  ///< where the poles meet, (number,)
  std::int64_t exceptional_points = 0;                         ///< total number found
  /// Winding number of (E_b - E_1)(E_b - E_2) along each direction of the zone, (base_energy, directions), averaged
  /// over the lattice's lines along that direction; NaN where E_b lies on a pole.
  std::vector<double> winding;
  /// Area that each pole encloses over the zone of a chain, counterclockwise, (loop,), energy^2; the first entry is the
  /// pole that is slow at k = -pi. If the poles are exchanged across the zone, they enclose a single area, and each
  /// entry is half of it.
  std::vector<double> loop_area;
  bool stopped = false;  ///< stopped by the monitor; every number is then NaN
  std::string message;   ///< a warning; otherwise empty
};

template <>
inline auto description<PolesResult>() {
  using Result = PolesResult;
  return std::tuple(
      observable(&Result::pole, {.name = "pole",
                                 .units = "energy",
                                 .long_name = "poles E of the Green's function of spin up",
                                 .dimensions = {"branch", "momentum"}}),
      observable(&Result::residue, {.name = "residue",
                                    .long_name = "residues of the Green's function of spin up",
                                    .dimensions = {"branch", "momentum"}}),
      observable(&Result::smallest_separation, {.name = "smallest_separation",
                                                .units = "energy",
                                                .long_name = "smallest distance of the two poles at one momentum",
                                                .in_summary = true}),
      observable(&Result::exceptional_point, {.name = "exceptional_point",
                                              .units = "rad",
                                              .long_name = "momenta of exceptional points",
                                              .dimensions = {"number", "direction"}}),
      observable(&Result::exceptional_point_charge, {.name = "exceptional_point_charge",
                                                     .long_name = "turns of the squared distance of the poles",
                                                     .dimensions = {"number"}}),
      observable(&Result::exceptional_point_energy, {.name = "exceptional_point_energy",
                                                     .units = "energy",
                                                     .long_name = "energies of exceptional points",
                                                     .dimensions = {"number"}}),
      observable(&Result::exceptional_points, {.name = "exceptional_points",
                                               .long_name = "number of exceptional points that were found",
                                               .in_summary = true}),
      observable(&Result::winding, {.name = "winding",
                                    .long_name = "winding of the poles around each base energy",
                                    .dimensions = {"base_energy", "direction"}}),
      observable(&Result::loop_area, {.name = "loop_area",
                                      .units = "energy^2",
                                      .long_name = "area that each pole encloses over the zone",
                                      .dimensions = {"loop"}}));
}

/// Dimensions of the results of poles().
std::vector<Coordinate> poles_coordinates(const OpenLattice& lattice, const PolesOptions& options);

/// Poles and residues of the Green's function of spin up in the open Hatsugai-Kohmoto model at every momentum, its
/// exceptional points, the winding numbers of the poles and, on a chain, the areas that they enclose (docs/physics.md,
/// Eqs. 148 to 151). Exceptional points are searched on a grid of at least 64 momenta along each direction and then
/// refined to rounding error; a pair of opposite charges within one cell of that grid is missed. Tabulated rates are
/// interpolated linearly between momenta, along each direction. O(momenta (1 + base energies)). Runs on the CPU.
/// @throws ParameterError, ShapeError, UnsupportedError if a device is requested
PolesResult poles(const HatsugaiKohmoto& model, const PolesOptions& options = {}, const Execution& execution = {});

/// Memory that poles() needs in addition to its results, bytes.
double poles_bytes(const HatsugaiKohmoto& model);

/// Checks the arguments of poles().
/// @throws ParameterError naming the key
void validate_poles(const HatsugaiKohmoto& model, const PolesOptions& options);

}  // namespace lindrift
