#include "tgge/registry/tgge_gradient.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "engine/threads.hpp"
#include "lindrift/error.hpp"

namespace lindrift {

using config::Point;
using config::read;

namespace {

const std::string prefix = "gradient_", local_bath_key = "bath.thermal_operator";

/// What the tasks say of the steady state itself.
struct FlowResult {
  std::vector<double> value;  ///< (flows,)
  std::vector<double> noise;  ///< (flows, flows); empty for a gradient
  double residual = 0.0;
  bool converged = false;
  std::int64_t steps = 0;
};

}  // namespace

template <>
inline auto description<FlowResult>() {
  return std::tuple(
      observable(&FlowResult::value,
                 {.name = "value", .units = "energy", .long_name = "the currents themselves", .dimensions = {"of"}}),
      observable(&FlowResult::noise, {.name = "noise",
                                      .units = "energy",
                                      .long_name = "zero-frequency noise N S(0) of the currents times bath.coupling",
                                      .dimensions = {"of", "of_2"}}),
      observable(&FlowResult::residual,
                 {.name = "residual", .long_name = "largest relative imbalance of gain and loss", .in_summary = true}),
      observable(&FlowResult::converged, {.name = "converged", .long_name = "1 if the solver converged"}),
      observable(&FlowResult::steps, {.name = "steps", .long_name = "steps of the solver", .in_summary = true}));
}

namespace {

int directions_of(const Point& point) {
  return is_lattice(point) ? static_cast<int>(point.integers("model.cells").size()) : 1;
}

std::vector<std::string> flow_names_of(const Point& point) {
  const auto& asked = point.texts("task.of");
  return asked.empty() ? flow_names(directions_of(point)) : asked;
}

std::vector<Flow> flows_of(const Point& point) {
  std::vector<Flow> flows;
  for (const std::string& name : flow_names_of(point)) flows.push_back(flow_named(name, directions_of(point)));
  return flows;
}

Coordinate words(const char* name, std::vector<std::string> values) {
  const std::size_t size = values.size();
  return {name, "1", "current", size, [values = std::move(values)] { return values; }};
}

/// The derivatives by one parameter.
struct Derivative {
  std::string path;
  std::string units;  ///< of the parameter
  bool is_complex = false;
  std::string dimension{};  ///< of terms, one for each; empty: one in all
  std::vector<std::complex<double>> values{};
};

/// Collects the numbers of a struct as derivatives, those that have a meaning at a point.
struct DerivativeCollector {
  const Point& point;
  std::vector<Derivative>& all;

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
  void field(const std::string&, const Parameter&, const Member&) const {}  // words and integers have none
  template <class Item, class Variant>
  void choice(const Item& item, const Variant& variant) const {
    with_alternative(item.alternatives, variant.index(), [&](const auto& one) {
      using Held = typename std::decay_t<decltype(one)>::type;
      visit_items(one.items, std::get<Held>(variant), *this, "");
    });
  }
  template <class Object>
  void dataset(const Parameter&, const Object&) const {}

