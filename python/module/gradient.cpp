#include <nanobind/stl/complex.h>
#include <nanobind/stl/string.h>

#include "bind.hpp"
#include "engine/threads.hpp"
#include "lattice_results.hpp"
#include "occupation_task.hpp"
#include "tgge/registry/flow_results.hpp"

namespace lindrift {

/// One point of a sweep: what every flow has, and derivatives, of which there are as many as are asked for.
struct FlowPoint : FlowResult {
  std::vector<io::Field> more;
};

template <>
inline auto description<FlowPoint>() {
  return observables_of_base<FlowPoint, FlowResult>();
}

}  // namespace lindrift

namespace lindrift::python {

namespace {

/// A number, or an array over the terms of operators.
nb::object to_python(const Derivative& by) {
  if (!by.dimension.empty()) return owned(std::vector(by.values), {by.values.size()});
  return by.is_complex ? nb::cast(by.values.front()) : nb::cast(by.values.front().real());
}

/// A model with its steady state, and its number of currents.
struct Solved {
  nb::object model;
  const SteadyState& state;
  int directions = 1;
};

Solved solved(nb::handle given) {
  if (nb::isinstance<Found<SteadyState>>(given)) {
    const auto& found = nb::cast<const Found<SteadyState>&>(given);
    return {found.model, found.result};
  }
  if (nb::isinstance<Found<OnLattice<SteadyState>>>(given)) {
    const auto& found = nb::cast<const Found<OnLattice<SteadyState>>&>(given);
    return {found.model, found.result, static_cast<int>(nb::cast<const TggeLattice&>(found.model).cells.size())};
  }
  throw nb::type_error("state must be what steady_state() returned");
}

/// Calls use(model, equation, adjoint) without holding the interpreter's lock; the call may be interrupted.
template <class Use>
void with_adjoint(const Solved& solved, const Run& run, const Use& use) {
  const Execution execution = run.execution();
  Watch watch(run.progress);
  const Monitor monitor = watch.monitor();
  const auto solve = [&](const auto& model) {
    const nb::gil_scoped_release released;
    try {
      const Calculation calculation(execution, monitor);
      TggeModel modes = make_model(model, execution);
      const RateEquation equation = make_rate_equation(modes, execution);
      use(model, SteadyStateAdjoint(std::move(modes), equation, solved.state, execution));
    } catch (const Interruption&) {
      // rethrow() will raise the reason
    }
  };
  if (nb::isinstance<TggeChain>(solved.model))
    solve(nb::cast<const TggeChain&>(solved.model));
  else if (nb::isinstance<TggeRashba>(solved.model))
    solve(nb::cast<const TggeRashba&>(solved.model));
  else
    solve(nb::cast<const TggeLattice&>(solved.model));
  watch.rethrow();
}

/// One word or several.
std::vector<std::string> names_from(nb::handle given, const char* name) {
  if (nb::isinstance<nb::str>(given)) return {text_of(given)};
  if (PySequence_Check(given.ptr()) == 0)
    throw nb::type_error((std::string(name) + " must be a list of words").c_str());
  std::vector<std::string> all;
  for (const nb::handle one : nb::iter(given)) {
    if (!nb::isinstance<nb::str>(one)) throw nb::type_error((std::string(name) + " must be a list of words").c_str());
    all.push_back(text_of(one));
  }
  return all;
}

nb::dict gradient_by(nb::object state, std::string of, nb::object with_respect_to, std::string algorithm,
                     std::string backend, int threads) {
  const Solved point = solved(state);
  const std::vector<std::string> keys = names_from(with_respect_to, "with_respect_to");
  const Flow flow = flow_named(of, point.directions);
  std::vector<Derivative> found;
  with_adjoint(point, {std::move(algorithm), std::move(backend), threads, nb::none()},
               [&](const auto& model, const SteadyStateAdjoint& adjoint) {
                 found = slopes_of(model, adjoint, flow, keys, true);
               });
  nb::dict all;
  for (const Derivative& by : found) all[by.path.c_str()] = to_python(by);
  return all;
}

nb::object noise_of(nb::object state, nb::object of, std::string algorithm, std::string backend, int threads) {
  const Solved point = solved(state);
  std::vector<Flow> flows;
  for (const std::string& name : names_from(of, "of")) flows.push_back(flow_named(name, point.directions));
  if (flows.empty()) throw ParameterError("task.of", "must have at least one entry");
  std::vector<double> noise;
  with_adjoint(point, {std::move(algorithm), std::move(backend), threads, nb::none()},
               [&](const auto&, const SteadyStateAdjoint& adjoint) { noise = adjoint.noise(flows); });
  if (nb::isinstance<nb::str>(of)) return nb::float_(noise.front());
  return owned(std::move(noise), {flows.size(), flows.size()});
}

int directions_of(const TggeLattice& lattice) { return static_cast<int>(lattice.cells.size()); }
template <class Chain>
int directions_of(const Chain&) {
  return 1;
}

/// Flows of a steady state at the points of a sweep.
template <class Chain>
struct FlowTask : FromOccupation<Chain> {
  using Result = FlowPoint;
  std::vector<std::string> of;
  SteadyStateOptions options;

