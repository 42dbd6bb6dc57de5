#include "sweep/resume_map.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "config/schema.hpp"
#include "config/sweep.hpp"
#include "config/text.hpp"
#include "sweep/journal.hpp"
#include "sweep/output_lock.hpp"

namespace lindrift::sweep {
namespace {

using config::Axis;
using config::Document;

std::vector<std::string> paths_of(const config::Sweep& sweep) {
  std::vector<std::string> paths;
  for (const Axis& axis : sweep.axes) paths.push_back(axis.path);
  return paths;
}

std::string shown(const config::Point& point, const std::string& path) {
  const auto found = point.values().find(path);
  return found == point.values().end() ? "not given" : config::show(found->second);
}

/// Whether a key holds the hash of the content of the file named by another key.
bool is_hash(const std::string& path, const Document& document) {
  return std::any_of(document.schema.keys.begin(), document.schema.keys.end(),
                     [&](const config::Key& key) { return key.file_path && config::hash_path(key.path) == path; });
}

/// Whether two values that are not swept are the same up to rounding. A part of a complex number and an entry of a list
/// may be as far off as a few ulps of the whole.
bool same(double one, double other) {
  return config::same_number(one, other, std::max(std::fabs(one), std::fabs(other)));
}
bool same(const config::Complex& one, const config::Complex& other) {
  const double scale = std::max(std::abs(one), std::abs(other));
  return config::same_number(one.real(), other.real(), scale) && config::same_number(one.imag(), other.imag(), scale);
}
bool same(const Term& one, const Term& other) {
  return one.indices == other.indices && same(one.amplitude, other.amplitude);
}
template <class Item>
bool same(const std::vector<Item>& one, const std::vector<Item>& other);
bool same(const NamedMatrix& one, const NamedMatrix& other) {
  return one.name == other.name && one.order == other.order && same(one.elements, other.elements);
}
bool same(const std::vector<double>& one, const std::vector<double>& other) {
  double scale = 0.0;
  for (const double number : one) scale = std::max(scale, std::fabs(number));
  return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                    [&](double left, double right) { return config::same_number(left, right, scale); });
}
template <class Item>
bool same(const Item& one, const Item& other) {
  return one == other;
}
template <class Item>
bool same(const std::vector<Item>& one, const std::vector<Item>& other) {
  return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                    [](const Item& left, const Item& right) { return same(left, right); });
}
bool same_value(const config::Value& one, const config::Value& other) {
  return one.index() == other.index() &&
         std::visit([&]<class Held>(const Held& held) { return same(held, std::get<Held>(other)); }, one);
}

/// Lists the keys in which two inputs differ, except for swept values.
std::vector<std::string> differences(const Document& older, const Document& newer) {
  std::vector<std::string> list;
  if (older.model != newer.model)
    list.push_back(fmt::format("model.kind ({} there, {} here)", older.model, newer.model));
  if (older.task != newer.task) list.push_back(fmt::format("task.kind ({} there, {} here)", older.task, newer.task));
  if (!list.empty()) return list;  // the other keys depend on these
  std::vector<std::string> keys;
  for (const auto* point : {&older.base, &newer.base})
    for (const auto& [path, value] : point->values()) keys.push_back(path);
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  for (const std::string& path : keys) {
    // For a table file the content counts, not its name; outputs of versions before 0.2 have no hash.
    const std::string hash = config::hash_path(path);
    if (older.base.has(hash) && newer.base.has(hash)) continue;
    if (is_hash(path, newer) && !older.base.has(path)) continue;
    const auto left = older.base.values().find(path), right = newer.base.values().find(path);
    if (left != older.base.values().end() && right != newer.base.values().end() &&
        same_value(left->second, right->second))
      continue;
    const std::string there = shown(older.base, path), here = shown(newer.base, path);
    list.push_back(there == here ? path : fmt::format("{} ({} there, {} here)", path, there, here));
  }
  const auto old_axes = paths_of(older.sweep), new_axes = paths_of(newer.sweep);
  if (old_axes != new_axes)
    list.push_back(fmt::format("sweep (over {} there, over {} here)",
                               old_axes.empty() ? "nothing" : fmt::format("{}", fmt::join(old_axes, ", ")),
                               new_axes.empty() ? "nothing" : fmt::format("{}", fmt::join(new_axes, ", "))));
  else if (!old_axes.empty() && older.sweep.mode != newer.sweep.mode)
    list.emplace_back("sweep.mode");
  return list;
}

bool same_values(const config::Sweep& left, const config::Sweep& right) {
  return std::equal(left.axes.begin(), left.axes.end(), right.axes.begin(), right.axes.end(),
                    [](const Axis& one, const Axis& other) { return one.values == other.values; });
}

