#include "tgge/registry/tgge.hpp"

#include "tgge/registry/tgge_point.hpp"

namespace lindrift {

namespace {

using config::Point;
using config::read;

io::Result find_steady_state(const Point& point, const RateEquation& equation, const Monitor&) {
  SteadyState state = steady_state_of(point, equation);
  return result_of(point, equation, state);
}

io::Result follow_relaxation(const Point& point, const RateEquation& equation, const Monitor& monitor) {
  const auto times = read<OutputTimes>(point).times;
  auto options = read<RelaxOptions>(point);
  options.monitor = monitor;
  RelaxResult trajectory =
      relax(equation, read<InitialOccupation>(point).multipliers(equation.modes()), times, options);
  io::Result result = result_of(point, equation, trajectory);
  result.stopped = trajectory.stopped;
  return result;
}

template <Solve solve>
io::Result run_point(const Point& point, const Execution& requested, const Monitor& monitor) {
  return solve(point, equation_of(point, with_algorithm(point, requested)), monitor);
}

template <Solve solve>
void run_group(const Group& group, const Execution& requested, const Monitor& monitor, const Finished& finished) {
  if (group.chained)
    run_chain(group, requested, monitor, finished);
  else
    run_batch(solve, group, requested, monitor, finished);
}

/// What both tasks have in common.
template <Solve solve, class Result>
TaskEntry task(std::string kind, std::string description, const Coordinates& dimensions) {
  return {
      .kind = std::move(kind),
      .description = std::move(description),
      .keys = {},
      .fields = observable_names<Result>(dimensions),
      .outline =
          [](const Point& point) { return outline_of<Result>(coordinates_of(point), point.texts("output.fields")); },
      .plan = plan_point,
      .run = run_point<solve>,
      .diagnostics = diagnostics_of,
      .shares_a_point = true,
      .run_group = run_group<solve>};
}

template <class Model>
ModelEntry entry(std::string kind, std::string description) {
  Coordinates dimensions = coordinates(Model());
  TaskEntry steady = task<find_steady_state, SteadyState>(
      "steady_state", "steady state with the numbers of the initial state", dimensions);
  steady.keys = config::keys_of<ChainOptions, SteadyStateOptions>();
  steady.grouping = batches_or_chains;
  dimensions.push_back(time_coordinate({}));
  TaskEntry relaxation = task<follow_relaxation, RelaxResult>(
      "relax", "time evolution of the occupations from an initial state", dimensions);
  relaxation.keys = config::keys_of<OutputTimes, RelaxOptions>();
  relaxation.cost = relative_cost;
  relaxation.grouping = batches;
  return {.kind = std::move(kind),
          .description = std::move(description),
          .algorithms = {Algorithm::direct, Algorithm::separable},
          .keys = config::keys_of<Model, InitialOccupation>(),
          .validate = validate_point,
          .tasks = {std::move(relaxation), std::move(steady)}};
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
