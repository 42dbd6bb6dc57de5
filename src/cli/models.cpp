#include <algorithm>
#include <fmt/format.h>

#include "cli/verbs.hpp"
#include "config/config.hpp"
#include "lindrift/backend.hpp"
#include "registry/manual.hpp"
#include "registry/registry.hpp"

namespace lindrift::cli {

int list_models(const std::string& wanted, bool markdown) {
  if (markdown) {
    fmt::print("<!-- keys: lindrift models --markdown -->\n{}<!-- end -->\n", key_tables());
    fmt::print("<!-- datasets: lindrift models --markdown -->\n{}<!-- end -->\n", dataset_table());
    return success;
  }
  if (wanted.empty()) {
    fmt::print("{:<14} {:<14} {:<20} {:<12} {}\n", "model", "task", "algorithms", "backends", "what");
    for (const ModelEntry& model : models()) {
      std::string algorithms;
      for (const Algorithm algorithm : model.algorithms)
        algorithms += (algorithms.empty() ? "" : ", ") + std::string(name(algorithm));
      if (algorithms.empty()) algorithms = "exact";
      for (const TaskEntry& task : model.tasks)
        fmt::print("{:<14} {:<14} {:<20} {:<12} {}\n", model.kind, task.kind, algorithms,
                   cuda_compiled() && !task.cpu_only ? "cpu, cuda" : "cpu", task.description);
    }
    fmt::print("\n`lindrift models NAME` lists the keys of a model.\n");
    return success;
  }
  const auto kinds = registry().models();
  if (std::find(kinds.begin(), kinds.end(), wanted) == kinds.end()) {
    const std::string guess = config::nearest(wanted, kinds);
    throw UsageError("no model is called " + wanted + (guess.empty() ? "" : "; did you mean " + guess + "?"));
  }
  const ModelEntry& model = find_model(wanted);
  fmt::print("{}: {}\n", model.kind, model.description);
  for (const TaskEntry& task : model.tasks) {
    fmt::print("\ntask {}: {}\n", task.kind, task.description);
    for (const config::Key& key : registry().schema(model.kind, task.kind).keys) {
      if (key.path.ends_with(".kind")) continue;
      std::string help = key.help;
      for (std::size_t i = 0; i < key.choices.size() && key.type == Type::text; ++i)
        help += (i == 0 ? ": " : " | ") + key.choices[i];
      fmt::print("  {:<32} {:<34} {}\n", key.path, default_text(key), help);
    }
  }
  return success;
}

}  // namespace lindrift::cli
