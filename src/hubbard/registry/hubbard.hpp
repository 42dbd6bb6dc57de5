#pragma once

#include "registry/registry.hpp"

namespace lindrift {

/// Hubbard chain with driven spin-down particles and a spin-up probe, with the tasks green and spectral.
ModelEntry hubbard_entry();

}  // namespace lindrift
