#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "io/field.hpp"
#include "io/output.hpp"
#include "lindrift/backend.hpp"
#include "lindrift/monitor.hpp"
#include "registry/footprint.hpp"
#include "registry/verification.hpp"

namespace lindrift {

/// How a point is computed: what `check` says before a run and the output after it.
struct Method {
  std::string algorithm;
  std::string reason;  ///< why this one, or what it does
};

/// Expected cost of a point, printed by `lindrift check`.
struct Plan {
  Method method{};
  Backend backend = Backend::automatic;           ///< as resolved
  std::string backend_reason;                     ///< why this backend
  double device_bytes = 0.0;                      ///< on the device, if it runs there
  std::string work = "evaluations of the rates";  ///< unit of work
  double rate_evaluations = 0.0;                  ///< expected number of evaluations
  double operations = 0.0;                        ///< floating-point operations of one evaluation
  double bytes_moved = 0.0;                       ///< memory traffic of one evaluation, bytes
  double seconds_per_evaluation = 0.0;
  bool measured = false;           ///< these seconds, on this machine; else they follow from the operations
  std::vector<std::string> notes;  ///< warnings and remarks for the user
};

/// Fills in device_bytes, or what happens if the device has too little memory.
/// @param bytes  returns the bytes needed; throws DeviceMemoryError if the device has too little
void plan_device(Plan& plan, const Execution& execution, const std::function<double()>& bytes);

/// How a sweep is divided into groups of consecutive points.
struct Grouping {
  std::size_t size = 1;  ///< points per group; fewer in the last group of each `row`
  std::size_t row = 0;   ///< consecutive points that are cut into groups; 0: the whole sweep
  /// Each point of a group starts from those before it: a rank takes the whole group, from its first point on.
  /// Otherwise the points of a group run side by side.
  bool chained = false;
  std::size_t at_once = 1;    ///< if not chained: points that run at the same time; the others follow as these end
  std::string how{};          ///< they run together, in words for `check`
  double memory_bytes = 0.0;  ///< largest memory of the points that run at the same time
  std::string note{};         ///< what a user would want to know
};

/// A group to be run. The results of a point may depend on its place and, in a chain, on the parameters of the places
/// before it, but never on which points are wanted.
struct Group {
  const config::Document& document;
  bool chained = false;
  std::size_t first = 0;     ///< index in the sweep of the group's first point
  std::vector<bool> wanted;  ///< for every place of the group; at least one is true

  config::Point point(std::size_t place) const { return document.point(first + place); }
};

/// One task of one model.
struct TaskEntry {
  std::string kind;
  std::string description;
  std::vector<config::Key> keys;    ///< beyond the model's own
  std::vector<std::string> fields;  ///< datasets of the task, without coordinates
  /// Those without a dimension over sites, momenta or modes: what a sweep over the size can keep.
  std::vector<std::string> sizeless_fields;
  /// The only statement of what a point needs: `check` prints it, and no point is computed that needs more than the
  /// machine has. It must allocate nothing of the size of the system before it knows that this would fit, and take the
  /// lengths of grids from Point::count().
  Required<std::function<Footprint(const config::Point&, const Execution&)>> footprint;
  /// Coordinates and fields of a point with every value missing: the shape of its result, and what a failed point
  /// leaves.
  std::function<io::Result(const config::Point&)> empty_result;
  std::function<Plan(const config::Point&, const Execution&)> plan;
  std::function<io::Result(const config::Point&, const Execution&, const Monitor&)> run;
  /// Root attributes of the output that depend on the parameters alone, by name.
  std::function<std::vector<std::pair<std::string, io::Attribute>>(const config::Point&)> diagnostics{};
  /// What a user would want to know before any run of this input: that its results say nothing, for example.
  std::function<std::vector<std::string>(const config::Document&)> remarks{};
  /// Checks the stored results of a point by invariants and plain sums, in addition to a second run.
  std::function<void(Verification&)> verify{};
  /// A point can use several processes: run() shares its work through Execution::communicator.
  bool shares_a_point = false;
  /// No part of the task can run on a device.
  bool cpu_only = false;
  /// Throws UnsupportedError, before anything runs, for a point that no device can run; empty: a device runs any.
  std::function<void(const config::Point&)> require_device_work{};
  /// run() can evaluate Execution::certify entries of its result again, and says in its summary how far they are off.
  bool certifies = false;
  /// Cost of a point relative to others of the sweep, in any unit; it must not read clocks. Empty: all the same.
  std::function<double(const config::Point&)> cost{};
  /// Points that one rank takes at once; empty: one. It must depend on its argument alone.
  std::function<Grouping(const config::Document&)> grouping{};
  /// The same where a device is asked for; empty: as `grouping`.
  std::function<Grouping(const config::Document&)> device_grouping{};
  /// Whether `automatic` asks a device, where there is one, to take the groups of a sweep; empty: never.
  std::function<bool(const config::Document&)> gains_from_device{};
  /// Where `automatic` runs a point, found without measuring; empty: by the plan.
  std::function<Backend(const config::Point&, const Execution&)> backend{};
  /// Runs the wanted points of a group, where that is faster than one by one; empty, or groups of one: run() for each.
  /// Hands each result to `finished` with its place, on the thread that called. Points that have no result when it
  /// returns or throws are tried in smaller groups, down to run().
  std::function<void(const Group&, const Execution&, const Monitor&,
                     const std::function<void(std::size_t place, io::Result)>& finished)>
      run_group{};
  /// Bytes on the device for a group of points that run at the same time; empty if there are no such groups.
  std::function<double(const config::Document&, const Grouping&, const Execution&)> group_device_bytes{};
};

/// One model, with its keys and tasks.
struct ModelEntry {
  std::string kind;
  std::string description;
  std::vector<Algorithm> algorithms;
  std::vector<config::Key> keys;  ///< in [model], [bath] and [initial]
  std::function<void(const config::Point&)> validate;
  std::vector<TaskEntry> tasks;
};

/// The registry: every model that this build knows. Adding one is a line in registry.cpp.
const std::vector<ModelEntry>& models();

/// The registry as the config layer sees it: schema = common keys + model keys + task keys.
const config::Registry& registry();

/// The backend by which a sweep is divided into groups: a device if one is asked for, or if `automatic` is and this
/// machine has a device that gains from them.
Backend group_backend(const TaskEntry& task, const config::Document& document, Backend asked);

/// Points that one rank takes at once.
/// @param group_backend  the same on every rank
Grouping grouping_of(const TaskEntry& task, const config::Document& document, Backend group_backend);

/// The result of a task's point with every value missing, without the fields that output.fields leaves out.
io::Result kept_empty_result(const TaskEntry& task, const config::Point& point);

/// Whether a number is 0 at every point, swept or not.
bool is_zero_everywhere(const config::Document& document, const std::string& key);

/// Bytes of the results of all points.
struct ResultBytes {
  double file = 0.0;
  double memory = 0.0;  ///< the largest at a time, while the file is made
};
/// @param point  the first of `points`
ResultBytes result_bytes(const TaskEntry& task, const config::Point& point, std::size_t points);

/// @throws ParameterError naming the key that is to blame if a point needs more memory than the machine has
void require_memory(const TaskEntry& task, const config::Point& point);

/// `execution` with the point's solver.algorithm, unless that is "auto".
Execution with_algorithm(const config::Point& point, Execution execution);

const ModelEntry& find_model(const std::string& kind);
const TaskEntry& find_task(const ModelEntry& model, const std::string& kind);

}  // namespace lindrift
