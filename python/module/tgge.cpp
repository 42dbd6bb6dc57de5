#include <nanobind/stl/string.h>

#include "bind.hpp"
#include "tasks.hpp"

namespace lindrift::python {

namespace {

How how_of(const RateEquation& equation) {
  return {std::string(name(equation.backend)), equation.backend_reason, std::string(name(equation.algorithm)),
          equation.reason};
}

/// A task that starts from occupations.
template <class Chain>
struct FromOccupation {
  using Model = Chain;
  InitialOccupation initial;

  bool set(const std::string& key, const Value& value) {
    return !initial.lagrange_multiplier && set_key(initial, key, value);
  }
  static std::vector<Parameter> parameters() { return parameters_of<InitialOccupation>(); }
};

InitialOccupation initial_from(nb::handle filling, nb::handle lagrange_multiplier) {
  InitialOccupation initial;
  for (const Parameter& one : parameters_of<InitialOccupation>())
    if (one.path == "initial.filling" && !filling.is_none())
      assign(initial.filling, from_python(filling, one, one.path));
  if (!lagrange_multiplier.is_none()) {
    if (!filling.is_none())
      throw ParameterError("initial.filling", "has no meaning where initial.lagrange_multiplier is given");
    initial.lagrange_multiplier = reals(lagrange_multiplier, "initial.lagrange_multiplier");
  }
  validate_fields(initial);
  return initial;
}

template <class Chain>
struct SteadyStateTask : FromOccupation<Chain> {
  using Result = SteadyState;
  SteadyStateOptions options;

  Coordinates coordinates(const Chain& chain) const { return lindrift::coordinates(chain); }

  SteadyState run(const Chain& chain, const Execution& execution, const Monitor& monitor, How& how) const {
    const RateEquation equation = make_rate_equation(chain, execution);
    how = how_of(equation);
    SteadyStateOptions with = options;
    const auto add = [&](auto& to) {
      if constexpr (requires { to.monitor; }) to.monitor = monitor;
    };
    add(with);
    const InitialOccupation& start = this->initial;
    return start.lagrange_multiplier ? steady_state(equation, *start.lagrange_multiplier, with)
                                     : steady_state(equation, start.filling, with);
  }
};

template <class Chain>
SteadyStateTask<Chain> make_steady_state(const Chain&, nb::object filling, nb::object lagrange_multiplier,
                                         double tolerance, std::int64_t max_steps, nb::object start) {
  SteadyStateTask<Chain> task;
  task.initial = initial_from(filling, lagrange_multiplier);
  task.options.tolerance = tolerance;
  task.options.max_steps = max_steps;
  if (!start.is_none()) task.options.start = reals(start, "start");
  validate_fields(task.options);
  return task;
}

template <class Chain>
struct RelaxTask : FromOccupation<Chain> {
  using Result = RelaxResult;
  std::vector<double> times;
  RelaxOptions options;

  Coordinates coordinates(const Chain& chain) const {
    Coordinates all = lindrift::coordinates(chain);
    all.push_back(time_coordinate(times));
    return all;
  }

  RelaxResult run(const Chain& chain, const Execution& execution, const Monitor& monitor, How& how) const {
    const RateEquation equation = make_rate_equation(chain, execution);
    how = how_of(equation);
    RelaxOptions with = options;
    with.monitor = monitor;
    return relax(equation, this->initial.multipliers(equation.modes()), times, with);
  }
};

template <class Chain>
RelaxTask<Chain> make_relax(const Chain&, nb::object times, nb::object filling, nb::object lagrange_multiplier,
                            std::string integrator, double tolerance, std::int64_t max_steps) {
  RelaxTask<Chain> task;
  const OutputTimes output{reals(times, "task.times")};
  validate_fields(output);
  task.times = output.times;
  task.initial = initial_from(filling, lagrange_multiplier);
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
    "model                TggeChain or TggeRashba\n"
    "filling              mean occupation of a mode, in (0, 1); 0.5 unless given\n"
    "lagrange_multiplier  instead of filling: log((1-n)/n) of every mode, shape (modes,), momentum ascending, first "
    "band first\n"
    "tolerance            on the last Newton update and on the residual, 1e-13 to 1e-2\n"
    "max_steps            most steps of the solver\n"
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
      nb::arg("filling") = nb::none(), nb::arg("lagrange_multiplier") = nb::none(),
      nb::arg("tolerance") = steady.tolerance, nb::arg("max_steps") = steady.max_steps, nb::arg("start") = nb::none());
  const RelaxOptions relaxation;
  bind_task<RelaxTask<Chain>>(module, "relax", make_relax<Chain>, relax_documentation, nb::arg("times"), nb::kw_only(),
                              nb::arg("filling") = nb::none(), nb::arg("lagrange_multiplier") = nb::none(),
                              nb::arg("integrator") = "auto", nb::arg("tolerance") = relaxation.tolerance,
                              nb::arg("max_steps") = relaxation.max_steps);
}

}  // namespace

void bind_tgge(nb::module_& module) {
  bind_result<SteadyState>(module, "SteadyState", "A steady state. Arrays are read-only.");
  bind_result<RelaxResult>(module, "Relaxation", "A time evolution of occupations. Arrays are read-only.");
  bind_chain<TggeChain>(module);
  bind_chain<TggeRashba>(module);
}

}  // namespace lindrift::python
