#include "tgge/point_batch.hpp"

#include <algorithm>
#include <cmath>
#include <memory>

#include "engine/device_memory.hpp"
#include "kernels/table.hpp"
#include "solvers/newton.hpp"
#include "tgge/hop_weights.hpp"
#include "tgge/tasks/steady_state_of.hpp"

namespace lindrift {

namespace {

/// Steps of Newton's method in the multipliers, after which a point is for another way.
constexpr std::int64_t max_multiplier_steps = 60;

bool by_panels(const RateIngredients& ingredients) { return ingredients.panel_tables != nullptr; }

/// Points as the device takes them: those with the same energies and weights as the one before share them, and those
/// with the same energies and spectrum share their panels.
struct Tables {
  std::vector<kernels::BatchPoint> points;
  std::vector<const double*> sets;
  std::vector<kernels::PanelTables> panels;
  std::size_t set_count = 0;
  kernels::PointBatchTables tables;

  explicit Tables(std::span<const PointBatchEntry> entries) {
    const PointBatchEntry* before = nullptr;
    for (const PointBatchEntry& entry : entries) {
      const kernels::RateTables& rates = entry.ingredients.tables;
      const bool same_set = before != nullptr && same_modes(before->ingredients.tables, rates);
      if (!same_set) {
        sets.push_back(rates.energy);
        for (const double* weights : {rates.in, rates.out})
          for (int r = 0; r < rates.rank; ++r) sets.push_back(weights + r * rates.modes);
        ++set_count;
      }
      if (by_panels(entry.ingredients) && !(same_set && same_spectrum(before->ingredients.tables, rates)))
        panels.push_back(*entry.ingredients.panel_tables);
      before = &entry;
      points.push_back({rates.inverse_temperature, rates.equilibrium_fraction, rates.nonequilibrium_fraction,
                        entry.number, static_cast<double>(set_count - 1), static_cast<double>(panels.size()) - 1.0});
    }
    const kernels::RateTables& first = entries.front().ingredients.tables;
    tables.points = static_cast<std::int64_t>(points.size());
    tables.modes = first.modes;
    tables.max_steps =
        std::min(entries.front().options.max_steps, panels.empty() ? kernels::max_moment_steps : max_multiplier_steps);
    tables.over_cells = first.over_cells;
    tables.rank = first.rank;
    tables.point = &points.data()->inverse_temperature;
    tables.sets = static_cast<std::int64_t>(set_count);
    tables.set = sets.data();
    tables.panel_sets = static_cast<std::int64_t>(panels.size());
    tables.panels = panels.data();
    tables.steep = first.spectrum == kernels::SpectrumKind::ohmic;
  }

 private:
  static bool same_modes(const kernels::RateTables& one, const kernels::RateTables& other) {
    const auto same = [](const double* a, const double* b, std::int64_t size) {
      return a == b || std::equal(a, a + size, b);
    };
    return same(one.energy, other.energy, one.modes) && same(one.in, other.in, one.rank * one.modes) &&
           same(one.out, other.out, one.rank * one.modes);
  }
  static bool same_spectrum(const kernels::RateTables& one, const kernels::RateTables& other) {
    return one.spectrum_width == other.spectrum_width &&
           (one.spectrum != kernels::SpectrumKind::ohmic || one.inverse_temperature == other.inverse_temperature);
  }
};

void solve(const kernels::DeviceKernels& kernels, const kernels::PointBatchTables& tables, double* results,
           const Execution& execution) {
  (tables.panel_sets > 0 ? kernels.solve_panel_batch : kernels.solve_moment_batch)(tables, results, execution.device);
}

/// What a block has found, if it is a steady state.
std::optional<SteadyState> state_from(const PointBatchEntry& point, const double* result) {
  const RateEquation& equation = point.ingredients.equation;
  const SteadyStateOptions& options = point.options;
  kernels::BatchOutcome outcome{};
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
  if (!solution.converged || !(outcome.residual <= options.tolerance)) return std::nullopt;
  return steady_state_of(equation, std::move(solution), 1, outcome.residual, options.tolerance);
}

}  // namespace

bool found_in_a_block(const TggeModel& model, const Execution& execution) {
  return is_device(execution.backend) && execution.algorithm != Algorithm::direct &&
         std::holds_alternative<ProductJump>(model.jump) && model.thermal_operators.channels.empty() &&
         model.bath.effective_equilibrium_fraction() > 0.0 && model.bands.modes() <= max_block_modes &&
         panels_of(model.bands.energy, model.bath) <= max_block_panels;
}

RateIngredients ingredients_for_a_block(TggeModel model, Execution execution) {
  validate(model);
  const bool chosen = execution.algorithm == Algorithm::automatic;
  const double panels = panels_of(model.bands.energy, model.bath);
  if (panels > 0.0) execution.algorithm = Algorithm::separable;
  const auto weights = make_hop_weights(model.bands, std::move(model.jump));
  RateIngredients ingredients =
      rate_ingredients(std::move(model.bands), model.rate_unit, model.bath, weights, execution);
  if (panels > 0.0 && chosen)
    ingredients.equation.reason =
        "a thread block of the device sums over " + std::to_string(std::llround(panels)) + " panels of energies";
  return ingredients;
}

std::vector<std::optional<SteadyState>> steady_states_in_blocks(std::span<const PointBatchEntry> points,
                                                                const Execution& execution) {
  std::vector<std::optional<SteadyState>> states;
  Execution alone = execution;
  alone.communicator = nullptr;
  while (!points.empty()) {
    const auto calls = [&](const kernels::DeviceKernels& kernels, std::int64_t size) {
      solve(kernels, Tables(points.first(static_cast<std::size_t>(size))).tables, nullptr, execution);
    };
    const auto size =
        static_cast<std::size_t>(largest_on_device(static_cast<std::int64_t>(points.size()), 1, alone, calls).size);
    const Tables tables(points.first(size));
    const std::size_t modes = points.front().ingredients.equation.modes();
    const std::size_t result_size = sizeof(kernels::BatchOutcome) / sizeof(double) + 2 * modes;
    const auto results = std::make_unique_for_overwrite<double[]>(size * result_size);
    solve(kernels::device_kernels(), tables.tables, results.get(), execution);
    for (std::size_t i = 0; i < size; ++i) states.push_back(state_from(points[i], results.get() + i * result_size));
    points = points.subspan(size);
  }
  return states;
}

double point_batch_device_bytes(const TggeModel& model, std::size_t points, std::size_t sets, std::size_t panel_sets,
                                const Execution& execution) {
  kernels::PointBatchTables tables;
  tables.points = static_cast<std::int64_t>(points);
  tables.modes = static_cast<std::int64_t>(model.bands.modes());
  tables.rank = std::get<ProductJump>(model.jump).rank;
  tables.sets = static_cast<std::int64_t>(sets);
  std::vector<kernels::PanelTables> panels;
  std::optional<EnergyPanels> of_energies;
  if (const auto spectrum = PanelSpectrum::of(model.bath)) {
    of_energies.emplace(*spectrum, energy_levels(model.bands.energy));
    panels.assign(panel_sets, of_energies->tables());
  }
  tables.panel_sets = static_cast<std::int64_t>(panels.size());
  tables.panels = panels.data();
  tables.steep = model.bath.spectrum == Spectrum::ohmic;
  const double bytes =
      device_bytes([&](const kernels::DeviceKernels& kernels) { solve(kernels, tables, nullptr, execution); });
  require_device_memory(bytes, execution);
  return bytes;
}

}  // namespace lindrift
