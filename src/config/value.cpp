#include "config/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <regex>
#include <set>

#include "config/config.hpp"
#include "config/precheck.hpp"
#include "config/schema.hpp"
#include "config/text.hpp"
#include "engine/machine_memory.hpp"
#include "engine/short_text.hpp"

namespace lindrift::config {

namespace {

constexpr std::int64_t most_axis_values = 10'000'000;
/// Longer grids are counted before they get values.
constexpr std::int64_t long_grid = 65'536;

/// Reads one key; every error message has the form "name = value: must be ... (help)".
class Reader {
 public:
  Reader(const Key& key, Reporter& reporter, GridValues extent) : key_(key), reporter_(reporter), extent_(extent) {}

  void complain(const Place& place, const std::string& name, const std::string& value, const std::string& problem) {
    reporter_.add(place, name + " = " + value + ": " + problem + format_help(key_));
  }

  void complain(const Node& node, const std::string& name, const std::string& problem) {
    complain(node.place, name, show(node), problem);
  }

  /// Any finite number.
  std::optional<double> number(const Node& node, const std::string& name, const std::string& wanted) {
    if (const auto* integer = std::get_if<std::int64_t>(&node.value)) return static_cast<double>(*integer);
    const auto* real = std::get_if<double>(&node.value);
    if (real == nullptr) {
      complain(node, name, "must be " + wanted);
      return std::nullopt;
    }
    if (!std::isfinite(*real)) {
      complain(node, name, "must be finite");
      return std::nullopt;
    }
    return *real;
  }

  std::optional<double> real(const Node& node, const std::string& name) {
    const std::string range = key_.range.text();
    const auto value = number(node, name, "a number" + (range.empty() ? "" : " " + range));
    if (value && !key_.range.contains(*value)) {
      complain(node, name, "must be " + range);
      return std::nullopt;
    }
    return value;
  }

  /// A whole number that fits into 64 bits; its range is checked elsewhere.
  std::optional<std::int64_t> whole(const Node& node, const std::string& name, const std::string& wanted) {
    if (const auto* integer = std::get_if<std::int64_t>(&node.value)) return *integer;
    if (const auto* value = std::get_if<double>(&node.value)) {
      if (!std::isfinite(*value)) {
        complain(node, name, "must be finite, " + wanted);
        return std::nullopt;
      }
      if (*value == std::floor(*value)) {
        if (std::abs(*value) < 9.2e18) return static_cast<std::int64_t>(*value);
        complain(node, name, "must fit in 64 bits, " + wanted);
        return std::nullopt;
      }
    }
    complain(node, name, "must be " + wanted);
    return std::nullopt;
  }

  std::optional<std::int64_t> integer(const Node& node, const std::string& name) {
    const std::string range = key_.range.text();
    const auto value = whole(node, name, "an integer" + (range.empty() ? "" : " " + range));
    if (value && !key_.range.contains(static_cast<double>(*value))) {
      complain(node, name, "must be " + range);
      return std::nullopt;
    }
    return value;
  }

  std::optional<Complex> complex(const Node& node, const std::string& name) {
    const std::string wanted = "[re, im] or a number";
    const Array* parts = node.array();
    if (parts == nullptr) {
      const auto value = number(node, name, wanted);
      return value ? std::optional<Complex>(*value) : std::nullopt;
    }
    if (parts->items.size() != 2) {
      complain(node, name, "must be " + wanted);
      return std::nullopt;
    }
    const auto re = number(parts->items[0], name + "[0]", "a number, the real part");
    const auto im = number(parts->items[1], name + "[1]", "a number, the imaginary part");
    if (!re || !im) return std::nullopt;
    return Complex(*re, *im);
  }

  std::optional<std::string> text(const Node& node, const std::string& name, const std::vector<std::string>& choices) {
    const auto* value = std::get_if<std::string>(&node.value);
    const std::string allowed = choices.empty() ? "a text in quotes" : format_choices(choices);
    if (value == nullptr) {
      complain(node, name, "must be " + allowed);
      return std::nullopt;
    }
    if (!choices.empty() && std::find(choices.begin(), choices.end(), *value) == choices.end()) {
      const std::string guess = nearest(*value, choices);
      complain(node, name, "must be " + allowed + (guess.empty() ? "" : "; did you mean " + quote(guess) + "?"));
      return std::nullopt;
    }
    return *value;
  }