  std::vector<Flow> flows(const Chain& chain) const { return flows_named(of, directions_of(chain)); }
  double memory_bytes(const Chain& chain) const { return bytes_of_modes(lindrift::coordinates(chain)); }

  /// Calls use(modes, equation, state, point), with what the point has to say of its flows so far.
  template <class Use>
  Result with_state(const Chain& chain, const Execution& execution, const Monitor& monitor, How& how,
                    const Use& use) const {
    const Calculation calculation(execution, monitor);
    TggeModel modes = make_model(chain, execution);
    const RateEquation equation = make_rate_equation(modes, execution);
    how = how_of(equation);
    SteadyStateOptions with = options;
    with.monitor = monitor;
    const SteadyState state = this->initial.steady_state(equation, with);
    if (state.stopped) throw Interruption();
    Result found{flow_result(equation, state, flows(chain)), {}};
    use(std::move(modes), equation, state, found);
    return found;
  }
};

template <class Chain>
struct GradientTask : FlowTask<Chain> {
  std::vector<std::string> with_respect_to;

  bool by_filling() const { return !this->initial.occupation.lagrange_multiplier; }
  std::vector<Derivative> expected(const Chain& chain) const {
    return derivatives_of(chain, with_respect_to, by_filling());
  }
  void validate(const Chain& chain) const { expected(chain); }
  Coordinates coordinates(const Chain& chain) const { return flow_coordinates(this->of, expected(chain), false); }
  /// The datasets that follow from what is asked for, every value missing.
  std::vector<io::Field> more(const Chain& chain) const {
    return derivative_fields(this->flows(chain), expected(chain), {});
  }

  FlowPoint run(const Chain& chain, const Execution& execution, const Monitor& monitor, How& how) const {
    return this->with_state(
        chain, execution, monitor, how,
        [&](TggeModel modes, const RateEquation& equation, const SteadyState& state, FlowPoint& found) {
          std::vector<std::vector<Derivative>> of_flows;
          if (state.converged) {
            const SteadyStateAdjoint adjoint(std::move(modes), equation, state, execution);
            for (const Flow& flow : this->flows(chain))
              of_flows.push_back(slopes_of(chain, adjoint, flow, with_respect_to, by_filling()));
          }
          found.more = derivative_fields(this->flows(chain), expected(chain), of_flows);
        });
  }
};

template <class Chain>
struct NoiseTask : FlowTask<Chain> {
  Coordinates coordinates(const Chain& chain) const {
    this->flows(chain);
    return flow_coordinates(this->of, {}, true);
  }

