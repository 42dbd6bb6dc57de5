#pragma once

#include <complex>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lindrift/arguments.hpp"
#include "lindrift/monitor.hpp"
#include "lindrift/tgge/rate_equation.hpp"

namespace lindrift {

/// Options of steady_state().
struct SteadyStateOptions {
  double tolerance = default_tolerance;        ///< on the last Newton update and on the residual
  std::int64_t max_steps = default_max_steps;  ///< Newton and Picard steps together
  std::vector<double> start;  ///< initial lagrange_multiplier, shape (modes,), finite; thermal unless given
  Monitor monitor = {};       ///< only stop() is asked: nothing is known of how far Newton's method is
};

template <>
inline auto description<SteadyStateOptions>() {
  return std::tuple(field(&SteadyStateOptions::tolerance, tolerance_parameter()),
                    field(&SteadyStateOptions::max_steps, max_steps_parameter()));
}

/// A fixed point of the rate equation, or the last iterate if `converged` is false.
struct SteadyState {
  std::vector<double> lagrange_multiplier;  ///< (modes,); +inf, -inf for modes that are exactly empty, full
  std::vector<double> occupation;           ///< (modes,)
  std::vector<double> current;              ///< (dimensions,), units of energy
  std::vector<double> orbital_current;      ///< (dimensions, orbitals), units of energy; empty for one orbital
  /// <c+_b c_a> of the orbitals, (cells, orbitals, orbitals); empty unless RateEquation::has_density_matrix. Where
  /// bands are degenerate it says more than `occupation`, which holds the eigenvalues of each block, descending.
  std::vector<std::complex<double>> density_matrix;
  /// Multipliers of the blocks of degenerate bands, see MatrixRateEquation; empty unless RateEquation::matrix.
  std::vector<double> block_multiplier;
  double particle_number = 0.0;
  double density_per_cell = 0.0;
  double energy_per_cell = 0.0;
  double residual = 0.0;      ///< see balance_residual()
  double log_fugacity = 0.0;  ///< zero at a true steady state: a measure of the error
  bool converged = false;
  bool stopped = false;  ///< the monitor ended it: every number is NaN
  std::int64_t steps = 0;
  std::int64_t components = 1;    ///< sets of modes that exchange no particles with each other
  std::int64_t empty_modes = 0;   ///< modes that cannot gain
  std::int64_t full_modes = 0;    ///< modes that cannot lose
  std::int64_t frozen_modes = 0;  ///< modes that can do neither and keep what they had
  std::string message;            ///< why it did not converge; empty if it did
};

template <>
inline auto description<SteadyState>() {
  return std::tuple_cat(
      occupation_observables<SteadyState>({}),
      std::tuple(
          observable(&SteadyState::components,
                     {.name = "components", .long_name = "sets of modes that exchange no particles"}),
          observable(&SteadyState::empty_modes,
                     {.name = "empty_modes", .long_name = "modes that cannot gain particles"}),
          observable(&SteadyState::full_modes, {.name = "full_modes", .long_name = "modes that cannot lose particles"}),
          observable(&SteadyState::frozen_modes,
                     {.name = "frozen_modes", .long_name = "modes that can do neither and keep their occupation"})));
}

/// Steady state with the conserved numbers of an initial state: the total, or where the thermal bath is off and the
/// hops fall into disconnected components, the number of each. Newton's method in the Lagrange multipliers with the
/// fugacities as extra unknowns (docs/physics.md, Eqs. 15-18). Not converging is a result, not an exception.
/// @param initial_lagrange_multiplier  log((1-n)/n), shape (modes,), finite
/// @throws ParameterError, ShapeError
SteadyState steady_state(const RateEquation& equation, std::span<const double> initial_lagrange_multiplier,
                         const SteadyStateOptions& options = {});

/// The same with the same occupation in every mode at the start.
/// @param filling  mean occupation of a mode, strictly between 0 and 1
SteadyState steady_state(const RateEquation& equation, double filling, const SteadyStateOptions& options = {});

}  // namespace lindrift
