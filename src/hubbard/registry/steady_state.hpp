#pragma once

#include "registry/registry.hpp"

namespace lindrift {

/// The task `steady_state` of the Hubbard chain: both spins driven.
TaskEntry hubbard_steady_state_task();

/// Checks a point of this task.
/// @throws ParameterError
void validate_steady_state_point(const config::Point& point);

}  // namespace lindrift
