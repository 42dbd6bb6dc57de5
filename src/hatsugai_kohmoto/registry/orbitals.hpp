#pragma once

#include "registry/registry.hpp"

namespace lindrift {

/// Whether a point has several orbitals per cell.
bool has_orbitals(const config::Point& point);

/// The keys of the model whose terms and bath operators may have orbitals: a term_length of 2 or 3 allows one or two of
/// them behind the displacement.
std::vector<config::Key> keys_with_orbitals(std::vector<config::Key> keys);

TaskEntry hatsugai_kohmoto_steady_state_task();

/// Extends a task, green or spectral, of one orbital to several.
TaskEntry with_orbitals(TaskEntry task);

/// Checks of a point with several orbitals or of the task steady_state, in addition to those of each key. Throws
/// ParameterError.
void validate_orbitals_point(const config::Point& point);

}  // namespace lindrift
