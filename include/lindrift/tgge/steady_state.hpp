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
  double tolerance = default_tolerance;        ///< of max|R| / (1 + max|lambda|) and of log z
  std::int64_t max_steps = default_max_steps;  ///< Newton and Picard steps together
  std::vector<double> start;  ///< initial lagrange_multiplier, shape (modes,), finite; by default the thermal state
  Monitor monitor = {};       ///< only stop() is called: there is no measure of how far Newton's method has come
};

template <>
inline auto description<SteadyStateOptions>() {
  return std::tuple(field(&SteadyStateOptions::tolerance, tolerance_parameter()),
                    field(&SteadyStateOptions::max_steps, max_steps_parameter()));
}

/// A fixed point of the rate equation, or the last iterate if `converged` is false.
struct SteadyState {
  std::vector<double> lagrange_multiplier;  ///< (modes,); +inf for exactly empty modes, -inf for exactly full ones
  std::vector<double> occupation;           ///< (modes,)
  std::vector<double> current;              ///< (dimensions,), units of energy
  std::vector<double> orbital_current;      ///< (dimensions, orbitals), units of energy; empty for one orbital
  /// <c+_b c_a> of the orbitals, (cells, orbitals, orbitals); empty unless RateEquation::has_density_matrix. Where
  /// bands are degenerate, it contains more information than `occupation`, which holds the eigenvalues of each block in
  /// descending order.
  std::vector<std::complex<double>> density_matrix;
  /// Multipliers of the blocks of degenerate bands, see MatrixRateEquation; empty unless RateEquation::matrix is set.
  std::vector<double> block_multiplier;
  double particle_number = 0.0;
  double density_per_cell = 0.0;
  double energy_per_cell = 0.0;
  double residual = 0.0;      ///< see balance_residual()
  double log_fugacity = 0.0;  ///< zero at a true steady state, so its size measures the error
  bool converged = false;
  bool stopped = false;  ///< the monitor stopped the solver: every number is NaN
  std::int64_t steps = 0;
  std::int64_t components = 1;    ///< sets of modes that exchange no particles with each other
  std::int64_t empty_modes = 0;   ///< modes that cannot gain
  std::int64_t full_modes = 0;    ///< modes that cannot lose
  std::int64_t frozen_modes = 0;  ///< modes that can do neither and keep their occupation
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

/// Steady state with the conserved particle numbers of an initial state: the total number, or, where the thermal bath
/// is off and the hops split the modes into disconnected components, the number of each component. Newton's method in
/// the Lagrange multipliers with the fugacities as extra unknowns (docs/physics.md, Eqs. 15-18). Failure to converge is
/// reported in the result, not thrown.
/// @param initial_lagrange_multiplier  log((1-n)/n), shape (modes,), finite
/// @throws ParameterError, ShapeError
SteadyState steady_state(const RateEquation& equation, std::span<const double> initial_lagrange_multiplier,
                         const SteadyStateOptions& options = {});

/// The same from an initial state with the same occupation in every mode.
/// @param filling  mean occupation of a mode, strictly between 0 and 1
SteadyState steady_state(const RateEquation& equation, double filling, const SteadyStateOptions& options = {});

}  // namespace lindrift
