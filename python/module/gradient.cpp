#include <nanobind/stl/complex.h>
#include <nanobind/stl/string.h>

#include "bind.hpp"
#include "engine/threads.hpp"
#include "lattice_results.hpp"
#include "tasks.hpp"

namespace lindrift::python {

namespace {

/// Looks a derivative up in the struct that holds all of them.
struct DerivativeFinder {
  const std::string& wanted;
  nb::object& found;

  template <class Member>
  void field(const std::string& path, const Parameter&, const Member& member) const {
    if (path != wanted) return;
    if constexpr (std::is_same_v<Member, double> || std::is_same_v<Member, std::complex<double>>)
      found = nb::cast(member);
    else if constexpr (std::is_same_v<Member, std::optional<double>>)
      found = nb::cast(member.value_or(0.0));
    else if constexpr (std::is_same_v<Member, std::vector<std::vector<JumpTerm>>>)
      found = amplitudes(member);
    else if constexpr (std::is_same_v<Member, std::vector<HoppingTerm>>)
      found = of_terms(member);
  }
  template <class Item, class Variant>
  void choice(const Item& item, const Variant& variant) const {
    with_alternative(item.alternatives, variant.index(), [&](const auto& one) {
      visit_items(one.items, std::get<typename std::decay_t<decltype(one)>::type>(variant), *this, "");
    });
  }
  template <class Object>
  void dataset(const Parameter&, const Object&) const {}

 private:
  static nb::object of_terms(const std::vector<HoppingTerm>& terms) {
    std::vector<std::complex<double>> all;
    for (const HoppingTerm& term : terms) all.push_back(term.amplitude);
    const std::size_t size = all.size();
    return owned(std::move(all), {size});
  }
  static nb::object amplitudes(const std::vector<std::vector<JumpTerm>>& channels) {
    std::vector<std::complex<double>> all;
    for (const auto& channel : channels)
      for (const JumpTerm& term : channel) all.push_back(term.amplitude);
    const std::size_t size = all.size();
    return owned(std::move(all), {size});
  }
};

/// What has a steady state, and the flows that it has.
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

/// Calls use(model, equation, adjoint) without the interpreter's lock, which may be interrupted.
template <class Use>
void with_adjoint(const Solved& solved, const Run& run, const Use& use) {
  const Execution execution = run.execution();
  Watch watch(run.progress);
  const Monitor monitor = watch.monitor();
  const auto solve = [&](const auto& model) {
    const nb::gil_scoped_release released;
    try {
      const Calculation calculation(execution, monitor);
      const RateEquation equation = make_rate_equation(model, execution);
      use(model, SteadyStateAdjoint(model, equation, solved.state, execution));
    } catch (const Interruption&) {
      // rethrow() says why
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

/// A word, or several.
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
  const auto asks = [&](const char* start) {
    return std::any_of(keys.begin(), keys.end(), [&](const std::string& key) { return key.starts_with(start); });
  };
  const GradientScope scope{
      .temperature = asks("bath.inverse_temperature"), .width = asks("bath.spectrum_width"), .bands = asks("model.")};
  nb::dict all;
  with_adjoint(point, {std::move(algorithm), std::move(backend), threads, nb::none()},
               [&](const auto& model, const SteadyStateAdjoint& adjoint) {
                 const auto slope = gradient(model, adjoint, flow, scope);
                 const nb::gil_scoped_acquire acquired;
                 for (const std::string& key : keys) {
                   nb::object value;
                   if (key == "initial.filling") value = nb::cast(slope.filling);
                   visit_fields(slope.model, DerivativeFinder{key, value});
                   if (!value.is_valid())
                     throw ParameterError("with_respect_to",
                                          "\"" + key + "\" has no meaning in this model, or no derivatives");
                   all[key.c_str()] = value;
                 }
               });
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

}  // namespace

void bind_gradient(nb::module_& module) {
  module.def("noise", noise_of, nb::arg("state"), nb::kw_only(), nb::arg("of") = "current",
             nb::arg("algorithm") = "auto", nb::arg("backend") = "auto", nb::arg("threads") = 0,
             nb::sig("def noise(state: SteadyState | LatticeSteadyState, *, of: str | collections.abc.Sequence[str] = "
                     "'current', algorithm: str = 'auto', backend: str = 'auto', threads: int = 0) -> typing.Any"),
             "Zero-frequency noise N S(0) of steady currents, times bath.coupling (physics.md Eq. 18g).\n\n"
             "state  from steady_state(), converged\n"
             "of     as for gradient(): one word gives a number, a list of n words an array of shape (n, n)\n\n"
             "Raises UnsupportedError where the steady state is not a differentiable function of its parameters.");
  module.def(
      "gradient", gradient_by, nb::arg("state"), nb::kw_only(), nb::arg("of") = "current", nb::arg("with_respect_to"),
      nb::arg("algorithm") = "auto", nb::arg("backend") = "auto", nb::arg("threads") = 0,
      nb::sig("def gradient(state: SteadyState | LatticeSteadyState, *, of: str = 'current', with_respect_to: str | "
              "collections.abc.Sequence[str], algorithm: str = 'auto', backend: str = 'auto', threads: int = 0) -> "
              "dict[str, typing.Any]"),
      "Derivatives of a steady current by parameters of its model, all from one linear system with the transposed\n"
      "Jacobian (physics.md Eqs. 18a-18f).\n\n"
      "state            from steady_state(), converged\n"
      "of               \"current\" or \"energy_current\"; on a lattice \"current_1\", \"energy_current_2\", ...\n"
      "with_respect_to  keys: \"bath.nonequilibrium_fraction\", \"jump\" keys as in the input file (\"bath.delta\"),\n"
      "                 \"initial.filling\"; \"bath.jump_operator\", \"model.hopping_terms\": an array over the "
      "amplitudes of all\n"
      "                 terms\n\n"
      "Returns a dict from key to derivative. Complex parameters: the derivative by the real part plus i times that\n"
      "by the imaginary part.\n\n"
      "Raises UnsupportedError where the steady state is not a differentiable function of its parameters.");
}

}  // namespace lindrift::python
