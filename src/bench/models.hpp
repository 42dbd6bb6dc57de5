#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "lindrift/tgge/chain.hpp"
#include "lindrift/tgge/model.hpp"
#include "lindrift/tgge/rashba.hpp"

/// What benchmarks compute, on the CPU and on a device.

namespace lindrift::benchmarks {

/// The chain of the published figure of the current, with both baths on; rivals/chain.py has the same numbers.
inline TggeChain chain(std::int64_t sites, Spectrum spectrum = Spectrum::exponential) {
  TggeChain chain;
  chain.sites = sites;
  chain.bath.nonequilibrium_fraction = 0.5;
  chain.bath.spectrum = spectrum;
  return chain;
}

/// Two bands with spin up dephased, both baths on: the middle of the published figure of the current.
inline TggeRashba rashba(std::int64_t sites) {
  TggeRashba chain;
  chain.sites = sites;
  chain.rashba_y = 1.1;
  chain.rashba_z = 0.9;
  chain.zeeman_field = 1.0;
  chain.bath.nonequilibrium_fraction = 0.5;
  return chain;
}

/// Random energies, so that no two levels coincide.
inline TggeModel random_levels(std::int64_t levels, Spectrum spectrum) {
  const auto size = static_cast<std::size_t>(levels);
  TggeModel model;
  model.bands.lattice = Lattice({levels});
  std::mt19937_64 engine(7);
  std::uniform_real_distribution<double> uniform(-4.0, 4.0);
  model.bands.energy.resize(size);
  for (double& energy : model.bands.energy) energy = uniform(engine);
  model.bands.velocity = {std::vector<double>(size, 0.0)};
  model.bath.spectrum = spectrum;
  model.bath.inverse_temperature = 2.0;
  model.jump = ProductJump{1, std::vector<double>(size, 1.0), std::vector<double>(size, 1.0)};
  return model;
}

struct Occupation {
  std::vector<double> particles, holes;
};

/// Independent numbers in [0.05, 0.95).
inline Occupation random_occupation(std::size_t modes, std::uint64_t seed = 7) {
  std::mt19937_64 bits(seed);
  Occupation occupation{std::vector<double>(modes), std::vector<double>(modes)};
  for (std::size_t s = 0; s < modes; ++s) {
    const double n = 0.05 + 0.9 * 0x1p-53 * static_cast<double>(bits() >> 11);
    occupation.particles[s] = n;
    occupation.holes[s] = 1.0 - n;
  }
  return occupation;
}

}  // namespace lindrift::benchmarks
