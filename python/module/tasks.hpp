#pragma once

#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "convert.hpp"
#include "engine/machine_memory.hpp"
#include "engine/threads.hpp"
#include "fields.hpp"
#include "results.hpp"
#include "sweep.hpp"

/// Tasks as Python functions: for one point, and for a sweep over points on several threads. A task is a struct with
///
///   using Model = TggeChain;
///   using Result = SteadyState;
///   Coordinates coordinates(const Model&) const;
///   Result run(const Model&, const Execution&, const Monitor&, How&) const;
///   bool set(const std::string& key, const Value&);       // one of its own parameters that can be swept
///   static std::vector<Parameter> parameters();           // those parameters

namespace lindrift::python {

/// A task whose result has a state for every mode.
struct OccupationTask {};

/// Arguments that every function takes in addition to those of its task.
struct Run {
  std::string algorithm, backend;
  int threads = 0;
  nb::object progress;

  /// @throws ParameterError
  Execution execution() const;
};

/// Lets Python interrupt a calculation that runs without the interpreter's lock, and reports its progress.
class Watch {
 public:
  /// @param progress  None, or an argument for lindrift.arrays.reporter()
  explicit Watch(nb::handle progress);

  /// False once Python wants to stop. Checks at most 20 times a second. Only on the calling thread.
  bool go_on(double fraction);
  /// True once Python wants to stop.
  bool stop() { return !go_on(fraction_); }
  /// @throws what Python raised
  void rethrow();
  Monitor monitor();

