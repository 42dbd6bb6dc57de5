#include "lindrift/description.hpp"

#include <charconv>
#include <cmath>
#include <limits>

#include "check_energy.hpp"
#include "lindrift/error.hpp"

namespace lindrift {

namespace {

std::string number_text(double value) {
  std::array<char, 32> buffer{};
  return {buffer.data(), std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr};
}

std::string bound_text(double bound) {
  const bool whole = std::fabs(bound) < 1e15 && bound == std::floor(bound);
  return whole ? std::to_string(static_cast<std::int64_t>(bound)) : number_text(bound);
}

}  // namespace

bool Range::contains(double value) const {
  const bool above = open_low ? value > low : value >= low;
  const bool below = open_high ? value < high : value <= high;
  return std::isfinite(value) && above && below && !(nonzero && value == 0.0);
}

std::string Range::text() const {
  std::string text;
  if (std::isfinite(low)) text = (open_low ? "> " : ">= ") + bound_text(low);
  if (std::isfinite(high))
    text += (text.empty() ? "" : " and ") + std::string(open_high ? "< " : "<= ") + bound_text(high);
  if (nonzero) text += text.empty() ? "not 0" : " and not 0";
  return text;
}

void check_number(const std::string& path, const Parameter& parameter, double value) {
  if (parameter.range.contains(value)) {
    if (parameter.units == "energy") check_energy(path, value);
    return;
  }
  const std::string range = parameter.range.text();
  throw ParameterError(path,
                       number_text(value) + " is not allowed: must be finite" + (range.empty() ? "" : " and ") + range);
}

void check_list(const std::string& path, const Parameter& parameter, std::span<const double> values) {
  const auto entry = [&](std::size_t i) { return path + "[" + std::to_string(i) + "]"; };
  const double most = parameter.units == "energy" ? energy_limit : std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!(parameter.range.contains(values[i]) && std::fabs(values[i]) <= most))  // names are made only for messages
      check_number(entry(i), parameter, values[i]);
    if (parameter.ascending && i > 0 && !(values[i] > values[i - 1]))
      throw ParameterError(entry(i), number_text(values[i]) + " is not allowed: must be > " +
                                         number_text(values[i - 1]) + ", the entry before it: strictly ascending");
  }
}

void check_finite(const std::string& path, std::complex<double> value) {
  if (!std::isfinite(value.real()) || !std::isfinite(value.imag())) throw ParameterError(path, "must be finite");
}

std::vector<std::int64_t> integers_in(const Value& value) {
  if (const auto* list = std::get_if<std::vector<std::int64_t>>(&value)) return *list;
  std::vector<std::int64_t> all;
  for (const auto& row : std::get<std::vector<std::vector<double>>>(value))
    for (const double one : row) all.push_back(static_cast<std::int64_t>(one));
  return all;
}

bool ParameterCollector::is_empty(const Value& value) {
  return std::visit(
      [](const auto& held) {
        if constexpr (requires { held.begin(); })
          return held.empty();
        else
          return false;
      },
      value);
}

void ParameterCollector::add(Parameter parameter) const {
  parameter.optional = !parameter.default_value && !parameter.derived.empty();
  parameter.when.insert(parameter.when.begin(), when.begin(), when.end());
  parameters.push_back(std::move(parameter));
}

}  // namespace lindrift
