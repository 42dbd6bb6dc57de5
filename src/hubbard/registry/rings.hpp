#pragma once

#include <span>
#include <string>

#include "lindrift/hubbard/chain.hpp"
#include "registry/registry.hpp"
#include "registry/verification.hpp"

/// Shared by the entries of the tasks steady_state, transport and exact of the Hubbard model.

namespace lindrift {

inline constexpr const char* collisions_on_the_cpu = "collisions are computed on the CPU";

/// |U|/J up to which collisions were compared with exact rings: currents agreed to a few percent, drifts in magnitude.
inline constexpr double trusted_interaction = 0.5;
/// |U|/J of a chain with an on-site interaction.
double interaction_strength(const HubbardChain& chain);

/// Reads the ring of a point.
/// @throws ParameterError if it is a lattice
HubbardChain read_ring(const config::Point& point);

/// Rejects the approximations of the probe's self-energy, which these tasks do not use.
/// @param ladder, hartree  reasons why they have no meaning
/// @throws ParameterError
void refuse_approximations(const HubbardChain& chain, const std::string& task, const std::string& ladder,
                           const std::string& hartree);

/// The reasons, where collisions are computed.
inline constexpr const char* order_decides = "task.order says which collisions count";
inline constexpr const char* mean_field_moves_all = "a mean field moves all momenta alike";

/// sum_k v_k x_k by the plain formula of a ring, independent of what the tasks compute with.
double plain_flow(const config::Point& point, std::span<const double> values);

/// Checks 0 <= n <= 1 for both spins, and their currents.
/// @param bounds, allowed  allowed errors of occupations and of currents
void verify_ring_currents(Verification& verification, double bounds, double allowed);

}  // namespace lindrift
