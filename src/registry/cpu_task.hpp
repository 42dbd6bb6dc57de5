#pragma once

#include <string>
#include <utility>
#include <vector>

#include "lindrift/error.hpp"
#include "registry/registry.hpp"
#include "registry/results.hpp"

namespace lindrift {

/// The functions that every task has, as in TaskEntry.
struct TaskFunctions {
  Footprint (*footprint)(const config::Point&, const Execution&);
  io::Result (*empty_result)(const config::Point&);
  Plan (*plan)(const config::Point&, const Execution&);
  io::Result (*run)(const config::Point&, const Execution&, const Monitor&);
  void (*verify)(Verification&);
};

/// A task that has CPU code only and returns a `Result`.
/// @param every  all coordinates that its observables may have
template <class Result>
TaskEntry cpu_task(std::string kind, std::string description, std::vector<config::Key> keys, const Coordinates& every,
                   const TaskFunctions& functions) {
  return {.kind = std::move(kind),
          .description = std::move(description),
          .keys = std::move(keys),
          .fields = observable_names<Result>(every),
          .sizeless_fields = sizeless_names<Result>(every),
          .footprint = functions.footprint,
          .empty_result = functions.empty_result,
          .plan = functions.plan,
          .run = functions.run,
          .verify = functions.verify,
          .cpu_only = true};
}

/// What a point of such a task leaves in the file.
/// @throws Interruption if the monitor stopped the computation
template <class Result>
io::Result cpu_result(const config::Point& point, const Coordinates& coordinates, Result& computed,
                      const Method& method, std::string backend_reason) {
  if (computed.stopped) throw Interruption();
  io::Result result = collect(coordinates, point.texts("output.fields"), computed);
  result.algorithm = method.algorithm;
  result.algorithm_reason = method.reason;
  result.backend = name(Backend::cpu);
  result.backend_reason = std::move(backend_reason);
  return result;
}

}  // namespace lindrift
