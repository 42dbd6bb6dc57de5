#include "sweep/match.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_map>

#include "config/text.hpp"
#include "lindrift/error.hpp"
#include "sweep/journal.hpp"

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

/// What differs between two inputs, one entry for each key; swept values apart.
std::vector<std::string> differences(const Document& older, const Document& newer) {
  std::vector<std::string> list;
  if (older.model != newer.model)
    list.push_back(fmt::format("model.kind ({} there, {} here)", older.model, newer.model));
  if (older.task != newer.task) list.push_back(fmt::format("task.kind ({} there, {} here)", older.task, newer.task));
  if (!list.empty()) return list;  // the other keys follow from these
  std::vector<std::string> keys;
  for (const auto* point : {&older.base, &newer.base})
    for (const auto& [path, value] : point->values()) keys.push_back(path);
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  for (const std::string& path : keys) {
    const auto left = older.base.values().find(path), right = newer.base.values().find(path);
    const bool same = left != older.base.values().end() && right != newer.base.values().end() &&
                      config::format_value(left->second) == config::format_value(right->second);
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

}  // namespace

PointMap::PointMap(const Document& older, const Document& newer, const std::string& what) : mode_(newer.sweep.mode) {
  if (older.resolved_text == newer.resolved_text) return;
  const std::string ways = "; --overwrite starts again, -o names another file";
  const auto list = differences(older, newer);
  if (!list.empty())
    throw Error(fmt::format("{} comes from another input: {} differ{}{}", what, fmt::join(list, ", "),
                            list.size() == 1 ? "s" : "", ways));
  identity_ = false;
  const auto& axes = newer.sweep.axes;
  const auto find_places = [&](std::size_t count, std::size_t new_count, const auto& old_text, const auto& new_text,
                               const std::string& name) {
    std::unordered_map<std::string, std::size_t> known;
    for (std::size_t i = 0; i < new_count; ++i) known.try_emplace(new_text(i), i);
    std::vector<std::size_t> places(count);
    for (std::size_t i = 0; i < count; ++i) {
      const auto found = known.find(old_text(i));
      if (found == known.end())
        throw Error(
            fmt::format("{} holds {} = {}, which is not in the sweep any more: a sweep can be extended, and not "
                        "cut{}",
                        what, name, old_text(i), ways));
      places[i] = found->second;
    }
    places_.push_back(std::move(places));
  };
  if (mode_ == config::SweepMode::zip) {
    const auto text_of = [](const config::Sweep& sweep) {
      return [&sweep](std::size_t i) {
        std::vector<std::string> texts;
        for (const Axis& axis : sweep.axes) texts.push_back(config::format_value(axis.values[i]));
        return fmt::format("{}", fmt::join(texts, ", "));
      };
    };
    find_places(older.sweep.points(), newer.sweep.points(), text_of(older.sweep), text_of(newer.sweep),
                fmt::format("{}", fmt::join(paths_of(newer.sweep), ", ")));
    return;
  }
  for (std::size_t a = 0; a < axes.size(); ++a) {
    const auto text_of = [](const Axis& axis) {
      return [&axis](std::size_t i) { return config::format_value(axis.values[i]); };
    };
    find_places(older.sweep.axes[a].values.size(), axes[a].values.size(), text_of(older.sweep.axes[a]),
                text_of(axes[a]), axes[a].path);
    lengths_.push_back(axes[a].values.size());
  }
}

std::size_t PointMap::operator()(std::size_t older_point) const {
  if (identity_) return older_point;
  if (mode_ == config::SweepMode::zip) return places_.front().at(older_point);
  // The last axis runs fastest, in both.
  std::size_t point = 0, stride = 1;
  for (std::size_t a = places_.size(); a-- > 0;) {
    point += stride * places_[a].at(older_point % places_[a].size());
    older_point /= places_[a].size();
    stride *= lengths_[a];
  }
  return point;
}

std::uint64_t hash_of(const config::Point& point) {
  std::string text;
  for (const auto& [path, value] : point.values()) text += path + " = " + config::format_value(value) + "\n";
  return hash_of(text);
}

}  // namespace lindrift::sweep
