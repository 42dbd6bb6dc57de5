#pragma once

#include <span>

#include "clusters/lindbladian.hpp"
#include "lindrift/baths/open_bath.hpp"

namespace lindrift::clusters {

/// Momenta whose particles scatter into each other and into no others: a ring of as many sites, twisted by the phase of
/// its first momentum (docs/physics.md, Eq. 134). Orbital m is momentum m of the list.
/// @param energy       of spin up and of spin down, (momenta,) each
/// @param rates        of each spin, (momenta,)
/// @param interaction  U_q of the transferred momentum q, (momenta,), real and even; the amplitude is U_q / momenta
Cluster momentum_cluster(std::array<std::span<const double>, 2> energy, std::array<const BathRates*, 2> rates,
                         std::span<const double> interaction);

}  // namespace lindrift::clusters