  std::optional<std::string> path(const Node& node, const std::string& name, const std::string& folder) {
    const auto value = text(node, name, {});
    if (!value) return std::nullopt;
    const bool control = std::any_of(value->begin(), value->end(), [](char c) {
      const auto byte = static_cast<unsigned char>(c);
      return byte < 0x20 || byte == 0x7F;
    });
    if (value->empty() || control || !is_utf8(*value)) {
      complain(node, name, "must name a file, in UTF-8 without control characters");
      return std::nullopt;
    }
    std::error_code failure;
    const auto whole_path = std::filesystem::absolute(std::filesystem::path(folder) / *value, failure);
    if (failure || !is_utf8(whole_path.string())) {
      complain(node, name, "cannot be made an absolute path: the folder of the input has no name in UTF-8");
      return std::nullopt;
    }
    return whole_path.string();
  }

  /// Items of a list; null if the value is no list or is empty.
  const std::vector<Node>* items(const Node& node, const std::string& name, const std::string& wanted) {
    const Array* array = node.array();
    if (array == nullptr) {
      complain(node, name, "must be " + wanted);
      return nullptr;
    }
    if (array->items.empty()) {
      complain(node, name, "must not be empty: give " + wanted);
      return nullptr;
    }
    return &array->items;
  }

  /// All items, or nothing if one is wrong.
  template <typename Item, typename Read>
  std::optional<std::vector<Item>> list(const std::vector<Node>& nodes, const std::string& name, Read read) {
    std::vector<Item> values;
    values.reserve(nodes.size());
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const auto value = read(nodes[i], fmt::format("{}[{}]", name, i));
      if (!value) return std::nullopt;
      values.push_back(*value);
    }
    return values;
  }

  /// { start = a, stop = b, count = n }, optionally with scale = "log"
  std::optional<Grid> grid(const Node& node, const std::string& name, std::int64_t most) {
    const Table& table = *node.table();
    Grid form;
    bool good = only(table, name, {"start", "stop", "count", "scale"}, grid_form);
    const Entry* start = table.find("start");
    const Entry* stop = table.find("stop");
    const Entry* count = table.find("count");
    for (const auto& [part, entry] : {std::pair{"start", start}, {"stop", stop}, {"count", count}}) {
      if (entry != nullptr) continue;
      complain(node, name, fmt::format("{} is missing: a grid is {}", part, grid_form));
      good = false;
    }
    for (const auto& [part, entry, end] :
         {std::tuple{"start", start, &form.start}, std::tuple{"stop", stop, &form.stop}}) {
      if (entry == nullptr) continue;
      const auto value = real(entry->node, name + "." + part);
      *end = value.value_or(0.0);
      good = good && value;
    }
    if (count != nullptr) {
      const auto value = whole(count->node, name + ".count", fmt::format("an integer >= 1 and <= {}", most));
      form.count = value.value_or(1);
      if (value && (*value < 1 || *value > most)) {
        const double bytes = 8.0 * static_cast<double>(*value);
        const std::string size = bytes > machine_memory()
                                     ? fmt::format(": so many take {} of memory, and this machine has {}",
                                                   bytes_text(bytes), bytes_text(machine_memory()))
                                     : "";
        complain(count->node, name + ".count", fmt::format("must be >= 1 and <= {}{}", most, size));
        good = false;
      }
      good = good && value;
    }
    if (const Entry* scale = table.find("scale")) {
      const auto value = text(scale->node, name + ".scale", {"linear", "log"});
      form.logarithmic = value && *value == "log";
      good = good && value;
    }
    if (!good || !is_possible(form, node, name)) return std::nullopt;
    return form;
  }

  /// { modulus = x, phase = { start = a, stop = b, count = n } }
  std::optional<Grid> phases(const Node& node, const std::string& name, std::int64_t most) {
    const Table& table = *node.table();
    const Entry* modulus = table.find("modulus");
    const Entry* phase = table.find("phase");
    if (modulus == nullptr || phase == nullptr || phase->node.table() == nullptr) {
      complain(node, name, std::string("must be a list of [re, im] or numbers, or ") + phase_form);
      return std::nullopt;
    }
    const bool good = only(table, name, {"modulus", "phase"}, phase_form);
    const auto length = number(modulus->node, name + ".modulus", "a number >= 0");
    if (length && *length < 0.0) complain(modulus->node, name + ".modulus", "must be >= 0");
    std::optional<Grid> form = grid(phase->node, name + ".phase", most);
    if (!form || !length || *length < 0.0 || !good) return std::nullopt;
    form->modulus = *length;
    return form;
  }

