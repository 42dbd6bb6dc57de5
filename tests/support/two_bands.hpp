#pragma once

#include <complex>
#include <cstdint>
#include <variant>
#include <vector>

#include "lindrift/tgge/chain.hpp"
#include "lindrift/tgge/rashba.hpp"
#include "reference/tgge_rashba.hpp"
#include "support/random.hpp"

namespace lindrift::testing {

/// Generic jump operators: every offset up to `range` may occur, and terms may repeat.
inline JumpOperators random_operators(Random& random, int bands, std::int64_t range, int channels) {
  JumpOperators jump;
  for (int c = 0; c < channels; ++c) {
    std::vector<JumpTerm> terms;
    const std::int64_t count = random.integer(2, 6);
    const std::int64_t shift = random.integer(-2, 2);
    for (std::int64_t i = 0; i < count; ++i) {
      JumpTerm term;
      term.to[0] = shift + random.integer(0, range);
      term.from[0] = shift + random.integer(0, range);
      term.to_orbital = static_cast<int>(random.integer(0, bands - 1));
      term.from_orbital = static_cast<int>(random.integer(0, bands - 1));
      term.amplitude = random.complex(1.0);
      terms.push_back(term);
    }
    jump.channels.push_back(terms);
  }
  return jump;
}

inline TggeBath random_bath(Random& random, double hopping, double largest_beta) {
  TggeBath bath;
  bath.coupling = random.uniform(0.02, 0.2);
  bath.inverse_temperature = random.uniform(0.0, largest_beta) / hopping;
  bath.nonequilibrium_fraction = random.uniform(0.05, 0.95);
  bath.equilibrium_fraction = random.uniform(0.05, 1.5);
  return bath;
}

/// Two generic bands, with both spins dephased unequally.
inline TggeRashba random_rashba(Random& random, std::int64_t sites, double largest_beta = 4.0) {
  TggeRashba chain;
  chain.sites = sites;
  chain.hopping = random.uniform(0.5, 1.5);
  chain.zeeman_field = random.uniform(-1.5, 1.5);
  chain.rashba_y = random.uniform(-1.5, 1.5);
  chain.rashba_z = random.uniform(-1.5, 1.5);
  chain.bath = random_bath(random, chain.hopping, largest_beta);
  const double up = random.uniform(0.1, 1.0);
  chain.jump = DephasingJump{up, random.uniform(0.1, 1.0)};
  return chain;
}

/// One band with random jump operators.
inline TggeChain random_operator_chain(Random& random, std::int64_t sites, std::int64_t range,
                                       double largest_beta = 4.0) {
  TggeChain chain = random_chain(random, sites, largest_beta);
  chain.jump = random_operators(random, 1, range, static_cast<int>(random.integer(1, 3)));
  return chain;
}

namespace lattices {

inline void set_channels(reference::Lattice& lattice, const JumpOperators& jump) {
  for (const auto& channel : jump.channels) {
    std::vector<reference::Term> terms;
    for (const JumpTerm& term : channel)
      terms.push_back({term.to[0], term.to_orbital, term.from[0], term.from_orbital,
                       reference::Complex(term.amplitude.real(), term.amplitude.imag())});
    lattice.channels.push_back(terms);
  }
}
inline void set_channels(reference::Lattice& lattice, const RamanJump& jump) {
  // (c+_j + delta c+_{j+1}) (c_j - delta' c_{j+1})
  set_channels(lattice, JumpOperators{{{{{0}, 0, {0}, 0, 1.0},
                                        {{0}, 0, {1}, 0, -jump.delta_prime},
                                        {{1}, 0, {0}, 0, jump.delta},
                                        {{1}, 0, {1}, 0, -jump.delta * jump.delta_prime}}}});
}
inline void set_channels(reference::Lattice& lattice, const DephasingJump& jump) {
  set_channels(lattice, JumpOperators{{{{{0}, 0, {0}, 0, std::sqrt(jump.dephasing_up)}},
                                       {{{0}, 1, {0}, 1, std::sqrt(jump.down())}}}});
}
/// Tables have no operator behind them; a test with a table states its origin.
inline void set_channels(reference::Lattice&, const TableJump&) {}

inline void set_bath(reference::Lattice& lattice, const TggeBath& bath) {
  lattice.inverse_temperature = bath.inverse_temperature;
  lattice.coupling = bath.coupling;
  lattice.gamma_eq = bath.effective_equilibrium_fraction();
  lattice.gamma_neq = bath.nonequilibrium_fraction;
  lattice.width = bath.spectrum_width;
  if (bath.spectrum == Spectrum::lorentzian) lattice.spectrum = reference::ThermalSpectrum::lorentzian;
  if (bath.spectrum == Spectrum::ohmic) lattice.spectrum = reference::ThermalSpectrum::ohmic;
}

}  // namespace lattices

inline reference::Lattice lattice_of(const TggeChain& chain) {
  reference::Lattice lattice;
  lattice.sites = chain.sites;
  lattice.hopping = chain.hopping;
  lattices::set_bath(lattice, chain.bath);
  std::visit([&](const auto& jump) { lattices::set_channels(lattice, jump); }, chain.jump);
  return lattice;
}

inline reference::Lattice lattice_of(const TggeRashba& chain) {
  reference::Lattice lattice;
  lattice.sites = chain.sites;
  lattice.bands = 2;
  lattice.hopping = chain.hopping;
  lattice.zeeman_field = chain.zeeman_field;
  lattice.rashba_y = chain.rashba_y;
  lattice.rashba_z = chain.rashba_z;
  lattices::set_bath(lattice, chain.bath);
  std::visit([&](const auto& jump) { lattices::set_channels(lattice, jump); }, chain.jump);
  return lattice;
}

/// The same hop weights as a table, from the reference.
inline TableJump table_of(const reference::Lattice& lattice) {
  std::vector<double> weights;
  for (const auto w : reference::problem_of(lattice).weight) weights.push_back(std::max(0.0, static_cast<double>(w)));
  return TableJump(std::move(weights));
}

}  // namespace lindrift::testing
