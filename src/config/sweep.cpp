#include "config/sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "config/schema.hpp"
#include "config/text.hpp"
#include "engine/machine_memory.hpp"

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

/// A warning if a value of an axis stands there twice.
/// @param in_order  the values are those of a grid: equal ones are neighbours
void warn_of_repeats(const SweepEntry& entry, const std::vector<Value>& values, bool in_order,
                     std::vector<std::string>& warnings) {
  std::set<std::vector<double>> seen;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (in_order ? i == 0 || values[i] != values[i - 1] : seen.insert(numbers_of(values[i])).second) continue;
    warnings.push_back(fmt::format("{}: {} is there twice and is computed twice", entry.name, show(values[i])));
    return;
  }
}

}  // namespace

std::vector<double> numbers_of(const Value& value) {
  if (const auto* complex = std::get_if<Complex>(&value)) return {complex->real() + 0.0, complex->imag() + 0.0};
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return {static_cast<double>(*integer)};
  if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&value))
    return {integers->begin(), integers->end()};
  return {std::get<double>(value) + 0.0};
}

SweepReading read_sweep(const Table& table, const std::vector<SweepEntry>& entries, const std::vector<Key>& keys,
                        Reporter& reporter, GridValues extent) {
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
  std::size_t first_count = 0;
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
    std::optional<Grid> grid;
    auto values = read_axis(*entry.node, *key, entry.name, grid, reporter, extent);
    if (!values) {
      result.complete = false;
      continue;
    }
    if (grid) result.grids.emplace(entry.path, *grid);
    const std::size_t count = grid ? static_cast<std::size_t>(grid->count) : values->size();
    if (result.sweep.mode == SweepMode::grid) warn_of_repeats(entry, *values, grid.has_value(), result.warnings);
    result.sweep.axes.push_back({entry.path, std::move(*values)});
    if (first == nullptr) {
      first = &entry;
      first_count = count;
    }
    if (result.sweep.mode == SweepMode::zip) {
      const std::size_t wanted = first_count;
      result.points = count;
      if (count == wanted) continue;
      reporter.add(
          entry.node->place,
          fmt::format("{} has {} values but {} has {}: with sweep.mode = \"zip\" all lists must be of one length",
                      entry.name, count, first->name, wanted));
      result.complete = false;
    } else if (count > most_points / result.points) {
      const double points = static_cast<double>(result.points) * static_cast<double>(count);
      reporter.add(
          entry.node->place,
          fmt::format("{} has {} values: the sweep would have {:.3g} points, more than the {} allowed: without "
                      "any result they take {} of memory, and this machine has {}",
                      entry.name, count, points, most_points, bytes_text(bytes_of_status * points),
                      bytes_text(machine_memory())));
      result.complete = false;
    } else {
      result.points *= count;
    }
  }
  return result;
}

}  // namespace lindrift::config
