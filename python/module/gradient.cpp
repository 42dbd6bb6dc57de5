#include <nanobind/stl/complex.h>
#include <nanobind/stl/string.h>

#include "bind.hpp"
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
  static nb::object amplitudes(const std::vector<std::vector<JumpTerm>>& channels) {
    std::vector<std::complex<double>> all;
    for (const auto& channel : channels)
      for (const JumpTerm& term : channel) all.push_back(term.amplitude);
    const std::size_t size = all.size();
    return owned(std::move(all), {size});
  }
};

template <class Chain>
nb::dict gradient_of(nb::handle state, const std::string& of, const nb::list& with_respect_to, const Run& run) {
  const auto& found = nb::cast<const Found<SteadyState>&>(state);
  const auto& chain = nb::cast<const Chain&>(found.model);
  const Execution execution = run.execution();
  const Flow flow = flow_named(of, 1);
  const auto asks = [&](const char* start) {
    for (const nb::handle key : with_respect_to)
      if (nb::cast<std::string>(key).starts_with(start)) return true;
    return false;
  };
  const GradientScope scope{
      .temperature = asks("bath.inverse_temperature"), .width = asks("bath.spectrum_width"), .bands = asks("model.")};
  Gradient<Chain> slope;
  {
    const nb::gil_scoped_release released;
    const RateEquation equation = make_rate_equation(chain, execution);
    const SteadyStateAdjoint adjoint(chain, equation, found.result, execution);
    slope = gradient(chain, adjoint, flow, scope);
  }
  nb::dict all;
  for (const nb::handle one : with_respect_to) {
    const auto key = nb::cast<std::string>(one);
    nb::object value;
    if (key == "initial.filling") value = nb::cast(slope.filling);
    visit_fields(std::as_const(slope.model), DerivativeFinder{key, value});
    if (!value.is_valid())
      throw ParameterError("with_respect_to", "\"" + key + "\" has no meaning in this model, or no derivatives");
    all[one] = value;
  }
  return all;
}

nb::dict gradient_by(nb::typed<nb::object, Found<SteadyState>> state, std::string of,
                     nb::typed<nb::object, nb::iterable> with_respect_to, std::string algorithm, std::string backend,
                     int threads) {
  if (!nb::isinstance<Found<SteadyState>>(state)) throw nb::type_error("state must be a SteadyState");
  nb::list keys;
  if (nb::isinstance<nb::str>(with_respect_to))
    keys.append(with_respect_to);
  else
    for (const nb::handle one : nb::iter(with_respect_to)) {
      if (!nb::isinstance<nb::str>(one)) throw nb::type_error("with_respect_to must be a list of keys");
      keys.append(one);
    }
  const Run run{std::move(algorithm), std::move(backend), threads, nb::none()};
  const nb::object& model = nb::cast<const Found<SteadyState>&>(state).model;
  return nb::isinstance<TggeChain>(model) ? gradient_of<TggeChain>(state, of, keys, run)
                                          : gradient_of<TggeRashba>(state, of, keys, run);
}

}  // namespace

void bind_gradient(nb::module_& module) {
  module.def(
      "gradient", gradient_by, nb::arg("state"), nb::kw_only(), nb::arg("of") = "current", nb::arg("with_respect_to"),
      nb::arg("algorithm") = "auto", nb::arg("backend") = "auto", nb::arg("threads") = 0,
      "Derivatives of a steady current by parameters of its model, all from one linear system with the transposed\n"
      "Jacobian (physics.md Eqs. 18a-18f).\n\n"
      "state            from steady_state(), converged\n"
      "of               \"current\" or \"energy_current\"\n"
      "with_respect_to  keys: \"bath.nonequilibrium_fraction\", \"jump\" keys as in the input file (\"bath.delta\"),\n"
      "                 \"initial.filling\"; \"bath.jump_operator\": an array over the amplitudes of all terms\n\n"
      "Returns a dict from key to derivative. Complex parameters: the derivative by the real part plus i times that\n"
      "by the imaginary part.\n\n"
      "Raises UnsupportedError where the steady state is not a differentiable function of its parameters.");
}

}  // namespace lindrift::python
