#include "config/schema.hpp"

#include <algorithm>

namespace lindrift::config {

const Key* find_key(std::string_view path, const std::vector<Key>& keys) {
  const auto found = std::find_if(keys.begin(), keys.end(), [&](const Key& key) { return key.path == path; });
  return found != keys.end() ? &*found : nullptr;
}

bool is_section(std::string_view path, const std::vector<Key>& keys) {
  return std::any_of(keys.begin(), keys.end(), [&](const Key& key) {
    return key.path.size() > path.size() && key.path[path.size()] == '.' && key.path.compare(0, path.size(), path) == 0;
  });
}

std::string parent_of(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  return dot == std::string_view::npos ? "" : std::string(path.substr(0, dot));
}

std::string leaf_of(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  return std::string(dot == std::string_view::npos ? path : path.substr(dot + 1));
}

std::string suggest_key(std::string_view path, const std::vector<Key>& keys) {
  const std::string section = parent_of(path);
  const std::string leaf = leaf_of(path);
  std::vector<std::string> leaves;
  std::vector<std::string> paths;
  for (const Key& key : keys) {
    paths.push_back(key.path);
    if (parent_of(key.path) == section) leaves.push_back(leaf_of(key.path));
  }
  if (const std::string guess = nearest(leaf, leaves); !guess.empty()) return section + "." + guess;
  for (const std::string& other : paths) {
    if (leaf_of(other) == leaf) return other;
  }
  return nearest(path, paths);
}

Key kind_key(std::string path, std::vector<std::string> choices) {
  const bool model = path == "model.kind";
  return Key{.path = std::move(path),
             .type = Type::text,
             .help = model ? "which model" : "what to do with the model",
             .choices = std::move(choices)};
}

Schema complete_schema(const Registry& registry, const std::string& model, const std::string& task) {
  Schema schema = registry.schema(model, task);
  const auto complete_kind = [&](const std::string& path, const std::vector<std::string>& choices) {
    const auto same =
        std::find_if(schema.keys.begin(), schema.keys.end(), [&](const Key& key) { return key.path == path; });
    if (same != schema.keys.end()) {
      same->choices = choices;
      return;
    }
    const std::string section = parent_of(path);
    const auto first = std::find_if(schema.keys.begin(), schema.keys.end(),
                                    [&](const Key& key) { return parent_of(key.path) == section; });
    schema.keys.insert(first, kind_key(path, choices));
  };
  complete_kind("task.kind", registry.tasks(model));
  complete_kind("model.kind", registry.models());
  for (Key& key : schema.keys) {
    if (key.path == "output.fields" && key.choices.empty()) key.choices = schema.fields;
  }
  return schema;
}

}  // namespace lindrift::config
