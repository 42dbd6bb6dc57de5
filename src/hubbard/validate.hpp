#pragma once

#include <string>

#include "lindrift/hubbard/chain.hpp"

/// What the tasks of the Hubbard model require alike. Each function throws ParameterError.

namespace lindrift {

/// V_r for no more distances than there are on the lattice, at least V_0, and V_0 alone in several directions.
void validate_interaction(const HubbardChain& chain);

/// V_r = 0 for r > 0.
/// @param reason  why: "collisions are known ..."
void require_on_site(const HubbardChain& chain, const std::string& reason);

/// A bath that acts on every momentum, so that the steady occupations are defined.
/// @param bath  what messages call it: "bath.up"
void require_rates(const BathRates& rates, const Lattice& lattice, const std::string& bath);

/// "k = 0.785 (m = 16)", with one number for each direction.
std::string momentum_text(const Lattice& lattice, std::size_t number);

}  // namespace lindrift
