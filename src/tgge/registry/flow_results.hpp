#pragma once

#include <algorithm>
#include <complex>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "io/field.hpp"
#include "lindrift/observable.hpp"
#include "lindrift/tgge/gradient.hpp"
#include "registry/results.hpp"

/// What the tasks gradient and noise report: currents of a steady state, their derivatives and their noise.

namespace lindrift {

/// The units of `value` and `noise` depend on the flows: see set_units().
struct FlowResult {
  std::vector<double> value;  ///< (flows,)
  std::vector<double> noise;  ///< (flows, flows); empty for a gradient
  double residual = 0.0;
  bool converged = false;
  std::int64_t steps = 0;
  std::string message{};  ///< why it did not converge
};

template <>
inline auto description<FlowResult>() {
  return std::tuple(
      observable(&FlowResult::value, {.name = "value", .long_name = "the currents themselves", .dimensions = {"of"}}),
      observable(&FlowResult::noise, {.name = "noise",
                                      .long_name = "zero-frequency noise N S(0) of the currents times bath.coupling",
                                      .dimensions = {"of", "of_2"}}),
      observable(&FlowResult::residual,
                 {.name = "residual", .long_name = "largest relative imbalance of gain and loss", .in_summary = true}),
      observable(&FlowResult::converged, {.name = "converged", .long_name = "1 if the solver converged"}),
      observable(&FlowResult::steps, {.name = "steps", .long_name = "steps of the solver", .in_summary = true}));
}

/// The flows of these names.
/// @throws ParameterError naming task.of for one that does not exist, or is there twice
std::vector<Flow> flows_named(const std::vector<std::string>& names, int directions);

/// What a steady state says of its flows; no noise yet.
FlowResult flow_result(const RateEquation& equation, const SteadyState& state, std::span<const Flow> flows);

/// The derivatives with respect to one parameter.
struct Derivative {
  std::string path;
  std::string units;  ///< of the parameter
  bool is_complex = false;
  std::string dimension{};  ///< name of the dimension of terms, one derivative each; empty for a single derivative
  std::vector<std::complex<double>> values{};
};

inline const std::string filling_key = "initial.filling";

/// Collects the numbers of a struct as derivatives, those that have a meaning with the words that stand before them.
struct DerivativeCollector {
  std::vector<Derivative>& all;
  std::vector<std::pair<std::string, std::string>>& words;  ///< keys and the words that they hold, so far

  void field(const std::string& path, const Parameter& parameter, double member) const {
    add(parameter, {path, parameter.units, false, "", {member}});
  }
  void field(const std::string& path, const Parameter& parameter, std::complex<double> member) const {
    add(parameter, {path, parameter.units, true, "", {member}});
  }
  void field(const std::string& path, const Parameter& parameter, const std::optional<double>& member) const {
    field(path, parameter, member.value_or(0.0));
  }
  void field(const std::string& path, const Parameter& parameter,
             const std::vector<std::vector<JumpTerm>>& channels) const {
    Derivative by{path, parameter.units, true, "term", {}};
    for (const auto& channel : channels)
      for (const JumpTerm& term : channel) by.values.push_back(term.amplitude);
    add(parameter, std::move(by));
  }
  void field(const std::string& path, const Parameter& parameter, const std::vector<HoppingTerm>& terms) const {
    Derivative by{path, "energy", true, "hopping_term", {}};
    for (const HoppingTerm& term : terms) by.values.push_back(term.amplitude);
    if (!by.values.empty()) add(parameter, std::move(by));
  }
  template <class Member>
  void field(const std::string& path, const Parameter&, const Member& member) const {
    if constexpr (NamedEnum<Member>) words.emplace_back(path, name(member));  // words and integers have no derivatives
  }
  template <class Item, class Variant>
  void choice(const Item& item, const Variant& variant) const {
    with_alternative(item.alternatives, variant.index(), [&](const auto& one) {
      words.emplace_back(item.parameter.path, one.name);
      visit_items(one.items, std::get<typename std::decay_t<decltype(one)>::type>(variant), *this, "");
    });
  }
  template <class Object>
  void dataset(const Parameter&, const Object&) const {}

 private:
  void add(const Parameter& parameter, Derivative derivative) const;
};

/// Derivatives by the parameters of a model that have a meaning, in the order of its description.
/// @param slopes  with derivatives in the places of the parameters, as in Gradient
template <class Model>
std::vector<Derivative> derivatives_in(const Model& slopes) {
  std::vector<Derivative> all;
  std::vector<std::pair<std::string, std::string>> words;
  visit_fields(slopes, DerivativeCollector{all, words});
  return all;
}

/// Those that are asked for, in their order here.
/// @param asked  keys; empty: all
/// @throws ParameterError naming task.with_respect_to for one that is not there
std::vector<Derivative> wanted(std::vector<Derivative> all, const std::vector<std::string>& asked);

/// The derivatives that a task will find, without their values.
/// @param by_filling  whether one can be by the filling
template <class Model>
std::vector<Derivative> derivatives_of(const Model& model, const std::vector<std::string>& asked, bool by_filling) {
  std::vector<Derivative> all = derivatives_in(model);
  if (by_filling) all.push_back({filling_key, "", false, "", {0.0}});
  return wanted(std::move(all), asked);
}

/// Leaves out temperature, width and bands unless they are asked for.
GradientScope scope_of(const std::vector<std::string>& asked);

/// Derivatives of a flow by the parameters of a model.
/// @param asked, by_filling  as above
template <class Model>
std::vector<Derivative> slopes_of(const Model& model, const SteadyStateAdjoint& adjoint, const Flow& of,
                                  const std::vector<std::string>& asked, bool by_filling) {
  const Gradient<Model> slope = gradient(model, adjoint, of, scope_of(asked));
  std::vector<Derivative> all = derivatives_in(slope.model);
  if (by_filling) all.push_back({filling_key, "", false, "", {slope.filling}});
  return wanted(std::move(all), asked);
}

/// Writes the units of `value` and `noise` into a result.
void set_units(const std::vector<Flow>& flows, io::Result& result);

/// Coordinates of the results.
/// @param names  of the flows
Coordinates flow_coordinates(const std::vector<std::string>& names, const std::vector<Derivative>& derivatives,
                             bool noise);

/// Derivatives as datasets, one for each parameter.
/// @param expected  the parameters
/// @param of_flows  for each flow its derivatives by them; empty: every value is missing
std::vector<io::Field> derivative_fields(const std::vector<Flow>& flows, const std::vector<Derivative>& expected,
                                         const std::vector<std::vector<Derivative>>& of_flows);

}  // namespace lindrift
