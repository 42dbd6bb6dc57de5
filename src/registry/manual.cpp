#include "registry/manual.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "config/schema.hpp"
#include "config/text.hpp"
#include "registry/registry.hpp"

namespace lindrift {

namespace {

/// A model and one of its tasks.
using Pair = std::pair<std::string, std::string>;
using Pairs = std::vector<Pair>;

std::vector<Pairs> pairs_of_models() {
  std::vector<Pairs> all;
  for (const ModelEntry& model : models()) {
    all.emplace_back();
    for (const TaskEntry& task : model.tasks) all.back().emplace_back(model.kind, task.kind);
  }
  return all;
}

/// Text for a cell of a table, where a bar would end the cell.
std::string in_cell(std::string text) {
  for (std::size_t at = text.find('|'); at != std::string::npos; at = text.find('|', at + 2)) text.insert(at, 1, '\\');
  return text;
}

std::string code(const std::string& text) { return "`" + text + "`"; }

/// "`a`", "`a` and `b`", "`a`, `b` and `c`"
std::string list_of(const std::vector<std::string>& words, const std::string& last = " and ") {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i)
    text += (i == 0 ? "" : i + 1 == words.size() ? last : ", ") + code(words[i]);
  return text;
}

/// "of `tgge_chain`" for all tasks of a model, "of `hubbard` with `green`" for some; models with the same tasks
/// together.
std::string heading_of(const Pairs& pairs) {
  struct Models {
    std::vector<std::string> kinds, tasks;  ///< no tasks: all
  };
  std::vector<Models> parts;
  for (const Pairs& model : pairs_of_models()) {
    Models part{{model.front().first}, {}};
    for (const Pair& pair : model)
      if (std::find(pairs.begin(), pairs.end(), pair) != pairs.end()) part.tasks.push_back(pair.second);
    if (part.tasks.empty()) continue;
    if (part.tasks.size() == model.size()) part.tasks.clear();
    if (!parts.empty() && parts.back().tasks == part.tasks)
      parts.back().kinds.push_back(part.kinds.front());
    else
      parts.push_back(std::move(part));
  }
  std::string text;
  for (const auto& [kinds, tasks] : parts)
    text += (text.empty() ? "of " : "; of ") + list_of(kinds) + (tasks.empty() ? "" : " with " + list_of(tasks));
  return text;
}

std::string type_of(const Parameter& key) {
  switch (key.type) {
    case Type::integer:
      return "integer";
    case Type::real:
      return "real";
    case Type::complex:
      return "complex";
    case Type::text:
      return "text";
    case Type::real_list:
      return key.scalar ? "number or reals" : "reals";
    case Type::real_grid:
      return "grid";
    case Type::integer_list:
      return key.scalar ? "integer or integers" : "integers";
    case Type::text_list:
      return key.scalar ? "text or texts" : "texts";
    case Type::boolean:
      return "boolean";
    case Type::real_rows:
      return "rows of reals";
    case Type::named_matrices:
      return "table of matrices";
    case Type::terms:
      return "terms";
    case Type::operator_channels:
      break;
  }
  return "tables";
}

std::string allowed_values(const Parameter& key) {
  if (key.path == "model.hamiltonian") return "`\"FILE_hr.dat\"`";
  if (key.file_path) return "`\"FILE.h5:/dataset\"`";
  if (key.path == "output.fields") return "dataset names";
  std::vector<std::string> allowed;
  for (const std::string& choice : key.choices)
    allowed.push_back(key.type == Type::text ? choice : config::quote(choice));
  std::string text = list_of(allowed, ", ");
  if (const std::string range = key.range.text(); !range.empty()) text += (text.empty() ? "" : ", ") + range;
  return text.empty() ? "any" : text;
}

std::string meaning_of(const Parameter& key) {
  std::string text;
  for (const Condition& condition : key.when)
    text += "with " + code(config::leaf_of(condition.path)) + " = " + list_of(condition.values, " or ") + ": ";
  text += key.help;
  if (key.ascending) text += "; strictly ascending";
  for (const std::string& other : key.unless) text += "; not with " + code(other);
  if (!key.details.empty()) text += "; " + key.details;
  return text;
}

std::string row_of(const Parameter& key) {
  const std::string value = default_text(key);
  return fmt::format("| {} | {} | {} | {} | {} | {} |\n", code(key.path), type_of(key),
                     value == "required" ? value : code(value), allowed_values(key), key.sweepable ? "yes" : "",
                     in_cell(meaning_of(key)));
}

/// Rows that apply to the same models and tasks.
struct Block {
  std::string section;
  Pairs pairs;
  std::string rows;
};

}  // namespace