  /// A list or a grid of numbers within range, ascending if the key requires it.
  std::optional<Reading> reals(const Node& node, const std::string& name, bool grid_allowed, std::int64_t most) {
    std::string wanted = grid_allowed ? "a list of numbers or { start = a, stop = b, count = n }" : "a list of numbers";
    if (key_.scalar) wanted = "a number or " + wanted;
    if (!key_.choices.empty()) wanted = format_choices(key_.choices) + ", " + wanted;
    if (const auto* word = std::get_if<std::string>(&node.value)) {
      if (std::find(key_.choices.begin(), key_.choices.end(), *word) != key_.choices.end())
        return Reading{std::vector<double>{}};
    } else if (key_.scalar && node.array() == nullptr && node.table() == nullptr) {
      const auto value = real(node, name);
      if (!value) return std::nullopt;
      return Reading{std::vector<double>{*value}};
    }
    std::optional<std::vector<double>> values;
    std::optional<Grid> form;
    if (grid_allowed && node.table() != nullptr) {
      form = grid(node, name, most);
      const bool counted_only = extent_ == GridValues::ends && form && form->count > long_grid;
      if (form) values = counted_only ? std::vector<double>{form->start, form->stop} : form->numbers();
    } else if (const auto* nodes = items(node, name, wanted)) {
      if (nodes->size() > static_cast<std::size_t>(most)) {
        complain(node, name, fmt::format("must have at most {} values, not {}", most, nodes->size()));
        return std::nullopt;
      }
      values =
          list<double>(*nodes, name, [this](const Node& item, const std::string& place) { return real(item, place); });
    }
    if (!values) return std::nullopt;
    for (std::size_t i = 0; i < values->size(); ++i) {
      const double value = (*values)[i];
      if (!key_.range.contains(value)) {
        complain(place(node, i), fmt::format("{}[{}]", name, i), format_real(value), "must be " + key_.range.text());
        return std::nullopt;
      }
      if (key_.ascending && i > 0 && !(value > (*values)[i - 1])) {
        complain(place(node, i), fmt::format("{}[{}]", name, i), format_real(value),
                 fmt::format("must be > {}[{}] = {}: strictly ascending", name, i - 1, format_real((*values)[i - 1])));
        return std::nullopt;
      }
    }
    return Reading{std::move(*values), form};
  }

  /// A list of numbers, or a grid, whose numbers are not all made.
  std::optional<AxisValues> real_axis(const Node& node, const std::string& name, std::int64_t most) {
    if (node.table() == nullptr) {
      const auto given = reals(node, name, true, most);
      if (!given) return std::nullopt;
      const auto& numbers = std::get<std::vector<double>>(given->value);
      return std::vector<Value>(numbers.begin(), numbers.end());
    }
    const auto form = grid(node, name, most);
    if (!form) return std::nullopt;
    // Both ends are within the range, so that only 0 can be forbidden between them.
    if (key_.range.nonzero && (form->start < 0.0) != (form->stop < 0.0))
      for (std::size_t i = 0; i < form->size(); ++i)
        if (form->number(i) == 0.0) {
          complain(node.place, fmt::format("{}[{}]", name, i), "0.0", "must be " + key_.range.text());
          return std::nullopt;
        }
    return *form;
  }

  /// A list of integers, or a grid of integer points.
  std::optional<AxisValues> integer_axis(const Node& node, const std::string& name, std::int64_t most) {
    if (node.table() != nullptr) {
      auto form = grid(node, name, most);
      if (!form) return std::nullopt;
      for (std::size_t i = 0; i < form->size(); ++i) {
        const double number = form->number(i);
        if (number != std::floor(number) || std::fabs(number) > 9e15 || !key_.range.contains(number)) {
          const std::string range = key_.range.text();
          complain(node.place, name, format_real(number),
                   "every point of the grid must be an integer" + (range.empty() ? "" : " " + range));
          return std::nullopt;
        }
      }
      form->integers = true;
      return *form;
    }
    const auto* nodes = items(node, name, "a list of integers or { start = a, stop = b, count = n }");
    if (nodes == nullptr) return std::nullopt;
    return list<Value>(*nodes, name, [this](const Node& item, const std::string& place) {
      const auto value = integer(item, place);
      return value ? std::optional<Value>(*value) : std::nullopt;
    });
  }

