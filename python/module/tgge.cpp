#include <nanobind/stl/string.h>

#include "bind.hpp"
#include "lattice_results.hpp"
#include "occupation_task.hpp"

namespace lindrift::python {

How how_of(const RateEquation& equation) {
  return {std::string(name(equation.backend)), equation.backend_reason, std::string(name(equation.algorithm)),
          equation.reason};
}

std::vector<double> Start::multipliers(const RateEquation& equation) const {
  return occupation.lagrange_multiplier ? *occupation.lagrange_multiplier
                                        : multipliers_of(state, equation.bands, occupation.filling);
}

SteadyState Start::steady_state(const RateEquation& equation, const SteadyStateOptions& options) const {
  const bool uniform = !occupation.lagrange_multiplier && state.kind == InitialKind::uniform;
  return uniform ? lindrift::steady_state(equation, occupation.filling, options)
                 : lindrift::steady_state(equation, multipliers(equation), options);
}

Start start_from(nb::handle filling, nb::handle lagrange_multiplier, nb::handle initial) {
  Start start;
  for (const Parameter& one : parameters_of<InitialOccupation>())
    if (one.path == "initial.filling" && !filling.is_none())
      assign(start.occupation.filling, from_python(filling, one, one.path));
  if (!initial.is_none()) {
    if (!nb::isinstance<InitialState>(initial))
      throw nb::type_error("initial must be an InitialState; occupations are filling or lagrange_multiplier");
    start.state = nb::cast<const InitialState&>(initial);
  }
  if (!lagrange_multiplier.is_none()) {
    if (!filling.is_none() || !initial.is_none())
      throw ParameterError(filling.is_none() ? "initial.state" : "initial.filling",
                           "has no meaning where initial.lagrange_multiplier is given");
    start.occupation.lagrange_multiplier = reals(lagrange_multiplier, "initial.lagrange_multiplier");
  }
  if (!filling.is_none() && start.state.kind == InitialKind::single_momentum)
    throw ParameterError("initial.filling", "has no meaning where initial.state is \"single_momentum\"");
  validate_fields(start.occupation);
  return start;
}

SteadyStateOptions steady_state_options(double tolerance, std::int64_t max_steps, nb::handle start) {
  SteadyStateOptions options;
  options.tolerance = tolerance;
  options.max_steps = max_steps;
  if (!start.is_none()) options.start = reals(start, "start");
  validate_fields(options);
  return options;
}

namespace {

/// Adds what is reported of a lattice beside, state after state, to the result on it.
template <class State>
void observe(const TggeLattice& lattice, const RateEquation& equation, const Execution& execution,
             OnLattice<State>& result) {
  const State& state = result;
  LatticeObserver(lattice, equation, execution)
      .add_rows(state.lagrange_multiplier, state.occupation, state.block_multiplier, result);
}

/// The result of a task, with the additional observables if the model is a lattice.
template <class Chain, class State>
ResultOn<Chain, State> reported(const Chain& chain, const RateEquation& equation, const Execution& execution,
                                State state) {
  if (state.stopped) throw Interruption();
  if constexpr (std::is_same_v<Chain, TggeLattice>) {
    OnLattice<State> result{std::move(state), {}};
    observe(chain, equation, execution, result);
    return result;
  } else {
    return state;
  }
}

template <class Chain>
struct SteadyStateTask : FromOccupation<Chain> {
  using Result = ResultOn<Chain, SteadyState>;
  SteadyStateOptions options;

  Coordinates coordinates(const Chain& chain) const { return lindrift::coordinates(chain); }

  Result run(const Chain& chain, const Execution& execution, const Monitor& monitor, How& how) const {
    const RateEquation equation = make_rate_equation(chain, execution);
    how = how_of(equation);
    SteadyStateOptions with = options;
    with.monitor = monitor;
    return reported(chain, equation, execution, this->initial.steady_state(equation, with));
  }
};

template <class Chain>
SteadyStateTask<Chain> make_steady_state(const Chain&, Number filling, Numbers lagrange_multiplier,
                                         nb::typed<nb::object, InitialState> initial, double tolerance,
                                         std::int64_t max_steps, Numbers start) {
  SteadyStateTask<Chain> task;
  task.initial = start_from(filling, lagrange_multiplier, initial);
  task.options = steady_state_options(tolerance, max_steps, start);
  return task;
}

template <class Chain>
struct RelaxTask : FromOccupation<Chain> {
  using Result = ResultOn<Chain, RelaxResult>;
  std::vector<double> times;
  RelaxOptions options;

  Coordinates coordinates(const Chain& chain) const {
    Coordinates all = lindrift::coordinates(chain);
    all.push_back(time_coordinate(times));
    return all;
  }