 private:
  void add(const Parameter& parameter, Derivative derivative) const {
    if (derivative.path == local_bath_key) return;
    for (const Condition& condition : parameter.when) {
      const auto& values = condition.values;
      if (std::find(values.begin(), values.end(), point.text(condition.path)) == values.end()) return;
    }
    all.push_back(std::move(derivative));
  }
};

const char* const filling_key = "initial.filling";

template <class Model>
std::vector<Derivative> derivatives(const Point& point, const Model& model, double filling) {
  std::vector<Derivative> all;
  visit_fields(model, DerivativeCollector{point, all});
  if (!point.has("initial.lagrange_multiplier")) all.push_back({filling_key, "", false, "", {filling}});
  return all;
}

/// Those that a point asks for, in the order of the description.
std::vector<Derivative> wanted(const Point& point, std::vector<Derivative> all) {
  const auto& asked = point.texts("task.with_respect_to");
  if (!asked.empty())
    std::erase_if(
        all, [&](const Derivative& one) { return std::find(asked.begin(), asked.end(), one.path) == asked.end(); });
  return all;
}

/// The shapes of a point's derivatives.
std::vector<Derivative> shapes(const Point& point) {
  return wanted(point, with_model(point, [&](const auto& model) { return derivatives(point, model, 0.0); }));
}

std::string quotient(const std::vector<Flow>& flows, const std::string& units) {
  const bool energy = std::all_of(flows.begin(), flows.end(), [](const Flow& of) { return of.of_energy; });
  const bool mixed = !energy && std::any_of(flows.begin(), flows.end(), [](const Flow& of) { return of.of_energy; });
  const std::string above = mixed ? "value" : energy ? "energy^2" : "energy";
  if (units.empty()) return above;
  if (units == "1/energy") return mixed ? above + " * energy" : energy ? "energy^3" : "energy^2";
  return mixed || units != "energy" ? above + " / " + units : energy ? "energy" : "1";
}

Coordinate numbered(const std::string& name, const std::string& long_name, std::size_t size) {
  return {name, "1", long_name, size, [size] {
            std::vector<std::int64_t> numbers(size);
            for (std::size_t i = 0; i < size; ++i) numbers[i] = static_cast<std::int64_t>(i);
            return numbers;
          }};
}

/// Coordinates of a point's results.
Coordinates flow_coordinates(const Point& point, const std::vector<Derivative>& derivatives, bool noise) {
  Coordinates all = {words("of", flow_names_of(point))};
  if (noise) all.push_back(words("of_2", flow_names_of(point)));
  for (const Derivative& one : derivatives)
    if (!one.dimension.empty())
      all.push_back(numbered(
          one.dimension,
          one.dimension == "term" ? "term of the jump operators, channel after channel" : "term of the Hamiltonian",
          one.values.size()));
  return all;
}

/// One derivative of every flow as a dataset.
io::Field field_of(const std::vector<Flow>& flows, const Derivative& one, io::Data data) {
  io::Field field{prefix + one.path,
                  {"of"},
                  {flows.size()},
                  std::move(data),
                  quotient(flows, one.units),
                  "derivative of the currents by " + one.path};
  if (!one.dimension.empty()) {
    field.dimensions.push_back(one.dimension);
    field.shape.push_back(one.values.size());
  }
  return field;
}

io::Data missing(const Derivative& one, std::size_t flows) {
  const std::size_t count = flows * one.values.size();
  if (one.is_complex) return missing_values(std::complex<double>(), count);
  return missing_values(0.0, count);
}

void keep(const Point& point, io::Result& result, io::Field field) {
  if (is_wanted(point.texts("output.fields"), field.name)) result.fields.push_back(std::move(field));
}

io::Result with_shapes(const Point& point, io::Result result, const std::vector<Derivative>& all) {
  const std::vector<Flow> flows = flows_of(point);
  for (const Derivative& one : all) keep(point, result, field_of(flows, one, missing(one, flows.size())));
  return result;
}

/// Whether a parameter has derivatives. Local thermal baths have none yet: their steady states are refused.
bool has_derivatives(const config::Key& key) {
  if (key.path == local_bath_key) return false;
  return key.type == Type::real || key.type == Type::complex || key.type == Type::operator_channels ||
         key.type == Type::terms;
}

std::vector<std::string> differentiable(const std::vector<config::Key>& model_keys) {
  std::vector<std::string> paths;
  for (const config::Key& key : model_keys)
    if (has_derivatives(key)) paths.push_back(key.path);
  return paths;
}

}  // namespace

std::vector<config::Key> noise_keys(int dimensions) {
  auto keys = config::keys_of<FlowOptions, SteadyStateOptions>();
  keys.front().choices = flow_names(dimensions);
  for (const char* name : {"current", "energy_current"})  // in one dimension
    keys.front().choices.emplace_back(name);
  keys.front().default_value = std::vector<std::string>{};
  return keys;
}

std::vector<config::Key> gradient_keys(const std::vector<config::Key>& model_keys, int dimensions) {
  auto keys = noise_keys(dimensions);
  auto by = config::keys_of<GradientOptions>();
  by.front().choices = differentiable(model_keys);
  by.front().default_value = std::vector<std::string>{};
  keys.insert(keys.begin() + 1, by.begin(), by.end());
  return keys;
}

std::vector<std::string> gradient_fields(const std::vector<config::Key>& model_keys) {
  std::vector<std::string> names = {"value", "residual", "converged", "steps"};
  for (const std::string& path : differentiable(model_keys)) names.push_back(prefix + path);
  return names;
}

std::vector<std::string> noise_fields() { return {"value", "noise", "residual", "converged", "steps"}; }

void check_gradient(const Point& point) {
  if (point.has("output.operators"))
    throw ParameterError("output.operators", "has no meaning for task.kind = \"" + point.text("task.kind") + "\"");
  std::set<std::pair<bool, int>> seen;
  for (const std::string& name : point.texts("task.of")) {
    const Flow of = flow_named(name, directions_of(point));
    if (!seen.insert({of.of_energy, of.direction}).second)
      throw ParameterError("task.of", "\"" + name + "\" is there twice, under two names");
  }
  if (!point.has("task.with_respect_to")) return;
  const auto possible = shapes(point);
  for (const std::string& path : point.texts("task.with_respect_to"))
    if (std::none_of(possible.begin(), possible.end(), [&](const Derivative& one) { return one.path == path; }))
      throw ParameterError("task.with_respect_to", "\"" + path + "\" has no meaning in this model, or no derivatives");
}

io::Result outline_gradient(const Point& point) {
  const std::vector<Derivative> all = shapes(point);
  return with_shapes(point, outline_of<FlowResult>(flow_coordinates(point, all, false), point.texts("output.fields")),
                     all);
}

io::Result outline_noise(const Point& point) {
  return outline_of<FlowResult>(flow_coordinates(point, {}, true), point.texts("output.fields"));
}

namespace {

io::Result describe(const Point& point, const RateEquation& equation, const SteadyState& state, FlowResult& found,
                    const Coordinates& coordinates) {
  found.residual = state.residual;
  found.converged = state.converged;
  found.steps = state.steps;
  const std::vector<std::string> names = flow_names_of(point);
  for (const Flow& of : flows_of(point)) found.value.push_back(flow(equation, of, state.occupation));
  const std::vector<double> values = found.value;
  io::Result result = collect(coordinates, point.texts("output.fields"), found);
  for (std::size_t i = 0; i < names.size(); ++i)
    result.summary.insert(result.summary.begin() + static_cast<std::ptrdiff_t>(i), {names[i], values[i]});
  add_outcome(result, state, equation);
  return result;
}

/// Temperature, width and bands are left out where nothing asks for them.
GradientScope scope_of(const Point& point) {
  const auto& asked = point.texts("task.with_respect_to");
  if (asked.empty()) return {};
  const auto asks = [&](const char* start) {
    return std::any_of(asked.begin(), asked.end(), [&](const std::string& path) { return path.starts_with(start); });
  };
  return {
      .temperature = asks("bath.inverse_temperature"), .width = asks("bath.spectrum_width"), .bands = asks("model.")};
}

template <class Model>
io::Result gradient_of(const Point& point, const Model& model, const Execution& execution) {
  TggeModel modes = model;
  const RateEquation equation = make_rate_equation(modes, execution);
  const SteadyState state = steady_state_of(point, equation, {}, {});
  const std::vector<Derivative> expected = shapes(point);
  FlowResult found;
  io::Result result = describe(point, equation, state, found, flow_coordinates(point, expected, false));
  if (!state.converged) return with_shapes(point, std::move(result), expected);
  const SteadyStateAdjoint adjoint(std::move(modes), equation, state, execution);
  const std::vector<Flow> flows = flows_of(point);
  std::vector<std::vector<Derivative>> of_flows;
  for (const Flow& of : flows) {
    const Gradient<Model> slope = gradient(model, adjoint, of, scope_of(point));
    of_flows.push_back(wanted(point, derivatives(point, slope.model, slope.filling)));
  }
  for (std::size_t i = 0; i < expected.size(); ++i) {
    std::vector<std::complex<double>> values;
    for (const auto& all : of_flows) values.insert(values.end(), all[i].values.begin(), all[i].values.end());
    io::Data data = values;
    if (!expected[i].is_complex) {
      std::vector<double> reals;
      for (const auto& value : values) reals.push_back(value.real());
      if (flows.size() == 1) result.summary.emplace_back(prefix + expected[i].path, reals.front());
      data = std::move(reals);
    }
    keep(point, result, field_of(flows, expected[i], std::move(data)));
  }
  return result;
}

}  // namespace

io::Result find_gradient(const Point& point, const Execution& requested, const Monitor& monitor) {
  const Calculation calculation(requested, monitor);
  return with_model(point,
                    [&](const auto& model) { return gradient_of(point, model, with_algorithm(point, requested)); });
}

io::Result find_noise(const Point& point, const Execution& requested, const Monitor& monitor) {
  const Calculation calculation(requested, monitor);
  const Execution execution = with_algorithm(point, requested);
  return with_model(point, [&](const auto& model) {
    TggeModel modes = model;
    const RateEquation equation = make_rate_equation(modes, execution);
    const SteadyState state = steady_state_of(point, equation, {}, {});
    const std::vector<Flow> flows = flows_of(point);
    FlowResult found;
    if (state.converged)
      found.noise = SteadyStateAdjoint(std::move(modes), equation, state, execution).noise(flows);
    else
      found.noise = missing_values(0.0, flows.size() * flows.size());
    return describe(point, equation, state, found, flow_coordinates(point, {}, true));
  });
}

}  // namespace lindrift