  /// Lists of integers, all of the same length.
  std::optional<std::vector<Value>> integer_lists(const Node& node, const std::string& name) {
    const auto* nodes = items(node, name, "a list of lists of integers");
    if (nodes == nullptr) return std::nullopt;
    std::size_t length = 0;
    return list<Value>(*nodes, name, [&](const Node& item, const std::string& place) -> std::optional<Value> {
      auto values = integers(item, place);
      if (!values) return std::nullopt;
      if (length == 0) length = values->size();
      if (values->size() == length) return Value(std::move(*values));
      complain(item, place, fmt::format("every list must have as many numbers, {}", length));
      return std::nullopt;
    });
  }

  std::optional<std::vector<std::int64_t>> integers(const Node& node, const std::string& name) {
    const bool all = std::find(key_.choices.begin(), key_.choices.end(), "all") != key_.choices.end();
    const auto* word = std::get_if<std::string>(&node.value);
    if (all && word != nullptr && *word == "all") return std::vector<std::int64_t>{};
    if (key_.scalar &&
        (std::holds_alternative<std::int64_t>(node.value) || std::holds_alternative<double>(node.value))) {
      const auto value = integer(node, name);
      return value ? std::optional(std::vector{*value}) : std::nullopt;
    }
    const std::string before = all ? "\"all\" or " : key_.scalar ? "an integer or " : "";
    const auto* nodes = items(node, name, before + "a list of integers");
    if (nodes == nullptr) return std::nullopt;
    auto values = list<std::int64_t>(
        *nodes, name, [this](const Node& item, const std::string& place) { return integer(item, place); });
    if (!values) return std::nullopt;
    std::set<std::int64_t> seen;
    for (std::size_t i = 0; i < values->size(); ++i) {
      const std::int64_t value = (*values)[i];
      if (!seen.insert(value).second && !key_.repeats) {
        complain((*nodes)[i], fmt::format("{}[{}]", name, i), "must not appear twice");
        return std::nullopt;
      }
      if (key_.ascending && i > 0 && value < (*values)[i - 1]) {
        complain((*nodes)[i], fmt::format("{}[{}]", name, i),
                 fmt::format("must be > {}[{}] = {}: strictly ascending", name, i - 1, (*values)[i - 1]));
        return std::nullopt;
      }
    }
    return values;
  }

  std::optional<std::vector<std::string>> texts(const Node& node, const std::string& name) {
    const auto* word = std::get_if<std::string>(&node.value);
    if (word != nullptr && *word == "all") return std::vector<std::string>{};
    if (word != nullptr && key_.scalar) {
      std::vector<std::string> choices = key_.choices;
      choices.insert(choices.begin(), "all");
      const auto one = text(node, name, choices);
      return one ? std::optional(std::vector{*one}) : std::nullopt;
    }
    const std::string wanted =
        "\"all\" or a list of " + (key_.choices.empty() ? std::string("texts") : format_choices(key_.choices));
    const auto* nodes = items(node, name, wanted);
    if (nodes == nullptr) return std::nullopt;
    auto values = list<std::string>(
        *nodes, name, [this](const Node& item, const std::string& place) { return text(item, place, key_.choices); });
    if (!values) return std::nullopt;
    std::set<std::string> seen;
    for (std::size_t i = 0; i < values->size(); ++i) {
      const bool utf8 = is_utf8((*values)[i]);
      if (utf8 && seen.insert((*values)[i]).second) continue;
      complain((*nodes)[i], fmt::format("{}[{}]", name, i), utf8 ? "must not appear twice" : "must be UTF-8");
      return std::nullopt;
    }
    return values;
  }

  /// A list of terms, as a single channel.
  std::optional<Channels> terms(const Node& node, const std::string& name) {
    const auto* nodes = items(node, name, fmt::format("a list of terms {}", term_form()));
    if (nodes == nullptr) return std::nullopt;
    auto values = list<Term>(*nodes, name, [this](const Node& item, const std::string& at) { return term(item, at); });
    if (!values) return std::nullopt;
    return Channels{std::move(*values)};
  }

