#pragma once

#include <complex>
#include <cstdint>
#include <random>
#include <vector>

#include "lindrift/tgge/chain.hpp"

namespace lindrift::testing {

/// The same numbers from the same seed with every standard library: the library's engines are portable, its
/// distributions are not.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  double uniform(double low, double high) {
    return low + (high - low) * (static_cast<double>(engine_() >> 11) * 0x1p-53);
  }
  std::int64_t integer(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(high - low + 1));
  }
  std::complex<double> complex(double size) {
    const double real = uniform(-size, size);
    return {real, uniform(-size, size)};
  }
  std::vector<double> vector(std::size_t size, double low, double high) {
    std::vector<double> result(size);
    for (double& x : result) x = uniform(low, high);
    return result;
  }

 private:
  std::mt19937_64 engine_;
};

/// The Raman jump of a chain that has one.
inline RamanJump& raman(TggeChain& chain) { return std::get<RamanJump>(chain.jump); }
inline const RamanJump& raman(const TggeChain& chain) { return std::get<RamanJump>(chain.jump); }

/// A generic chain: both baths, gamma_eq independent of gamma_neq, delta and delta' unrelated.
inline TggeChain random_chain(Random& random, std::int64_t sites, double largest_beta = 4.0) {
  TggeChain chain;
  chain.sites = sites;
  chain.hopping = random.uniform(0.5, 1.5);
  chain.bath.coupling = random.uniform(0.02, 0.2);
  chain.bath.inverse_temperature = random.uniform(0.0, largest_beta) / chain.hopping;
  chain.bath.nonequilibrium_fraction = random.uniform(0.05, 0.95);
  chain.bath.equilibrium_fraction = random.uniform(0.05, 1.5);
  raman(chain).delta = random.complex(1.5);
  raman(chain).delta_prime = random.complex(1.5);
  return chain;
}

}  // namespace lindrift::testing
