#include "tgge/registry/flow_results.hpp"

#include <set>

#include "lindrift/error.hpp"

namespace lindrift {

std::vector<Flow> flows_named(const std::vector<std::string>& names, int directions) {
  std::vector<Flow> flows;
  std::set<std::pair<bool, int>> seen;
  for (const std::string& name : names) {
    const Flow of = flow_named(name, directions);
    if (!seen.insert({of.of_energy, of.direction}).second)
      throw ParameterError("task.of", "\"" + name + "\" is there twice, under two names");
    flows.push_back(of);
  }
  return flows;
}

FlowResult flow_result(const RateEquation& equation, const SteadyState& state, std::span<const Flow> flows) {
  FlowResult found{.value = {},
                   .noise = {},
                   .residual = state.residual,
                   .converged = state.converged,
                   .steps = state.steps,
                   .message = state.message};
  for (const Flow& of : flows) found.value.push_back(flow(equation, of, state.occupation));
  return found;
}

void DerivativeCollector::add(const Parameter& parameter, Derivative derivative) const {
  if (!parameter.differentiable) return;
  for (const Condition& condition : parameter.when)
    for (const auto& [key, word] : words)
      if (key == condition.path &&
          std::find(condition.values.begin(), condition.values.end(), word) == condition.values.end())
        return;
  all.push_back(std::move(derivative));
}

std::vector<Derivative> wanted(std::vector<Derivative> all, const std::vector<std::string>& asked) {
  if (asked.empty()) return all;
  for (const std::string& path : asked)
    if (std::none_of(all.begin(), all.end(), [&](const Derivative& one) { return one.path == path; }))
      throw ParameterError("task.with_respect_to", "\"" + path + "\" has no meaning in this model, or no derivatives");
  std::erase_if(all,
                [&](const Derivative& one) { return std::find(asked.begin(), asked.end(), one.path) == asked.end(); });
  return all;
}

GradientScope scope_of(const std::vector<std::string>& asked) {
  if (asked.empty()) return {};
  const auto asks = [&](const char* start) {
    return std::any_of(asked.begin(), asked.end(), [&](const std::string& path) { return path.starts_with(start); });
  };
  return {
      .temperature = asks("bath.inverse_temperature"), .width = asks("bath.spectrum_width"), .bands = asks("model.")};
}

namespace {

Coordinate words(const char* name, std::vector<std::string> values) {
  const std::size_t size = values.size();
  return {name, "1", "current", size, [values = std::move(values)] { return values; }};
}

/// Units of the flows: "value" where particles and energy flow, so that each has its own.
std::string units_of(const std::vector<Flow>& flows) {
  const auto of_energy = [](const Flow& of) { return of.of_energy; };
  if (std::all_of(flows.begin(), flows.end(), of_energy)) return "energy^2";
  return std::any_of(flows.begin(), flows.end(), of_energy) ? "value" : "energy";
}

/// Units of a derivative of the flows by a parameter.
std::string quotient(const std::vector<Flow>& flows, const std::string& units) {
  const std::string above = units_of(flows);
  if (units.empty()) return above;
  const bool mixed = above == "value", energy = above == "energy^2";
  if (units == "1/energy") return mixed ? above + " * energy" : energy ? "energy^3" : "energy^2";
  return mixed || units != "energy" ? above + " / " + units : energy ? "energy" : "1";
}

io::Data data_of(const std::vector<std::complex<double>>& values, bool is_complex) {
  if (is_complex) return values;
  std::vector<double> reals;
  for (const auto& value : values) reals.push_back(value.real());
  return reals;
}

}  // namespace

void set_units(const std::vector<Flow>& flows, io::Result& result) {
  const std::string value = units_of(flows);
  for (io::Field& field : result.fields) {
    if (field.name == "value") field.units = value;
    if (field.name == "noise")  // value^2 times a time
      field.units = value == "energy" ? "energy" : value == "energy^2" ? "energy^3" : "value * value / energy";
  }
}

Coordinates flow_coordinates(const std::vector<std::string>& names, const std::vector<Derivative>& derivatives,
                             bool noise) {
  Coordinates all = {words("of", names)};
  if (noise) all.push_back(words("of_2", names));
  for (const Derivative& one : derivatives)
    if (!one.dimension.empty())
      all.push_back(integer_coordinate(
          one.dimension,
          one.dimension == "term" ? "term of the jump operators, channel after channel" : "term of the Hamiltonian",
          one.values.size()));
  return all;
}

std::vector<io::Field> derivative_fields(const std::vector<Flow>& flows, const std::vector<Derivative>& expected,
                                         const std::vector<std::vector<Derivative>>& of_flows) {
  std::vector<io::Field> fields;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const Derivative& one = expected[i];
    std::vector<std::complex<double>> values;
    if (of_flows.empty()) values = missing_values(std::complex<double>(), flows.size() * one.values.size());
    for (const auto& all : of_flows) values.insert(values.end(), all[i].values.begin(), all[i].values.end());
    io::Field field{"gradient_" + one.path,
                    {"of"},
                    {flows.size()},
                    data_of(values, one.is_complex),
                    quotient(flows, one.units),
                    "derivative of the currents by " + one.path};
    if (!one.dimension.empty()) {
      field.dimensions.push_back(one.dimension);
      field.shape.push_back(one.values.size());
    }
    fields.push_back(std::move(field));
  }
  return fields;
}

}  // namespace lindrift