  std::optional<bool> boolean(const Node& node, const std::string& name) {
    if (const auto* value = std::get_if<bool>(&node.value)) return *value;
    complain(node, name, "must be true or false");
    return std::nullopt;
  }

  /// Rows of equal length.
  std::optional<std::vector<std::vector<double>>> rows(const Node& node, const std::string& name) {
    const auto* nodes = items(node, name, "a list of rows [[x, ...], ...]");
    if (nodes == nullptr) return std::nullopt;
    std::vector<std::vector<double>> values;
    for (std::size_t i = 0; i < nodes->size(); ++i) {
      const std::string row_name = fmt::format("{}[{}]", name, i);
      const auto* row = items((*nodes)[i], row_name, "a list of numbers");
      if (row == nullptr) return std::nullopt;
      const auto numbers =
          list<double>(*row, row_name, [this](const Node& item, const std::string& at) { return real(item, at); });
      if (!numbers) return std::nullopt;
      if (i > 0 && numbers->size() != values.front().size()) {
        complain((*nodes)[i], row_name, "every row must have as many numbers");
        return std::nullopt;
      }
      values.push_back(*numbers);
    }
    return values;
  }

  /// A table of square matrices.
  std::optional<NamedMatrices> named_matrices(const Node& node, const std::string& name) {
    const Table* table = node.table();
    if (table == nullptr || table->entries.empty()) {
      complain(node, name, std::string("must be a table of matrices, ") + matrices_form);
      return std::nullopt;
    }
    NamedMatrices matrices;
    bool good = true;
    for (const Entry& entry : table->entries) {
      const std::string place = fmt::format("{}.{}", name, format_key(entry.key));
      if (!is_word(entry.key)) {
        complain(entry.place, place, show(entry.node),
                 "a name begins with a letter and has letters, digits and _ only, at most 64");
        good = false;
      } else if (auto one = matrix(entry.node, place)) {
        one->name = entry.key;
        matrices.push_back(std::move(*one));
      } else {
        good = false;
      }
    }
    return good ? std::optional(std::move(matrices)) : std::nullopt;
  }

  /// Rows of integers of one length, as numbers.
  std::optional<std::vector<std::vector<double>>> integer_rows(const Node& node, const std::string& name) {
    auto values = rows(node, name);
    if (!values) return std::nullopt;
    for (std::size_t i = 0; i < values->size(); ++i)
      for (std::size_t j = 0; j < (*values)[i].size(); ++j)
        if (!whole((*node.array()).items[i].array()->items[j], fmt::format("{}[{}][{}]", name, i, j), "an integer"))
          return std::nullopt;
    return values;
  }

  /// An array of tables, one per channel; every term is checked.
  std::optional<Channels> channels(const Node& node, const std::string& name) {
    const Array* tables = node.array();
    const bool all_tables = tables != nullptr && std::all_of(tables->items.begin(), tables->items.end(),
                                                             [](const Node& item) { return item.table() != nullptr; });
    if (!all_tables || tables->items.empty()) {
      complain(node, name, fmt::format("must be one table per channel: write [[{}]] with {}", name, terms_form()));
      return std::nullopt;
    }
    Channels values;
    bool good = true;
    for (std::size_t i = 0; i < tables->items.size(); ++i) {
      const auto terms = channel(tables->items[i], fmt::format("{}[{}]", name, i));
      good = good && terms;
      if (good) values.push_back(*terms);
    }
    return good ? std::optional<Channels>(std::move(values)) : std::nullopt;
  }

 private:
  static constexpr std::int64_t largest_offset = 1'000'000;
  static constexpr const char* grid_form = "{ start = a, stop = b, count = n }";
  static constexpr const char* matrices_form = "{ NAME = [[x, ...], ...] } with elements x or [re, im]";
  static constexpr const char* phase_form = "{ modulus = x, phase = { start = a, stop = b, count = n } }";

  static bool is_word(const std::string& text) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    return !text.empty() && text.size() <= 64 && letter(text.front()) &&
           std::all_of(text.begin(), text.end(),
                       [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '_'; });
  }