 private:
  using Clock = std::chrono::steady_clock;
  nb::object report_;
  Clock::time_point last_ = Clock::now();
  double fraction_ = 0.0;
  std::exception_ptr raised_;
};

/// Bytes that any of the methods holds at least for the modes of a model.
inline double bytes_of_modes(const Coordinates& coordinates) {
  constexpr double arrays = 16.0;  // doubles for each
  double modes = 1.0;
  for (const Coordinate& one : coordinates)
    if (one.name.starts_with("momentum") || one.name.starts_with("site") || one.name == "band")
      modes *= static_cast<double>(one.size);
  return 8.0 * arrays * modes;
}

/// Refuses what cannot be held: an array that is too large would not fail but take the machine with it.
/// @param points  results that are kept
/// @throws ParameterError
template <class Task>
void require_memory(const Task& task, const typename Task::Model& model, double points) {
  const Coordinates coordinates = task.coordinates(model);
  double results = 0.0;
  const typename Task::Result none{};
  for_each_observable(coordinates, none, [&](const Observable& described, const Extent& extent, const auto& member) {
    if constexpr (requires { task.leaves_out(described.name); })
      if (task.leaves_out(described.name)) return;
    results += static_cast<double>(extent.elements * sizeof missing_values(member, 0)[0]);
  });
  double needed = results * points;
  if constexpr (std::is_base_of_v<OccupationTask, Task>) needed += bytes_of_modes(coordinates);
  if constexpr (requires { task.memory_bytes(model); }) needed += task.memory_bytes(model);
  if (needed > machine_memory())
    throw ParameterError(std::is_same_v<typename Task::Model, TggeLattice> ? "model.cells" : "model.sites",
                         "the calculation needs more than " + bytes_text(needed) + " of memory; this machine has " +
                             bytes_text(machine_memory()));
}

/// Solves one point.
template <class Task>
nb::object solve(const Task& task, nb::handle model, const Run& run) {
  using Result = typename Task::Result;
  const auto& parameters = nb::cast<const typename Task::Model&>(model);
  const Execution execution = run.execution();
  require_memory(task, parameters, 1.0);
  Watch watch(run.progress);
  std::optional<Found<Result>> found;
  {
    const nb::gil_scoped_release released;
    How how;
    Result result{};
    try {
      result = task.run(parameters, execution, watch.monitor(), how);
    } catch (const Interruption&) {
      // rethrow() will raise the reason
    }
    found.emplace(Found<Result>{std::move(result), task.coordinates(parameters), std::move(how), {}});
  }
  watch.rethrow();
  found->model = nb::borrow(model);
  return nb::cast(std::move(*found));
}

/// Solves every point of a sweep, several at a time.
template <class Task>
nb::object sweep(const Task& task, nb::handle model, const nb::list& axes, bool zip, const Run& run) {
  using Model = typename Task::Model;
  const auto& base = nb::cast<const Model&>(model);
  std::vector<Parameter> known = parameters_of<Model>();
  for (Parameter& own : Task::parameters()) known.push_back(std::move(own));
  const Axes read = read_axes(axes, known, zip);
  for (const SweptKey& one : read.axes) check_meaning(base, one.key);
  Execution execution = run.execution();
  Watch watch(run.progress);

  // Sets the swept values of one point.
  const auto with_values = [&](std::size_t point, Model& at, Task& own) {
    for (std::size_t i = 0; i < read.axes.size(); ++i) {
      const Value& value = read.value(i, point);
      const std::string& key = read.axes[i].key;
      if (!set_key(at, key, value) && !own.set(key, value)) throw ParameterError(key, "has no meaning in this model");
    }
    check(at);
  };
  std::optional<Table> table;
  {
    const nb::gil_scoped_release released;
    // An invalid point is found before anything runs. The first point comes last: its coordinates are those of all.
    Model first = base;
    Task first_task = task;
    for (std::size_t point = read.points(); point-- > 0;) {
      first = base;
      first_task = task;
      with_values(point, first, first_task);
      if constexpr (requires { first_task.validate(first); }) first_task.validate(first);
      if (read.sizes_differ()) require_memory(first_task, first, 1.0);
    }
    require_memory(first_task, first, read.sizes_differ() ? 0.0 : static_cast<double>(read.points()));
    table.emplace(first_task.coordinates(first), read.points());
    table->template reserve<typename Task::Result>(read.sizes_differ());
    if constexpr (requires { first_task.more(first); }) table->reserve(first_task.more(first));
    // Independent points first: the inside of a point is shared only where there are fewer points than threads.
    const int threads = threads_of(execution), workers = points_at_once(threads, read.points());
    execution.threads = threads_of_each(threads, workers);
    run_points(
        read.points(), workers, [&](double fraction) { return watch.go_on(fraction); },
        [&](std::size_t point, const Monitor& monitor) {
          Model at = base;
          Task own = task;
          with_values(point, at, own);
          How how;
          auto result = own.run(at, execution, monitor, how);
          table->put(point, result, how);
        },
        [&](std::size_t point, const std::string& message) { table->fail(point, message); });
  }
  watch.rethrow();
  return table->to_python(read);
}

/// Binds a task as _sweep_NAME(model, axes, zip, ...).
/// @param make   makes the task from the arguments
/// @param extra  their nb::arg, in order
template <class Task, class... Arguments, class... Extra>
void bind_sweep(nb::module_& module, const char* name, Task (*make)(const typename Task::Model&, Arguments...),
                const Extra&... extra) {
  using Model = typename Task::Model;
  module.def(
      ("_sweep_" + std::string(name)).c_str(),
      [make](nb::typed<nb::object, Model> model, nb::list axes, bool zip, Arguments... arguments, std::string algorithm,
             std::string backend, int threads, Progress progress) -> nb::object {
        if (!nb::isinstance<Model>(model)) throw nb::next_overload();
        const Task task = make(nb::cast<const Model&>(model), std::move(arguments)...);
        return sweep(task, model, axes, zip, {std::move(algorithm), std::move(backend), threads, std::move(progress)});
      },
      nb::arg("model"), nb::arg("axes"), nb::arg("zip"), extra..., nb::arg("algorithm") = "auto",
      nb::arg("backend") = "auto", nb::arg("threads") = 0, nb::arg("progress") = nb::none());
}

/// Binds a task as a function NAME(model, ...), and for sweeps.
template <class Task, class... Arguments, class... Extra>
void bind_task(nb::module_& module, const char* name, Task (*make)(const typename Task::Model&, Arguments...),
               const char* documentation, const Extra&... extra) {
  using Model = typename Task::Model;
  module.def(
      name,
      [make](nb::typed<nb::object, Model> model, Arguments... arguments, std::string algorithm, std::string backend,
             int threads, Progress progress) -> nb::typed<nb::object, Found<typename Task::Result>> {
        if (!nb::isinstance<Model>(model)) throw nb::next_overload();
        const Task task = make(nb::cast<const Model&>(model), std::move(arguments)...);
        return nb::borrow<nb::typed<nb::object, Found<typename Task::Result>>>(
            solve(task, model, {std::move(algorithm), std::move(backend), threads, std::move(progress)}));
      },
      nb::arg("model"), extra..., nb::arg("algorithm") = "auto", nb::arg("backend") = "auto", nb::arg("threads") = 0,
      nb::arg("progress") = nb::none(), documentation);
  bind_sweep(module, name, make, extra...);
}

}  // namespace lindrift::python