  FlowPoint run(const Chain& chain, const Execution& execution, const Monitor& monitor, How& how) const {
    return this->with_state(
        chain, execution, monitor, how,
        [&](TggeModel modes, const RateEquation& equation, const SteadyState& state, FlowPoint& found) {
          if (state.converged)
            found.noise = SteadyStateAdjoint(std::move(modes), equation, state, execution).noise(this->flows(chain));
        });
  }
};

template <class Task>
Task flow_task(const typename Task::Model& chain, nb::handle of, nb::handle filling, nb::handle lagrange_multiplier,
               double tolerance, std::int64_t max_steps, nb::handle start) {
  Task task;
  task.of = names_from(of, "of");
  if (task.of.empty()) task.of = flow_names(directions_of(chain));
  task.initial = start_from(filling, lagrange_multiplier, nb::none());
  task.options = steady_state_options(tolerance, max_steps, start);
  return task;
}

template <class Chain>
GradientTask<Chain> make_gradient(const Chain& chain, nb::object of, nb::object with_respect_to, Number filling,
                                  Numbers lagrange_multiplier, double tolerance, std::int64_t max_steps,
                                  Numbers start) {
  auto task = flow_task<GradientTask<Chain>>(chain, of, filling, lagrange_multiplier, tolerance, max_steps, start);
  task.with_respect_to = names_from(with_respect_to, "with_respect_to");
  return task;
}

template <class Chain>
NoiseTask<Chain> make_noise(const Chain& chain, nb::object of, Number filling, Numbers lagrange_multiplier,
                            double tolerance, std::int64_t max_steps, Numbers start) {
  return flow_task<NoiseTask<Chain>>(chain, of, filling, lagrange_multiplier, tolerance, max_steps, start);
}

template <class Chain>
void bind_sweeps(nb::module_& module) {
  const SteadyStateOptions steady;
  const auto bind = [&](const char* name, auto make, const auto&... own) {
    bind_sweep(module, name, make, nb::kw_only(), nb::arg("of") = "current", own..., nb::arg("filling") = nb::none(),
               nb::arg("lagrange_multiplier") = nb::none(), nb::arg("tolerance") = steady.tolerance,
               nb::arg("max_steps") = steady.max_steps, nb::arg("start") = nb::none());
  };
  bind("gradient", make_gradient<Chain>, nb::arg("with_respect_to") = nb::tuple());
  bind("noise", make_noise<Chain>);
}

}  // namespace

void bind_gradient(nb::module_& module) {
  bind_sweeps<TggeChain>(module);
  bind_sweeps<TggeRashba>(module);
  bind_sweeps<TggeLattice>(module);
  module.def("noise", noise_of, nb::arg("state"), nb::kw_only(), nb::arg("of") = "current",
             nb::arg("algorithm") = "auto", nb::arg("backend") = "auto", nb::arg("threads") = 0,
             nb::sig("def noise(state: SteadyState | LatticeSteadyState, *, of: str | collections.abc.Sequence[str] = "
                     "'current', algorithm: str = 'auto', backend: str = 'auto', threads: int = 0) -> typing.Any"),
             "Zero-frequency noise N S(0) of steady currents, times bath.coupling (physics.md Eq. 18g).\n\n"
             "state  from steady_state(), converged\n"
             "of     as for gradient(): one word gives a number, a list of n words an array of shape (n, n)\n\n"
             "Raises UnsupportedError where the steady state is not a differentiable function of its parameters.");
  module.def(
      "gradient", gradient_by, nb::arg("state"), nb::kw_only(), nb::arg("of") = "current",
      nb::arg("with_respect_to") = nb::tuple(), nb::arg("algorithm") = "auto", nb::arg("backend") = "auto",
      nb::arg("threads") = 0,
      nb::sig(
          "def gradient(state: SteadyState | LatticeSteadyState, *, of: str = 'current', with_respect_to: str | "
          "collections.abc.Sequence[str] = (), algorithm: str = 'auto', backend: str = 'auto', threads: int = 0) -> "
          "dict[str, typing.Any]"),
      "Derivatives of a steady current by parameters of its model, all from one linear system with the transposed\n"
      "Jacobian (physics.md Eqs. 18a-18f).\n\n"
      "state            from steady_state(), converged\n"
      "of               \"current\" or \"energy_current\"; on a lattice \"current_1\", \"energy_current_2\", ...\n"
      "with_respect_to  keys: \"bath.nonequilibrium_fraction\", \"jump\" keys as in the input file (\"bath.delta\"),\n"
      "                 \"initial.filling\"; \"bath.jump_operator\", \"model.hopping_terms\": an array over the "
      "amplitudes of all\n"
      "                 terms; all parameters that have derivatives unless given\n\n"
      "Returns a dict from key to derivative. Complex parameters: the derivative by the real part plus i times that\n"
      "by the imaginary part.\n\n"
      "Raises UnsupportedError where the steady state is not a differentiable function of its parameters.");
}

}  // namespace lindrift::python
