#include "catalogue/tgge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <mutex>
#include <optional>
#include <set>
#include <span>

#include "catalogue/memory.hpp"
#include "catalogue/read_once.hpp"
#include "config/read.hpp"
#include "io/input.hpp"
#include "lindrift/lindrift.hpp"

namespace lindrift {

/// How steady states follow each other along a sweep.
struct ChainOptions {
  std::int64_t chain = 1;
};

template <>
auto description<ChainOptions>() {
  return std::tuple(field(&ChainOptions::chain,
                          {.path = "solver.chain",
                           .help = "points of a sweep, one after the other, that start from each other's solution",
                           .range = {.low = 1.0, .high = 1e6},
                           .details = "1: every point starts from the thermal state. See [sweep]"}));
}

namespace {

/// A table as it was read, its weights if it is square. All points share it.
struct Table {
  std::size_t rows, columns;
  TableJump jump;
};

const Table& table_at(const std::string& key, const std::string& location) {
  return read_once<Table>(key, location, [](const std::string& place) {
    io::Matrix matrix = io::read_matrix(place);
    if (matrix.rows != matrix.columns) matrix.values.clear();
    return Table{matrix.rows, matrix.columns, TableJump(std::move(matrix.values))};
  });
}

}  // namespace

template <>
TableJump config::read_dataset(const std::string& key, const std::string& location) {
  return table_at(key, location).jump;
}

namespace {

using config::Point;
using config::read;
using io::Field;

constexpr double missing = std::numeric_limits<double>::quiet_NaN();

bool has_two_bands(const Point& point) { return point.text("model.kind") == "tgge_rashba"; }

std::size_t modes_of(const Point& point) {
  return static_cast<std::size_t>(point.integer("model.sites")) * (has_two_bands(point) ? 2 : 1);
}

void check_shape(const Point& point) {
  const std::string& location = point.text("bath.table");
  const Table& table = table_at("bath.table", location);
  const std::size_t modes = modes_of(point);
  if (table.rows != modes || table.columns != modes)
    throw ParameterError("bath.table", fmt::format("{} has shape {} x {}; it must be modes x modes, {} x {}", location,
                                                   table.rows, table.columns, modes, modes));
}

/// Calls `use` with the parameters of the point's model.
template <class Use>
auto with_model(const Point& point, const Use& use) {
  return has_two_bands(point) ? use(read<TggeRashba>(point)) : use(read<TggeChain>(point));
}

RateEquation equation_of(const Point& point, const Execution& execution) {
  return with_model(point, [&](const auto& model) { return make_rate_equation(model, execution); });
}

// --- fields ----------------------------------------------------------------------------------------------------------

/// Fields of a point without values; with a time dimension for relax.
io::Result empty_result(const Point& point) {
  const std::int64_t sites = point.integer("model.sites");
  const bool two_bands = has_two_bands(point);
  io::Result result;
  result.coordinates.push_back(
      {"momentum", {"momentum"}, {static_cast<std::size_t>(sites)}, momenta(sites), "rad", "momentum k"});
  std::vector<std::string> time_dimension;
  std::vector<std::size_t> time_shape;
  if (point.has("task.times")) {
    const auto& times = point.reals("task.times");
    result.coordinates.push_back({"time", {"time"}, {times.size()}, times, "1/energy", "time t"});
    time_dimension = {"time"};
    time_shape = {times.size()};
  }
  if (two_bands) {
    result.coordinates.push_back({"band", {"band"}, {2}, std::vector<std::string>{"+", "-"}, "1", "band"});
    result.coordinates.push_back({"spin", {"spin"}, {2}, std::vector<std::string>{"up", "down"}, "1", "spin"});
  }
  const auto add = [&](std::string name, std::vector<std::pair<std::string, std::size_t>> inner, std::string units,
                       std::string long_name) {
    Field field{std::move(name), time_dimension, time_shape, {}, std::move(units), std::move(long_name)};
    for (auto& [dimension, length] : inner) {
      field.dimensions.push_back(std::move(dimension));
      field.shape.push_back(length);
    }
    field.data = std::vector<double>();
    result.fields.push_back(std::move(field));
  };
  std::vector<std::pair<std::string, std::size_t>> modes;
  if (two_bands) modes.emplace_back("band", 2);
  modes.emplace_back("momentum", static_cast<std::size_t>(sites));
  add("lagrange_multiplier", modes, "1", "Lagrange multiplier log((1-n)/n)");
  add("occupation", modes, "1", "occupation n of the modes");
  add("current", {}, "energy", "particle current per site");
  if (two_bands) add("current_spin", {{"spin", 2}}, "energy", "particle current per site of each spin");
  add("particle_number", {}, "1", "number of particles");
  add("density_per_site", {}, "1", "particles per site");
  add("energy_per_site", {}, "energy", "energy per site");
  add("residual", {}, "1", "largest relative imbalance of gain and loss");
  const auto count = [&](std::string name, std::string long_name) {
    result.fields.push_back({std::move(name), {}, {}, std::vector<std::int64_t>(1, 0), "1", std::move(long_name)});
  };
  result.fields.push_back({"converged", {}, {}, std::vector<std::uint8_t>(1, 0), "1", "1 if the solver converged"});
  count("steps", "steps of the solver");
  if (time_shape.empty()) {
    count("components", "sets of modes that exchange no particles");
    count("empty_modes", "modes that cannot gain particles");
    count("full_modes", "modes that cannot lose particles");
    count("frozen_modes", "modes that can do neither and keep their occupation");
  }
  return result;
}

/// The same with every value missing.
io::Result outline(const Point& point) {
  io::Result result = empty_result(point);
  for (Field& field : result.fields)
    if (auto* values = std::get_if<std::vector<double>>(&field.data)) {
      std::size_t elements = 1;
      for (const std::size_t length : field.shape) elements *= length;
      values->assign(elements, missing);
    }
  return result;
}

std::vector<std::string> field_names(bool two_bands, bool relax) {
  std::vector<std::string> names = {"lagrange_multiplier", "occupation", "current"};
  if (two_bands) names.emplace_back("current_spin");
  names.insert(names.end(),
               {"particle_number", "density_per_site", "energy_per_site", "residual", "converged", "steps"});
  if (!relax) names.insert(names.end(), {"components", "empty_modes", "full_modes", "frozen_modes"});
  return names;
}

void fill(io::Result& result, const std::string& name, io::Data data) {
  const auto field =
      std::find_if(result.fields.begin(), result.fields.end(), [&](const Field& f) { return f.name == name; });
  field->data = std::move(data);
}

/// Everything that follows from occupations, one row of modes for each output time.
void fill_observables(io::Result& result, const RateEquation& equation, const std::vector<double>& occupation) {
  const std::size_t modes = equation.modes(), rows = occupation.size() / modes;
  std::vector<double> currents, spin_currents, numbers, densities, energies;
  for (std::size_t row = 0; row < rows; ++row) {
    const std::span<const double> n(occupation.data() + row * modes, modes);
    currents.push_back(current(equation, n).front());
    if (equation.bands.orbitals == 2)
      for (const double spin : orbital_current(equation, n)) spin_currents.push_back(spin);
    numbers.push_back(particle_number(n));
    densities.push_back(numbers.back() / static_cast<double>(equation.bands.lattice.size()));
    energies.push_back(energy_per_cell(equation, n));
  }
  result.summary.emplace_back("current", currents.back());
  if (equation.bands.orbitals == 2) {
    result.summary.emplace_back("current_up", spin_currents[spin_currents.size() - 2]);
    result.summary.emplace_back("current_down", spin_currents.back());
    fill(result, "current_spin", std::move(spin_currents));
  }
  result.summary.emplace_back("particle_number", numbers.back());
  fill(result, "current", std::move(currents));
  fill(result, "particle_number", std::move(numbers));
  fill(result, "density_per_site", std::move(densities));
  fill(result, "energy_per_site", std::move(energies));
}

// --- checks and plans ---

/// Doubles per mode that a generator and its solver hold: columns and rows of both dresses, Krylov and multistep
/// vectors.
constexpr double generator_arrays = 34.0;
constexpr double steady_state_arrays = 34.0;
constexpr double relax_arrays = 52.0;

/// Doubles per mode, hop weights aside.
double arrays_of(const Point& point) {
  return generator_arrays + (point.has("task.times") ? relax_arrays : steady_state_arrays);
}

double working_memory(const Point& point) {
  const auto modes = static_cast<double>(modes_of(point));
  double arrays = arrays_of(point);
  const std::string& jump = point.text("bath.jump");
  if (jump == "table") arrays += 3.0 * modes;  // as read, and in two orders
  if (jump == "operators") {
    std::set<std::int64_t> offsets;
    for (const auto& channel : point.channels("bath.jump_operator"))
      for (const Term& term : channel) {
        offsets.insert(term.indices.front());
        offsets.insert(term.indices[term.indices.size() / 2]);
      }
    const double dimension = static_cast<double>(offsets.size()) * (has_two_bands(point) ? 2.0 : 1.0);
    arrays += 2.0 * dimension * (2.0 + static_cast<double>(point.channels("bath.jump_operator").size()));
  }
  return arrays * 8.0 * modes;
}
double output_memory(const Point& point) {
  const double times = point.has("task.times") ? static_cast<double>(point.reals("task.times").size()) : 1.0;
  return times * (2.0 * static_cast<double>(modes_of(point)) + 8.0) * 8.0;
}

void validate_point(const Point& point) {
  const std::int64_t sites = point.integer("model.sites");
  // The result is held twice: as the task returns it, and as the image of the file.
  const double needed = working_memory(point) + 3.0 * output_memory(point);
  if (needed > machine_memory()) {
    const bool many_times = point.has("task.times") && 3.0 * output_memory(point) > working_memory(point);
    const std::string times = many_times ? fmt::format("{} times of ", point.reals("task.times").size()) : "";
    throw ParameterError(many_times ? "task.times" : "model.sites",
                         fmt::format("{}{} sites need {} of memory; this machine has {}", times, sites,
                                     bytes_text(needed), bytes_text(machine_memory())));
  }
  if (point.text("bath.jump") == "table") check_shape(point);
  with_model(point, [](const auto& model) {
    validate(model);
    return 0;
  });
  if (point.text("solver.algorithm") == "separable") {
    if (point.text("bath.spectrum") != "exponential" && read<TggeBath>(point).effective_equilibrium_fraction() > 0.0)
      throw ParameterError("solver.algorithm",
                           "separable is impossible: only the exponential spectrum separates; use direct or auto");
    if (point.text("bath.jump") == "table")
      throw ParameterError("solver.algorithm",
                           "separable is impossible: a table of hop weights has no known rank; use direct or auto");
  }
  if (point.has("initial.lagrange_multiplier")) {
    const std::size_t given = point.reals("initial.lagrange_multiplier").size();
    if (given != modes_of(point))
      throw ParameterError("initial.lagrange_multiplier",
                           fmt::format("{} entries were given; it must have one per mode, {}", given, modes_of(point)));
  }
}

/// Operations and bytes of one right-hand side; docs/physics.md section 5 counts them.
constexpr double pair_operations = 8.0;
constexpr double mode_operations = 30.0;
constexpr double mode_bytes = 17.0 * 8.0;

/// Sites at which a point is looked at and timed: enough to see its structure, few enough to take a moment. A table has
/// one size only.
std::int64_t probe_sites(const Point& point, bool direct) {
  const std::int64_t sites = point.integer("model.sites");
  if (point.text("bath.jump") == "table") return sites;
  return std::min(sites, direct ? std::int64_t{4096} : std::int64_t{1} << 18);
}

RateEquation probe(const Point& point, std::int64_t sites, const Execution& execution) {
  return with_model(point, [&](auto model) {
    model.sites = sites;
    return make_rate_equation(model, execution);
  });
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double seconds_per_evaluation(const RateEquation& equation) {
  const std::vector<double> half(equation.modes(), 0.5);
  std::vector<double> rate(equation.modes());
  equation.generator->occupation_rate(half, half, rate);
  const auto start = std::chrono::steady_clock::now();
  int evaluations = 0;
  do {
    equation.generator->occupation_rate(half, half, rate);
    ++evaluations;
  } while (seconds_since(start) < 0.02);
  return seconds_since(start) / evaluations;
}

/// Largest gain + loss at half filling; infinite where the Boltzmann factors leave the range of double precision.
double fastest_rate_of(const RateEquation& equation) {
  const std::vector<double> half(equation.modes(), 0.5);
  std::vector<double> rate(equation.modes());
  equation.generator->linearize(half, half, rate);
  double fastest = 0.0;
  for (const double r : rate) {
    if (!std::isfinite(r)) return std::numeric_limits<double>::infinity();
    fastest = std::max(fastest, r);
  }
  return fastest;
}

/// A start at each output time, then the fastest rate over the span, at orders 5 to 12.
double expected_evaluations(double fastest_rate, const std::vector<double>& times) {
  if (!std::isfinite(fastest_rate)) return 1.0;  // it ends with the first one
  return 150.0 * static_cast<double>(times.size()) + std::min(3.0 * fastest_rate * times.back(), 2e4);
}

/// Sites at which points are compared.
constexpr std::int64_t compared_sites = 64;

/// Points of a sweep differ in how often the rates are evaluated: under relax, as the fastest rate goes up to where the
/// implicit method takes over.
double relative_cost(const Point& point) {
  if (!point.has("task.times") || point.text("bath.jump") == "table") return 1.0;
  Execution execution;
  execution.backend = Backend::cpu;
  try {
    const RateEquation equation =
        probe(point, std::min(point.integer("model.sites"), compared_sites), with_algorithm(point, execution));
    return expected_evaluations(fastest_rate_of(equation), point.reals("task.times"));
  } catch (const Error&) {
    return 0.0;  // it will fail, and at once
  }
}

/// Evaluations of a steady state: about six Newton steps of two residuals and seven products.
constexpr double steady_state_evaluations = 55.0;
/// Sites at which a whole steady state is timed.
constexpr std::int64_t timed_sites_direct = 1024, timed_sites_separable = 1 << 14;

/// Parity measures do not depend on the size of the chain beyond the grid on which they are looked for. It must hold
/// the harmonics of the weights, up to the range of the operators and of either sign; this is fine enough for any
/// sensible range.
constexpr std::int64_t parity_sites = 64;
/// What a longer range may take: more would take seconds.
constexpr std::int64_t most_parity_sites = 512;
/// Violations below this are rounding.
constexpr double parity_zero = 1e-12;

/// Largest distance of two sites that a jump operator takes a particle from, or brings it to.
std::int64_t range_of(const Channels& channels) {
  std::int64_t range = 0;
  for (const auto& channel : channels)
    for (const Term& one : channel)
      for (const Term& other : channel)
        for (const std::size_t i : {std::size_t{0}, one.indices.size() / 2})
          range = std::max(range, one.indices[i] - other.indices[i]);
  return range;
}

ParityMeasures parity_of(const Point& point) {
  const std::int64_t sites = point.integer("model.sites");
  const std::string& jump = point.text("bath.jump");
  std::int64_t fine = parity_sites;
  if (jump == "operators")
    fine = std::clamp(2 * range_of(point.channels("bath.jump_operator")) + 2, fine, most_parity_sites);
  const std::int64_t looked_at = jump == "table" || sites <= fine ? sites : fine + sites % 2;
  Execution execution;
  execution.backend = Backend::cpu;
  execution.algorithm = Algorithm::direct;
  return parity_measures(probe(point, looked_at, execution));
}

std::vector<std::pair<std::string, double>> diagnostics_of(const Point& point) {
  const ParityMeasures parity = parity_of(point);
  return {{"parity_joint", parity.joint},
          {"parity_paper14", parity.paper14},
          {"parity_particle_hole", parity.particle_hole}};
}

std::vector<std::string> notes_on(const Point& point) {
  const ParityMeasures parity = parity_of(point);
  std::vector<std::string> notes = {
      fmt::format("parity of the bath: joint {:.3g}, paper14 {:.3g}, particle_hole {:.3g}", parity.joint,
                  parity.paper14, parity.particle_hole)};
  const bool even_bands =
      !has_two_bands(point) || point.real("model.rashba_y") == 0.0 || point.real("model.zeeman_field") == 0.0;
  if (parity.joint < parity_zero && even_bands)
    notes.emplace_back("this bath cannot rectify: its hop weights and the bands do not change under k -> -k");
  else if (parity.particle_hole < parity_zero &&
           (!point.has("initial.filling") || point.real("initial.filling") == 0.5))
    notes.emplace_back(
        "this bath cannot rectify at half filling: particles and holes at k and pi - k move alike, w(s,s') = "
        "w(Ps',Ps)");
  return notes;
}

Plan plan_point(const Point& point, const Execution& requested) {
  Execution execution = with_algorithm(point, requested);
  Plan plan;
  const auto modes = static_cast<double>(modes_of(point));
  const auto sites = static_cast<double>(point.integer("model.sites"));
  plan.algorithm = probe(point, probe_sites(point, true), execution).algorithm;
  const bool direct = plan.algorithm == Algorithm::direct;
  const RateEquation equation = probe(point, probe_sites(point, direct), execution);
  plan.backend = equation.backend;
  plan.reason = equation.reason;
  plan.backend_reason = equation.backend_reason;
  plan.memory_bytes = working_memory(point);
  plan.output_bytes = output_memory(point);
  plan.operations = direct ? pair_operations * modes * modes : mode_operations * modes;
  plan.bytes_moved = mode_bytes * modes;
  const std::int64_t probed = equation.bands.lattice.cells(0);
  double ratio = sites / static_cast<double>(probed);
  if (point.has("task.times")) {
    plan.seconds_per_evaluation = seconds_per_evaluation(equation) * (direct ? ratio * ratio : ratio);
    const auto& times = point.reals("task.times");
    const double fastest = fastest_rate_of(equation);
    plan.rate_evaluations = expected_evaluations(fastest, times);
    if (!std::isfinite(fastest))
      plan.notes.emplace_back(
          "warning: the rates exceed the range of double precision, so that relax would stop at once: the bath is too "
          "cold for it, beta |E| / 2 must stay below 709; steady_state takes any temperature");
  } else {
    // Newton's evaluations take logarithms and have vectors around them: a whole steady state is timed and shared out.
    const bool table = point.text("bath.jump") == "table";
    const std::int64_t timed = table ? probed : std::min(probed, direct ? timed_sites_direct : timed_sites_separable);
    const auto start = std::chrono::steady_clock::now();
    steady_state(probe(point, timed, execution), 0.5);
    ratio = sites / static_cast<double>(timed);
    plan.seconds_per_evaluation = seconds_since(start) * (direct ? ratio * ratio : ratio) / steady_state_evaluations;
    plan.rate_evaluations = steady_state_evaluations;
  }
  for (std::string& note : notes_on(point)) plan.notes.push_back(std::move(note));
  return plan;
}

// --- runs ---

void describe(io::Result& result, const RateEquation& equation) {
  result.backend = name(equation.backend);
  result.backend_reason = equation.backend_reason;
  result.algorithm = name(equation.algorithm);
  result.algorithm_reason = equation.reason;
}

/// @param start  as in SteadyStateOptions
SteadyState steady_state_of(const Point& point, const RateEquation& equation, std::vector<double> start) {
  auto options = read<SteadyStateOptions>(point);
  options.start = std::move(start);
  const auto initial = read<InitialOccupation>(point);
  return initial.lagrange_multiplier ? steady_state(equation, *initial.lagrange_multiplier, options)
                                     : steady_state(equation, initial.filling, options);
}

io::Result result_of(const Point& point, const RateEquation& equation, SteadyState state) {
  io::Result result = empty_result(point);
  describe(result, equation);
  result.converged = state.converged;
  result.message = state.message;
  fill_observables(result, equation, state.occupation);
  result.summary.emplace_back("residual", state.residual);
  result.summary.emplace_back("steps", static_cast<double>(state.steps));
  fill(result, "lagrange_multiplier", std::move(state.lagrange_multiplier));
  fill(result, "occupation", std::move(state.occupation));
  fill(result, "residual", std::vector{state.residual});
  fill(result, "converged", std::vector{static_cast<std::uint8_t>(state.converged)});
  fill(result, "steps", std::vector{state.steps});
  fill(result, "components", std::vector{state.components});
  fill(result, "empty_modes", std::vector{state.empty_modes});
  fill(result, "full_modes", std::vector{state.full_modes});
  fill(result, "frozen_modes", std::vector{state.frozen_modes});
  return result;
}

io::Result find_steady_state(const Point& point, const RateEquation& equation, const Monitor&) {
  return result_of(point, equation, steady_state_of(point, equation, {}));
}

io::Result follow_relaxation(const Point& point, const RateEquation& equation, const Monitor& monitor) {
  const auto& times = point.reals("task.times");
  auto options = read<RelaxOptions>(point);
  options.monitor = monitor;
  RelaxResult trajectory =
      relax(equation, read<InitialOccupation>(point).multipliers(equation.modes()), times, options);

  io::Result result = empty_result(point);
  describe(result, equation);
  result.converged = trajectory.converged;
  result.stopped = trajectory.stopped;
  result.message = trajectory.message;
  fill_observables(result, equation, trajectory.occupation);
  result.summary.emplace_back("residual", trajectory.residual.back());
  result.summary.emplace_back("steps", static_cast<double>(trajectory.steps));
  fill(result, "lagrange_multiplier", std::move(trajectory.lagrange_multiplier));
  fill(result, "occupation", std::move(trajectory.occupation));
  fill(result, "residual", std::move(trajectory.residual));
  fill(result, "converged", std::vector{static_cast<std::uint8_t>(trajectory.converged)});
  fill(result, "steps", std::vector{trajectory.steps});
  return result;
}

/// What a task makes of one equation.
using Solve = io::Result (*)(const Point&, const RateEquation&, const Monitor&);

template <Solve solve>
io::Result run_point(const Point& point, const Execution& requested, const Monitor& monitor) {
  return solve(point, equation_of(point, with_algorithm(point, requested)), monitor);
}

// --- sweeps whose points share their weights ---

/// Points of a group that is run together at most: enough to keep its places busy and to make its matrices worth their
/// time, few enough to leave groups for many ranks.
constexpr std::size_t most_together = 1024;
/// Modes up to which a matrix of the spectrum is made, 2 GiB. Tables are there anyway.
constexpr std::size_t most_matrix_modes = 16384;

/// Keys that points which are run together may differ in.
bool leaves_weights_alone(const std::string& path) {
  for (const char* key :
       {"bath.coupling", "bath.nonequilibrium_fraction", "bath.equilibrium_fraction", "initial.filling"})
    if (path == key) return true;
  return false;
}

/// Points one after the other that differ in strengths of the baths and in fillings only, if they gain from each other.
Grouping side_by_side(const config::Document& document) {
  if (document.sweep.empty()) return {};
  const bool zip = document.sweep.mode == config::SweepMode::zip;
  std::size_t alike = zip ? document.sweep.points() : 1;
  for (auto axis = document.sweep.axes.rbegin(); axis != document.sweep.axes.rend(); ++axis) {
    if (!leaves_weights_alone(axis->path)) {
      if (zip) return {};
      break;
    }
    if (!zip) alike *= axis->values.size();
  }
  if (alike == 1) return {};
  const Point first = document.point(0);
  if (first.text("bath.jump") != "table" && modes_of(first) > most_matrix_modes) return {};
  if (!with_model(first, [&](const auto& model) { return gains_from_batching(model, with_algorithm(first, {})); }))
    return {};
  const std::size_t groups = (alike + most_together - 1) / most_together, size = (alike + groups - 1) / groups;
  Grouping grouping{.size = size, .row = alike, .at_once = batch_slots(size)};
  const auto modes = static_cast<double>(modes_of(first));
  const double matrices = (first.text("bath.jump") == "table" ? 3.0 : 0.0) +  // as read, and in two orders
                          (first.text("bath.spectrum") == "exponential" ? 0.0 : 1.0);
  grouping.memory_bytes = 8.0 * modes * (static_cast<double>(grouping.at_once) * arrays_of(first) + matrices * modes);
  return grouping;
}

template <Solve solve>
void run_together(const Group& group, const Execution& requested, const Monitor& monitor,
                  const std::function<void(std::size_t, io::Result)>& finished) {
  std::vector<std::optional<Point>> places(group.wanted.size());
  std::vector<std::optional<BathStrength>> strengths(places.size());
  const Point* first = nullptr;
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (!group.wanted[i]) continue;
    places[i] = group.point(i);
    if (first == nullptr) first = &*places[i];
    const TggeBath bath = read<TggeBath>(*places[i]);
    strengths[i] = BathStrength{bath.coupling, bath.nonequilibrium_fraction, bath.equilibrium_fraction};
  }
  if (first == nullptr) return;

  // Results are handed over on this thread.
  std::mutex mutex;
  std::vector<std::pair<std::size_t, io::Result>> ready;
  const auto wanted = static_cast<double>(std::count(group.wanted.begin(), group.wanted.end(), true));
  double done = 0.0;
  const auto hand_over = [&] {
    std::vector<std::pair<std::size_t, io::Result>> taken;
    {
      const std::lock_guard lock(mutex);
      taken.swap(ready);
    }
    done += static_cast<double>(taken.size());
    for (auto& [place, result] : taken) finished(place, std::move(result));
  };
  const auto solve_one = [&](std::size_t place, const RateEquation& equation) {
    io::Result result = solve(*places[place], equation, {});
    const std::lock_guard lock(mutex);
    ready.emplace_back(place, std::move(result));
  };
  const auto go_on = [&] {
    hand_over();
    return !monitor.progress || monitor.progress(done / wanted);
  };
  try {
    with_model(*first, [&](const auto& model) {
      solve_batch(model, strengths, with_algorithm(*first, requested), solve_one, go_on);
      return 0;
    });
  } catch (const Interruption&) {
    return hand_over();
  } catch (...) {
    hand_over();
    throw;
  }
  hand_over();
}

// --- sweeps whose points start from each other ---

Grouping grouping_of_steady_states(const config::Document& document) {
  Grouping grouping = side_by_side(document);
  const std::int64_t asked = read<ChainOptions>(document.base).chain;
  if (asked == 1) return grouping;
  const auto without_effect = [&](const std::string& why) {
    grouping.note = fmt::format("solver.chain = {} has no effect: {}", asked, why);
    return grouping;
  };
  if (grouping.size > 1) return without_effect("points that advance together as products of matrices start alike");
  // Where the innermost axis starts again the parameters jump. Under zip it has all points.
  const std::size_t row = document.sweep.empty() ? 1 : document.sweep.axes.back().values.size();
  if (row == 1) return without_effect("no point of the sweep has a neighbour");
  return {.size = std::min(static_cast<std::size_t>(asked), row), .row = row, .chained = true};
}

/// Where a point is on the innermost axis.
config::Complex place_on_axis(const config::Document& document, std::size_t point) {
  const config::Value value = document.sweep.at(point).back();
  const auto* complex = std::get_if<config::Complex>(&value);
  return complex != nullptr ? *complex : std::get<double>(value);
}

/// Steady states one after the other, each from those before it. A point that throws is left without a result, to be
/// tried by itself; the next one starts cold, as after one that does not converge.
void run_chain(const Group& group, const Execution& requested, const Monitor& monitor,
               const std::function<void(std::size_t, io::Result)>& finished) {
  std::size_t end = group.wanted.size();
  while (end > 0 && !group.wanted[end - 1]) --end;
  Continuation line;
  for (std::size_t place = 0; place < end; ++place) {
    if (monitor.progress && !monitor.progress(0.0)) return;
    const config::Complex where = place_on_axis(group.document, group.first + place);
    std::optional<io::Result> result;
    try {
      const Point point = group.point(place);
      const RateEquation equation = equation_of(point, with_algorithm(point, requested));
      std::vector<double> start = line.start(where);
      const bool warm = !start.empty();
      SteadyState state = steady_state_of(point, equation, std::move(start));
      if (warm && !state.converged) {  // what converges by itself converges in a chain
        const std::int64_t in_vain = state.steps;
        state = steady_state_of(point, equation, {});
        state.steps += in_vain;
      }
      line.add(where, state);
      if (group.wanted[place]) result = result_of(point, equation, std::move(state));
    } catch (const std::exception&) {
      line.forget();
    }
    if (result) finished(place, std::move(*result));
  }
}

void run_steady_states(const Group& group, const Execution& requested, const Monitor& monitor,
                       const std::function<void(std::size_t, io::Result)>& finished) {
  const auto run = group.chained ? run_chain : run_together<find_steady_state>;
  run(group, requested, monitor, finished);
}

template <class Model>
ModelEntry tgge_entry() {
  constexpr bool two_bands = std::is_same_v<Model, TggeRashba>;
  ModelEntry model;
  model.algorithms = {Algorithm::direct, Algorithm::separable};
  model.keys = config::keys_of<Model, InitialOccupation>();
  model.validate = validate_point;
  model.tasks = {{.kind = "relax",
                  .description = "time evolution of the occupations from an initial state",
                  .keys = config::keys_of<OutputTimes, RelaxOptions>(),
                  .fields = field_names(two_bands, true),
                  .outline = outline,
                  .plan = plan_point,
                  .run = run_point<follow_relaxation>,
                  .diagnostics = diagnostics_of,
                  .shares_a_point = true,
                  .cost = relative_cost,
                  .grouping = side_by_side,
                  .run_group = run_together<follow_relaxation>},
                 {.kind = "steady_state",
                  .description = "steady state with the numbers of the initial state",
                  .keys = config::keys_of<ChainOptions, SteadyStateOptions>(),
                  .fields = field_names(two_bands, false),
                  .outline = outline,
                  .plan = plan_point,
                  .run = run_point<find_steady_state>,
                  .diagnostics = diagnostics_of,
                  .shares_a_point = true,
                  .grouping = grouping_of_steady_states,
                  .run_group = run_steady_states}};
  return model;
}

}  // namespace

ModelEntry tgge_chain_entry() {
  ModelEntry model = tgge_entry<TggeChain>();
  model.kind = "tgge_chain";
  model.description =
      "one-band chain between a thermal and a nonequilibrium bath (time-dependent generalised Gibbs ensemble)";
  return model;
}

ModelEntry tgge_rashba_entry() {
  ModelEntry model = tgge_entry<TggeRashba>();
  model.kind = "tgge_rashba";
  model.description =
      "two-band chain with Rashba coupling and Zeeman field between a thermal and a nonequilibrium bath";
  return model;
}

}  // namespace lindrift
