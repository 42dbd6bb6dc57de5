#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "io/field.hpp"
#include "lindrift/backend.hpp"

namespace lindrift {

/// What a point will cost, printed by `lindrift check` and used to bound memory.
struct Plan {
  Algorithm algorithm = Algorithm::automatic;  ///< as resolved
  Backend backend = Backend::automatic;        ///< as resolved
  std::string reason;                          ///< why this algorithm
  std::string backend_reason;                  ///< why this backend
  double memory_bytes = 0.0;                   ///< working set of one point
  double output_bytes = 0.0;                   ///< in the file, one point
  double rate_evaluations = 0.0;               ///< expected number of evaluations of the right-hand side
  double operations = 0.0;                     ///< floating-point operations of one evaluation
  double bytes_moved = 0.0;                    ///< memory traffic of one evaluation
  double seconds_per_evaluation = 0.0;         ///< measured on this machine, once
  std::vector<std::string> notes;              ///< what a user would want to know before starting
};

/// How a running point reports back. Called from the thread that runs the point.
struct Monitor {
  std::function<bool(double fraction)> progress;  ///< false asks the point to stop
};

/// One task of one model.
struct TaskEntry {
  std::string kind;
  std::string description;
  std::vector<config::Key> keys;    ///< beyond the model's own
  std::vector<std::string> fields;  ///< datasets it makes, coordinates left out
  /// Coordinates and fields of a point, every value missing: what its result will look like, and what a failed point
  /// leaves.
  std::function<io::Result(const config::Point&)> outline;
  std::function<Plan(const config::Point&, const Execution&)> plan;
  std::function<io::Result(const config::Point&, const Execution&, const Monitor&)> run;
  /// Root attributes of the output that depend on the parameters alone, by name.
  std::function<std::vector<std::pair<std::string, double>>(const config::Point&)> diagnostics;
};

/// One model: its keys, and what can be done with it.
struct ModelEntry {
  std::string kind;
  std::string description;
  std::vector<Algorithm> algorithms;
  std::vector<config::Key> keys;  ///< of [model], [bath] and [initial]
  std::function<void(const config::Point&)> validate;
  std::vector<TaskEntry> tasks;
};

/// The menu: every model that this build knows. Adding one is a line in catalogue.cpp.
const std::vector<ModelEntry>& models();

/// The menu as the config layer sees it: schema = common keys + model keys + task keys.
const config::Menu& menu();

/// Outline of a task's point without the fields that output.fields leaves out.
io::Result kept_outline(const TaskEntry& task, const config::Point& point);

/// Bytes of memory that the results of this many points take where they are collected.
double result_bytes(const TaskEntry& task, const config::Point& point, std::size_t points);

const ModelEntry& find_model(const std::string& kind);
const TaskEntry& find_task(const ModelEntry& model, const std::string& kind);

}  // namespace lindrift