std::string default_text(const Parameter& key) {
  if (!key.default_value) return key.derived.empty() ? "required" : key.derived;
  const auto* list = std::get_if<std::vector<double>>(&*key.default_value);
  if (key.scalar && list != nullptr && list->size() == 1) return config::format_real(list->front());
  const auto* integers = std::get_if<std::vector<std::int64_t>>(&*key.default_value);
  if (key.scalar && integers != nullptr && integers->size() == 1) return std::to_string(integers->front());
  return config::format_value(*key.default_value, key);
}

std::string key_tables() {
  struct Row {
    std::string section, text;
    Pairs pairs;
  };
  std::vector<Row> rows;
  std::map<std::string, std::size_t> known;
  for (const Pairs& model : pairs_of_models())
    for (const Pair& pair : model)
      for (const Parameter& key : config::complete_schema(registry(), pair.first, pair.second).keys) {
        const auto [found, fresh] = known.try_emplace(row_of(key), rows.size());
        if (fresh) rows.push_back({config::parent_of(key.path), found->first, {}});
        rows[found->second].pairs.push_back(pair);
      }
  std::vector<Block> blocks;
  for (const Row& row : rows) {
    const auto same = std::find_if(blocks.begin(), blocks.end(), [&](const Block& block) {
      return block.section == row.section && block.pairs == row.pairs;
    });
    if (same != blocks.end())
      same->rows += row.text;
    else
      blocks.push_back({row.section, row.pairs, row.text});
  }
  std::string text;
  for (const Block& block : blocks)
    text += fmt::format(
        "### `[{}]` {}\n\n| key | type | default | allowed | swept | meaning |\n|---|---|---|---|---|---|\n{}\n",
        block.section, heading_of(block.pairs), block.rows);
  return text;
}

namespace {

/// A point with the defaults of a model and task, and an example value where there is no default.
config::Point example_of(const Pair& pair) {
  config::Point point;
  for (const Parameter& key : config::complete_schema(registry(), pair.first, pair.second).keys)
    if (key.default_value)
      point.set(key.path, *key.default_value);
    else if (key.type == Type::real_grid)
      point.set(key.path, std::vector<double>{0.0});
  point.set("model.kind", pair.first);
  point.set("task.kind", pair.second);
  return point;
}

/// "[time,] [band,] momentum": those in brackets are missing in some variants.
std::string dimensions_text(const std::vector<std::vector<std::string>>& variants) {
  const auto& longest = *std::max_element(
      variants.begin(), variants.end(), [](const auto& left, const auto& right) { return left.size() < right.size(); });
  std::string text;
  for (std::size_t i = 0; i < longest.size(); ++i) {
    const bool everywhere = std::all_of(variants.begin(), variants.end(), [&](const auto& variant) {
      return std::find(variant.begin(), variant.end(), longest[i]) != variant.end();
    });
    const std::string comma = i + 1 < longest.size() ? "," : "";
    text += (i > 0 ? " " : "") + (everywhere ? longest[i] + comma : "[" + longest[i] + comma + "]");
  }
  return text;
}

std::string type_name(const io::Data& data) {
  constexpr std::array names = {"real", "complex128", "int64", "uint8", "text"};
  return names[data.index()];
}

}  // namespace

std::string dataset_table() {
  struct Row {
    std::string name, rest;
    std::vector<std::vector<std::string>> variants;
    Pairs pairs;
  };
  std::vector<Row> rows;
  for (const Pairs& model : pairs_of_models())
    for (const Pair& pair : model) {
      const io::Result empty_result = find_task(find_model(pair.first), pair.second).empty_result(example_of(pair));
      for (const auto* fields : {&empty_result.coordinates, &empty_result.fields})
        for (const io::Field& field : *fields) {
          const std::string rest =
              fmt::format("{} | {} | {}", field.units, type_name(field.data), in_cell(field.long_name));
          const auto same = std::find_if(rows.begin(), rows.end(),
                                         [&](const Row& row) { return row.name == field.name && row.rest == rest; });
          Row& row = same != rows.end() ? *same : rows.emplace_back(Row{field.name, rest, {}, {}});
          row.variants.push_back(field.dimensions);
          row.pairs.push_back(pair);
        }
    }
  std::string text =
      "| dataset | dimensions after those of a sweep | units | type | what | made by |\n|---|---|---|---|---|---|\n";
  for (const Row& row : rows)
    text += fmt::format("| {} | {} | {} | {} |\n", code(row.name), dimensions_text(row.variants), row.rest,
                        heading_of(row.pairs).substr(3));
  return text;
}

}  // namespace lindrift
