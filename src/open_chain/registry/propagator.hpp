#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "config/config.hpp"
#include "lindrift/lindrift.hpp"
#include "registry/results.hpp"

/// Common parts of the tasks of both open models.

namespace lindrift {

/// Where the task `exact` of `hubbard` is given a smaller ring, that ring.
OpenLattice lattice_of(const config::Point& point);
/// Total number of cells.
std::size_t sites_of(const config::Point& point);
/// The same, however many they are.
double size_of(const config::Point& point);
/// "128 sites" or "64 x 64 cells", for messages, and the corresponding key.
std::string size_text(const config::Point& point);
std::string size_key(const config::Point& point);

/// The integers of a list, or of its rows.
std::vector<std::int64_t> integers_of(const config::Point& point, const std::string& key);

/// Whether output.fields keeps a dataset.
bool wanted(const config::Point& point, const std::string& field);

/// Number of momenta in task.momenta.
std::size_t momenta_of(const config::Point& point);
double momenta_count(const config::Point& point);  ///< however many they are

/// Dimensions of a point's results.
Coordinates open_chain_coordinates(const config::Point& point);

template <class Result>
io::Result empty_open_chain_result(const config::Point& point) {
  return empty_result_of<Result>(open_chain_coordinates(point), point.texts("output.fields"));
}

/// A footprint that has the key and the text of the size only.
Footprint open_chain_footprint(const config::Point& point);

/// The same with the results of a task.
template <class Result>
Footprint open_chain_footprint(const config::Point& point, const Coordinates& coordinates) {
  Footprint needed = open_chain_footprint(point);
  add_result<Result>(needed, coordinates, point.texts("output.fields"));
  return needed;
}

template <class Result>
io::Result open_chain_result(const config::Point& point, Result& result) {
  return collect(open_chain_coordinates(point), point.texts("output.fields"), result);
}

/// Whether one of the operators of a bath is a gain.
bool has_gain_operator(const config::Point& point, const std::string& bath);

/// When the fastest particles meet after going around the lattice, if that happens before the last time.
std::vector<std::string> wrapping_notes(const OpenLattice& lattice, double last);

/// Names of the datasets of a result.
template <class Result>
std::vector<std::string> open_chain_fields() {
  return observable_names<Result>(
      {time_coordinate({}), site_coordinate(1), momentum_coordinate(1), frequency_coordinate({})});
}

/// Names of the datasets without a dimension over sites or momenta.
template <class Result>
std::vector<std::string> open_chain_sizeless_fields() {
  return sizeless_names<Result>(
      {time_coordinate({}), site_coordinate(1), momentum_coordinate(1), frequency_coordinate({})});
}

/// Says that the spins do not interact, or interact only with something that does not change.
std::vector<std::string> open_chain_remarks(const config::Document& document);

/// The largest value of a spectral function and its position, for the summary.
template <class Spectrum>
std::vector<std::pair<std::string, double>> spectral_peak(const Spectrum& spectrum) {
  const auto& values = spectrum.spectral_function;
  const auto largest = std::max_element(values.begin(), values.end());
  const auto place = static_cast<std::size_t>(largest - values.begin());
  const std::size_t columns = spectrum.frequencies.size(),
                    directions = spectrum.momenta.size() * columns / values.size();
  std::vector<std::pair<std::string, double>> peak = {{"largest_spectral_function", *largest}};
  for (std::size_t i = 0; i < directions; ++i)
    peak.emplace_back(directions == 1 ? "at_momentum" : "at_momentum_" + std::to_string(i + 1),
                      spectrum.momenta[place / columns * directions + i]);
  peak.emplace_back("at_frequency", spectrum.frequencies[place % columns]);
  return peak;
}

}  // namespace lindrift
