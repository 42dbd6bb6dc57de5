#pragma once

#include "registry/registry.hpp"

namespace lindrift {

/// The open Hatsugai-Kohmoto model with the tasks green, spectral and density.
ModelEntry hatsugai_kohmoto_entry();

}  // namespace lindrift
