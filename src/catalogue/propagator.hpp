#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "config/config.hpp"
#include "io/field.hpp"

/// What the tasks green and spectral have in common for every model that has them: coordinates and datasets.

namespace lindrift {

std::size_t sites_of(const config::Point& point);

/// Whether output.fields keeps a dataset.
bool wanted(const config::Point& point, const std::string& field);

/// Positions of task.momenta in the ascending order of all.
std::vector<std::size_t> momentum_places(const config::Point& point);

/// Coordinates and fields of a point, every value missing. Fields that output.fields leaves out are not made at all: a
/// long run that wants sums only must not hold rows of a million sites.
class Outline {
 public:
  using Dimension = std::pair<std::string, std::size_t>;

  explicit Outline(const config::Point& point) : point_(point) {}
  Dimension times();
  Dimension sites();
  /// @param places  positions in the ascending order
  Dimension momenta(const std::vector<std::size_t>& places);
  Dimension frequencies();
  void add(const std::string& name, const std::vector<Dimension>& dimensions, bool complex, std::string units,
           std::string long_name);

  io::Result result;

 private:
  template <class Values>
  Dimension coordinate(const std::string& name, Values values, std::string units, std::string long_name);

  const config::Point& point_;
};

io::Result green_outline(const config::Point& point);
io::Result spectral_outline(const config::Point& point);

/// Gives a field its values, if it is kept.
template <class Values>
void fill(io::Result& result, const std::string& name, Values&& values) {
  const auto field =
      std::find_if(result.fields.begin(), result.fields.end(), [&](const io::Field& f) { return f.name == name; });
  if (field != result.fields.end()) field->data = std::forward<Values>(values);
}

}  // namespace lindrift
