#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "config/config.hpp"
#include "config/schema.hpp"

namespace lindrift::config {

namespace {

/// A missing key or a wrong type here is a bug of the program, not an error of its user.
template <typename Item>
const Item& get(const Point& point, std::string_view path) {
  const Value* value = point.find(path);
  if (value == nullptr) throw Error(fmt::format("{} has no value in this run", path));
  const auto* item = std::get_if<Item>(value);
  if (item == nullptr) throw Error(fmt::format("{} was read as another type than it is asked for", path));
  return *item;
}

}  // namespace

const Value* Point::find(std::string_view path) const {
  const auto found = values_.find(path);
  return found != values_.end() ? &found->second : nullptr;
}

bool Point::boolean(std::string_view path) const { return get<bool>(*this, path); }
std::int64_t Point::integer(std::string_view path) const { return get<std::int64_t>(*this, path); }
double Point::real(std::string_view path) const { return get<double>(*this, path); }
Complex Point::complex(std::string_view path) const { return get<Complex>(*this, path); }
const std::string& Point::text(std::string_view path) const { return get<std::string>(*this, path); }
const std::vector<double>& Point::reals(std::string_view path) const { return get<std::vector<double>>(*this, path); }
const std::vector<std::int64_t>& Point::integers(std::string_view path) const {
  return get<std::vector<std::int64_t>>(*this, path);
}
const std::vector<std::string>& Point::texts(std::string_view path) const {
  return get<std::vector<std::string>>(*this, path);
}
const Channels& Point::channels(std::string_view path) const { return get<Channels>(*this, path); }

double Point::count(std::string_view path) const {
  if (const auto found = counts_.find(path); found != counts_.end()) return found->second;
  const Value* value = find(path);
  if (value == nullptr) return 0.0;
  if (const auto* numbers = std::get_if<std::vector<double>>(value)) return static_cast<double>(numbers->size());
  return static_cast<double>(get<std::vector<std::int64_t>>(*this, path).size());
}

void Point::set(std::string path, Value value) {
  counts_.erase(path);
  values_.insert_or_assign(std::move(path), std::move(value));
}

void Point::set_count(std::string path, double count) { counts_.insert_or_assign(std::move(path), count); }

std::size_t AxisValues::size() const {
  return std::visit([](const auto& values) { return values.size(); }, values_);
}

Value AxisValues::operator[](std::size_t i) const {
  if (grid() != nullptr) return grid()->value(i);
  return std::get<std::vector<Value>>(values_)[i];
}

bool AxisValues::operator==(const AxisValues& other) const {
  if (grid() != nullptr && other.grid() != nullptr && *grid() == *other.grid()) return true;
  return size() == other.size() && std::equal(begin(), end(), other.begin());
}

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
    if (mode == SweepMode::grid) point /= length;  // the last axis varies fastest
  }
  return values;
}

std::vector<std::size_t> Sweep::sample(std::size_t most) const {
  const std::size_t all = points();
  std::vector<std::size_t> chosen;
  if (all <= most) {
    chosen.resize(all);
    std::iota(chosen.begin(), chosen.end(), std::size_t{0});
    return chosen;
  }
  const std::vector<std::size_t> lengths = shape();
  const std::size_t along = std::max<std::size_t>(2, most / 2 / lengths.size());
  chosen = {0, all - 1};
  std::vector<std::size_t> corners = {0};
  std::size_t stride = all;
  for (const std::size_t length : lengths) {
    stride /= length;
    const std::size_t looked_at = std::min(length, along);
    for (std::size_t i = 1; i < looked_at; ++i) chosen.push_back(i * (length - 1) / (looked_at - 1) * stride);
    if (length > 1 && corners.size() <= most / 8)
      for (std::size_t i = corners.size(); i-- > 0;) corners.push_back(corners[i] + (length - 1) * stride);
  }
  chosen.insert(chosen.end(), corners.begin(), corners.end());
  // Multiples of the golden ratio leave gaps of nearly one length, however many there are.
  constexpr double golden_ratio = 0.618033988749894848;
  for (double i = 1.0; chosen.size() < most; ++i)
    chosen.push_back(static_cast<std::size_t>(std::fmod(i * golden_ratio, 1.0) * static_cast<double>(all)));
  std::sort(chosen.begin(), chosen.end());
  chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
  return chosen;
}

void Schema::examine(const Point& point) const {
  if (validate_memory) validate_memory(point);
  if (validate) validate(point);
}

Point Document::examined_point(std::size_t index) const {
  Point result = point(index);
  if (sweep.points() > most_examined) schema.examine(result);
  return result;
}

bool Document::resizes(const Axis& axis) const {
  const Key* key = find_key(axis.path, schema.keys);
  return key != nullptr && key->resizes;
}

Point Document::point(std::size_t index) const {
  Point result = base;
  auto values = sweep.at(index);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (const auto scale = channel_scale(sweep.axes[i].path)) {
      Channels channels = result.channels(scale->channels);
      for (Term& term : channels.at(scale->channel)) term.amplitude *= std::get<double>(values[i]);
      result.set(scale->channels, std::move(channels));
    } else {
      result.set(sweep.axes[i].path, std::move(values[i]));
    }
  }
  return result;
}

}  // namespace lindrift::config
