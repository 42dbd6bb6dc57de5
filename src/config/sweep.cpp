#include "config/sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>
#include <utility>

#include "config/schema.hpp"
#include "config/text.hpp"
#include "engine/machine_memory.hpp"
#include "engine/short_text.hpp"

namespace lindrift::config {

namespace {

void flatten(const Table& table, const std::string& prefix, const std::vector<Key>& keys,
             std::vector<SweepEntry>& entries) {
  for (const Entry& entry : table.entries) {
    if (prefix.empty() && entry.key == "mode") continue;
    const std::string path = prefix.empty() ? entry.key : prefix + "." + entry.key;
    const Table* inner = entry.node.table();
    const Key* key = find_key(path, keys);
    const bool channels = key != nullptr && key->type == Type::operator_channels;
    const bool channel = inner != nullptr && channel_scale(path + ".scale") && inner->find("scale") != nullptr;
    if (inner != nullptr && (channels || channel || (is_section(path, keys) && key == nullptr))) {
      flatten(*inner, path, keys, entries);
    } else {
      entries.push_back({path, "sweep." + quote_short(path), entry.place, &entry.node, entry.order});
    }
  }
}

}  // namespace

std::vector<SweepEntry> sweep_entries(const Table& table, const std::vector<Key>& keys, Reporter& reporter) {
  std::vector<SweepEntry> entries;
  flatten(table, "", keys, entries);
  std::stable_sort(entries.begin(), entries.end(),
                   [](const SweepEntry& left, const SweepEntry& right) { return before(left.order, right.order); });
  std::vector<SweepEntry> kept;
  for (SweepEntry& entry : entries) {
    const auto same =
        std::find_if(kept.begin(), kept.end(), [&](const SweepEntry& other) { return other.path == entry.path; });
    if (same == kept.end()) {
      kept.push_back(std::move(entry));
    } else if (entry.place.set < 0 && same->place.set < 0) {
      reporter.add(entry.place, fmt::format("{} = {}: is given twice, the first time on line {}", entry.name,
                                            show(*entry.node), same->place.line));
    } else if (entry.place.set > same->place.set) {
      *same = std::move(entry);  // the command line wins, and its last --set over earlier ones
    }
  }
  return kept;
}

namespace {

/// The key of a swept path. Scales of channels have none in the schema.
std::optional<Key> key_of(const std::string& path, const std::vector<Key>& keys) {
  if (const Key* key = find_key(path, keys)) return *key;
  const auto scale = channel_scale(path);
  const Key* channels = scale ? find_key(scale->channels, keys) : nullptr;
  if (channels == nullptr || channels->type != Type::operator_channels) return std::nullopt;
  return Key{.path = path,
             .help = "factor that multiplies all amplitudes of a channel",
             .optional = true,
             .when = channels->when,
             .sweepable = true};
}

/// Appends a swept value as real numbers.
void add_numbers(const Value& value, std::vector<double>& numbers) {
  if (const auto* complex = std::get_if<Complex>(&value)) {
    numbers.push_back(complex->real() + 0.0);
    numbers.push_back(complex->imag() + 0.0);
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    numbers.push_back(static_cast<double>(*integer));
  } else if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&value)) {
    numbers.insert(numbers.end(), integers->begin(), integers->end());
  } else {
    numbers.push_back(std::get<double>(value) + 0.0);
  }
}

/// Each number as its place among the different numbers of its column, where those equal up to rounding count as one.
Rows without_rounding(Rows rows) {
  std::vector<std::size_t> order(rows.size());
  for (std::size_t c = 0; c < rows.columns; ++c) {
    const auto number = [&](std::size_t i) -> double& { return rows.numbers[i * rows.columns + c]; };
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) { return number(i) < number(j); });
    double place = 0.0, last = number(order.front());
    for (const std::size_t i : order) {
      const double here = number(i);
      if (!same_number(here, last, std::max(std::fabs(here), std::fabs(last)))) ++place;
      last = here;
      number(i) = place;
    }
  }
  return rows;
}

/// Whether neighbours of a grid differ by more than rounding. Where they are closest, relative to their size, is an
/// end.
bool has_steps(const Grid& grid) {
  const auto differ = [&](std::size_t i) {
    const double one = grid.number(i), other = grid.number(i + 1);
    return !same_number(one, other, std::max(std::fabs(one), std::fabs(other)));
  };
  return grid.count < 2 || (grid.modulus != 0.0 && differ(0) && differ(grid.size() - 2));
}

bool same_row(const Rows& rows, std::size_t i, std::size_t j) {
  return std::equal(rows[i].begin(), rows[i].end(), rows[j].begin());
}

