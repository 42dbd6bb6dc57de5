#pragma once

#include <string>

#include "lindrift/hubbard/chain.hpp"

/// Requirements shared by the tasks of the Hubbard model. Each function throws ParameterError.

namespace lindrift {

/// At least V_0, no more V_r than the lattice has distances, and V_0 alone in several directions.
void validate_interaction(const HubbardChain& chain);

/// At least two cells.
void require_several_cells(const HubbardChain& chain);

/// V_r = 0 for r > 0.
/// @param reason  explanation for the message: "collisions are known ..."
void require_on_site(const HubbardChain& chain, const std::string& reason);

/// Requires a bath that acts on every momentum, so that the steady occupations are defined.
/// @param bath  its name in messages: "bath.up"
void require_rates(const BathRates& rates, const Lattice& lattice, const std::string& bath);

/// "k = 0.785 (m = 16)", with one number per direction.
std::string momentum_text(const Lattice& lattice, std::size_t number);

}  // namespace lindrift
