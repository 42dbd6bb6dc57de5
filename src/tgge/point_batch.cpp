#include "tgge/point_batch.hpp"

#include <algorithm>
#include <cmath>
#include <memory>

#include "engine/device_memory.hpp"
#include "kernels/table.hpp"
#include "solvers/newton.hpp"
#include "tgge/hop_weights.hpp"
#include "tgge/tasks/relax_of.hpp"
#include "tgge/tasks/steady_state_of.hpp"

namespace lindrift {

namespace {

/// Steps of Newton's method in the multipliers, after which a point is for another way.
constexpr std::int64_t max_multiplier_steps = 60;
/// Largest beta |E| / 2 of a relaxation. Plain sums would allow more. But where so few particles and holes are left
/// that the rounding of the other occupations moves their number, multipliers lose digits: at 45 up to 1e-8 of the
/// largest.
constexpr double max_exponent = 25.0;

bool by_panels(const RateIngredients& ingredients) { return ingredients.panel_tables != nullptr; }

/// Points as the device takes them: those with the same energies and weights as the one before share them, and those
/// with the same energies and spectrum share their panels.
struct Tables {
  std::vector<kernels::BatchPoint> points;
  std::vector<const double*> sets;
  std::vector<kernels::PanelTables> panels;
  std::size_t set_count = 0;
  kernels::RelaxationTables tables;

  /// @param entries  PointBatchEntry or RelaxationEntry
  template <class Entry>
  explicit Tables(std::span<const Entry> entries) {
    const Entry* before = nullptr;
    for (const Entry& entry : entries) {
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
      points.push_back({rates.inverse_temperature, rates.equilibrium_fraction, rates.nonequilibrium_fraction, 0.0,
                        static_cast<double>(set_count - 1), static_cast<double>(panels.size()) - 1.0});
      add_own(entry, points.back());
    }
    const kernels::RateTables& first = entries.front().ingredients.tables;
    tables.points = static_cast<std::int64_t>(points.size());
    tables.modes = first.modes;
    tables.max_steps = entries.front().options.max_steps;
    tables.over_cells = first.over_cells;
    tables.rank = first.rank;
    tables.point = &points.data()->inverse_temperature;
    tables.sets = static_cast<std::int64_t>(set_count);
    tables.set = sets.data();
    tables.panel_sets = static_cast<std::int64_t>(panels.size());
    tables.panels = panels.data();
    tables.steep = first.spectrum == kernels::SpectrumKind::ohmic;
    if (starts_.empty())
      tables.max_steps = std::min(tables.max_steps, panels.empty() ? kernels::max_moment_steps : max_multiplier_steps);
  }

  void set_times(std::span<const double> times) {
    tables.own = own_.data();
    tables.start = starts_.data();
    tables.times = static_cast<std::int64_t>(times.size());
    tables.time = times.data();
    tables.smallest_tolerance = smallest_step_tolerance;
    tables.stiff_steps = stiff_steps;
  }

 private:
  std::vector<kernels::RelaxationPoint> own_;
  std::vector<std::vector<double>> states_;
  std::vector<const double*> starts_;

