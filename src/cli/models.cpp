#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "catalogue/catalogue.hpp"
#include "cli/verbs.hpp"
#include "config/config.hpp"
#include "lindrift/backend.hpp"

namespace lindrift::cli {

namespace {

std::string default_text(const config::Key& key) {
  if (!key.derived.empty()) return key.derived;
  if (!key.default_value) return key.optional ? "optional" : "required";
  return std::visit(
      [&key](const auto& value) -> std::string {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, config::Complex>)
          return fmt::format("[{}, {}]", value.real(), value.imag());
        else if constexpr (std::is_arithmetic_v<T>)
          return fmt::format("{}", value);
        else if constexpr (std::is_same_v<T, std::string>)
          return fmt::format("\"{}\"", value);
        else if constexpr (std::is_same_v<T, std::vector<std::int64_t>>)
          return value.empty() ? "\"all\"" : fmt::format("[{}]", fmt::join(value, ", "));
        else if constexpr (std::is_same_v<T, std::vector<double>>)
          return value.empty()       ? "\"" + key.choices.front() + "\""  // the word for an empty list
                 : value.size() == 1 ? fmt::format("{}", value.front())
                                     : fmt::format("[{}]", fmt::join(value, ", "));
        else
          return "\"all\"";
      },
      *key.default_value);
}

}  // namespace

int list_models(const std::string& wanted) {
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
  const auto kinds = menu().models();
  if (std::find(kinds.begin(), kinds.end(), wanted) == kinds.end()) {
    const std::string guess = config::nearest(wanted, kinds);
    throw UsageError("no model is called " + wanted + (guess.empty() ? "" : "; did you mean " + guess + "?"));
  }
  const ModelEntry& model = find_model(wanted);
  fmt::print("{}: {}\n", model.kind, model.description);
  for (const TaskEntry& task : model.tasks) {
    fmt::print("\ntask {}: {}\n", task.kind, task.description);
    for (const config::Key& key : menu().schema(model.kind, task.kind).keys) {
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
