#pragma once

#include "registry/registry.hpp"

namespace lindrift {

/// The task `exact` of the Hubbard chain.
TaskEntry hubbard_exact_task();

/// Checks a point of this task.
/// @throws ParameterError
void validate_exact_point(const config::Point& point);

}  // namespace lindrift
