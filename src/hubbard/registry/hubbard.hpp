#pragma once

#include "registry/registry.hpp"

namespace lindrift {

/// Hubbard model with driven spin-down particles and a spin-up probe, and its tasks.
ModelEntry hubbard_entry();

}  // namespace lindrift