  void add_own(const PointBatchEntry& entry, kernels::BatchPoint& point) const { point.number = entry.number; }
  void add_own(const RelaxationEntry& entry, kernels::BatchPoint& /*point*/) {
    own_.push_back({entry.ingredients.tables.scale, step_tolerance * entry.options.tolerance});
    states_.push_back(smaller_sides(entry.start));
    starts_.push_back(states_.back().data());
  }

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

void solve(const kernels::DeviceKernels& kernels, const kernels::RelaxationTables& tables, double* results,
           const Execution& execution) {
  const bool panels = tables.panel_sets > 0;
  if (tables.times > 0)
    (panels ? kernels.relax_panel_batch : kernels.relax_moment_batch)(tables, results, execution.device);
  else
    (panels ? kernels.solve_panel_batch : kernels.solve_moment_batch)(tables, results, execution.device);
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

/// What a block has found, if it has reached the last time.
std::optional<RelaxResult> trajectory_from(const RelaxationEntry& point, std::span<const double> times,
                                           const double* result) {
  kernels::RelaxationOutcome outcome{};
  const std::size_t modes = point.ingredients.equation.modes(), rows = times.size();
  std::copy_n(result, sizeof(outcome) / sizeof(double), &outcome.steps);
  if (outcome.done < static_cast<double>(rows)) return std::nullopt;
  const double *const residual = result + sizeof(outcome) / sizeof(double), *const state = residual + rows;
  const Trajectory trajectory{.times = times,
                              .state = {state, rows * modes},
                              .residual = {residual, rows},
                              .steps = static_cast<std::int64_t>(outcome.steps),
                              .rate_evaluations = static_cast<std::int64_t>(outcome.rate_evaluations),
                              .scale = outcome.scale};
  return relaxation_of(point.ingredients.equation, trajectory, point.options.tolerance);
}

/// Doubles of results that the host holds at a time, 1 GiB: a batch whose points have many output times is cut by it.
constexpr std::size_t max_result_doubles = std::size_t{1} << 27;

/// Calls `use` with as many points at a time as the device and the host hold, the place of the first one and their
/// results.
template <class Entry, class Use>
void solve_in_parts(std::span<const Entry> points, std::span<const double> times, const Execution& execution,
                    const Use& use) {
  Execution alone = execution;
  alone.communicator = nullptr;
  const auto tables_of = [&](std::size_t first, std::int64_t size) {
    auto tables = std::make_unique<Tables>(points.subspan(first, static_cast<std::size_t>(size)));
    if (!times.empty()) tables->set_times(times);
    return tables;
  };
  if (points.empty()) return;
  const std::size_t modes = points.front().ingredients.equation.modes();
  const std::size_t result_size =
      sizeof(kernels::BatchOutcome) / sizeof(double) + (times.empty() ? 2 * modes : times.size() * (1 + modes));
  const std::size_t most = std::max<std::size_t>(max_result_doubles / result_size, 1);
  for (std::size_t first = 0; first < points.size();) {
    const auto calls = [&](const kernels::DeviceKernels& kernels, std::int64_t size) {
      solve(kernels, tables_of(first, size)->tables, nullptr, execution);
    };
    const std::int64_t size =
        largest_on_device(static_cast<std::int64_t>(std::min(points.size() - first, most)), 1, alone, calls).size;
    const auto tables = tables_of(first, size);
    const auto count = static_cast<std::size_t>(size);
    const auto results = std::make_unique_for_overwrite<double[]>(count * result_size);
    solve(kernels::device_kernels(), tables->tables, results.get(), execution);
    for (std::size_t i = 0; i < count; ++i) use(first + i, results.get() + i * result_size);
    first += count;
  }
}

/// Whether one block can sum over the modes of a model.
bool fits_a_block(const TggeModel& model, const Execution& execution) {
  return is_device(execution.backend) && execution.algorithm != Algorithm::direct &&
         std::holds_alternative<ProductJump>(model.jump) && model.thermal_operators.channels.empty() &&
         model.bands.modes() <= max_block_modes && panels_of(model.bands.energy, model.bath) <= max_block_panels;
}

}  // namespace

bool found_in_a_block(const TggeModel& model, const Execution& execution) {
  return fits_a_block(model, execution) && model.bath.effective_equilibrium_fraction() > 0.0;
}

bool relaxed_in_a_block(const TggeModel& model, const Execution& execution) {
  if (!fits_a_block(model, execution)) return false;
  double largest = 0.0;
  for (const double energy : model.bands.energy) largest = std::max(largest, std::fabs(energy));
  return 0.5 * model.bath.inverse_temperature * largest <= max_exponent;
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
  solve_in_parts(points, {}, execution,
                 [&](std::size_t place, const double* result) { states.push_back(state_from(points[place], result)); });
  return states;
}

void relax_in_blocks(std::span<const RelaxationEntry> points, std::span<const double> times, const Execution& execution,
                     const std::function<void(std::size_t place, RelaxResult)>& finished) {
  solve_in_parts(points, times, execution, [&](std::size_t place, const double* result) {
    if (auto trajectory = trajectory_from(points[place], times, result)) finished(place, std::move(*trajectory));
  });
}

double point_batch_device_bytes(const TggeModel& model, std::size_t points, std::size_t sets, std::size_t panel_sets,
                                std::size_t times, const Execution& execution) {
  kernels::RelaxationTables tables;
  tables.points = static_cast<std::int64_t>(points);
  tables.modes = static_cast<std::int64_t>(model.bands.modes());
  tables.rank = std::get<ProductJump>(model.jump).rank;
  tables.sets = static_cast<std::int64_t>(sets);
  tables.times = static_cast<std::int64_t>(times);
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
