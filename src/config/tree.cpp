#include "config/tree.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>

#include "config/precheck.hpp"
#include "config/text.hpp"

namespace lindrift::config {

namespace {

Place place_of(const toml::source_region& region, int set) {
  if (set >= 0) return Place{.set = set};
  return Place{.line = static_cast<int>(region.begin.line), .column = static_cast<int>(region.begin.column)};
}

/// Dates and times never get here: see precheck().
Node convert(const toml::node& node, int set) {
  Node result;
  result.place = place_of(node.source(), set);
  if (const auto* table = node.as_table()) {
    auto copy = std::make_unique<Table>();
    copy->is_inline = table->is_inline();
    copy->entries.reserve(table->size());
    for (const auto& [key, value] : *table) {
      const Place place = place_of(key.source(), set);
      copy->entries.push_back({std::string(key.str()), place, convert(value, set), place});
    }
    // The parser sorts by name; restore the order of the file, in which entries are processed.
    std::stable_sort(copy->entries.begin(), copy->entries.end(), [table](const Entry& left, const Entry& right) {
      const auto begin = [table](const Entry& entry) {
        const auto position = table->find(entry.key)->first.source().begin;
        return std::pair(position.line, position.column);
      };
      return begin(left) < begin(right);
    });
    result.value = std::move(copy);
  } else if (const auto* array = node.as_array()) {
    auto copy = std::make_unique<Array>();
    copy->items.reserve(array->size());
    for (const auto& item : *array) copy->items.push_back(convert(item, set));
    result.value = std::move(copy);
  } else if (const auto* text = node.as_string()) {
    result.value = text->get();
  } else if (const auto* integer = node.as_integer()) {
    result.value = std::int64_t{integer->get()};
  } else if (const auto* real = node.as_floating_point()) {
    result.value = real->get();
  } else if (const auto* boolean = node.as_boolean()) {
    result.value = boolean->get();
  }
  return result;
}

/// A line of the text, truncated for messages.
std::string line_of(std::string_view text, int line) {
  std::size_t begin = 0;
  for (int i = 1; i < line && begin != std::string_view::npos; ++i) {
    begin = text.find('\n', begin);
    if (begin != std::string_view::npos) ++begin;
  }
  if (begin == std::string_view::npos || begin >= text.size()) return "";
  std::string_view found = text.substr(begin, text.find_first_of("\r\n", begin) - begin);
  const std::size_t first = found.find_first_not_of(" \t");
  if (first == std::string_view::npos) return "";
  return std::string(found.substr(first));
}

Node empty_table() {
  Node node;
  node.value = std::make_unique<Table>();
  return node;
}

/// Splits bath.up."loss" into its parts; empty if it is not a key.
std::vector<std::string> split_key(std::string_view key) {
  std::vector<std::string> parts;
  std::size_t at = 0;
  const auto blank = [&] {
    while (at < key.size() && (key[at] == ' ' || key[at] == '\t')) ++at;
  };
  while (true) {
    blank();
    if (at == key.size()) return {};
    std::string part;
    if (key[at] == '"' || key[at] == '\'') {
      const std::size_t end = key.find(key[at], at + 1);
      if (end == std::string_view::npos) return {};
      part = key.substr(at + 1, end - at - 1);
      at = end + 1;
      if (part.find('\\') != std::string::npos) return {};
    } else {
      const std::size_t begin = at;
      while (at < key.size() && key[at] != '.' && key[at] != ' ' && key[at] != '\t') {
        const char c = key[at++];
        const bool bare =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
        if (!bare) return {};
      }
      part = key.substr(begin, at - begin);
    }
    if (part.empty()) return {};
    parts.push_back(std::move(part));
    blank();
    if (at == key.size()) return parts.size() <= 32 ? parts : std::vector<std::string>{};
    if (key[at++] != '.') return {};
  }
}

/// The value of --set: parsed as TOML if possible, otherwise the text itself. Returns false if it contains more than
/// one value.
bool parse_value(const std::string& text, int set, Node& node) {
  node.place.set = set;
  node.value = text;
  const std::string line = "v = " + text;
  if (precheck(line)) return true;
  try {
    const toml::table table = toml::parse(std::string_view(line));
    if (table.size() != 1) return false;
    node = convert(*table.get("v"), set);
    return true;
  } catch (const toml::parse_error&) {
    return true;
  }
}

void overlay(Table& table, const std::string& key, Node node) {
  Entry* entry = table.find(key);
  const Place place = node.place;
  if (entry == nullptr) {
    table.entries.push_back({key, place, std::move(node), place});
    return;
  }
  Table* old_table = entry->node.table();
  Table* new_table = node.table();
  // An empty table clears the old one: --set 'sweep={}'.
  if (old_table != nullptr && new_table != nullptr && !old_table->is_inline && !new_table->entries.empty()) {
    for (Entry& inner : new_table->entries) overlay(*old_table, inner.key, std::move(inner.node));
    return;
  }
  entry->place = place;
  entry->node = std::move(node);
}

bool is_number(const std::string& text) {
  return text.size() < 10 && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// The list item with the index `part`, counted from 0; null if there is none.
Node* item_of(Array& array, const std::string& part) {
  if (!is_number(part)) return nullptr;
  const std::size_t place = std::stoul(part);
  return place < array.items.size() ? &array.items[place] : nullptr;
}

}  // namespace

Array* Node::array() { return const_cast<Array*>(std::as_const(*this).array()); }

const Array* Node::array() const {
  const auto* pointer = std::get_if<std::unique_ptr<Array>>(&value);
  return pointer != nullptr ? pointer->get() : nullptr;
}

const Table* Node::table() const {
  const auto* pointer = std::get_if<std::unique_ptr<Table>>(&value);
  return pointer != nullptr ? pointer->get() : nullptr;
}

Table* Node::table() {
  auto* pointer = std::get_if<std::unique_ptr<Table>>(&value);
  return pointer != nullptr ? pointer->get() : nullptr;
}

const Entry* Table::find(const std::string& key) const {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) { return entry.key == key; });
  return found != entries.end() ? &*found : nullptr;
}

