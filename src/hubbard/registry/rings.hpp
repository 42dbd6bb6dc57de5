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
/// Largest |V_r| in units of the hopping; for a lattice, of its largest amplitude.
double interaction_strength(const HubbardChain& chain);

/// Rejects the approximations of the probe's self-energy, which these tasks do not use.
/// @param ladder, hartree  reasons why they have no meaning
/// @throws ParameterError
void refuse_approximations(const HubbardChain& chain, const std::string& task, const std::string& ladder,
                           const std::string& hartree);

/// The reasons, where collisions are computed.
inline constexpr const char* order_decides = "task.order says which collisions count";
inline constexpr const char* mean_field_moves_all = "a mean field moves all momenta alike";

/// sum_k v_k x_k by a plain formula in extended precision, independent of what the tasks compute with.
double plain_flow(const config::Point& point, Spin spin, int direction, std::span<const double> values);

/// Checks 0 <= n <= 1 for both spins, and their currents.
/// @param bounds   allowed error of occupations
/// @param allowed  of currents where no particle is faster than 2 and there are up to 256 cells: it grows with the
/// speed
///                 and, like the roundings of a sum, with the root of the number of cells
void verify_currents(Verification& verification, double bounds, double allowed);

}  // namespace lindrift
