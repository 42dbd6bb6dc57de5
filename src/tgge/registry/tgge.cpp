#include "tgge/registry/tgge.hpp"

#include "engine/threads.hpp"
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

template <Solve solve>
io::Result run_point(const Point& point, const Execution& requested, const Monitor& monitor) {
  const Calculation calculation(threads_of(requested));  // for the bands
  return solve(point, equation_of(point, with_algorithm(point, requested)), monitor);
}

template <Solve solve>
void run_group(const Group& group, const Execution& requested, const Monitor& monitor, const Finished& finished) {
  if (group.chained)
    run_chain(group, requested, monitor, finished);
  else
    run_batch(solve, group, requested, monitor, finished);
}

/// What the tasks that solve one equation have in common.
template <Solve solve, class Result>
TaskEntry task(std::string kind, std::string description, const Coordinates& dimensions) {
  return {
      .kind = std::move(kind),
      .description = std::move(description),
      .keys = {},
      .fields = observable_names<Result>(dimensions),
      .sizeless_fields = sizeless_names<Result>(dimensions),
      .outline =
          [](const Point& point) { return outline_of<Result>(coordinates_of(point), point.texts("output.fields")); },
      .plan = plan_point,
      .run = run_point<solve>,
      .diagnostics = diagnostics_of,
      .remarks = remarks_on,
      .verify = verify_occupations,
      .shares_a_point = true,
      .run_group = run_group<solve>};
}

TaskEntry adjoint_task(std::string kind, std::string description) {
  TaskEntry task;
  task.kind = std::move(kind);
  task.description = std::move(description);
  task.plan = plan_point;
  task.diagnostics = diagnostics_of;
  task.shares_a_point = true;
  return task;
}

TaskEntry gradient_task(const std::vector<config::Key>& model_keys) {
  TaskEntry task = adjoint_task("gradient", "derivatives of the currents of the steady state by the parameters");
  task.keys = gradient_keys(model_keys, 1);
  task.fields = gradient_fields(model_keys);
  task.outline = outline_gradient;
  task.run = find_gradient;
  return task;
}

TaskEntry noise_task() {
  TaskEntry task = adjoint_task("noise", "zero-frequency noise of the currents in the steady state");
  task.keys = noise_keys(1);
  task.fields = noise_fields();
  task.outline = outline_noise;
  task.run = find_noise;
  return task;
}

/// Keys of a task behind those of its initial state, by its occupations or by name.
std::vector<config::Key> with_initial_states(std::vector<config::Key> keys) {
  auto all = config::keys_of<InitialState, InitialOccupation>();
  for (config::Key& key : all)
    if (key.path == "initial.filling") key.when.push_back({"initial.state", {"uniform", "thermal"}});
  all.insert(all.end(), std::make_move_iterator(keys.begin()), std::make_move_iterator(keys.end()));
  return all;
}

template <class Model>
ModelEntry entry(std::string kind, std::string description) {
  Coordinates dimensions = coordinates(Model());
  TaskEntry steady = task<find_steady_state, SteadyState>(
      "steady_state", "steady state with the numbers of the initial state", dimensions);
  steady.keys = with_initial_states(config::keys_of<ChainOptions, SteadyStateOptions>());
  steady.grouping = batches_or_chains;
  dimensions.push_back(time_coordinate({}));
  TaskEntry relaxation = task<follow_relaxation, RelaxResult>(
      "relax", "time evolution of the occupations from an initial state", dimensions);
  relaxation.keys = with_initial_states(config::keys_of<OutputTimes, RelaxOptions>());
  relaxation.cost = relative_cost;
  relaxation.grouping = batches;
  TaskEntry gradient = gradient_task(config::keys_of<Model, InitialOccupation>());
  TaskEntry noise = noise_task();
  for (TaskEntry* entry : {&gradient, &noise}) {
    const auto initial = config::keys_of<InitialOccupation>();
    entry->keys.insert(entry->keys.begin(), initial.begin(), initial.end());
  }
  return {.kind = std::move(kind),
          .description = std::move(description),
          .algorithms = {Algorithm::direct, Algorithm::separable},
          .keys = config::keys_of<Model>(),
          .validate = validate_point,
          .tasks = {std::move(relaxation), std::move(steady), std::move(gradient), std::move(noise)}};
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

}  // namespace lindrift
