#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "config/config.hpp"
#include "io/field.hpp"
#include "lindrift/observable.hpp"
#include "registry/footprint.hpp"

/// Converts the observables of a result struct to the contents of a file.

namespace lindrift {

using Coordinates = std::vector<Coordinate>;

/// Dimensions and shape of an observable. The dimension "mode" is replaced by those that number the modes.
struct Extent {
  bool exists = true;  ///< false: the model lacks one of its dimensions
  std::vector<std::string> dimensions{};
  std::vector<std::size_t> shape{};
  std::size_t elements = 1;
};
Extent extent_of(const Observable& observable, const Coordinates& coordinates);

/// Whether output.fields keeps a dataset; an empty list keeps all.
bool is_wanted(const std::vector<std::string>& wanted, const std::string& name);

/// Coordinates with their values, and no fields yet.
io::Result with_coordinates(const Coordinates& coordinates);

template <class Use>
struct ObservableVisitor {
  const Coordinates& coordinates;
  const Use& use;
  template <class Member>
  void observable(const Observable& described, Member& member) const {
    const Extent extent = extent_of(described, coordinates);
    if (extent.exists) use(described, extent, member);
  }
};

/// Calls use(observable, extent, member) for every observable of a result that the model has.
template <class Result, class Use>
void for_each_observable(const Coordinates& coordinates, Result& result, const Use& use) {
  visit_fields(result, ObservableVisitor<Use>{coordinates, use});
}

template <class Result>
std::vector<std::string> observable_names(const Coordinates& coordinates) {
  std::vector<std::string> names;
  const Result none{};
  for_each_observable(coordinates, none, [&](const Observable& described, const Extent&, const auto&) {
    names.push_back(described.name);
  });
  return names;
}

/// Names of the observables that have no dimension over sites, momenta or modes.
template <class Result>
std::vector<std::string> sizeless_names(const Coordinates& coordinates) {
  std::vector<std::string> names;
  const Result none{};
  for_each_observable(coordinates, none, [&](const Observable& described, const Extent& extent, const auto&) {
    const bool sized =
        std::any_of(extent.dimensions.begin(), extent.dimensions.end(), [](const std::string& dimension) {
          return dimension.starts_with("momentum") || dimension.starts_with("site");
        });
    if (!sized) names.push_back(described.name);
  });
  return names;
}

/// Placeholders in a file for a number of a result: `count` elements, all missing.
std::vector<double> missing_values(double, std::size_t count);
std::vector<std::complex<double>> missing_values(std::complex<double>, std::size_t count);
std::vector<std::int64_t> missing_values(std::int64_t, std::size_t count);
std::vector<std::uint8_t> missing_values(bool, std::size_t count);
template <class Item>
auto missing_values(const std::vector<Item>&, std::size_t count) {
  return missing_values(Item(), count);
}

/// The values of a result, in the form that a file holds.
template <class Item>
io::Data taken(std::vector<Item>& values) {
  return std::move(values);
}
template <class Item>
io::Data taken(const Item& value) {
  auto values = missing_values(value, 1);
  values.front() = value;
  return values;
}

/// Bytes of the wanted values of a result.
template <class Result>
double observable_bytes(const Coordinates& coordinates, const std::vector<std::string>& wanted) {
  double bytes = 0.0;
  const Result none{};
  for_each_observable(coordinates, none, [&](const Observable& described, const Extent& extent, const auto& member) {
    if (!is_wanted(wanted, described.name)) return;
    double size = sizeof missing_values(member, 0)[0];
    for (const std::size_t length : extent.shape) size *= static_cast<double>(length);  // may exceed any integer
    bytes += size;
  });
  return bytes;
}

/// A coordinate with as many values as a list has, or a grid that has no values yet.
Coordinate counted(const config::Point& point, const std::string& list, Coordinate coordinate);
/// The same for the coordinates time and frequency among others, which have the lists task.times and task.frequencies.
Coordinates counted(const config::Point& point, Coordinates all);

/// Bytes of the values of coordinates.
double coordinate_bytes(const Coordinates& coordinates);

/// Fills in the bytes of a result and its coordinates.
template <class Result>
void add_result(Footprint& footprint, const Coordinates& coordinates, const std::vector<std::string>& wanted) {
  footprint.results += observable_bytes<Result>(coordinates, wanted);
  footprint.coordinates = coordinate_bytes(coordinates);
}

/// Bytes of the values that a task computes although the output does not keep them.
template <class Result>
double unkept_bytes(const Coordinates& coordinates, const std::vector<std::string>& wanted) {
  return observable_bytes<Result>(coordinates, {}) - observable_bytes<Result>(coordinates, wanted);
}

/// The result of a point with every wanted value missing.
template <class Result>
io::Result empty_result_of(const Coordinates& coordinates, const std::vector<std::string>& wanted) {
  io::Result empty_result = with_coordinates(coordinates);
  const Result none{};
  for_each_observable(coordinates, none, [&](const Observable& described, const Extent& extent, const auto& member) {
    if (is_wanted(wanted, described.name))
      empty_result.fields.push_back({described.name, extent.dimensions, extent.shape,
                                     missing_values(member, extent.elements), described.units, described.long_name});
  });
  return empty_result;
}

/// Adds to the summary the last value of a field, or its last value for each label of its last dimension, or of its
/// last two if they are a spin and a direction or two directions.
void summarise(io::Result& result, const Observable& observable, const io::Field& field,
               const Coordinates& coordinates);

/// @throws Error unless a field has as many values as its shape requires
void require_shape(const io::Field& field, const Extent& extent);

/// Takes the arrays out of a result: wanted ones become fields, those for the summary become numbers in it.
/// @throws Error if an array does not have the shape in its description
template <class Result>
io::Result collect(const Coordinates& coordinates, const std::vector<std::string>& wanted, Result& result) {
  io::Result collected = with_coordinates(coordinates);
  for_each_observable(coordinates, result, [&](const Observable& described, const Extent& extent, auto& member) {
    const bool kept = is_wanted(wanted, described.name);
    if (!kept && !described.in_summary) return;
    io::Field field{described.name, extent.dimensions, extent.shape,
                    taken(member),  described.units,   described.long_name};
    require_shape(field, extent);
    if (described.in_summary) summarise(collected, described, field, coordinates);
    if (kept) collected.fields.push_back(std::move(field));
  });
  return collected;
}

}  // namespace lindrift