/// For each of the older rows, its place among the newer ones: an equal one, or the nearest within rounding that no
/// other older row has.
/// @return the newer size for a row that is not among them
std::vector<std::size_t> places_of(const config::Rows& older, const config::Rows& newer) {
  const std::vector<std::size_t> order = sorted(newer);
  std::vector<double> scale(newer.columns, 0.0);
  for (std::size_t i = 0; i < newer.numbers.size(); ++i)
    scale[i % newer.columns] = std::max(scale[i % newer.columns], std::fabs(newer.numbers[i]));
  const auto equal = [](const auto& one, const auto& other) {
    return std::equal(one.begin(), one.end(), other.begin(), other.end());
  };

  const std::size_t nowhere = newer.size(), nobody = older.size();
  std::vector<std::size_t> places(older.size(), nowhere), holder(newer.size(), nobody);
  for (std::size_t i = 0; i < older.size(); ++i) {
    const auto here = std::lower_bound(order.begin(), order.end(), older[i], [&](std::size_t n, const auto& row) {
      return std::lexicographical_compare(newer[n].begin(), newer[n].end(), row.begin(), row.end());
    });
    if (here != order.end() && equal(newer[*here], older[i])) holder[places[i] = *here] = i;
  }
  for (std::size_t i = 0; i < older.size(); ++i) {
    if (places[i] != nowhere) continue;
    const double lowest = older[i][0] - scale[0] * config::few_ulps,
                 highest = older[i][0] + scale[0] * config::few_ulps;
    double best = std::numeric_limits<double>::infinity();
    for (auto near = std::lower_bound(order.begin(), order.end(), lowest,
                                      [&](std::size_t n, double number) { return newer[n][0] < number; });
         near != order.end() && newer[*near][0] <= highest; ++near) {
      const auto row = newer[*near];
      double distance = 0.0;  // in units of the scale
      for (std::size_t c = 0; c < row.size(); ++c)
        if (!config::same_number(row[c], older[i][c], scale[c]))
          distance = std::numeric_limits<double>::infinity();
        else if (row[c] != older[i][c])
          distance = std::max(distance, std::fabs(row[c] - older[i][c]) / scale[c]);
      const bool taken = holder[*near] != nobody && !equal(older[holder[*near]], older[i]);
      if (!(distance < best) || taken) continue;
      best = distance;
      places[i] = *near;
    }
    if (places[i] != nowhere) holder[places[i]] = i;
  }
  return places;
}

}  // namespace

ResumeMap::ResumeMap(const Document& older, const Document& newer, const std::string& what) {
  if (older.resolved_text == newer.resolved_text) return;
  const std::string ways = "; --overwrite starts again, -o names another file";
  const auto list = differences(older, newer);
  if (!list.empty())
    throw OutputRefused(fmt::format("{} comes from another input: {} differ{}{}", what, fmt::join(list, ", "),
                                    list.size() == 1 ? "s" : "", ways));
  if (same_values(older.sweep, newer.sweep)) return;
  identity_ = false;
  // Axes [first, last) form one dimension of the output: one axis of a grid, or all axes of a zip.
  const auto map_dimension = [&](std::size_t first, std::size_t last) {
    lengths_.push_back(newer.sweep.axes[first].values.size());
    const auto rows_of = [&](const config::Sweep& sweep) {
      return config::rows_of(std::span(sweep.axes).subspan(first, last - first));
    };
    places_.push_back(places_of(rows_of(older.sweep), rows_of(newer.sweep)));
    const auto lost = std::find(places_.back().begin(), places_.back().end(), lengths_.back());
    if (lost == places_.back().end()) return;
    std::vector<std::string> names, texts;
    for (std::size_t a = first; a < last; ++a) {
      const Axis& axis = older.sweep.axes[a];
      names.push_back(axis.path);
      texts.push_back(config::format_value(axis.values[static_cast<std::size_t>(lost - places_.back().begin())]));
    }
    throw OutputRefused(
        fmt::format("{} holds {} = {}, which is no longer in the sweep: a sweep can be extended, not cut{}", what,
                    fmt::join(names, ", "), fmt::join(texts, ", "), ways));
  };
  const std::size_t axes = newer.sweep.axes.size();
  if (newer.sweep.mode == config::SweepMode::zip && axes > 0)
    map_dimension(0, axes);
  else
    for (std::size_t a = 0; a < axes; ++a) map_dimension(a, a + 1);
}

std::size_t ResumeMap::operator()(std::size_t older_point) const {
  if (identity_) return older_point;
  // The last dimension varies fastest, in both.
  std::size_t point = 0, stride = 1;
  for (std::size_t d = places_.size(); d-- > 0;) {
    point += stride * places_[d].at(older_point % places_[d].size());
    older_point /= places_[d].size();
    stride *= lengths_[d];
  }
  return point;
}

std::uint64_t hash_of(const config::Point& point) {
  std::string text;
  for (const auto& [path, value] : point.values())
    if (!point.has(config::hash_path(path))) text += path + " = " + config::format_value(value) + "\n";
  return hash_of(text);
}

}  // namespace lindrift::sweep
