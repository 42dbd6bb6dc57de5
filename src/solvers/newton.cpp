#include "solvers/newton.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>
#include <type_traits>
#include <utility>

#include "engine/parallel.hpp"
#include "kernels/newton.hpp"
#include "lindrift/error.hpp"
#include "solvers/matrix_ode.hpp"
#include "solvers/occupation.hpp"

namespace lindrift {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Newton's method from a system's current point; solution.steps were taken before.
void iterate(BalanceSystem& system, std::int64_t max_steps, BalanceSolution& solution) {
  const kernels::NewtonRun run =
      kernels::newton(system, max_steps, [] { Calculation::look_up(); }, {.steps = solution.steps});
  solution.steps = run.steps;
  solution.change = run.size;
  if (!run.finite) solution.message = "the balance of the rates is not finite";
}

}  // namespace

void conclude(BalanceSolution& solution, double tolerance, std::int64_t max_steps) {
  solution.converged = solution.change <= tolerance && std::fabs(solution.log_fugacity) <= tolerance;
  if (solution.converged || !solution.message.empty()) return;
  std::ostringstream text;
  const double reached = std::max(solution.change, std::fabs(solution.log_fugacity));
  if (solution.steps >= max_steps)
    text << "solver.max_steps = " << max_steps << " steps did not reach a balance";
  else
    text << "the balance stays as it is after " << solution.steps << " steps";
  text << ": what is left is " << reached << ", above solver.tolerance = " << tolerance;
  solution.message = text.str();
}

namespace {

/// The thermal state; without a thermal bath band energies do not matter.
std::vector<double> thermal_multipliers(const RateEquation& equation) {
  std::vector<double> lambda(equation.modes(), 0.0);
  if (equation.thermal)
    parallel_for(lambda.size(),
                 [&](std::size_t s) { lambda[s] = equation.inverse_temperature * equation.bands.energy[s]; });
  return lambda;
}

/// Values of the modes in the order of `mode`; an empty `mode` leaves a vector as it is.
template <class Values>
std::vector<double> in_order(std::span<const std::size_t> mode, const Values& values) {
  if constexpr (std::is_same_v<Values, std::vector<double>>)
    if (mode.empty()) return values;
  std::vector<double> result(mode.size());
  parallel_for(mode.size(), [&](std::size_t i) { result[i] = values[mode[i]]; });
  return result;
}

void put_back(std::span<const std::size_t> mode, std::vector<double>& values) {
  if (mode.empty()) return;
  std::vector<double> result(values.size());
  parallel_for(mode.size(), [&](std::size_t i) { result[mode[i]] = values[i]; });
  values = std::move(result);
}

}  // namespace

double total_number(const InitialState& state, std::size_t modes) {
  if (state.is_uniform()) return static_cast<double>(modes) * occupation_of(state[0]);
  // The multipliers are often all equal: compute that occupation once.
  const double first = state[0], occupation = occupation_of(first);
  return parallel_sum(modes, [&](std::size_t s) { return state[s] == first ? occupation : occupation_of(state[s]); });
}

BalanceSolution solve_balance(const RateEquation& equation, const Components& components, const InitialState& conserved,
                              const std::vector<double>& start, double tolerance, std::int64_t max_steps) {
  BalanceSolution solution;
  Generator& generator = *equation.generator;
  const std::size_t modes = equation.modes();
  const double number = total_number(conserved, modes);
  kernels::MomentBalance* const moments = generator.moment_balance();
  // A number that rounds to zero or to all modes is left to the other system, which reports it.
  const bool inside = components.count == 1 && number > 0.0 && number < static_cast<double>(modes);
  if (moments && inside) {
    const auto system = make_moment_system(*moments, modes, number, start);
    iterate(*system, std::min(max_steps, kernels::max_moment_steps), solution);
    system->read(solution);
    conclude(solution, tolerance, max_steps);
    if (solution.converged || solution.steps >= max_steps) return solution;
    // At extremely low temperature every n (1-n) underflows, and the moments no longer fix the Fermi level.
    const std::int64_t steps = solution.steps;
    solution = {};
    solution.steps = steps;
  }
  kernels::MultiplierBalance* const on_device = inside ? generator.multiplier_balance() : nullptr;
  if (on_device && on_device->begin((start.empty() ? thermal_multipliers(equation) : start).data(), number)) {
    const auto system = make_device_system(*on_device, modes);
    iterate(*system, max_steps, solution);
    system->read(solution);
    conclude(solution, tolerance, max_steps);
    if (solution.converged || solution.steps >= max_steps) return solution;
    // What the device gives up, the host tries from the start, with all of its vectors.
    const std::int64_t steps = solution.steps;
    solution = {};
    solution.steps = steps;
  }
  const auto [ordered, mode] = generator.reordered();
  const std::vector<double> numbers = conserved.is_uniform() ? std::vector<double>() : in_order(mode, conserved);
  const auto system =
      make_multiplier_system(ordered, components, numbers.empty() ? conserved : InitialState(numbers),
                             in_order(mode, start.empty() ? thermal_multipliers(equation) : start), solution);
  solution.change = infinity;
  if (solution.message.empty()) iterate(*system, max_steps, solution);
  system->read(solution);
  for (auto* values : {&solution.lagrange_multiplier, &solution.occupation}) put_back(mode, *values);
  conclude(solution, tolerance, max_steps);
  return solution;
}

namespace {

/// The state to which a state relaxes, to a few digits, or none.
BlockMatrices relaxed(const MatrixRateEquation& equation, double number, BlockMatrices multiplier) {
  constexpr double accuracy = 1e-9, long_time = 1e15;
  constexpr std::int64_t most_steps = 20000;
  const double shift = log_fugacity_at(equation.ascending_eigenvalues(multiplier), number);
  for (std::size_t s = 0; s < equation.modes(); ++s) multiplier[s] -= shift;
  try {
    const auto integrator = make_matrix_bdf(equation, number, accuracy);
    BlockMatrices state = integrator->to_state(std::move(multiplier));
    if (!integrator->advance(state, 0.0, long_time / equation.rate_scale(), most_steps)) return {};
    return integrator->from_state(std::move(state));
  } catch (const NumericalError&) {
    return {};
  }
}

}  // namespace

BalanceSolution solve_matrix_balance(const MatrixRateEquation& equation, double number, BlockMatrices start,
                                     double tolerance, std::int64_t max_steps) {
  BalanceSolution solution;
  if (start.empty()) {
    std::vector<double> thermal(equation.bands().energy);
    for (double& x : thermal) x *= equation.inverse_temperature();
    start = equation.from_modes(thermal);
  }
  const BlockMatrices first = start;
  const auto system = make_matrix_system(equation, number, std::move(start));
  iterate(*system, max_steps, solution);
  system->read(solution);
  conclude(solution, tolerance, max_steps);
  const auto is_finite = [](const BlockMatrices& values) {
    return std::all_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); });
  };
  const bool usable = solution.converged && is_finite(solution.lagrange_multiplier);
  if (solution.steps >= max_steps || (usable && equation.balance_residual(solution.lagrange_multiplier) <= tolerance))
    return solution;
  BlockMatrices near = usable ? solution.lagrange_multiplier : relaxed(equation, number, first);
  if (near.empty()) return solution;
  const std::int64_t steps = solution.steps;
  solution = {};
  solution.steps = steps;
  const auto flow = make_block_flow_system(equation, number, near);
  iterate(*flow, max_steps, solution);
  flow->read(solution);
  conclude(solution, tolerance, max_steps);
  return solution;
}

}  // namespace lindrift