  /// A square matrix.
  std::optional<NamedMatrix> matrix(const Node& node, const std::string& name) {
    const auto* rows = items(node, name, "rows of as many numbers, [[x, ...], ...]");
    if (rows == nullptr) return std::nullopt;
    NamedMatrix result{.name = {}, .order = rows->size(), .elements = {}};
    for (std::size_t i = 0; i < rows->size(); ++i) {
      const Array* row = (*rows)[i].array();
      const std::string row_name = fmt::format("{}[{}]", name, i);
      if (row == nullptr || row->items.size() != result.order) {
        complain((*rows)[i], row_name,
                 fmt::format("must be a row of {} x or [re, im]", counted(result.order, "element")));
        return std::nullopt;
      }
      const auto elements = list<Complex>(
          row->items, row_name, [this](const Node& item, const std::string& at) { return complex(item, at); });
      if (!elements) return std::nullopt;
      result.elements.insert(result.elements.end(), elements->begin(), elements->end());
    }
    return result;
  }

  /// Whether a table has these keys only.
  bool only(const Table& table, const std::string& name, const std::vector<std::string>& known, const char* form) {
    bool good = true;
    for (const Entry& entry : table.entries) {
      if (std::find(known.begin(), known.end(), entry.key) != known.end()) continue;
      const std::string guess = nearest_or_usual(entry.key, known);
      reporter_.add(entry.place,
                    fmt::format("{}.{} = {}: unknown key: a grid is {}{}", name, format_key(entry.key),
                                show(entry.node), form, guess.empty() ? "" : "; did you mean " + guess + "?"));
      good = false;
    }
    return good;
  }

  /// Whether the numbers of a grid can be made.
  bool is_possible(const Grid& form, const Node& node, const std::string& name) {
    if (form.count == 1 && form.start != form.stop) {
      complain(node, name, "count = 1 needs start = stop");
      return false;
    }
    if (form.logarithmic && !((form.start > 0.0 && form.stop > 0.0) || (form.start < 0.0 && form.stop < 0.0))) {
      complain(node, name, "scale = \"log\" needs start and stop of one sign, and not 0");
      return false;
    }
    const auto steps = static_cast<double>(form.count - 1);
    if (!std::isfinite((form.stop - form.start) * steps) || !std::isfinite(form.start * steps) ||
        !std::isfinite(form.stop * steps)) {
      complain(node, name, "must span less: start, stop and their difference times (count - 1) must be finite");
      return false;
    }
    return true;
  }

  /// Whether entry i of a term is a spin; if not, it is an offset.
  bool is_spin(std::size_t i) const { return key_.term_length == 6 && i % 2 == 1; }

  /// Whether terms are displacements, behind which up to term_length - 1 orbitals may stand.
  bool is_plain() const { return key_.term_length >= 1 && key_.term_length <= 3; }

  std::string term_form() const {
    if (is_plain())
      return std::string("[R.., Re, Im]") + (key_.term_length == 1   ? ""
                                             : key_.term_length == 2 ? ", or [R.., a, Re, Im] with model.orbitals"
                                                                     : ", or [R.., a, b, Re, Im] with model.orbitals");
    if (key_.type == Type::terms) return "[R.., a, b, Re, Im]";
    if (key_.term_length == 0) return "[R.., a, R'.., b, Re, Im]";
    return key_.term_length == 6 ? "[a, spin, b, spin, Re, Im]" : "[a, b, Re, Im]";
  }
  std::string terms_form() const {
    const std::string terms = "terms = [" + term_form() + ", ...]";
    return key_.kinds.empty() ? terms : "kind = " + format_choices(key_.kinds) + ", " + terms;
  }

  /// Whether number i of a term of length `length` is known to be an orbital; if not, it may be an offset.
  bool is_orbital(std::size_t i, std::size_t length) const {
    if (is_plain()) return false;
    if (key_.type == Type::terms) return i + 4 >= length;
    const std::size_t directions = (length - 4) / 2;
    return i == directions || i == 2 * directions + 1;
  }

  /// Whether a term may have this length: with one, two or three directions.
  bool is_lattice_length(std::size_t length) const {
    if (is_plain()) return length >= 3 && length <= 4 + key_.term_length;
    if (key_.type == Type::terms) return length >= 5 && length <= 7;
    return length == 6 || length == 8 || length == 10;
  }

