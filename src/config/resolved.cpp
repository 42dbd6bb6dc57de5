#include "config/resolved.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "config/schema.hpp"
#include "config/text.hpp"

namespace lindrift::config {

namespace {

/// Grids with more points are written as { start, stop, count }: a list might exceed the largest size of an input.
constexpr std::size_t longest_list = 10'000;

std::string format_list_or_grid(const Value& value, const Key& key, const Grids& grids) {
  if (const auto* reals = std::get_if<std::vector<double>>(&value)) {
    const auto grid = grids.find(key.path);
    if (reals->size() > longest_list && grid != grids.end()) return grid->second.text();
  }
  return format_value(value, key);
}

/// Tables in the order in which they are written: [model] [bath] [initial] [task] [solver], others, [output].
std::vector<std::string> tables_in_order(const std::vector<Key>& keys) {
  std::vector<std::string> tables;
  for (const Key& key : keys) {
    const std::string table = parent_of(key.path);
    if (std::find(tables.begin(), tables.end(), table) == tables.end()) tables.push_back(table);
  }
  const auto rank = [](const std::string& table) {
    static const std::vector<std::string> known = {"model", "bath", "initial", "task", "solver"};
    const std::string top = table.substr(0, table.find('.'));
    const auto place = std::find(known.begin(), known.end(), top);
    const auto section = top == "output" ? static_cast<std::ptrdiff_t>(known.size()) + 1 : place - known.begin();
    return std::pair(section, table != top);  // a table before the tables in it
  };
  std::stable_sort(tables.begin(), tables.end(),
                   [&](const std::string& left, const std::string& right) { return rank(left) < rank(right); });
  return tables;
}

/// One table per channel, written after the plain keys of the parent, which TOML would otherwise assign to the last
/// channel.
std::string format_channels(const Key& key, const Channels& channels) {
  std::string text;
  for (std::vector<Term> terms : channels) {
    text += fmt::format("{}[[{}]]\n", text.empty() ? "" : "\n", key.path);
    if (!key.kinds.empty()) {
      text += fmt::format("kind = {}\n", quote(key.kinds[static_cast<std::size_t>(terms.front().indices.front())]));
      for (Term& term : terms) term.indices.erase(term.indices.begin());
    }
    text += fmt::format("terms = {}\n", format_terms(terms));
  }
  return text;
}

std::string format_table(const std::string& table, const Document& document, const Grids& grids) {
  std::string text;
  const auto swept = [&](const std::string& path) {
    return std::any_of(document.sweep.axes.begin(), document.sweep.axes.end(),
                       [&](const Axis& axis) { return axis.path == path; });
  };
  const auto is_hash = [&](const std::string& path) {
    return std::any_of(document.schema.keys.begin(), document.schema.keys.end(),
                       [&](const Key& key) { return key.file_path && hash_path(key.path) == path; });
  };
  for (const Key& key : document.schema.keys) {
    if (parent_of(key.path) != table) continue;
    const auto value = document.base.values().find(key.path);
    if (value != document.base.values().end()) {
      if (key.type == Type::operator_channels) continue;
      text += fmt::format("{} = {}\n", leaf_of(key.path), format_list_or_grid(value->second, key, grids));
    } else if (key.optional && !key.derived.empty() && !swept(key.path) && !is_hash(key.path)) {
      text += fmt::format("# {} = {}\n", leaf_of(key.path), key.derived);
    }
  }
  return text;
}

std::string format_sweep(const Sweep& sweep) {
  std::string text = fmt::format("[sweep]\nmode = \"{}\"\n", sweep.mode == SweepMode::zip ? "zip" : "grid");
  for (const Axis& axis : sweep.axes) {
    const Grid* grid = axis.values.grid();
    text += fmt::format("\"{}\" = ", axis.path);
    if (axis.values.size() > longest_list && grid != nullptr) {
      text += grid->text();
    } else {
      text += '[';
      for (std::size_t i = 0; i < axis.values.size(); ++i) text += (i > 0 ? ", " : "") + format_value(axis.values[i]);
      text += ']';
    }
    text += '\n';
  }
  return text;
}

}  // namespace

std::string resolved_text(const Document& document, const Grids& grids) {
  std::string text;
  const auto add = [&text](const std::string& part) {
    if (!text.empty()) text += '\n';
    text += part;
  };
  bool swept = document.sweep.empty();  // nothing to write
  for (const std::string& table : tables_in_order(document.schema.keys)) {
    if (!swept && table.substr(0, table.find('.')) == "output") {
      add(format_sweep(document.sweep));
      swept = true;
    }
    const std::string body = format_table(table, document, grids);
    if (!body.empty()) add("[" + table + "]\n" + body);
    for (const Key& key : document.schema.keys) {
      const bool here = key.type == Type::operator_channels && parent_of(key.path) == table;
      if (here && document.base.has(key.path)) add(format_channels(key, document.base.channels(key.path)));
    }
  }
  if (!swept) add(format_sweep(document.sweep));
  return text;
}

}  // namespace lindrift::config
