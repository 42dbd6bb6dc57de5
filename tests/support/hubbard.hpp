#pragma once

#include <complex>
#include <cstdint>
#include <numbers>
#include <vector>

#include "lindrift/hubbard/chain.hpp"
#include "lindrift/lattice/lattice.hpp"
#include "reference/hubbard.hpp"
#include "support/random.hpp"

namespace lindrift::testing {

/// Position in ascending order of momentum m = 0 .. L-1, the order of the transforms.
inline std::size_t ascending(std::int64_t m, std::int64_t sites) {
  const std::int64_t first = first_momentum_index(sites);
  return static_cast<std::size_t>((((m - first) % sites) + sites) % sites);
}

/// The published bath: uniform gain, loss 2 bond_loss (1 + sign sin p).
inline HubbardChain published_chain(std::int64_t sites, double interaction, double gain, double bond_loss,
                                    int sign = -1) {
  HubbardChain chain;
  chain.sites = sites;
  chain.interaction = {interaction};
  chain.down.gain = gain;
  chain.down.two_site_loss = bond_loss;
  chain.down.two_site_loss_phase = -sign * 0.5 * std::numbers::pi;
  return chain;
}

/// A ring with gain and loss of spin up at every site, and of spin down a local gain and a loss from bonds.
/// @param phase  of that loss, in units of pi
inline HubbardChain driven_chain(std::int64_t sites, double interaction, double up_gain, double up_loss, double gain,
                                 double loss, double phase) {
  HubbardChain chain;
  chain.sites = sites;
  chain.interaction = {interaction};
  chain.up.gain = up_gain;
  chain.up.loss = up_loss;
  chain.down.gain = gain;
  chain.down.two_site_loss = loss;
  chain.down.two_site_loss_phase = phase * std::numbers::pi;
  return chain;
}

/// Random rates, some of them zero, and an interaction over several distances that is not even, so that U_q is complex.
inline HubbardChain random_hubbard(Random& random, std::int64_t sites, bool open_probe) {
  HubbardChain chain;
  const auto size = static_cast<std::size_t>(sites);
  chain.sites = sites;
  chain.hopping = random.uniform(0.5, 1.5) * (random.integer(0, 1) == 0 ? 1.0 : -1.0);
  chain.interaction = random.vector(std::min<std::size_t>(size, 5), -1.0, 1.0);
  chain.down.gain_table = random.vector(size, 0.1, 1.0);
  chain.down.loss_table = random.vector(size, 0.1, 2.0);
  chain.down.gain_table[0] = 0.0;
  chain.down.loss_table[1] = 0.0;
  if (open_probe) chain.up.loss_table = random.vector(size, 0.0, 0.5);
  return chain;
}

inline reference::HubbardChain reference_of(const HubbardChain& chain) {
  const BathRates down = bath_rates(chain.down, chain.lattice()), up = bath_rates(chain.up, chain.lattice());
  reference::HubbardChain result;
  result.sites = chain.sites;
  result.hopping = chain.hopping;
  result.interaction.assign(chain.interaction.begin(), chain.interaction.end());
  result.interaction.resize(result.size());
  for (std::int64_t m = 0; m < chain.sites; ++m) {
    const std::size_t i = ascending(m, chain.sites);
    result.gain.push_back(down.gain[i]);
    result.loss.push_back(down.loss[i]);
    result.probe_loss.push_back(up.loss[i]);
  }
  return result;
}

/// A chain from tests/data, whose headers each have a struct with the same fields; rates there are ordered by m = 0 ..
/// L-1.
template <class Data>
HubbardChain chain_of_rates(const Data& data) {
  HubbardChain chain;
  chain.sites = data.sites;
  chain.hopping = data.hopping;
  chain.interaction = data.interaction;
  const auto table = [&](const std::vector<double>& rates) {
    std::vector<double> result(rates.size());
    for (std::size_t m = 0; m < rates.size(); ++m)
      result[ascending(static_cast<std::int64_t>(m), data.sites)] = rates[m];
    return result;
  };
  chain.down.gain_table = table(data.gain);
  chain.down.loss_table = table(data.loss);
  chain.up.loss_table = table(data.probe_loss);
  return chain;
}

}  // namespace lindrift::testing
