#pragma once

#include <span>
#include <string>

#include "lindrift/hubbard/chain.hpp"
#include "registry/registry.hpp"
#include "registry/verification.hpp"

/// What the tasks steady_state, transport and exact of the Hubbard model have in common for the program.

namespace lindrift {

inline constexpr const char* collisions_on_the_cpu = "collisions are computed on the CPU";

/// |U|/J up to which collisions were compared with exact rings: currents were right within some percent, drifts in
/// size.
inline constexpr double trusted_interaction = 0.5;
/// |U|/J of a chain whose interaction is on site.
double interaction_strength(const HubbardChain& chain);

/// Reads a ring of a point.
/// @param pair_bytes  that every pair of momenta takes: refused before any list is made
/// @throws ParameterError
HubbardChain read_ring(const config::Point& point, double pair_bytes);

/// @param bytes  that pairs of momenta take
/// @throws ParameterError naming model.sites
void require_pair_memory(std::int64_t sites, double bytes);

/// Refuses the approximations of the probe's self-energy, which these tasks do not read.
/// @param ladder, hartree  why they have no meaning
/// @throws ParameterError
void refuse_approximations(const HubbardChain& chain, const std::string& task, const std::string& ladder,
                           const std::string& hartree);

/// Why not, where collisions are computed.
inline constexpr const char* order_decides = "task.order says which collisions count";
inline constexpr const char* mean_field_moves_all = "a mean field moves all momenta alike";

/// sum_k v_k x_k by the plain formula of a ring, apart from what a task computes with.
double plain_flow(const config::Point& point, std::span<const double> values);

/// 0 <= n <= 1 for both spins, and their currents.
/// @param bounds, allowed  errors of occupations and of currents
void verify_ring_currents(Verification& verification, double bounds, double allowed);

}  // namespace lindrift
