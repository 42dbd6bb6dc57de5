#include "tgge/registry/tgge.hpp"

#include <algorithm>
#include <type_traits>

#include "engine/threads.hpp"
#include "lindrift/tgge/matrix_rate_equation.hpp"
#include "tgge/registry/tgge_gradient.hpp"
#include "tgge/registry/tgge_point.hpp"

namespace lindrift {

namespace {

using config::Point;
using config::read;

io::Result find_steady_state(const Point& point, const RateEquation& equation, const Monitor& monitor) {
  SteadyState state = steady_state_of(point, equation, {}, monitor);
  if (state.stopped) throw Interruption();
  return result_of(point, equation, state);
}

io::Result follow_relaxation(const Point& point, const RateEquation& equation, const Monitor& monitor) {
  const auto times = read<OutputTimes>(point).times;
  auto options = read<RelaxOptions>(point);
  options.monitor = monitor;
  RelaxResult trajectory = relax(equation, initial_multipliers(point, equation), times, options);
  io::Result result = result_of(point, equation, trajectory);
  result.stopped = trajectory.stopped;
  return result;
}

void require_device_work(const Point& point) {
  if (seems_to_need_matrices(point)) matrix_backend(Backend::cuda);
}

template <Solve solve>
io::Result run_point(const Point& point, const Execution& requested, const Monitor& monitor) {
  const Calculation calculation(threads_of(requested));  // computes the bands
  return solve(point, equation_of(point, with_algorithm(point, requested)), monitor);
}

io::Result run_steady_state(const Point& point, const Execution& requested, const Monitor& monitor) {
  const Calculation calculation(threads_of(requested));
  if (std::optional<io::Result> result = run_in_block(point, requested)) return std::move(*result);
  return run_point<find_steady_state>(point, requested, monitor);
}

io::Result run_relaxation(const Point& point, const Execution& requested, const Monitor& monitor) {
  const Calculation calculation(threads_of(requested));
  // A point with a checkpoint was begun by the integrators of the CPU.
  if (monitor.restored.empty())
    if (std::optional<io::Result> result = relax_in_block(point, requested)) return std::move(*result);
  return run_point<follow_relaxation>(point, requested, monitor);
}

template <Solve solve>
void run_group(const Group& group, const Execution& requested, const Monitor& monitor, const Finished& finished) {
  if (group.chained)
    run_chain(group, requested, monitor, finished);
  else if (is_device(requested.backend) && found_in_blocks(group.document)) {
    const auto in_blocks = solve == find_steady_state ? run_in_blocks : relax_in_blocks;
    Group rest = group;
    rest.wanted = in_blocks(group, requested, monitor, finished);
    run_given_back(solve, rest, requested, monitor, finished);
  } else
    run_batch(solve, group, requested, monitor, finished);
}

/// Names of the datasets of a result, including those that only a lattice has.
template <class Result>
std::vector<std::string> names_in(const Coordinates& dimensions,
                                  std::vector<std::string> (*of_result)(const Coordinates&),
                                  std::vector<std::string> (*of_lattice)(const Coordinates&)) {
  std::vector<std::string> names = of_result(dimensions);
  const bool lattice =
      std::any_of(dimensions.begin(), dimensions.end(), [](const Coordinate& one) { return one.name == "direction"; });
  if (lattice)
    for (std::string& name : of_lattice(dimensions)) names.push_back(std::move(name));
  return names;
}

template <class Result>
io::Result empty_result(const Point& point) {
  const Coordinates dimensions = coordinates_of(point);
  const auto& wanted = point.texts("output.fields");
  io::Result result = empty_result_of<Result>(dimensions, wanted);
  if (is_lattice(point)) {
    append(result, empty_result_of<LatticeObservables>(dimensions, wanted));
    append(result, operator_currents(point, {}));
  }
  return result;
}

/// The parts that are common to the tasks which solve one equation.
template <Solve solve, class Result>
TaskEntry task(std::string kind, std::string description, const Coordinates& dimensions) {
  return {.kind = std::move(kind),
          .description = std::move(description),
          .keys = {},
          .fields = names_in<Result>(dimensions, observable_names<Result>, observable_names<LatticeObservables>),
          .sizeless_fields = names_in<Result>(dimensions, sizeless_names<Result>, sizeless_names<LatticeObservables>),
          .footprint = footprint_of,
          .empty_result = empty_result<Result>,
          .plan = plan_point,
          .run = run_point<solve>,
          .diagnostics = diagnostics_of,
          .remarks = remarks_on,
          .verify = verify_occupations,
          .shares_a_point = true,
          .require_device_work = require_device_work,
          .backend = backend_of,
          .run_group = run_group<solve>,
          .group_device_bytes = batch_device_bytes_of};
}

TaskEntry adjoint_task(std::string kind, std::string description) {
  return {.kind = std::move(kind),
          .description = std::move(description),
          .keys = {},
          .fields = {},
          .sizeless_fields = {},
          .footprint = footprint_of,
          .empty_result = {},
          .plan = plan_point,
          .run = {},
          .diagnostics = diagnostics_of,
          .remarks = remarks_on,
          .shares_a_point = true,
          .require_device_work = require_device_work,
          .backend = backend_of};
}

TaskEntry gradient_task(const std::vector<config::Key>& model_keys, int directions) {
  TaskEntry task = adjoint_task("gradient", "derivatives of the currents of the steady state by the parameters");
  task.keys = gradient_keys(model_keys, directions);
  task.fields = task.sizeless_fields = gradient_fields(model_keys);
  task.empty_result = empty_gradient_result;
  task.run = find_gradient;
  return task;
}

TaskEntry noise_task(int directions) {
  TaskEntry task = adjoint_task("noise", "zero-frequency noise of the currents in the steady state");
  task.keys = noise_keys(directions);
  task.fields = task.sizeless_fields = noise_fields();
  task.empty_result = empty_noise_result;
  task.run = find_noise;
  return task;
}

/// Puts the keys of the initial state, given by occupations or by name, before those of the task.
std::vector<config::Key> with_initial_states(std::vector<config::Key> keys) {
  auto all = config::keys_of<InitialState, InitialOccupation>();
  for (config::Key& key : all)
    if (key.path == "initial.filling") key.when.push_back({"initial.state", {"uniform", "thermal"}});
  all.insert(all.end(), std::make_move_iterator(keys.begin()), std::make_move_iterator(keys.end()));
  return all;
}

template <class Model>
ModelEntry entry(std::string kind, std::string description) {
  Model widest;  // the variant whose results have the most dimensions
  if constexpr (std::is_same_v<Model, TggeRashba>) widest.jump = JumpOperators{};
  if constexpr (std::is_same_v<Model, TggeLattice>) widest.orbitals = 2;
  Coordinates dimensions = coordinates(widest);
  TaskEntry steady = task<find_steady_state, SteadyState>(
      "steady_state", "steady state with the numbers of the initial state", dimensions);
  steady.keys = with_initial_states(config::keys_of<ChainOptions, SteadyStateOptions>());
  steady.run = run_steady_state;
  steady.grouping = batches_or_chains;
  steady.device_grouping = device_batches;
  steady.gains_from_device = gains_from_blocks;
  dimensions.push_back(time_coordinate({}));
  TaskEntry relaxation = task<follow_relaxation, RelaxResult>(
      "relax", "time evolution of the occupations from an initial state", dimensions);
  relaxation.keys = with_initial_states(config::keys_of<OutputTimes, RelaxOptions>());
  relaxation.cost = relative_cost;
  relaxation.run = run_relaxation;
  relaxation.grouping = batches;
  relaxation.device_grouping = device_relaxations;
  relaxation.gains_from_device = gains_from_blocks;
  std::vector<TaskEntry> tasks = {std::move(relaxation), std::move(steady)};
  const int directions = std::is_same_v<Model, TggeLattice> ? 3 : 1;  // the largest number
  tasks.push_back(gradient_task(config::keys_of<Model, InitialOccupation>(), directions));
  tasks.push_back(noise_task(directions));
  for (std::size_t i = tasks.size() - 2; i < tasks.size(); ++i) {
    const auto initial = config::keys_of<InitialOccupation>();
    tasks[i].keys.insert(tasks[i].keys.begin(), initial.begin(), initial.end());
  }
  return {.kind = std::move(kind),
          .description = std::move(description),
          .algorithms = {Algorithm::direct, Algorithm::separable},
          .keys = config::keys_of<Model>(),
          .validate = validate_point,
          .tasks = std::move(tasks)};
}

}  // namespace

ModelEntry tgge_chain_entry() {
  return entry<TggeChain>(
      "tgge_chain",
      "one-band chain between a thermal and a nonequilibrium bath (time-dependent generalised Gibbs ensemble)");
}

ModelEntry tgge_rashba_entry() {
  return entry<TggeRashba>(
      "tgge_rashba",
      "two-band chain with Rashba coupling and Zeeman field between a thermal and a nonequilibrium bath");
}

ModelEntry tgge_lattice_entry() {
  return entry<TggeLattice>("tgge_lattice",
                            "any lattice in one to three dimensions with any orbitals and jump operators, between a "
                            "thermal and a nonequilibrium bath");
}

}  // namespace lindrift
