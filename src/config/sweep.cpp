#include "config/sweep.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "config/schema.hpp"
#include "config/text.hpp"

namespace lindrift::config {

namespace {

void flatten(const Table& table, const std::string& prefix, const std::vector<Key>& keys,
             std::vector<SweepEntry>& entries) {
  for (const Entry& entry : table.entries) {
    if (prefix.empty() && entry.key == "mode") continue;
    const std::string path = prefix.empty() ? entry.key : prefix + "." + entry.key;
    const Table* inner = entry.node.table();
    if (inner != nullptr && is_section(path, keys) && find_key(path, keys) == nullptr) {
      flatten(*inner, path, keys, entries);
    } else {
      entries.push_back({path, "sweep." + quote_short(path), entry.place, &entry.node});
    }
  }
}

}  // namespace

std::vector<SweepEntry> sweep_entries(const Table& table, const std::vector<Key>& keys, Reporter& reporter) {
  std::vector<SweepEntry> entries;
  flatten(table, "", keys, entries);
  std::stable_sort(entries.begin(), entries.end(),
                   [](const SweepEntry& left, const SweepEntry& right) { return before(left.place, right.place); });
  std::map<std::string, std::size_t> seen;
  std::vector<std::optional<SweepEntry>> latest;
  for (SweepEntry& entry : entries) {
    const auto [same, fresh] = seen.try_emplace(entry.path, latest.size());
    if (!fresh && entry.place.set < 0) {
      reporter.add(entry.place, fmt::format("{} = {}: is given twice, the first time on line {}", entry.name,
                                            show(*entry.node), latest[same->second]->place.line));
      continue;
    }
    if (!fresh) latest[same->second].reset();  // the command line wins, the last of it over the rest
    same->second = latest.size();
    latest.emplace_back(std::move(entry));
  }
  std::vector<SweepEntry> kept;
  for (auto& entry : latest) {
    if (entry) kept.push_back(std::move(*entry));
  }
  return kept;
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
  std::size_t points = 1;
  for (const SweepEntry& entry : entries) {
    const Key* key = find_key(entry.path, keys);
    if (key == nullptr) {
      result.complete = false;  // the caller looks for what was meant
      continue;
    }
    const bool number =
        key->type == Type::real || key->type == Type::complex || (key->type == Type::real_list && key->scalar);
    if (!number || !key->sweepable) {
      reporter.add(entry.place,
                   fmt::format("{} = {}: {} cannot be swept: only single real or complex numbers can{}", entry.name,
                               show(*entry.node), entry.path, number ? " of [model], [bath] and [initial]" : ""));
      result.complete = false;
      continue;
    }
    std::optional<Grid> grid;
    auto values = read_axis(*entry.node, *key, entry.name, grid, reporter);
    if (!values) {
      result.complete = false;
      continue;
    }
    if (grid) result.grids.emplace(entry.path, *grid);
    const std::size_t count = values->size();
    result.sweep.axes.push_back({entry.path, std::move(*values)});
    if (first == nullptr) first = &entry;
    if (result.sweep.mode == SweepMode::zip) {
      const std::size_t wanted = result.sweep.axes.front().values.size();
      if (count == wanted) continue;
      reporter.add(
          entry.node->place,
          fmt::format("{} has {} values but {} has {}: with sweep.mode = \"zip\" all lists must be of one length",
                      entry.name, count, first->name, wanted));
      result.complete = false;
    } else if (count > most_points / points) {
      reporter.add(
          entry.node->place,
          fmt::format("{} has {} values: the sweep would have {:.3g} points, more than the "
                      "{} allowed",
                      entry.name, count, static_cast<double>(points) * static_cast<double>(count), most_points));
      result.complete = false;
    } else {
      points *= count;
    }
  }
  return result;
}

}  // namespace lindrift::config
