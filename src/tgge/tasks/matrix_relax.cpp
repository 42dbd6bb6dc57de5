#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <sstream>
#include <utility>

#include "engine/checkpoint.hpp"
#include "lindrift/error.hpp"
#include "lindrift/tgge/matrix_rate_equation.hpp"
#include "solvers/matrix_ode.hpp"
#include "tgge/tasks/matrix_tasks.hpp"
#include "tgge/tasks/time_of_rest.hpp"

namespace lindrift {

namespace {

/// The same values as for non-degenerate bands (relax_of.hpp).
constexpr double stiff_steps = 5000.0, step_tolerance = 0.005, smallest_step_tolerance = 2e-14;

/// What a state is (MatrixIntegrator::to_state): other checkpoints count as none.
constexpr std::uint64_t state_version = 2;

/// With multipliers up to this, 1-n = 1e-7, the digits of n suffice for a tolerance of 1e-9.
constexpr double largest_adams_multiplier = 16.0;

struct Position {
  std::uint64_t done = 0;
  std::int64_t steps = 0, rate_evaluations = 0;
};

Checkpoint<Position> checkpoint_of(BlockMatrices& state, RelaxResult& result) {
  const std::size_t row = result.density_matrix.size() / result.times.size(),
                    modes = result.occupation.size() / result.times.size();
  return {Fingerprint().add(state.size()).add(result.times).add(state_version),
          [&state, &result, row, modes](const Position& at) {
            Checkpoint<Position>::Arrays arrays;
            if (at.done == 0 || at.done > result.times.size()) return arrays;
            const auto add = [&](auto& values, std::size_t count) {
              arrays.push_back(std::as_writable_bytes(std::span(values).first(count)));
            };
            add(state, state.size());
            add(result.lagrange_multiplier, at.done * modes);
            add(result.occupation, at.done * modes);
            add(result.density_matrix, at.done * row);
            add(result.block_multiplier, at.done * state.size());
            add(result.current, at.done * (result.current.size() / result.times.size()));
            add(result.orbital_current, at.done * (result.orbital_current.size() / result.times.size()));
            for (auto* numbers :
                 {&result.particle_number, &result.density_per_cell, &result.energy_per_cell, &result.residual})
              add(*numbers, at.done);
            return arrays;
          }};
}

template <class Item>
void put(const std::vector<Item>& values, std::size_t row, std::vector<Item>& rows) {
  std::copy(values.begin(), values.end(), rows.begin() + static_cast<std::ptrdiff_t>(row * values.size()));
}

/// Writes row i of every array.
void record(const RateEquation& equation, const BlockMatrices& particles, const BlockMatrices& multiplier,
            std::size_t i, RelaxResult& result) {
  const MatrixRateEquation& matrix = *equation.matrix;
  const std::vector<double> lambda = matrix.ascending_eigenvalues(multiplier);
  std::vector<double> occupation(lambda.size());
  for (std::size_t s = 0; s < lambda.size(); ++s) occupation[s] = 1.0 / (1.0 + std::exp(lambda[s]));
  const OccupationSums sums = occupation_sums(equation, occupation);
  put(lambda, i, result.lagrange_multiplier);
  put(occupation, i, result.occupation);
  put(matrix.in_orbitals(particles), i, result.density_matrix);
  put(multiplier, i, result.block_multiplier);
  put(matrix.current(particles), i, result.current);
  put(matrix.orbital_current(particles), i, result.orbital_current);
  result.particle_number[i] = sums.particle_number;
  result.density_per_cell[i] = sums.density_per_cell;
  result.energy_per_cell[i] = sums.energy_per_cell;
  result.residual[i] = matrix.balance_residual(multiplier);
}

/// Whether 1-n may become too small for what a double leaves of it beside n.
bool is_cold(const MatrixRateEquation& matrix, const BlockMatrices& multiplier) {
  const auto& energy = matrix.bands().energy;
  const auto [lowest, highest] = std::minmax_element(energy.begin(), energy.end());
  const double colder = matrix.thermal() ? matrix.inverse_temperature() * (*highest - *lowest) : 0.0;
  return std::max(colder, matrix.largest(multiplier)) > largest_adams_multiplier;
}

/// The integrator conserves the particle number only to its tolerance. Adds the missing particles in proportion to
/// n (1-n), which is largest where n changes most easily.
void restore_number(const MatrixRateEquation& matrix, double number, BlockMatrices& particles) {
  std::vector<double> share(matrix.size());
  matrix.spread(particles, share);
  double missing = number, sum = 0.0;
  for (std::size_t s = 0; s < matrix.modes(); ++s) {
    missing -= particles[s];
    sum += share[s];
  }
  if (sum > 0.0)
    for (std::size_t s = 0; s < matrix.modes(); ++s) particles[s] += missing * share[s] / sum;
}

}  // namespace

RelaxResult matrix_relax(const RateEquation& equation, std::span<const double> lagrange_multiplier,
                         std::span<const double> times, const RelaxOptions& options) {
  const MatrixRateEquation& matrix = *equation.matrix;
  require_equal_in_blocks(matrix.bands(), matrix.blocks(), lagrange_multiplier);
  BlockMatrices particles, holes, multiplier = matrix.from_modes(lagrange_multiplier);
  matrix.occupations(multiplier, particles, holes);
  BlockRates rates;
  matrix.rates(particles, holes, rates);
  const double number =
      std::accumulate(particles.begin(), particles.begin() + static_cast<std::ptrdiff_t>(matrix.modes()), 0.0);
  double fastest = 0.0;
  for (std::size_t s = 0; s < matrix.modes(); ++s) fastest = std::max(fastest, rates.gain[s] + rates.loss[s]);

  RelaxResult result;
  result.times.assign(times.begin(), times.end());
  constexpr double missing = std::numeric_limits<double>::quiet_NaN();
  const std::size_t count = times.size(), orbitals = static_cast<std::size_t>(equation.bands.orbitals),
                    directions = equation.bands.velocity.size(), cells = equation.bands.lattice.size();
  for (auto* rows : {&result.lagrange_multiplier, &result.occupation}) rows->assign(count * matrix.modes(), missing);
  result.current.assign(count * directions, missing);
  result.orbital_current.assign(orbitals > 1 ? count * directions * orbitals : 0, missing);
  result.density_matrix.assign(count * cells * orbitals * orbitals, {missing, missing});
  result.block_multiplier.assign(count * matrix.size(), missing);
  for (auto* numbers : {&result.particle_number, &result.density_per_cell, &result.energy_per_cell, &result.residual})
    numbers->assign(count, missing);

  result.integrator = options.integrator;
  if (options.integrator == Integrator::automatic)
    result.integrator = fastest * matrix.rate_scale() * times.back() > stiff_steps || is_cold(matrix, multiplier)
                            ? Integrator::bdf
                            : Integrator::adams;
  const bool in_multipliers = result.integrator == Integrator::bdf;
  const double tolerance = std::max(step_tolerance * options.tolerance, smallest_step_tolerance);
  const auto integrator =
      in_multipliers ? make_matrix_bdf(matrix, number, tolerance) : make_matrix_adams(matrix, tolerance);
  BlockMatrices state = integrator->to_state(in_multipliers ? multiplier : particles);
  const auto checkpoint = checkpoint_of(state, result);
  const Position before = checkpoint.restore(options.monitor.restored);
  double now = before.done > 0 ? times[before.done - 1] : 0.0;
  result.converged = true;
  const auto advance_to = [&](double time) {
    try {
      return integrator->advance(state, now, time, options.max_steps - before.steps - integrator->steps());
    } catch (const Interruption&) {
      result.stopped = true;
      return false;
    }
  };
  for (auto i = static_cast<std::size_t>(before.done); i < count && result.converged; ++i) {
    std::ostringstream time;
    time << times[i];
    const bool arrived = times[i] <= now || advance_to(times[i]);
    if (result.stopped) {
      result.converged = false;
      result.message = "stopped before time " + time.str();
      break;
    }
    if (!arrived) {
      result.converged = false;
      result.message =
          "solver.max_steps = " + std::to_string(options.max_steps) + " steps did not reach time " + time.str();
      break;
    }
    if (in_multipliers) {
      multiplier = integrator->from_state(state);
      matrix.occupations(multiplier, particles, holes);
    } else {
      if (times[i] > now) restore_number(matrix, number, state);
      particles = state;
      holes = matrix.diagonal(1.0);
      for (std::size_t e = 0; e < holes.size(); ++e) holes[e] -= particles[e];
      multiplier = matrix.multiplier(particles, holes);
    }
    now = times[i];
    record(equation, particles, multiplier, i, result);
    result.stopped = !report(options.monitor, i + 1, count, [&] {
      return checkpoint.save(
          {i + 1, before.steps + integrator->steps(), before.rate_evaluations + integrator->rate_evaluations()});
    });
    if (result.stopped) {
      result.converged = false;
      result.message = "stopped at time " + time.str();
    }
  }
  if (result.converged)
    if (const double rest = time_of_rest(result, result.block_multiplier, options.tolerance); std::isfinite(rest)) {
      std::ostringstream text;
      text << "nothing changes any more from time " << rest << " on";
      result.message = text.str();
    }
  result.steps = before.steps + integrator->steps();
  result.rate_evaluations = before.rate_evaluations + integrator->rate_evaluations();
  return result;
}

}  // namespace lindrift
