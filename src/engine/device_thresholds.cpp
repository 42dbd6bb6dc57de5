#include "engine/device_thresholds.hpp"

#include <charconv>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>
#include <vector>

#include "lindrift/error.hpp"

namespace lindrift {

namespace {

constexpr const char* variable = "LINDRIFT_DEVICE_THRESHOLDS";

std::string_view trimmed(std::string_view text) {
  constexpr const char* blank = " \t\r";
  const std::size_t first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

/// @throws ParameterError
double number_of(std::string_view text, const std::string& where) {
  double value = 0.0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size() || !(value >= 0.0))
    throw ParameterError(variable, where + " = " + std::string(text) +
                                       " is not allowed: must be a number, zero or more; inf: a device never gains");
  return value;
}

/// @throws ParameterError
const DeviceThreshold& threshold_called(std::string_view name, const std::string& where) {
  std::string names;
  for (const DeviceThreshold& each : all_device_thresholds()) {
    if (each.name == name) return each;
    names += (names.empty() ? "" : ", ") + std::string(each.name);
  }
  throw ParameterError(variable, where + "there is no threshold " + std::string(name) + "; it is one of " + names);
}

/// In place of those of the file.
std::optional<DeviceThresholds>& replaced() {
  static std::optional<DeviceThresholds> thresholds;
  return thresholds;
}

}  // namespace

std::span<const DeviceThreshold> all_device_thresholds() {
  using T = DeviceThresholds;
  static constexpr DeviceThreshold all[] = {
      {"pair_modes", &T::pair_modes, "modes of a rate equation with sums over pairs"},
      {"batch_modes", &T::batch_modes, "modes of all points of a batch that thread blocks solve"},
      {"newton_modes", &T::newton_modes, "modes of a steady state by Newton's method in the memory of a device"},
      {"band_modes", &T::band_modes, "modes of bands"},
      {"green_elements", &T::green_elements, "sites or momenta times times or frequencies, hatsugai_kohmoto"},
      {"cluster_operations", &T::cluster_operations, "operations on clusters"},
      {"cluster_equations", &T::cluster_equations, "clusters"},
      {"self_energy_terms", &T::self_energy_terms, "terms of the self-energy by the double sum, hubbard"},
      {"self_energy_seconds", &T::self_energy_seconds, "seconds of the self-energy by time on the CPU, hubbard"},
      {"propagator_momenta", &T::propagator_momenta, "momenta of the propagator, hubbard"},
      {"propagator_steps", &T::propagator_steps, "steps of the propagator at most, hubbard"}};
  return all;
}

const DeviceThresholds& device_thresholds() {
  if (replaced()) return *replaced();
  static const DeviceThresholds from_file = [] {
    const char* file = std::getenv(variable);
    return file != nullptr && *file != '\0' ? read_device_thresholds(file) : DeviceThresholds{};
  }();
  return from_file;
}

void use_device_thresholds(const DeviceThresholds& thresholds) { replaced() = thresholds; }

std::string text_of(const DeviceThresholds& thresholds) {
  std::ostringstream text;
  text.precision(17);
  for (const DeviceThreshold& each : all_device_thresholds())
    if (const double value = thresholds.*each.value; value != DeviceThresholds{}.*each.value)
      text << (text.tellp() > 0 ? ", " : "") << each.name << " = " << value;
  return text.tellp() > 0 ? text.str() : "estimates";
}

DeviceThresholds read_device_thresholds(const std::filesystem::path& file) {
  std::ifstream stream(file);
  if (!stream) throw ParameterError(variable, "cannot read the file " + file.string());
  DeviceThresholds thresholds;
  std::vector<const DeviceThreshold*> found;
  std::string line;
  for (int number = 1; std::getline(stream, line); ++number) {
    const std::string_view text = trimmed(std::string_view(line).substr(0, line.find('#')));
    if (text.empty()) continue;
    const std::string where = file.string() + ", line " + std::to_string(number) + ": ";
    const std::size_t sign = text.find('=');
    if (sign == std::string_view::npos)
      throw ParameterError(variable, where + std::string(text) + " must be NAME = NUMBER");
    const std::string_view name = trimmed(text.substr(0, sign));
    const DeviceThreshold& threshold = threshold_called(name, where);
    for (const DeviceThreshold* before : found)
      if (before == &threshold) throw ParameterError(variable, where + std::string(name) + " is there twice");
    found.push_back(&threshold);
    thresholds.*threshold.value = number_of(trimmed(text.substr(sign + 1)), where + std::string(name));
  }
  if (stream.bad()) throw ParameterError(variable, "cannot read the file " + file.string());
  return thresholds;
}

}  // namespace lindrift
