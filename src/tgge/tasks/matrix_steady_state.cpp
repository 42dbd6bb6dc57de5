#include <cmath>
#include <utility>

#include "lindrift/error.hpp"
#include "lindrift/tgge/matrix_rate_equation.hpp"
#include "solvers/newton.hpp"
#include "tgge/tasks/matrix_tasks.hpp"

namespace lindrift {

SteadyState matrix_steady_state(const RateEquation& equation, double number, const SteadyStateOptions& options) {
  const MatrixRateEquation& matrix = *equation.matrix;
  // Without a thermal bath there may be further numbers that coherent hops conserve, and Newton's method would lose
  // them.
  if (!matrix.thermal())
    throw ParameterError("bath.equilibrium_fraction",
                         "0 is not allowed in a steady state of degenerate bands: make it small, or use task relax");
  BlockMatrices start;
  if (!options.start.empty()) start = matrix.from_modes(options.start);
  BalanceSolution solution =
      solve_matrix_balance(matrix, number, std::move(start), options.tolerance, options.max_steps);

  SteadyState state;
  state.lagrange_multiplier = matrix.ascending_eigenvalues(solution.lagrange_multiplier);
  state.occupation.resize(matrix.modes());
  for (std::size_t s = 0; s < matrix.modes(); ++s)
    state.occupation[s] = 1.0 / (1.0 + std::exp(state.lagrange_multiplier[s]));
  OccupationSums sums = occupation_sums(equation, state.occupation);
  state.current = matrix.current(solution.occupation);
  state.orbital_current = matrix.orbital_current(solution.occupation);
  state.density_matrix = matrix.in_orbitals(solution.occupation);
  state.particle_number = sums.particle_number;
  state.density_per_cell = sums.density_per_cell;
  state.energy_per_cell = sums.energy_per_cell;
  state.residual = matrix.balance_residual(solution.lagrange_multiplier);
  state.block_multiplier = std::move(solution.lagrange_multiplier);
  state.log_fugacity = solution.log_fugacity;
  state.converged = solution.converged && state.residual <= options.tolerance;
  state.steps = solution.steps;
  state.message = solution.message;
  return state;
}

}  // namespace lindrift
