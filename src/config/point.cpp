#include <fmt/format.h>

#include <algorithm>

#include "config/config.hpp"

namespace lindrift::config {

namespace {

/// A key that the schema does not have, or has with another type, is a mistake of the program and not of its user.
template <typename Item>
const Item& get(const std::map<std::string, Value, std::less<>>& values, std::string_view path) {
  const auto found = values.find(path);
  if (found == values.end()) throw Error(fmt::format("{} has no value in this run", path));
  const auto* item = std::get_if<Item>(&found->second);
  if (item == nullptr) throw Error(fmt::format("{} was read as another type than it is asked for", path));
  return *item;
}

}  // namespace

bool Point::has(std::string_view path) const { return values_.find(path) != values_.end(); }
bool Point::boolean(std::string_view path) const { return get<bool>(values_, path); }
std::int64_t Point::integer(std::string_view path) const { return get<std::int64_t>(values_, path); }
double Point::real(std::string_view path) const { return get<double>(values_, path); }
Complex Point::complex(std::string_view path) const { return get<Complex>(values_, path); }
const std::string& Point::text(std::string_view path) const { return get<std::string>(values_, path); }
const std::vector<double>& Point::reals(std::string_view path) const { return get<std::vector<double>>(values_, path); }
const std::vector<std::int64_t>& Point::integers(std::string_view path) const {
  return get<std::vector<std::int64_t>>(values_, path);
}
const std::vector<std::string>& Point::texts(std::string_view path) const {
  return get<std::vector<std::string>>(values_, path);
}
const Channels& Point::channels(std::string_view path) const { return get<Channels>(values_, path); }

void Point::set(std::string path, Value value) { values_.insert_or_assign(std::move(path), std::move(value)); }

std::size_t Sweep::points() const {
  std::size_t count = 1;
  for (const std::size_t length : shape()) count *= length;
  return count;
}

std::vector<std::size_t> Sweep::shape() const {
  if (axes.empty()) return {};
  if (mode == SweepMode::zip) return {axes.front().values.size()};
  std::vector<std::size_t> lengths;
  for (const Axis& axis : axes) lengths.push_back(axis.values.size());
  return lengths;
}

std::vector<Value> Sweep::at(std::size_t point) const {
  if (point >= points()) throw Error(fmt::format("point {} is not one of the {} points of the sweep", point, points()));
  std::vector<Value> values(axes.size());
  for (std::size_t i = axes.size(); i-- > 0;) {
    const std::size_t length = axes[i].values.size();
    values[i] = axes[i].values[point % length];
    if (mode == SweepMode::grid) point /= length;  // the last axis runs fastest
  }
  return values;
}

Point Document::point(std::size_t index) const {
  Point result = base;
  auto values = sweep.at(index);
  for (std::size_t i = 0; i < values.size(); ++i) result.set(sweep.axes[i].path, std::move(values[i]));
  return result;
}

}  // namespace lindrift::config
