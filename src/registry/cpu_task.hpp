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
TaskEntry cpu_task(std::string kind, std::string description, const Coordinates& every,
                   Footprint (*footprint)(const config::Point&, const Execution&)) {
  return {.kind = std::move(kind),
          .description = std::move(description),
          .keys = {},
          .fields = observable_names<Result>(every),
          .sizeless_fields = sizeless_names<Result>(every),
          .footprint = footprint,
          .outline = {},
          .plan = {},
          .run = {},
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
