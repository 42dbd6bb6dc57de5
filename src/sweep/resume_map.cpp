#include "sweep/resume_map.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

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
    const bool same = left != older.base.values().end() && right != newer.base.values().end() &&
                      left->second == right->second;  // compared as numbers: -0 equals 0
    if (same) continue;
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

/// A swept value, or all values of a zip point, as real numbers.
using Numbers = std::vector<double>;

/// For each of the older values, its place among the newer ones: an equal one, or the nearest within rounding that no
/// other older value has.
/// @return the newer size for a value that is not among them
std::vector<std::size_t> places_of(const std::vector<Numbers>& older, const std::vector<Numbers>& newer) {
  std::map<Numbers, std::size_t> known;
  for (std::size_t i = 0; i < newer.size(); ++i) known.try_emplace(newer[i], i);
  Numbers tolerance(newer.front().size(), 0.0);
  for (const Numbers& numbers : newer)
    for (std::size_t c = 0; c < numbers.size(); ++c)
      tolerance[c] = std::max(tolerance[c], 4.0 * std::numeric_limits<double>::epsilon() * std::fabs(numbers[c]));

  std::vector<std::size_t> places(older.size(), newer.size());
  std::map<std::size_t, Numbers> taken;
  for (std::size_t i = 0; i < older.size(); ++i)
    if (const auto same = known.find(older[i]); same != known.end()) taken[places[i] = same->second] = older[i];
  for (std::size_t i = 0; i < older.size(); ++i) {
    if (places[i] < newer.size()) continue;
    double best = std::numeric_limits<double>::infinity();
    for (auto near = known.lower_bound({older[i][0] - tolerance[0]});
         near != known.end() && near->first[0] <= older[i][0] + tolerance[0]; ++near) {
      double distance = 0.0;  // in units of the tolerance
      for (std::size_t c = 0; c < tolerance.size(); ++c)
        if (near->first[c] != older[i][c])
          distance = std::max(distance, std::fabs(near->first[c] - older[i][c]) / tolerance[c]);
      const auto holder = taken.find(near->second);
      if (distance > 1.0 || distance >= best || (holder != taken.end() && holder->second != older[i])) continue;
      best = distance;
      places[i] = near->second;
    }
    if (places[i] < newer.size()) taken[places[i]] = older[i];
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
    const auto values_of = [&](const config::Sweep& sweep) {
      std::vector<Numbers> values(sweep.axes[first].values.size());
      for (std::size_t i = 0; i < values.size(); ++i)
        for (std::size_t a = first; a < last; ++a)
          for (const double number : config::numbers_of(sweep.axes[a].values[i])) values[i].push_back(number);
      return values;
    };
    lengths_.push_back(newer.sweep.axes[first].values.size());
    places_.push_back(places_of(values_of(older.sweep), values_of(newer.sweep)));
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
