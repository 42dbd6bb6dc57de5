#include "lindrift/tasks/steady_state.hpp"

#include <cmath>

#include "lindrift/error.hpp"
#include "parallel.hpp"
#include "solvers/newton.hpp"
#include "solvers/occupation.hpp"

namespace lindrift {

SteadyState steady_state(const RateEquation& equation, std::span<const double> initial_lagrange_multiplier,
                         const SteadyStateOptions& options) {
  if (!(options.tolerance >= 1e-13 && options.tolerance <= 1e-2))
    throw ParameterError("solver.tolerance",
                         std::to_string(options.tolerance) + " is not allowed: must be in [1e-13, 1e-2]");
  const std::size_t modes = equation.modes();
  if (initial_lagrange_multiplier.size() != modes)
    throw ShapeError("initial.lagrange_multiplier has length " + std::to_string(initial_lagrange_multiplier.size()) +
                     "; it must be " + std::to_string(modes));
  for (const double lambda : initial_lagrange_multiplier)
    if (!std::isfinite(lambda)) throw ParameterError("initial.lagrange_multiplier", "every entry must be finite");
  if (!options.start.empty() && options.start.size() != modes)
    throw ShapeError("SteadyStateOptions::start has length " + std::to_string(options.start.size()) + "; it must be " +
                     std::to_string(modes));

  std::vector<double> start = options.start;
  if (start.empty()) {
    // The thermal state; without a thermal bath nothing singles out the band energies.
    start.assign(modes, 0.0);
    if (equation.thermal)
      parallel_for(modes, [&](std::size_t s) { start[s] = equation.inverse_temperature * equation.energy[s]; });
  }
  const Components components = connected_components(equation);
  BalanceSolution solution = solve_balance(*equation.generator, components, initial_lagrange_multiplier,
                                           std::move(start), options.tolerance, options.max_steps);

  SteadyState state;
  state.lagrange_multiplier = std::move(solution.lagrange_multiplier);
  state.occupation.resize(modes);
  parallel_for(modes, [&](std::size_t s) { state.occupation[s] = occupation_of(state.lagrange_multiplier[s]); });
  state.current = current(equation, state.occupation);
  state.particle_number = particle_number(state.occupation);
  state.residual = balance_residual(equation, state.lagrange_multiplier);
  state.log_fugacity = solution.log_fugacity;
  state.converged = solution.converged && state.residual <= options.tolerance;
  state.steps = solution.steps;
  state.components = components.count;
  state.empty_modes = solution.empty;
  state.full_modes = solution.full;
  state.frozen_modes = solution.frozen;
  state.message = solution.message;
  return state;
}

SteadyState steady_state(const RateEquation& equation, double filling, const SteadyStateOptions& options) {
  if (!(filling > 0.0 && filling < 1.0))
    throw ParameterError("initial.filling",
                         std::to_string(filling) + " is not allowed: must be strictly between 0 and 1");
  const std::vector<double> uniform(equation.modes(), std::log1p(-filling) - std::log(filling));
  return steady_state(equation, uniform, options);
}

}  // namespace lindrift
