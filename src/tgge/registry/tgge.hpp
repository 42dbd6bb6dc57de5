#pragma once

#include "registry/registry.hpp"

namespace lindrift {

/// Models of the time-dependent generalised Gibbs ensemble, each with the tasks relax, steady_state, gradient and
/// noise: the one-band chain ...
ModelEntry tgge_chain_entry();
/// ... and the two-band chain with Rashba coupling and Zeeman field.
ModelEntry tgge_rashba_entry();
ModelEntry tgge_lattice_entry();

}  // namespace lindrift
