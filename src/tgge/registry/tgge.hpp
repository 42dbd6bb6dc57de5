#pragma once

#include "registry/registry.hpp"

namespace lindrift {

/// Models of the time-dependent generalised Gibbs ensemble, each with the tasks relax, steady_state, gradient and
/// noise: the one-band chain, the two-band chain with Rashba coupling and Zeeman field, and any lattice.
ModelEntry tgge_chain_entry();
ModelEntry tgge_rashba_entry();
ModelEntry tgge_lattice_entry();

}  // namespace lindrift
