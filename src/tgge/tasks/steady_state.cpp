#include "lindrift/tgge/steady_state.hpp"

#include <cmath>
#include <limits>

#include "engine/threads.hpp"
#include "lindrift/error.hpp"
#include "solvers/newton.hpp"
#include "tgge/tasks/matrix_tasks.hpp"
#include "tgge/tasks/steady_state_of.hpp"

namespace lindrift {

namespace {

SteadyState solve(const RateEquation& equation, const InitialState& conserved, const SteadyStateOptions& options) {
  if (equation.matrix) return matrix_steady_state(equation, total_number(conserved, equation.modes()), options);
  const Components components = connected_components(equation);
  BalanceSolution solution =
      solve_balance(equation, components, conserved, options.start, options.tolerance, options.max_steps);
  const double residual = balance_residual(equation, solution.lagrange_multiplier);
  return steady_state_of(equation, std::move(solution), components.count, residual, options.tolerance);
}

}  // namespace

SteadyState steady_state_of(const RateEquation& equation, BalanceSolution solution, std::int64_t components,
                            double residual, double tolerance) {
  SteadyState state;
  state.lagrange_multiplier = std::move(solution.lagrange_multiplier);
  state.occupation = std::move(solution.occupation);
  OccupationSums sums = occupation_sums(equation, state.occupation);
  state.current = std::move(sums.current);
  state.orbital_current = std::move(sums.orbital_current);
  if (equation.has_density_matrix) state.density_matrix = density_matrix(equation, state.occupation);
  state.particle_number = sums.particle_number;
  state.density_per_cell = sums.density_per_cell;
  state.energy_per_cell = sums.energy_per_cell;
  state.residual = residual;
  state.log_fugacity = solution.log_fugacity;
  state.converged = solution.converged && residual <= tolerance;
  state.steps = solution.steps;
  state.components = components;
  state.empty_modes = solution.empty;
  state.full_modes = solution.full;
  state.frozen_modes = solution.frozen;
  state.message = solution.message;
  return state;
}

namespace {

/// The result of a solver that was stopped.
SteadyState nothing(const RateEquation& equation) {
  constexpr double missing = std::numeric_limits<double>::quiet_NaN();
  const auto dimensions = static_cast<std::size_t>(equation.bands.lattice.dimensions());
  const auto orbitals = static_cast<std::size_t>(equation.bands.orbitals);
  SteadyState state;
  state.lagrange_multiplier.assign(equation.modes(), missing);
  state.occupation.assign(equation.modes(), missing);
  state.current.assign(dimensions, missing);
  if (orbitals > 1) state.orbital_current.assign(dimensions * orbitals, missing);
  state.particle_number = state.density_per_cell = state.energy_per_cell = missing;
  state.residual = state.log_fugacity = missing;
  state.stopped = true;
  state.message = "stopped";
  return state;
}

SteadyState find(const RateEquation& equation, const InitialState& conserved, const SteadyStateOptions& options) {
  validate_fields(options);
  if (!options.start.empty() && options.start.size() != equation.modes())
    throw ShapeError("SteadyStateOptions::start has length " + std::to_string(options.start.size()) + "; it must be " +
                     std::to_string(equation.modes()));
  const Calculation calculation(equation.threads, options.monitor, equation.shared);
  try {
    return solve(equation, conserved, options);
  } catch (const Interruption&) {
    if (!options.monitor.stop) throw;  // a batch was interrupted, not this run
    return nothing(equation);
  }
}

/// @throws ShapeError, ParameterError
InitialState checked(std::size_t modes, std::span<const double> initial_lagrange_multiplier) {
  if (initial_lagrange_multiplier.size() != modes)
    throw ShapeError("initial.lagrange_multiplier has length " + std::to_string(initial_lagrange_multiplier.size()) +
                     "; it must be " + std::to_string(modes));
  for (const double lambda : initial_lagrange_multiplier)
    if (!std::isfinite(lambda)) throw ParameterError("initial.lagrange_multiplier", "every entry must be finite");
  return InitialState(initial_lagrange_multiplier);
}
InitialState checked(double filling) {
  if (!(filling > 0.0 && filling < 1.0))
    throw ParameterError("initial.filling",
                         std::to_string(filling) + " is not allowed: must be strictly between 0 and 1");
  return InitialState(std::log1p(-filling) - std::log(filling));
}

}  // namespace

double conserved_number(std::size_t modes, std::span<const double> initial_lagrange_multiplier) {
  return total_number(checked(modes, initial_lagrange_multiplier), modes);
}
double conserved_number(std::size_t modes, double filling) { return total_number(checked(filling), modes); }

SteadyState steady_state(const RateEquation& equation, std::span<const double> initial_lagrange_multiplier,
                         const SteadyStateOptions& options) {
  return find(equation, checked(equation.modes(), initial_lagrange_multiplier), options);
}

SteadyState steady_state(const RateEquation& equation, double filling, const SteadyStateOptions& options) {
  return find(equation, checked(filling), options);
}

}  // namespace lindrift