  /// A term on a lattice with any number of directions.
  std::optional<Term> lattice_term(const Node& node, const std::string& name) {
    const Array* numbers = node.array();
    const std::size_t length = numbers != nullptr ? numbers->items.size() : 0;
    if (!is_lattice_length(length)) {
      complain(node, name, fmt::format("must be {} with one to three displacements R", term_form()));
      return std::nullopt;
    }
    const auto place = [&](std::size_t i) { return fmt::format("{}[{}]", name, i); };
    Term result;
    for (std::size_t i = 0; i + 2 < length; ++i) {
      const bool orbital = is_orbital(i, length);
      const std::string wanted = orbital
                                     ? "an orbital, an integer >= 0 and <= 255"
                                     : fmt::format("an offset in cells, an integer >= -{0} and <= {0}", largest_offset);
      const auto value = whole(numbers->items[i], place(i), wanted);
      if (!value) return std::nullopt;
      if (orbital ? *value < 0 || *value > 255 : *value < -largest_offset || *value > largest_offset) {
        complain(numbers->items[i], place(i), "must be " + wanted);
        return std::nullopt;
      }
      result.indices.push_back(*value);
    }
    const auto re = number(numbers->items[length - 2], place(length - 2), "a number, the real part");
    const auto im = number(numbers->items[length - 1], place(length - 1), "a number, the imaginary part");
    if (!re || !im) return std::nullopt;
    result.amplitude = {*re, *im};
    return result;
  }

  /// The index of a channel's kind.
  std::optional<std::int64_t> channel_kind(const Node& node, const std::string& name) {
    const Entry* kind = node.table()->find("kind");
    if (kind == nullptr) {
      complain(node, name, fmt::format("kind is missing: a channel is {}", terms_form()));
      return std::nullopt;
    }
    const auto word = text(kind->node, name + ".kind", key_.kinds);
    if (!word) return std::nullopt;
    return std::find(key_.kinds.begin(), key_.kinds.end(), *word) - key_.kinds.begin();
  }

  /// The terms of one channel.
  std::optional<std::vector<Term>> channel(const Node& node, const std::string& name) {
    const Table& table = *node.table();
    bool good = true;
    std::vector<std::string> known = {"terms"};
    if (!key_.kinds.empty()) known.emplace_back("kind");
    for (const Entry& entry : table.entries) {
      if (std::find(known.begin(), known.end(), entry.key) != known.end()) continue;
      const std::string guess = nearest(entry.key, known);
      std::string hint = guess.empty() ? "" : fmt::format("; did you mean {}?", guess);
      if (entry.key == "scale" && key_.type == Type::operator_channels)
        hint = fmt::format("; a sweep scales a channel, if need be by a single value: [sweep] \"{}.scale\"",
                           std::regex_replace(name, std::regex(R"(\[(\d+)\])"), ".$1"));
      reporter_.add(entry.place, fmt::format("{}.{} = {}: unknown key: a channel is {}{}", name, format_key(entry.key),
                                             show(entry.node), terms_form(), hint));
      good = false;
    }
    std::optional<std::int64_t> kind;
    if (!key_.kinds.empty()) {
      kind = channel_kind(node, name);
      good = good && kind;
    }
    const Entry* terms = table.find("terms");
    if (terms == nullptr) {
      if (good) complain(node, name, fmt::format("terms is missing: a channel is {}", terms_form()));
      return std::nullopt;
    }
    const std::string terms_name = name + ".terms";
    const auto* nodes = items(terms->node, terms_name, fmt::format("a list of terms {}", term_form()));
    if (nodes == nullptr) return std::nullopt;
    std::vector<Term> values;
    for (std::size_t i = 0; i < nodes->size(); ++i) {
      const auto value = term((*nodes)[i], fmt::format("{}[{}]", terms_name, i));
      good = good && value;
      if (good) values.push_back(*value);
      if (good && kind) values.back().indices.insert(values.back().indices.begin(), *kind);
    }
    return good ? std::optional(std::move(values)) : std::nullopt;
  }

