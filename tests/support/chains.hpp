#pragma once

#include <span>
#include <vector>

#include "kernels/tgge/rate_kernel.hpp"
#include "lindrift/tgge/chain.hpp"
#include "reference/tgge_chain.hpp"
#include "support/random.hpp"

namespace lindrift::testing {

inline reference::Chain reference_of(const TggeChain& chain) {
  reference::Chain result;
  result.sites = chain.sites;
  result.hopping = chain.hopping;
  result.inverse_temperature = chain.bath.inverse_temperature;
  result.coupling = chain.bath.coupling;
  result.gamma_eq = chain.bath.effective_equilibrium_fraction();
  result.gamma_neq = chain.bath.nonequilibrium_fraction;
  result.delta = {raman(chain).delta.real(), raman(chain).delta.imag()};
  result.delta_prime = {raman(chain).delta_prime.real(), raman(chain).delta_prime.imag()};
  return result;
}

/// A chain from tests/data, whose headers each have a struct with the same fields.
template <class Data>
TggeChain chain_of(const Data& data) {
  TggeChain chain;
  chain.sites = data.sites;
  chain.hopping = data.hopping;
  chain.bath.coupling = data.coupling;
  chain.bath.inverse_temperature = data.inverse_temperature;
  chain.bath.nonequilibrium_fraction = data.gamma_neq;
  chain.bath.equilibrium_fraction = data.gamma_eq;
  chain.jump = RamanJump{data.delta, data.delta_prime};
  return chain;
}

inline reference::Vector extended(std::span<const double> values) { return {values.begin(), values.end()}; }
inline std::vector<double> rounded(const reference::Vector& values) {
  std::vector<double> result;
  for (const auto value : values) result.push_back(static_cast<double>(value));
  return result;
}

/// n and 1-n for Lagrange multipliers, each accurate to the last bit.
struct Occupations {
  std::vector<double> particles, holes;
};
inline Occupations occupations_of(std::span<const double> lambda) {
  Occupations result;
  for (const double l : lambda) {
    result.particles.push_back(static_cast<double>(reference::occupation(l)));
    result.holes.push_back(static_cast<double>(reference::hole(l)));
  }
  return result;
}

/// The input of a kernel, with the arrays that it points to: |f(q)|^2 and |g(k)|^2 computed in extended precision.
struct Tables {
  std::vector<double> energy, in, out;
  kernels::RateTables numbers;

  explicit Tables(const TggeChain& chain) {
    const reference::Chain c = reference_of(chain);
    for (std::int64_t s = 0; s < c.sites; ++s) {
      const reference::Real k = reference::momentum(c, s);
      const reference::Complex f = reference::Complex(1.0L) + c.delta * std::polar(1.0L, -k);
      const reference::Complex g = reference::Complex(1.0L) - c.delta_prime * std::polar(1.0L, k);
      energy.push_back(static_cast<double>(-2.0L * c.hopping * std::cos(k)));
      in.push_back(static_cast<double>(std::norm(f)));
      out.push_back(static_cast<double>(std::norm(g)));
    }
    numbers.modes = chain.sites;
    numbers.over_cells = static_cast<double>(1.0L / static_cast<long double>(chain.sites));
    numbers.scale = chain.bath.coupling * chain.hopping;
    numbers.inverse_temperature = chain.bath.inverse_temperature;
    numbers.equilibrium_fraction = chain.bath.effective_equilibrium_fraction();
    numbers.nonequilibrium_fraction = chain.bath.nonequilibrium_fraction;
    point();
  }
  Tables(const Tables&) = delete;
  Tables& operator=(const Tables&) = delete;

 private:
  void point() {
    numbers.energy = energy.data();
    numbers.in = in.data();
    numbers.out = out.data();
  }
};

/// The reference problem for tables that a test has modified.
inline reference::Problem problem_of(const Tables& tables) {
  reference::Problem problem;
  problem.size = tables.energy.size();
  problem.scale = tables.numbers.scale;
  problem.inverse_temperature = tables.numbers.inverse_temperature;
  problem.gamma_eq = tables.numbers.equilibrium_fraction;
  problem.gamma_neq = tables.numbers.nonequilibrium_fraction;
  problem.energy = extended(tables.energy);
  problem.velocity.assign(problem.size, 0.0L);
  for (const double in : tables.in)
    for (const double out : tables.out) problem.weight.push_back(static_cast<long double>(in) * out);
  problem.fill_thermal();
  return problem;
}

}  // namespace lindrift::testing
