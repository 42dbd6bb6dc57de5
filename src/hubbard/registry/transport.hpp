#pragma once

#include "registry/registry.hpp"

namespace lindrift {

/// The task `transport` of the Hubbard chain: one particle of spin up.
TaskEntry hubbard_transport_task();

/// Checks a point of this task.
/// @throws ParameterError
void validate_transport_point(const config::Point& point);

}  // namespace lindrift