  std::optional<Term> term(const Node& node, const std::string& name) {
    if (key_.type == Type::terms || key_.term_length <= 3) return lattice_term(node, name);
    const Array* numbers = node.array();
    if (numbers == nullptr || numbers->items.size() != key_.term_length) {
      complain(node, name, fmt::format("must be {} numbers {}", key_.term_length, term_form()));
      return std::nullopt;
    }
    const auto place = [&](std::size_t i) { return fmt::format("{}[{}]", name, i); };
    const std::size_t indices = key_.term_length - 2;
    Term result;
    for (std::size_t i = 0; i < indices; ++i) {
      const std::string wanted = is_spin(i)
                                     ? "a spin, 0 (up) or 1 (down)"
                                     : fmt::format("an offset in sites, an integer >= -{0} and <= {0}", largest_offset);
      const auto value = whole(numbers->items[i], place(i), wanted);
      if (!value) return std::nullopt;
      const bool allowed =
          is_spin(i) ? *value == 0 || *value == 1 : *value >= -largest_offset && *value <= largest_offset;
      if (!allowed) {
        complain(numbers->items[i], place(i), "must be " + wanted);
        return std::nullopt;
      }
      result.indices.push_back(*value);
    }
    const auto re = number(numbers->items[indices], place(indices), "a number, the real part");
    if (!re) return std::nullopt;
    const auto im = number(numbers->items[indices + 1], place(indices + 1), "a number, the imaginary part");
    if (!im) return std::nullopt;
    result.amplitude = {*re, *im};
    return result;
  }

  /// Where the i-th value of a list comes from; a grid has a single place.
  static const Place& place(const Node& node, std::size_t i) {
    const Array* array = node.array();
    return array != nullptr ? array->items[i].place : node.place;
  }

  const Key& key_;
  Reporter& reporter_;
  GridValues extent_;
};

template <typename Result>
std::optional<Reading> reading(std::optional<Result> value) {
  if (!value) return std::nullopt;
  return Reading{Value(std::move(*value))};
}

}  // namespace

std::optional<Reading> read_value(const Node& node, const Key& key, const std::string& name, const std::string& folder,
                                  Reporter& reporter, GridValues extent) {
  Reader reader(key, reporter, extent);
  switch (key.type) {
    case Type::integer:
      return reading(reader.integer(node, name));
    case Type::real:
      return reading(reader.real(node, name));
    case Type::complex:
      return reading(reader.complex(node, name));
    case Type::text: {
      if (key.file_path) return reading(reader.path(node, name, folder));
      auto value = reader.text(node, name, key.choices);
      if (value && !is_utf8(*value)) {
        reader.complain(node, name, "must be UTF-8");
        return std::nullopt;
      }
      return reading(std::move(value));
    }
    case Type::real_list:
      return reader.reals(node, name, false, most_grid_points);
    case Type::real_grid:
      return reader.reals(node, name, true, most_grid_points);
    case Type::integer_list:
      if (key.rows && node.array() != nullptr && !node.array()->items.empty() &&
          node.array()->items.front().array() != nullptr)
        return reading(reader.integer_rows(node, name));
      return reading(reader.integers(node, name));
    case Type::text_list:
      return reading(reader.texts(node, name));
    case Type::boolean:
      return reading(reader.boolean(node, name));
    case Type::real_rows:
      return reading(reader.rows(node, name));
    case Type::named_matrices:
      return reading(reader.named_matrices(node, name));
    case Type::terms:
      return reading(reader.terms(node, name));
    case Type::operator_channels:
      return reading(reader.channels(node, name));
  }
  return std::nullopt;
}

std::optional<AxisValues> read_axis(const Node& node, const Key& key, const std::string& name, Reporter& reporter) {
  Key one = key;
  one.ascending = false;  // applies within the list of one point; a sweep may have any order
  one.scalar = false;
  Reader reader(one, reporter, GridValues::all);
  if (key.type == Type::complex) {
    if (node.table() != nullptr) return reader.phases(node, name, most_axis_values);
    const auto* nodes = reader.items(
        node, name, "a list of [re, im] or numbers, or { modulus = x, phase = { start = a, stop = b, count = n } }");
    if (nodes == nullptr) return std::nullopt;
    return reader.list<Value>(*nodes, name, [&reader](const Node& item, const std::string& place) {
      const auto value = reader.complex(item, place);
      return value ? std::optional<Value>(*value) : std::nullopt;
    });
  }
  if (key.type == Type::integer) return reader.integer_axis(node, name, most_axis_values);
  if (key.type == Type::integer_list) return reader.integer_lists(node, name);
  return reader.real_axis(node, name, most_axis_values);
}

}  // namespace lindrift::config
