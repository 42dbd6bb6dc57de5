#include "tgge/registry/tgge_gradient.hpp"

#include "engine/threads.hpp"
#include "tgge/registry/flow_results.hpp"

namespace lindrift {

using config::Point;
using config::read;

namespace {

int directions_of(const Point& point) {
  return is_lattice(point) ? static_cast<int>(point.integers("model.cells").size()) : 1;
}

std::vector<std::string> flow_names_of(const Point& point) {
  const auto& asked = point.texts("task.of");
  return asked.empty() ? flow_names(directions_of(point)) : asked;
}

std::vector<Flow> flows_of(const Point& point) { return flows_named(flow_names_of(point), directions_of(point)); }

bool has_filling(const Point& point) { return !point.has("initial.lagrange_multiplier"); }

/// The derivatives of a point, without their values.
std::vector<Derivative> expected_at(const Point& point) {
  return with_model(point, [&](const auto& model) {
    return derivatives_of(model, point.texts("task.with_respect_to"), has_filling(point));
  });
}

void keep(const Point& point, io::Result& result, std::vector<io::Field> fields) {
  for (io::Field& field : fields)
    if (is_wanted(point.texts("output.fields"), field.name)) result.fields.push_back(std::move(field));
}

/// Whether a parameter has derivatives.
bool has_derivatives(const config::Key& key) {
  if (!key.differentiable) return false;
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
  for (const char* name : {"current", "energy_current"})  // short names for one dimension
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
  for (const std::string& path : differentiable(model_keys)) names.push_back("gradient_" + path);
  return names;
}

std::vector<std::string> noise_fields() { return {"value", "noise", "residual", "converged", "steps"}; }

void check_gradient(const Point& point) {
  if (point.has("output.operators"))
    throw ParameterError("output.operators", "has no meaning for task.kind = \"" + point.text("task.kind") + "\"");
  flows_of(point);
  if (point.has("task.with_respect_to")) expected_at(point);
}

io::Result empty_gradient_result(const Point& point) {
  const std::vector<Derivative> expected = expected_at(point);
  io::Result empty_result = empty_result_of<FlowResult>(flow_coordinates(flow_names_of(point), expected, false),
                                                        point.texts("output.fields"));
  set_units(flows_of(point), empty_result);
  keep(point, empty_result, derivative_fields(flows_of(point), expected, {}));
  return empty_result;
}

io::Result empty_noise_result(const Point& point) {
  io::Result empty_result =
      empty_result_of<FlowResult>(flow_coordinates(flow_names_of(point), {}, true), point.texts("output.fields"));
  set_units(flows_of(point), empty_result);
  return empty_result;
}

namespace {

io::Result describe(const Point& point, const RateEquation& equation, FlowResult& found,
                    const Coordinates& coordinates) {
  const std::vector<std::string> names = flow_names_of(point);
  const std::vector<double> values = found.value;
  io::Result result = collect(coordinates, point.texts("output.fields"), found);
  set_units(flows_of(point), result);
  for (std::size_t i = 0; i < names.size(); ++i)
    result.summary.insert(result.summary.begin() + static_cast<std::ptrdiff_t>(i), {names[i], values[i]});
  add_outcome(result, found, equation);
  return result;
}

template <class Model>
io::Result gradient_of(const Point& point, const Model& model, const Execution& execution) {
  TggeModel modes = make_model(model, execution);
  const RateEquation equation = make_rate_equation(modes, execution);
  const SteadyState state = steady_state_of(point, equation, {}, {});
  const std::vector<Flow> flows = flows_of(point);
  const std::vector<Derivative> expected = expected_at(point);
  FlowResult found = flow_result(equation, state, flows);
  io::Result result = describe(point, equation, found, flow_coordinates(flow_names_of(point), expected, false));
  std::vector<std::vector<Derivative>> of_flows;
  if (state.converged) {
    const SteadyStateAdjoint adjoint(std::move(modes), equation, state, execution);
    for (const Flow& of : flows)
      of_flows.push_back(slopes_of(model, adjoint, of, point.texts("task.with_respect_to"), has_filling(point)));
  }
  std::vector<io::Field> fields = derivative_fields(flows, expected, of_flows);
  if (of_flows.size() == 1)
    for (const io::Field& field : fields)
      if (const auto* reals = std::get_if<std::vector<double>>(&field.data))
        result.summary.emplace_back(field.name, reals->front());
  keep(point, result, std::move(fields));
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
    TggeModel modes = make_model(model, execution);
    const RateEquation equation = make_rate_equation(modes, execution);
    const SteadyState state = steady_state_of(point, equation, {}, {});
    const std::vector<Flow> flows = flows_of(point);
    FlowResult found = flow_result(equation, state, flows);
    found.noise = state.converged ? SteadyStateAdjoint(std::move(modes), equation, state, execution).noise(flows)
                                  : missing_values(0.0, flows.size() * flows.size());
    return describe(point, equation, found, flow_coordinates(flow_names_of(point), {}, true));
  });
}

}  // namespace lindrift
