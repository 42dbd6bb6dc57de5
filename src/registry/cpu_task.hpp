#pragma once

#include <string>
#include <utility>

#include "lindrift/error.hpp"
#include "registry/registry.hpp"
#include "registry/results.hpp"

namespace lindrift {

/// A task that has CPU code only and returns a `Result`. Its functions and keys are left to the caller.
/// @param every  all coordinates that its observables may have
template <class Result>
TaskEntry cpu_task(std::string kind, std::string description, const Coordinates& every) {
  TaskEntry task;
  task.kind = std::move(kind);
  task.description = std::move(description);
  task.fields = observable_names<Result>(every);
  task.sizeless_fields = sizeless_names<Result>(every);
  task.cpu_only = true;
  return task;
}

/// What a point of such a task leaves in the file.
/// @throws Interruption if the monitor stopped the computation
template <class Result>
io::Result cpu_result(const config::Point& point, const Coordinates& coordinates, Result& computed,
                      std::string algorithm, std::string algorithm_reason, std::string backend_reason) {
  if (computed.stopped) throw Interruption();
  io::Result result = collect(coordinates, point.texts("output.fields"), computed);
  result.algorithm = std::move(algorithm);
  result.algorithm_reason = std::move(algorithm_reason);
  result.backend = name(Backend::cpu);
  result.backend_reason = std::move(backend_reason);
  return result;
}

}  // namespace lindrift