/// A warning if two points of a dimension of a sweep, one axis or all axes of a zip, are the same up to rounding.
void warn_of_repeats(std::span<const Axis> axes, const std::string& name, std::vector<std::string>& warnings) {
  for (const Axis& axis : axes)
    if (axis.values.grid() != nullptr && has_steps(*axis.values.grid())) return;
  const Rows rows = without_rounding(rows_of(axes));
  const std::vector<std::size_t> order = sorted(rows);
  std::size_t first = 0, second = rows.size();
  for (std::size_t i = 1; i < order.size(); ++i)
    if (order[i] < second && same_row(rows, order[i - 1], order[i]))
      std::tie(first, second) = std::pair(order[i - 1], order[i]);
  if (second == rows.size()) return;
  const auto shown = [&](std::size_t i) {
    std::string text;
    for (const Axis& axis : axes)
      text += (text.empty() ? "" : ", ") + (axes.size() > 1 ? axis.path + " = " : "") + show(axis.values[i]);
    return text;
  };
  const std::string one = shown(first), other = shown(second);
  warnings.push_back(
      one == other ? fmt::format("{}: {} is there twice and is computed twice", name, one)
                   : fmt::format("{}: {} and {} differ by rounding alone, and both are computed", name, one, other));
}

}  // namespace

Rows rows_of(std::span<const Axis> axes) {
  Rows rows;
  for (std::size_t i = 0; i < axes.front().values.size(); ++i) {
    for (const Axis& axis : axes) add_numbers(axis.values[i], rows.numbers);
    if (i == 0) rows.columns = rows.numbers.size();
  }
  return rows;
}

std::vector<std::size_t> sorted(const Rows& rows) {
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) {
    const auto one = rows[i], other = rows[j];
    return std::lexicographical_compare(one.begin(), one.end(), other.begin(), other.end());
  });
  return order;
}

bool same_number(double one, double other, double scale) {
  constexpr double close = 1e-6;
  const double distance = std::fabs(one - other);
  const bool rounded = one == 0.0 || other == 0.0 ||  // what a formula gives in place of 0
                       distance <= close * std::max(std::fabs(one), std::fabs(other));
  return one == other || (rounded && distance <= few_ulps * scale);
}

SweepReading read_sweep(const Table& table, const std::vector<SweepEntry>& entries, const std::vector<Key>& keys,
                        Reporter& reporter) {
  SweepReading result;
  if (const Entry* mode = table.find("mode")) {
    const Key key{.path = "sweep.mode",
                  .type = Type::text,
                  .help = "outer product, or all lists in step",
                  .choices = {"grid", "zip"}};
    if (const auto reading = read_value(mode->node, key, key.path, "", reporter)) {
      result.sweep.mode = std::get<std::string>(reading->value) == "zip" ? SweepMode::zip : SweepMode::grid;
    } else {
      result.complete = false;
    }
  }
  const SweepEntry* first = nullptr;
  std::size_t all_points = 1;
  for (const SweepEntry& entry : entries) {
    const std::optional<Key> key = key_of(entry.path, keys);
    if (!key) {
      result.complete = false;  // the caller looks for the key that was meant
      continue;
    }
    const bool number = key->type == Type::real || key->type == Type::complex || key->type == Type::integer ||
                        (key->type == Type::real_list && key->scalar) ||
                        (key->type == Type::integer_list && key->resizes);
    if (!number || !key->sweepable) {
      reporter.add(entry.place,
                   fmt::format("{} = {}: {} cannot be swept: only single numbers can{}", entry.name, show(*entry.node),
                               entry.path, number ? " of [model], [bath] and [initial]" : ""));
      result.complete = false;
      continue;
    }
    auto values = read_axis(*entry.node, *key, entry.name, reporter);
    if (!values) {
      result.complete = false;
      continue;
    }
    const std::size_t count = values->size();
    result.sweep.axes.push_back({entry.path, std::move(*values)});
    if (first == nullptr) first = &entry;
    if (result.sweep.mode == SweepMode::zip) {
      const std::size_t wanted = result.sweep.axes.front().values.size();
      if (count == wanted) continue;
      reporter.add(entry.node->place,
                   fmt::format("{} has {} but {} has {}: with sweep.mode = \"zip\" all lists must be of one length",
                               entry.name, counted(count, "value"), first->name, wanted));
      result.complete = false;
    } else if (count > most_points / all_points) {
      const double points = static_cast<double>(all_points) * static_cast<double>(count);
      reporter.add(
          entry.node->place,
          fmt::format("{} has {} values: the sweep would have {:.3g} points, more than the {} allowed: without "
                      "any result they take {} of memory, and this machine has {}",
                      entry.name, count, points, most_points, bytes_text(bytes_of_status * points),
                      bytes_text(machine_memory())));
      result.complete = false;
    } else {
      all_points *= count;
      warn_of_repeats({&result.sweep.axes.back(), 1}, entry.name, result.warnings);
    }
  }
  if (result.complete && result.sweep.mode == SweepMode::zip && !result.sweep.empty())
    warn_of_repeats(result.sweep.axes, entries.size() == 1 ? first->name : "sweep", result.warnings);
  return result;
}

}  // namespace lindrift::config
