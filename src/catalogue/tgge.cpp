#include "catalogue/tgge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "catalogue/memory.hpp"
#include "lindrift/lindrift.hpp"

namespace lindrift {

namespace {

using config::Key;
using config::Point;
using config::Type;
using io::Field;

constexpr double missing = std::numeric_limits<double>::quiet_NaN();

// --- keys ------------------------------------------------------------------------------------------------------------

Key real_key(std::string path, double default_value, config::Range range, std::string help, std::string units = "") {
  return {.path = std::move(path),
          .type = Type::real,
          .help = std::move(help),
          .default_value = default_value,
          .range = range,
          .sweepable = true,
          .units = std::move(units)};
}

std::vector<Key> chain_keys() {
  const config::Range positive{.low = 0.0, .open_low = true};
  const config::Range not_negative{.low = 0.0};
  Key equilibrium{.path = "bath.equilibrium_fraction",
                  .help = "weight gamma_eq of the thermal bath",
                  .optional = true,
                  .derived = "1 - bath.nonequilibrium_fraction",
                  .range = not_negative,
                  .sweepable = true};
  Key spectrum{.path = "bath.spectrum",
               .type = Type::text,
               .help = "rates S(x) of the thermal bath",
               .default_value = std::string("exponential"),
               .choices = {"exponential"}};
  Key jump{.path = "bath.jump",
           .type = Type::text,
           .help = "jump operators of the nonequilibrium bath",
           .default_value = std::string("raman"),
           .choices = {"raman"}};
  Key delta{.path = "bath.delta",
            .type = Type::complex,
            .help = "raman: c+_j + delta c+_{j+1}",
            .default_value = config::Complex(1.0, 1.0),
            .when = {{"bath.jump", {"raman"}}},
            .sweepable = true};
  Key delta_prime = delta;
  delta_prime.path = "bath.delta_prime";
  delta_prime.help = "raman: c_j - delta_prime c_{j+1}";
  delta_prime.default_value = config::Complex(1.0, 0.5);
  Key filling = real_key("initial.filling", 0.5, {0.0, 1.0, true, true}, "mean occupation of a mode");
  filling.unless = {"initial.lagrange_multiplier"};
  Key multiplier{.path = "initial.lagrange_multiplier",
                 .type = Type::real_list,
                 .help = "log((1-n)/n) of every mode at the start",
                 .optional = true,
                 .derived = "uniform, from initial.filling"};
  return {{.path = "model.sites",
           .type = Type::integer,
           .help = "number of sites L",
           .default_value = std::int64_t{128},
           .range = {.low = 1.0, .high = 9e15}},
          real_key("model.hopping", 1.0, positive, "hopping J, the unit of energy where it is 1", "energy"),
          real_key("bath.coupling", 0.05, not_negative, "coupling epsilon to the baths"),
          real_key("bath.inverse_temperature", 2.0, not_negative, "beta of the thermal bath, 1/energy", "1/energy"),
          real_key("bath.nonequilibrium_fraction", 0.0, {0.0, 1.0}, "weight gamma_neq of the nonequilibrium bath"),
          equilibrium,
          spectrum,
          jump,
          delta,
          delta_prime,
          multiplier,
          filling};
}

// --- parameters
// --------------------------------------------------------------------------------------------------------

TggeChain chain_of(const Point& point) {
  TggeChain chain;
  chain.sites = point.integer("model.sites");
  chain.hopping = point.real("model.hopping");
  chain.bath.coupling = point.real("bath.coupling");
  chain.bath.inverse_temperature = point.real("bath.inverse_temperature");
  chain.bath.nonequilibrium_fraction = point.real("bath.nonequilibrium_fraction");
  if (point.has("bath.equilibrium_fraction")) chain.bath.equilibrium_fraction = point.real("bath.equilibrium_fraction");
  chain.jump.delta = point.complex("bath.delta");
  chain.jump.delta_prime = point.complex("bath.delta_prime");
  return chain;
}

Execution resolved(const Point& point, Execution execution) {
  const std::string& algorithm = point.text("solver.algorithm");
  for (const Algorithm choice : {Algorithm::direct, Algorithm::separable})
    if (algorithm == name(choice)) execution.algorithm = choice;
  return execution;
}

Integrator integrator_of(const Point& point) {
  for (const Integrator choice : {Integrator::adams, Integrator::bdf})
    if (point.text("solver.integrator") == name(choice)) return choice;
  return Integrator::automatic;
}

std::vector<double> initial_multiplier(const Point& point, std::size_t modes) {
  if (point.has("initial.lagrange_multiplier")) return point.reals("initial.lagrange_multiplier");
  const double filling = point.real("initial.filling");
  return std::vector<double>(modes, std::log1p(-filling) - std::log(filling));
}

double initial_filling(const Point& point, std::size_t modes) {
  if (!point.has("initial.lagrange_multiplier")) return point.real("initial.filling");
  std::vector<double> occupation;
  for (const double lambda : point.reals("initial.lagrange_multiplier"))
    occupation.push_back(1.0 / (1.0 + std::exp(lambda)));
  return particle_number(occupation) / static_cast<double>(modes);
}

// --- fields
// ------------------------------------------------------------------------------------------------------------

/// Fields of a task, every value missing, for `times` output times (0: no time dimension).
io::Result outline(const Point& point) {
  const std::int64_t sites = point.integer("model.sites");
  const auto modes = static_cast<std::size_t>(sites);
  io::Result result;
  result.coordinates.push_back({"momentum", {"momentum"}, {modes}, momenta(sites), "rad", "momentum k"});
  std::vector<std::string> time_dimension;
  std::vector<std::size_t> time_shape;
  if (point.has("task.times")) {
    const auto& times = point.reals("task.times");
    result.coordinates.push_back({"time", {"time"}, {times.size()}, times, "1/energy", "time t"});
    time_dimension = {"time"};
    time_shape = {times.size()};
  }
  const std::size_t times = time_shape.empty() ? 1 : time_shape.front();
  const auto add = [&](std::string name, bool per_mode, std::string units, std::string long_name) {
    Field field{std::move(name), time_dimension, time_shape, {}, std::move(units), std::move(long_name)};
    if (per_mode) {
      field.dimensions.emplace_back("momentum");
      field.shape.push_back(modes);
    }
    field.data = std::vector<double>(times * (per_mode ? modes : 1), missing);
    result.fields.push_back(std::move(field));
  };
  add("lagrange_multiplier", true, "1", "Lagrange multiplier log((1-n)/n)");
  add("occupation", true, "1", "occupation n of the modes");
  add("current", false, "energy", "particle current per site");
  add("particle_number", false, "1", "number of particles");
  add("residual", false, "1", "largest relative imbalance of gain and loss");
  result.fields.push_back({"converged", {}, {}, std::vector<std::uint8_t>(1, 0), "1", "1 if the solver converged"});
  result.fields.push_back({"steps", {}, {}, std::vector<std::int64_t>(1, 0), "1", "steps of the solver"});
  return result;
}

const std::vector<std::string> field_names = {
    "lagrange_multiplier", "occupation", "current", "particle_number", "residual", "converged", "steps"};

void fill(io::Result& result, const std::string& name, io::Data data) {
  const auto field =
      std::find_if(result.fields.begin(), result.fields.end(), [&](const Field& f) { return f.name == name; });
  field->data = std::move(data);
}

// --- checks and plans
// ------------------------------------------------------------------------------------------------------

/// Doubles per mode that a generator and its solver hold: columns and rows of both dresses, Krylov and multistep
/// vectors.
constexpr double generator_arrays = 26.0;
constexpr double steady_state_arrays = 34.0;
constexpr double relax_arrays = 52.0;

double working_memory(const Point& point) {
  const double arrays = generator_arrays + (point.has("task.times") ? relax_arrays : steady_state_arrays);
  return arrays * 8.0 * static_cast<double>(point.integer("model.sites"));
}
double output_memory(const Point& point) {
  const double times = point.has("task.times") ? static_cast<double>(point.reals("task.times").size()) : 1.0;
  return times * (2.0 * static_cast<double>(point.integer("model.sites")) + 3.0) * 8.0;
}

void validate_point(const Point& point) {
  const std::int64_t sites = point.integer("model.sites");
  // The result is held twice: as the task returns it, and as the image of the file.
  const double needed = working_memory(point) + 3.0 * output_memory(point);
  if (needed > machine_memory())
    throw ParameterError("model.sites", fmt::format("{} sites need {} of memory; this machine has {}", sites,
                                                    bytes_text(needed), bytes_text(machine_memory())));
  validate(chain_of(point));
  if (point.has("initial.lagrange_multiplier")) {
    const std::size_t given = point.reals("initial.lagrange_multiplier").size();
    if (given != static_cast<std::size_t>(sites))
      throw ParameterError("initial.lagrange_multiplier",
                           fmt::format("{} entries were given; it must have one per mode, {}", given, sites));
  }
}

/// Operations and bytes of one right-hand side; docs/physics.md section 5 counts them.
constexpr double pair_operations = 8.0;
constexpr double mode_operations = 30.0;
constexpr double mode_bytes = 17.0 * 8.0;

/// Seconds of one evaluation on this machine, measured at a size that takes a moment only and scaled.
double measure_evaluation(TggeChain chain, const Execution& execution) {
  constexpr std::int64_t largest_direct = 8192, largest_separable = 1 << 20;
  const bool direct = execution.algorithm == Algorithm::direct;
  const double sites = static_cast<double>(chain.sites);
  chain.sites = std::min(chain.sites, direct ? largest_direct : largest_separable);
  RateEquation equation = make_rate_equation(chain, execution);
  const std::vector<double> half(equation.modes(), 0.5);
  std::vector<double> rate(equation.modes());
  equation.generator->occupation_rate(half, half, rate);
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  int evaluations = 0;
  double seconds = 0.0;
  do {
    equation.generator->occupation_rate(half, half, rate);
    ++evaluations;
    seconds = std::chrono::duration<double>(Clock::now() - start).count();
  } while (seconds < 0.02);
  const double ratio = sites / static_cast<double>(chain.sites);
  return seconds / evaluations * (direct ? ratio * ratio : ratio);
}

Plan plan_point(const Point& point, const Execution& requested) {
  const TggeChain chain = chain_of(point);
  Execution execution = resolved(point, requested);
  Plan plan;
  {
    TggeChain one_site = chain;
    one_site.sites = 1;
    const RateEquation equation = make_rate_equation(one_site, execution);
    plan.algorithm = execution.algorithm = equation.algorithm;
    plan.backend = execution.backend = equation.backend;
    plan.reason = equation.reason;
  }
  const double sites = static_cast<double>(chain.sites);
  const bool direct = plan.algorithm == Algorithm::direct;
  plan.memory_bytes = working_memory(point);
  plan.output_bytes = output_memory(point);
  plan.operations = direct ? pair_operations * sites * sites : mode_operations * sites;
  plan.bytes_moved = mode_bytes * sites;
  plan.seconds_per_evaluation = measure_evaluation(chain, execution);
  // Newton: about six steps of two residuals and seven products. Relaxation: a start at each output time, then the
  // fastest rate over the span, at orders 5 to 12.
  plan.rate_evaluations = 55.0;
  if (point.has("task.times")) {
    const auto& times = point.reals("task.times");
    const double fastest =
        chain.bath.coupling * chain.hopping *
        (chain.bath.thermal_weight() * std::exp(std::min(chain.bath.inverse_temperature * chain.hopping, 30.0)) +
         4.0 * chain.bath.nonequilibrium_fraction);
    plan.rate_evaluations = 150.0 * static_cast<double>(times.size()) + std::min(3.0 * fastest * times.back(), 2e4);
  }
  return plan;
}

// --- runs
// ---------------------------------------------------------------------------------------------------------------

io::Result run_steady_state(const Point& point, const Execution& requested, const Monitor&) {
  const RateEquation equation = make_rate_equation(chain_of(point), resolved(point, requested));
  SteadyStateOptions options;
  options.tolerance = point.real("solver.tolerance");
  options.max_steps = point.integer("solver.max_steps");
  SteadyState state = steady_state(equation, initial_filling(point, equation.modes()), options);

  io::Result result = outline(point);
  result.converged = state.converged;
  result.message = state.message;
  result.summary = {{"current", state.current},
                    {"particle_number", state.particle_number},
                    {"residual", state.residual},
                    {"steps", static_cast<double>(state.steps)}};
  fill(result, "lagrange_multiplier", std::move(state.lagrange_multiplier));
  fill(result, "occupation", std::move(state.occupation));
  fill(result, "current", std::vector{state.current});
  fill(result, "particle_number", std::vector{state.particle_number});
  fill(result, "residual", std::vector{state.residual});
  fill(result, "converged", std::vector{static_cast<std::uint8_t>(state.converged)});
  fill(result, "steps", std::vector{state.steps});
  return result;
}

io::Result run_relax(const Point& point, const Execution& requested, const Monitor& monitor) {
  const RateEquation equation = make_rate_equation(chain_of(point), resolved(point, requested));
  const auto& times = point.reals("task.times");
  RelaxOptions options;
  options.tolerance = point.real("solver.tolerance");
  options.max_steps = point.integer("solver.max_steps");
  options.integrator = integrator_of(point);
  if (monitor.progress)
    options.on_time = [&](std::size_t done) {
      return monitor.progress(static_cast<double>(done) / static_cast<double>(times.size()));
    };
  RelaxResult trajectory = relax(equation, initial_multiplier(point, equation.modes()), times, options);

  io::Result result = outline(point);
  result.converged = trajectory.converged;
  result.message = trajectory.message;
  result.summary = {{"current", trajectory.current.back()},
                    {"particle_number", trajectory.particle_number.back()},
                    {"residual", trajectory.residual.back()},
                    {"steps", static_cast<double>(trajectory.steps)}};
  fill(result, "lagrange_multiplier", std::move(trajectory.lagrange_multiplier));
  fill(result, "occupation", std::move(trajectory.occupation));
  fill(result, "current", std::move(trajectory.current));
  fill(result, "particle_number", std::move(trajectory.particle_number));
  fill(result, "residual", std::move(trajectory.residual));
  fill(result, "converged", std::vector{static_cast<std::uint8_t>(trajectory.converged)});
  fill(result, "steps", std::vector{trajectory.steps});
  return result;
}

}  // namespace

ModelEntry tgge_chain_entry() {
  ModelEntry model;
  model.kind = "tgge_chain";
  model.description =
      "one-band chain between a thermal and a nonequilibrium bath (time-dependent generalised Gibbs ensemble)";
  model.algorithms = {Algorithm::direct, Algorithm::separable};
  model.keys = chain_keys();
  model.validate = validate_point;

  Key times{.path = "task.times", .type = Type::real_grid, .help = "output times, 1/energy", .range = {.low = 0.0}};
  times.ascending = true;
  Key integrator{.path = "solver.integrator",
                 .type = Type::text,
                 .help = "adams for mild, bdf for stiff rates; auto looks at the fastest rate",
                 .default_value = std::string("auto"),
                 .choices = {"auto", "adams", "bdf"}};
  model.tasks = {
      {"relax",
       "time evolution of the occupations from an initial state",
       {times, integrator},
       field_names,
       outline,
       plan_point,
       run_relax},
      {"steady_state", "steady state at fixed filling", {}, field_names, outline, plan_point, run_steady_state}};
  return model;
}

}  // namespace lindrift
