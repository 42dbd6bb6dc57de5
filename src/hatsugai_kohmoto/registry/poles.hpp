#pragma once

#include "registry/registry.hpp"

namespace lindrift {

TaskEntry hatsugai_kohmoto_poles_task();

/// Checks of this task in addition to those of each key. Throws ParameterError.
void validate_poles_point(const config::Point& point);

}  // namespace lindrift
