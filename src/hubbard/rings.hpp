#pragma once

#include <array>
#include <span>
#include <string>

#include "clusters/mixed_momenta.hpp"
#include "lindrift/hubbard/chain.hpp"

/// Shared by the tasks that follow both spins.

namespace lindrift {

/// Gain and loss of spin up and of spin down.
/// @throws ParameterError
std::array<BathRates, 2> rates_of_spins(const HubbardChain& chain);

/// All momenta of a ring or a lattice as a single group that mixes (docs/physics.md, Eq. 134).
clusters::MixedMomenta all_momenta(const HubbardChain& chain);

/// The same ring or lattice with other numbers of cells along its directions.
HubbardChain resized(HubbardChain chain, const std::vector<std::int64_t>& cells);

/// sum_k v_k x_k of one spin, along a direction.
/// @param values  x_k, (momenta,), ascending
double velocity_sum(const HubbardChain& chain, Spin spin, std::span<const double> values, int direction = 0);

/// Appends the occupations of a spin and its current (1/N) sum_k v_k n_k, one number per direction, to a result.
template <class Result>
void add_spin(const HubbardChain& chain, Spin spin, std::span<const double> occupation, Result& result) {
  result.occupation_spin.insert(result.occupation_spin.end(), occupation.begin(), occupation.end());
  for (int i = 0; i < chain.lattice().dimensions(); ++i)
    result.current_spin.push_back(velocity_sum(chain, spin, occupation, i) / static_cast<double>(occupation.size()));
}

}  // namespace lindrift
