#pragma once

#include <array>
#include <span>
#include <string>

#include "clusters/mixed_momenta.hpp"
#include "lindrift/hubbard/chain.hpp"

/// Shared by the tasks for rings that follow both spins.

namespace lindrift {

/// Gain and loss of spin up and of spin down.
/// @throws ParameterError
std::array<BathRates, 2> rates_of_spins(const HubbardChain& ring);

/// All momenta of a ring as a single group that mixes (docs/physics.md, Eq. 134).
clusters::MixedMomenta whole_ring(const HubbardChain& ring);

/// sum_k v_k x_k for one spin.
/// @param values  x_k, (sites,), ascending
double velocity_sum(const HubbardChain& ring, std::span<const double> values);
/// The current (1/L) sum_k v_k n_k.
double ring_current(const HubbardChain& ring, std::span<const double> occupation);

}  // namespace lindrift
