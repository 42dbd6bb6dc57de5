#include "registry/results.hpp"

#include <algorithm>
#include <limits>

#include "lindrift/error.hpp"

namespace lindrift {

namespace {

constexpr double missing = std::numeric_limits<double>::quiet_NaN();

const Coordinate* find(const Coordinates& coordinates, const std::string& name) {
  const auto found =
      std::find_if(coordinates.begin(), coordinates.end(), [&](const Coordinate& one) { return one.name == name; });
  return found != coordinates.end() ? &*found : nullptr;
}

std::size_t size_of(const io::Data& data) {
  return std::visit([](const auto& values) { return values.size(); }, data);
}

double number_at(const io::Data& data, std::size_t place) {
  return std::visit(
      [place](const auto& values) {
        if constexpr (std::is_convertible_v<decltype(values[place]), double>)
          return static_cast<double>(values[place]);
        else
          return missing;
      },
      data);
}

}  // namespace

Extent extent_of(const Observable& observable, const Coordinates& coordinates) {
  Extent extent;
  const auto add = [&](const Coordinate& one) {
    extent.dimensions.push_back(one.name);
    extent.shape.push_back(one.size);
    extent.elements *= one.size;
  };
  if ((!observable.with.empty() && find(coordinates, observable.with) == nullptr) ||
      (!observable.without.empty() && find(coordinates, observable.without) != nullptr))
    extent.exists = false;
  if (!observable.several.empty()) {
    const Coordinate* const several = find(coordinates, observable.several);
    extent.exists = extent.exists && several != nullptr && several->size > 1;
  }
  /// A ring has one dimension of the name, a lattice one for each direction; along a path the numbers of its points.
  const auto add_directions = [&](const std::string& stem) {
    if (const Coordinate* path = stem == "momentum" ? find(coordinates, "path") : nullptr) return add(*path);
    for (const char* direction : {"", "_1", "_2", "_3"})
      if (const Coordinate* one = find(coordinates, stem + direction)) add(*one);
  };
  for (const std::string& dimension : observable.dimensions) {
    if (dimension == "mode") {
      if (const Coordinate* band = find(coordinates, "band")) add(*band);
      add_directions("momentum");
    } else if (dimension == "momentum") {
      add_directions(dimension);
    } else if (dimension == "site" && find(coordinates, "site_1") != nullptr) {
      add_directions(dimension);
    } else if (dimension == "direction" || dimension == "direction_2" || dimension == "time") {
      if (const Coordinate* one = find(coordinates, dimension)) add(*one);  // a chain has one and leaves it out
    } else if (const Coordinate* one = find(coordinates, dimension)) {
      add(*one);
    } else {
      extent.exists = false;
    }
  }
  return extent;
}

bool is_wanted(const std::vector<std::string>& wanted, const std::string& name) {
  return wanted.empty() || std::find(wanted.begin(), wanted.end(), name) != wanted.end();
}

io::Result with_coordinates(const Coordinates& coordinates) {
  io::Result result;
  for (const Coordinate& one : coordinates)
    result.coordinates.push_back({one.name,
                                  {one.dimension.empty() ? one.name : one.dimension},
                                  {one.size},
                                  std::visit([](auto values) { return io::Data(std::move(values)); }, one.values()),
                                  one.units,
                                  one.long_name});
  return result;
}

Coordinate counted(const config::Point& point, const std::string& list, Coordinate coordinate) {
  coordinate.size = static_cast<std::size_t>(point.count(list));
  return coordinate;
}

Coordinates counted(const config::Point& point, Coordinates all) {
  for (Coordinate& one : all) {
    if (one.name == "time") one = counted(point, "task.times", one);
    if (one.name == "frequency") one = counted(point, "task.frequencies", one);
  }
  return all;
}

double coordinate_bytes(const Coordinates& coordinates) {
  double bytes = 0.0;
  for (const Coordinate& one : coordinates) bytes += 8.0 * static_cast<double>(one.size);
  return bytes;
}

std::vector<double> missing_values(double, std::size_t count) { return std::vector<double>(count, missing); }
std::vector<std::complex<double>> missing_values(std::complex<double>, std::size_t count) {
  return std::vector<std::complex<double>>(count, {missing, missing});
}
std::vector<std::int64_t> missing_values(std::int64_t, std::size_t count) {
  return std::vector<std::int64_t>(count, 0);
}
std::vector<std::uint8_t> missing_values(bool, std::size_t count) { return std::vector<std::uint8_t>(count, 0); }

void require_shape(const io::Field& field, const Extent& extent) {
  if (size_of(field.data) != extent.elements)
    throw Error(field.name + " has " + std::to_string(size_of(field.data)) + " values instead of " +
                std::to_string(extent.elements));
}

void summarise(io::Result& result, const Observable& observable, const io::Field& field,
               const Coordinates& coordinates) {
  const std::size_t size = size_of(field.data);
  const auto labels_of = [&](const std::string& dimension) {
    std::vector<std::string> labels;
    const Coordinate* const coordinate = find(coordinates, dimension);
    const auto values = coordinate != nullptr ? coordinate->values() : Coordinate::Values();
    if (const auto* words = std::get_if<std::vector<std::string>>(&values)) labels = *words;
    if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&values);
        integers != nullptr && dimension.starts_with("direction"))
      for (const std::int64_t number : *integers) labels.push_back(std::to_string(number));
    return labels;
  };
  std::string last = field.dimensions.empty() ? "" : field.dimensions.back();
  std::vector<std::string> labels = labels_of(last);
  if (labels.empty()) {
    result.summary.emplace_back(observable.name, number_at(field.data, size - 1));
    return;
  }
  const std::string before = field.dimensions.size() > 1 ? field.dimensions[field.dimensions.size() - 2] : "";
  if ((last == "direction" && before == "spin") || last == "direction_2") {
    last = before;
    std::vector<std::string> pairs;  // up_1, up_2, down_1, down_2
    for (const std::string& first : labels_of(before))
      for (const std::string& second : labels) pairs.push_back(first + "_" + second);
    labels = std::move(pairs);
  }
  // current_spin is current_up and current_down.
  std::string stem = observable.name;
  if (stem.ends_with("_" + last)) stem.resize(stem.size() - last.size() - 1);
  for (std::size_t i = 0; i < labels.size(); ++i)
    result.summary.emplace_back(stem + "_" + labels[i], number_at(field.data, size - labels.size() + i));
}

}  // namespace lindrift