Entry* Table::find(const std::string& key) { return const_cast<Entry*>(std::as_const(*this).find(key)); }

Node parse_tree(const std::string& text, Reporter& reporter) {
  std::string_view body = text;
  if (body.substr(0, 3) == "\xEF\xBB\xBF") body.remove_prefix(3);
  if (const auto rejection = precheck(body)) {
    reporter.add(Place{.line = rejection->line, .column = rejection->column}, rejection->message);
    return empty_table();
  }
  try {
    const toml::table table = toml::parse(body);
    return convert(table, -1);
  } catch (const toml::parse_error& error) {
    const Place place = place_of(error.source(), -1);
    std::string message(error.description());
    if (const std::string line = line_of(body, place.line); !line.empty()) {
      message += "; the line reads " + quote_short(line);
    }
    reporter.add(place, std::move(message));
    return empty_table();
  }
}

void apply_set(Node& root, int index, const std::string& key, const std::string& value, Reporter& reporter) {
  const Place place{.set = index};
  const std::vector<std::string> parts = split_key(key);
  if (parts.empty()) {
    reporter.add(place, "not a key: it must read like bath.coupling or sweep.\"bath.coupling\"");
    return;
  }
  Node node;
  if (!parse_value(value, index, node)) {
    reporter.add(place, fmt::format("{} = {}: must be one TOML value", key, quote_short(value)));
    return;
  }
  Node* at = &root;
  std::string name;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool last = i + 1 == parts.size();
    if (Array* array = at->array()) {
      Node* item = item_of(*array, parts[i]);
      if (item == nullptr) {
        reporter.add(place, fmt::format("{0} is a list of length {1} in the input: its items are {0}.0, {0}.1, ...",
                                        name, array->items.size()));
        return;
      }
      name += "." + parts[i];
      if (last) *item = std::move(node);
      at = item;
      continue;
    }
    Table* table = at->table();
    if (table == nullptr) {
      reporter.add(place, fmt::format("{} is {} in the input, not a table", name, show(*at)));
      return;
    }
    name += (i > 0 ? "." : "") + format_key(parts[i]);
    if (last) {
      overlay(*table, parts[i], std::move(node));
      return;
    }
    Entry* entry = table->find(parts[i]);
    if (entry == nullptr && is_number(parts[i + 1])) {
      reporter.add(place,
                   fmt::format("{0} is not in the input, so that it has no item {1}: give it whole, --set {0}=[...]",
                               name, parts[i + 1]));
      return;
    }
    if (entry == nullptr) {
      table->entries.push_back({parts[i], place, empty_table(), place});
      table->entries.back().node.place = place;
      entry = &table->entries.back();
    }
    at = &entry->node;
  }
}

}  // namespace lindrift::config
