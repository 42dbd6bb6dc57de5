#include "registry/registry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "config/sweep.hpp"
#include "engine/machine_memory.hpp"
#include "engine/short_text.hpp"
#include "hatsugai_kohmoto/registry/hatsugai_kohmoto.hpp"
#include "hubbard/registry/hubbard.hpp"
#include "io/input.hpp"
#include "lindrift/error.hpp"
#include "tgge/registry/tgge.hpp"

namespace lindrift {

namespace {

config::Key algorithm_key(const ModelEntry& model) {
  config::Key key{.path = "solver.algorithm", .type = Type::text, .help = "how sums over momenta are evaluated"};
  key.default_value = std::string("auto");
  key.choices = {"auto"};
  for (const Algorithm choice : model.algorithms) key.choices.emplace_back(name(choice));
  return key;
}

config::Key fields_key() {
  config::Key key{.path = "output.fields", .type = Type::text_list};
  key.help = "datasets to keep: \"all\" or a list of names";
  key.default_value = std::vector<std::string>{};
  return key;
}

class ProgramRegistry final : public config::Registry {
 public:
  std::vector<std::string> models() const override {
    std::vector<std::string> kinds;
    for (const ModelEntry& model : lindrift::models()) kinds.push_back(model.kind);
    return kinds;
  }
  std::vector<std::string> tasks(const std::string& model) const override {
    std::vector<std::string> kinds;
    for (const TaskEntry& task : find_model(model).tasks) kinds.push_back(task.kind);
    return kinds;
  }
  config::Schema schema(const std::string& model, const std::string& task) const override {
    const ModelEntry& entry = find_model(model);
    const TaskEntry& task_entry = find_task(entry, task);
    config::Schema schema;
    schema.keys = entry.keys;
    schema.keys.insert(schema.keys.end(), task_entry.keys.begin(), task_entry.keys.end());
    // Put the algorithm before the keys that bound its errors and steps.
    const auto tolerance = std::find_if(schema.keys.begin(), schema.keys.end(),
                                        [](const config::Key& key) { return key.path == "solver.tolerance"; });
    schema.keys.insert(tolerance, algorithm_key(entry));
    schema.keys.push_back(fields_key());
    schema.fields = task_entry.fields;
    schema.sizeless_fields = task_entry.sizeless_fields;
    schema.validate = entry.validate;
    schema.validate_memory = [&task_entry](const config::Point& point) { require_memory(task_entry, point); };
    schema.validate_size = [&task_entry](const config::Point& first, std::size_t points) {
      const double needed = result_bytes(task_entry, first, points).memory;
      if (needed > machine_memory())
        throw ParameterError(
            points > 1 ? "sweep" : "output.fields",
            fmt::format("the results of {} need {} of memory, and this machine has {}; keep fewer fields "
                        "(output.fields) or make several runs of it",
                        counted(points, "point"), bytes_text(needed), bytes_text(machine_memory())));
    };
    return schema;
  }
  std::string content_hash(const std::string& key, const std::string& location) const override {
    return key == "model.hamiltonian" ? io::file_hash(location) : io::content_hash(location);
  }
};

}  // namespace

const std::vector<ModelEntry>& models() {
  static const std::vector<ModelEntry> all = {tgge_chain_entry(), tgge_rashba_entry(), tgge_lattice_entry(),
                                              hatsugai_kohmoto_entry(), hubbard_entry()};
  return all;
}

const config::Registry& registry() {
  static const ProgramRegistry program_registry;
  return program_registry;
}

void plan_device(Plan& plan, const Execution& execution, const std::function<double()>& bytes) {
  if (!is_device(plan.backend)) return;
  try {
    plan.device_bytes = bytes();
  } catch (const DeviceMemoryError& lack) {
    if (execution.backend == Backend::automatic) {
      plan.backend = Backend::cpu;
      plan.backend_reason = lack.what();
    } else {
      plan.notes.push_back(fmt::format("warning: on the device such a point will fail: {}", lack.what()));
    }
  }
}

Backend group_backend(const TaskEntry& task, const config::Document& document, Backend asked) {
  const bool gains = asked == Backend::automatic && task.gains_from_device && cuda_device_count() > 0 &&
                     task.gains_from_device(document);
  return gains ? Backend::cuda : asked;
}

Grouping grouping_of(const TaskEntry& task, const config::Document& document, Backend group_backend) {
  if (is_device(group_backend) && task.device_grouping) return task.device_grouping(document);
  return task.grouping ? task.grouping(document) : Grouping{};
}

io::Result kept_empty_result(const TaskEntry& task, const config::Point& point) {
  io::Result empty_result = task.empty_result(point);
  const auto& wanted = point.texts("output.fields");
  if (!wanted.empty())
    std::erase_if(empty_result.fields, [&](const io::Field& field) {
      return std::find(wanted.begin(), wanted.end(), field.name) == wanted.end();
    });
  return empty_result;
}

bool is_zero_everywhere(const config::Document& document, const std::string& key) {
  const auto zero = [](const config::Value& value) {
    const auto* list = std::get_if<std::vector<double>>(&value);
    const auto* rows = std::get_if<std::vector<std::vector<double>>>(&value);
    const auto* number = std::get_if<double>(&value);
    const auto zeros = [](const std::vector<double>& all) {
      return std::all_of(all.begin(), all.end(), [](double one) { return one == 0.0; });
    };
    if (list != nullptr) return zeros(*list);
    if (rows != nullptr) return std::all_of(rows->begin(), rows->end(), zeros);
    return number != nullptr && *number == 0.0;
  };
  for (const config::Axis& axis : document.sweep.axes)
    if (axis.path == key) return std::all_of(axis.values.begin(), axis.values.end(), zero);
  const config::Value* value = document.base.find(key);
  return value != nullptr && zero(*value);
}

namespace {

/// While a point is computed, or at the end, when its working memory is free and its results are copied.
double peak_of(const Footprint& needed) {
  const double results = needed.results + needed.coordinates;
  return std::max(needed.working + results, Footprint::copies * results);
}

}  // namespace

bool Footprint::is_too_much() const { return !(peak_of(*this) <= machine_memory()); }

ResultBytes result_bytes(const TaskEntry& task, const config::Point& point, std::size_t points) {
  // Of the file: its attributes and the headers of its datasets; the status and the message of a point.
  constexpr double headers = 15e3, status = 41.0;
  const Footprint needed = task.footprint(point, Execution{});
  const auto count = static_cast<double>(points);
  const double values = needed.results * count;
  return {headers + needed.coordinates + values + (points > 1 ? status * count : 0.0),
          (points > 1 ? Footprint::sweep_copies : Footprint::copies) * (needed.coordinates + values) +
              config::bytes_of_status * count};
}

void require_memory(const TaskEntry& task, const config::Point& point) {
  const Footprint needed = task.footprint(point, Execution{});
  if (!needed.is_too_much()) return;
  std::string key = needed.key, what = needed.size, advice;
  for (const std::string grid : {"task.times", "task.frequencies"}) {
    if (point.count(grid) <= 2.0) continue;
    // A grid is to blame if its ends alone would fit.
    config::Point ends = point;
    ends.set(grid, std::vector<double>{point.reals(grid).front(), point.reals(grid).back()});
    if (task.footprint(ends, Execution{}).is_too_much()) continue;
    key = grid;
    what = fmt::format("{:.0f} {} of {}", point.count(grid), grid.substr(grid.find('.') + 1), needed.size);
    if (needed.results > needed.working) advice = ": keep fewer fields (output.fields)";
  }
  throw ParameterError(key, fmt::format("{} need {} of memory; this machine has {}{}", what,
                                        bytes_text(peak_of(needed)), bytes_text(machine_memory()), advice));
}

Execution with_algorithm(const config::Point& point, Execution execution) {
  for (const Algorithm choice : {Algorithm::direct, Algorithm::separable, Algorithm::fft})
    if (point.text("solver.algorithm") == name(choice)) execution.algorithm = choice;
  return execution;
}

const ModelEntry& find_model(const std::string& kind) {
  for (const ModelEntry& model : models())
    if (model.kind == kind) return model;
  throw std::out_of_range("no model is called " + kind);
}

const TaskEntry& find_task(const ModelEntry& model, const std::string& kind) {
  for (const TaskEntry& task : model.tasks)
    if (task.kind == kind) return task;
  throw std::out_of_range(model.kind + " has no task called " + kind);
}

}  // namespace lindrift
