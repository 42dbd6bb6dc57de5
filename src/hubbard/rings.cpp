#include "hubbard/rings.hpp"

#include <complex>

#include "lindrift/lattice/lattice.hpp"

namespace lindrift {

std::array<BathRates, 2> rates_of_spins(const HubbardChain& chain) {
  const Lattice lattice = chain.lattice();
  return {bath_rates(chain.up, lattice, "bath.up"), bath_rates(chain.down, lattice, "bath.down")};
}

clusters::MixedMomenta all_momenta(const HubbardChain& chain) {
  const Lattice lattice = chain.lattice();
  clusters::MixedMomenta problem;
  problem.cluster = lattice.size();
  problem.cells = chain.cells;
  problem.rates = rates_of_spins(chain);
  problem.energy = {hopping_energies(chain.terms(Spin::up), lattice),
                    hopping_energies(chain.terms(Spin::down), lattice)};
  const auto sites = static_cast<std::int64_t>(lattice.size());
  for (std::int64_t q = 0; q < sites; ++q) {
    // U_q = sum_r V_r e^{-iqr}, in several directions U.
    std::complex<double> sum = 0.0;
    for (std::size_t r = 0; r < chain.interaction.size(); ++r) {
      const std::int64_t turns = 2 * q * static_cast<std::int64_t>(r);
      sum += chain.interaction[r] * std::complex<double>(cos_pi(turns, sites), -sin_pi(turns, sites));
    }
    problem.interaction.push_back(sum);
  }
  return problem;
}

HubbardChain resized(HubbardChain chain, const std::vector<std::int64_t>& cells) {
  if (chain.is_ring())
    chain.sites = cells.front();
  else
    chain.cells = cells;
  return chain;
}

double velocity_sum(const HubbardChain& chain, Spin spin, std::span<const double> values, int direction) {
  const std::vector<double> velocity = hopping_velocities(chain.terms(spin), chain.lattice(), direction);
  double sum = 0.0;
  for (std::size_t k = 0; k < velocity.size(); ++k) sum += velocity[k] * values[k];
  return sum;
}

}  // namespace lindrift
