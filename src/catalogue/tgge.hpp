#pragma once

#include "catalogue/catalogue.hpp"

namespace lindrift {

/// The one-band chain of the time-dependent generalised Gibbs ensemble, with its tasks relax and steady_state.
ModelEntry tgge_chain_entry();

}  // namespace lindrift
