#include "tgge/moment_batch.hpp"

#include <algorithm>
#include <cmath>
#include <memory>

#include "engine/device_memory.hpp"
#include "kernels/table.hpp"
#include "solvers/newton.hpp"
#include "tgge/tasks/steady_state_of.hpp"

namespace lindrift {

namespace {

/// Points from `first` on as the device takes them: those with the same energies and weights as the one before share
/// them.
struct Tables {
  std::vector<kernels::MomentBatchPoint> points;
  std::vector<const double*> sets;
  std::size_t set_count = 0;
  kernels::MomentBatchTables tables;

  explicit Tables(std::span<const MomentBatchEntry> entries) {
    const MomentBatchEntry* before = nullptr;
    for (const MomentBatchEntry& entry : entries) {
      const kernels::RateTables& rates = entry.ingredients.tables;
      if (before == nullptr || !same_modes(before->ingredients.tables, rates)) {
        sets.push_back(rates.energy);
        for (const double* weights : {rates.in, rates.out})
          for (int r = 0; r < rates.rank; ++r) sets.push_back(weights + r * rates.modes);
        ++set_count;
      }
      before = &entry;
      points.push_back({rates.inverse_temperature, rates.equilibrium_fraction, rates.nonequilibrium_fraction,
                        entry.number, static_cast<double>(set_count - 1)});
    }
    const kernels::RateTables& first = entries.front().ingredients.tables;
    tables.points = static_cast<std::int64_t>(points.size());
    tables.modes = first.modes;
    tables.max_steps = std::min(entries.front().options.max_steps, kernels::max_moment_steps);
    tables.over_cells = first.over_cells;
    tables.rank = first.rank;
    tables.point = &points.data()->inverse_temperature;
    tables.sets = static_cast<std::int64_t>(set_count);
    tables.set = sets.data();
  }

 private:
  static bool same_modes(const kernels::RateTables& one, const kernels::RateTables& other) {
    const auto same = [](const double* a, const double* b, std::int64_t size) {
      return a == b || std::equal(a, a + size, b);
    };
    return same(one.energy, other.energy, one.modes) && same(one.in, other.in, one.rank * one.modes) &&
           same(one.out, other.out, one.rank * one.modes);
  }
};

/// What a block has found, if it is a steady state.
std::optional<SteadyState> state_from(const MomentBatchEntry& point, const double* result) {
  const RateEquation& equation = point.ingredients.equation;
  const SteadyStateOptions& options = point.options;
  kernels::MomentBatchOutcome outcome;
  const std::size_t modes = equation.modes();
  std::copy_n(result, sizeof(outcome) / sizeof(double), &outcome.steps);
  const double *const multiplier = result + sizeof(outcome) / sizeof(double), *const occupation = multiplier + modes;
  BalanceSolution solution;
  solution.lagrange_multiplier.assign(multiplier, multiplier + modes);
  solution.occupation.assign(occupation, occupation + modes);
  solution.log_fugacity = outcome.log_fugacity;
  solution.change = outcome.size;
  solution.steps = static_cast<std::int64_t>(outcome.steps);
  conclude(solution, options.tolerance, options.max_steps);
  if (!solution.converged || std::isnan(outcome.residual)) return std::nullopt;
  return steady_state_of(equation, std::move(solution), 1, outcome.residual, options.tolerance);
}

}  // namespace

bool found_in_a_block(const TggeModel& model, const Execution& execution) {
  const auto* jump = std::get_if<ProductJump>(&model.jump);
  return execution.backend == Backend::cuda && execution.algorithm != Algorithm::direct && jump != nullptr &&
         model.thermal_operators.channels.empty() && model.bath.spectrum == Spectrum::exponential &&
         model.bath.effective_equilibrium_fraction() > 0.0 && model.bands.modes() <= max_block_modes;
}

std::vector<std::optional<SteadyState>> steady_states_in_blocks(std::span<const MomentBatchEntry> points,
                                                                const Execution& execution) {
  std::vector<std::optional<SteadyState>> states;
  Execution alone = execution;
  alone.communicator = nullptr;
  while (!points.empty()) {
    const auto calls = [&](const kernels::DeviceKernels& kernels, std::int64_t size) {
      kernels.solve_moment_batch(Tables(points.first(static_cast<std::size_t>(size))).tables, nullptr,
                                 execution.device);
    };
    const auto size =
        static_cast<std::size_t>(largest_on_device(static_cast<std::int64_t>(points.size()), 1, alone, calls).size);
    const Tables tables(points.first(size));
    const std::size_t modes = points.front().ingredients.equation.modes();
    const std::size_t result_size = sizeof(kernels::MomentBatchOutcome) / sizeof(double) + 2 * modes;
    const auto results = std::make_unique_for_overwrite<double[]>(size * result_size);
    kernels::device_kernels().solve_moment_batch(tables.tables, results.get(), execution.device);
    for (std::size_t i = 0; i < size; ++i) states.push_back(state_from(points[i], results.get() + i * result_size));
    points = points.subspan(size);
  }
  return states;
}

double moment_batch_device_bytes(const TggeModel& model, std::size_t points, std::size_t sets,
                                 const Execution& execution) {
  kernels::MomentBatchTables tables;
  tables.points = static_cast<std::int64_t>(points);
  tables.modes = static_cast<std::int64_t>(model.bands.modes());
  tables.rank = std::get<ProductJump>(model.jump).rank;
  tables.sets = static_cast<std::int64_t>(sets);
  const double bytes = device_bytes(
      [&](const kernels::DeviceKernels& kernels) { kernels.solve_moment_batch(tables, nullptr, execution.device); });
  require_device_memory(bytes, execution);
  return bytes;
}

}  // namespace lindrift
