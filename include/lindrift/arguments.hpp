#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include "lindrift/description.hpp"

/// Parameters that several tasks share.

namespace lindrift {

inline constexpr double default_tolerance = 1e-10;
inline constexpr std::int64_t default_max_steps = 1'000'000;

inline Parameter tolerance_parameter() {
  return {.path = "solver.tolerance",
          .help = "accuracy of the solver",
          .range = {.low = 1e-13, .high = 1e-2},
          .details =
              "steady states of tGGE, also in gradient and noise: largest residual relative to 1 + max|lambda|, "
              "and change of log z; relax: error of each dataset relative to its largest value; green of "
              "hubbard: error of G; spectral: error of each dataset relative to its largest value; steady_state "
              "of hubbard: change of an occupation in one more step"};
}

inline Parameter max_steps_parameter() {
  return {.path = "solver.max_steps",
          .help = "maximum number of solver steps",
          .range = {.low = 1.0, .high = 1e15},
          .details = "for one point"};
}

inline Parameter times_parameter() {
  return {.path = "task.times",
          .type = Type::real_grid,
          .help = "output times, 1/energy",
          .range = from_zero,
          .ascending = true};
}

/// Times at which a task writes its results.
struct OutputTimes {
  std::vector<double> times;  ///< >= 0, strictly ascending, 1/energy
};

template <>
inline auto description<OutputTimes>() {
  return std::tuple(field(&OutputTimes::times, times_parameter()));
}

inline Parameter frequencies_parameter() {
  return {.path = "task.frequencies", .type = Type::real_grid, .help = "frequencies w, energy", .ascending = true};
}

/// Frequencies at which a task writes its results.
struct OutputFrequencies {
  std::vector<double> frequencies;  ///< strictly ascending, energy
};

template <>
inline auto description<OutputFrequencies>() {
  return std::tuple(field(&OutputFrequencies::frequencies, frequencies_parameter()));
}

/// Momenta m of k = 2 pi m / L, in [-floor(L/2), ceil(L/2)-1], or rows of them along a path through a lattice; an empty
/// list means all.
inline Parameter momenta_parameter() {
  return {.path = "task.momenta",
          .help =
              "\"all\", or a list of the integers m of k = 2 pi m / L, m = -floor(L/2) .. ceil(L/2)-1; on a lattice "
              "rows [m_1, ..]",
          .choices = {"all"},
          .ascending = true,
          .rows = true,
          .details = "rows in any order, as along a path: the dimension is then `path`"};
}

inline Parameter broadening_parameter() {
  return {.path = "task.broadening",
          .help = "half width eta added to every peak, energy",
          .range = from_zero,
          .details =
              "physics.md Eq. 43. Without it, momenta that no bath damps have delta peaks: inf where a frequency "
              "meets one, 0 beside it, and a warning"};
}

/// Initial occupations n = 1/(1 + e^lambda).
struct InitialOccupation {
  std::optional<std::vector<double>> lagrange_multiplier;  ///< of every mode; by default from `filling`
  double filling = 0.5;                                    ///< mean occupation, the same in every mode

  /// log((1-n)/n) of every mode, shape (modes,).
  std::vector<double> multipliers(std::size_t modes) const {
    if (lagrange_multiplier) return *lagrange_multiplier;
    return std::vector<double>(modes, std::log1p(-filling) - std::log(filling));
  }
};

template <>
inline auto description<InitialOccupation>() {
  return std::tuple(
      field(&InitialOccupation::lagrange_multiplier,
            {.path = "initial.lagrange_multiplier",
             .help = "initial log((1-n)/n) of every mode, the band + first, each in ascending order of momentum",
             .derived = "uniform, from initial.filling",
             .details = "instead of filling; finite. A steady state uses only its conserved quantities"}),
      field(&InitialOccupation::filling, {.path = "initial.filling",
                                          .help = "mean occupation of a mode",
                                          .range = {.low = 0.0, .high = 1.0, .open_low = true, .open_high = true},
                                          .sweepable = true,
                                          .unless = {"initial.lagrange_multiplier"},
                                          .details = "the same in every mode"}));
}

/// Initial occupations of spin down in the open models; an empty list means the steady state.
inline Parameter down_occupation_parameter() {
  return {.path = "initial.down_occupation",
          .help = "initial occupation of spin down: \"steady\", one number, or one per momentum in ascending order",
          .range = zero_to_one,
          .choices = {"steady"},
          .scalar = true};
}

}  // namespace lindrift