  Result run(const Chain& chain, const Execution& execution, const Monitor& monitor, How& how) const {
    const RateEquation equation = make_rate_equation(chain, execution);
    how = how_of(equation);
    RelaxOptions with = options;
    with.monitor = monitor;
    return reported(chain, equation, execution, relax(equation, this->initial.multipliers(equation), times, with));
  }
};

template <class Chain>
RelaxTask<Chain> make_relax(const Chain&, Numbers times, Number filling, Numbers lagrange_multiplier,
                            nb::typed<nb::object, InitialState> initial, std::string integrator, double tolerance,
                            std::int64_t max_steps) {
  RelaxTask<Chain> task;
  const OutputTimes output{reals(times, "task.times")};
  validate_fields(output);
  task.times = output.times;
  task.initial = start_from(filling, lagrange_multiplier, initial);
  for (const Parameter& one : parameters_of<RelaxOptions>())
    if (one.path == "solver.integrator")
      assign(task.options.integrator, from_python(nb::cast(integrator), one, one.path));
  task.options.tolerance = tolerance;
  task.options.max_steps = max_steps;
  validate_fields(task.options);
  return task;
}

constexpr const char* steady_state_documentation =
    "Steady state of a tGGE model with the particle number of an initial state.\n\n"
    "Newton's method in the Lagrange multipliers (physics.md Eqs. 15-18). Not converging is a result, not an "
    "exception.\n\n"
    "model                TggeChain, TggeRashba or TggeLattice\n"
    "filling              mean occupation of a mode, in (0, 1); 0.5 unless given\n"
    "lagrange_multiplier  instead of filling: log((1-n)/n) of every mode, shape (modes,), momentum ascending, first "
    "band first\n"
    "initial              instead: an InitialState\n"
    "tolerance            on the last Newton update and on the residual, 1e-13 to 1e-2\n"
    "max_steps            maximum number of solver steps\n"
    "start                multipliers to start from, shape (modes,); the thermal state unless given\n"
    "algorithm            \"auto\", \"direct\" (every pair of modes) or \"separable\"\n"
    "backend              \"auto\", \"cpu\" or \"cuda\"\n"
    "threads              0: all processors\n"
    "progress             called with the fraction done, or a tqdm bar\n\n"
    "Raises ParameterError (a ValueError), ShapeError, UnsupportedError.";

constexpr const char* relax_documentation =
    "Occupations of a tGGE model over time, from an initial state (physics.md Eq. 7).\n\n"
    "times       >= 0, strictly ascending, 1/energy\n"
    "integrator  \"auto\", \"adams\" (mild rates) or \"bdf\" (stiff ones, as of cold baths)\n"
    "tolerance   relative error of the results\n"
    "The other arguments are those of steady_state().";

template <class Chain>
void bind_chain(nb::module_& module) {
  const SteadyStateOptions steady;
  bind_task<SteadyStateTask<Chain>>(
      module, "steady_state", make_steady_state<Chain>, steady_state_documentation, nb::kw_only(),
      nb::arg("filling") = nb::none(), nb::arg("lagrange_multiplier") = nb::none(), nb::arg("initial") = nb::none(),
      nb::arg("tolerance") = steady.tolerance, nb::arg("max_steps") = steady.max_steps, nb::arg("start") = nb::none());
  const RelaxOptions relaxation;
  bind_task<RelaxTask<Chain>>(module, "relax", make_relax<Chain>, relax_documentation, nb::arg("times"), nb::kw_only(),
                              nb::arg("filling") = nb::none(), nb::arg("lagrange_multiplier") = nb::none(),
                              nb::arg("initial") = nb::none(), nb::arg("integrator") = "auto",
                              nb::arg("tolerance") = relaxation.tolerance, nb::arg("max_steps") = relaxation.max_steps);
}

}  // namespace

void bind_tgge(nb::module_& module) {
  bind_result<SteadyState>(module, "SteadyState", "A steady state. Arrays are read-only.");
  bind_result<RelaxResult>(module, "Relaxation", "A time evolution of occupations. Arrays are read-only.");
  bind_result<OnLattice<SteadyState>>(module, "LatticeSteadyState",
                                      "A steady state on a lattice. Quantities per cell. Arrays are read-only.");
  bind_result<OnLattice<RelaxResult>>(
      module, "LatticeRelaxation",
      "A time evolution of occupations on a lattice. Quantities per cell. Arrays are read-only.");
  bind_chain<TggeChain>(module);
  bind_chain<TggeRashba>(module);
  bind_chain<TggeLattice>(module);
}

}  // namespace lindrift::python
