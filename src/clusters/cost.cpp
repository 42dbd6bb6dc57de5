#include "clusters/cost.hpp"

#include <algorithm>

namespace lindrift::clusters {

double choose(std::size_t n, std::size_t k) {
  double ways = 1.0;
  for (std::size_t i = 0; i < k; ++i) ways = ways * static_cast<double>(n - i) / static_cast<double>(i + 1);
  return ways;
}

SectorCost sector_cost(double operators, double elements, double vectors, double kept_vectors) {
  SectorCost cost{.operators = operators, .elements = elements, .vectors = std::min(operators, vectors)};
  // A product takes 8 operations per element, and a vector two passes over all earlier ones.
  cost.operations = cost.vectors * operators * (8.0 * elements + 16.0 * cost.vectors);
  cost.memory_bytes = operators * (60.0 * elements + 16.0 * std::min(operators, kept_vectors));
  return cost;
}

namespace {

/// Measured values: vectors of a Krylov space, from 30 where all rates are fast to many hundreds where one is slow, so
/// that times are known to a factor of a few only; and as many as are kept.
constexpr double vectors_of_state = 100.0, vectors_of_green = 150.0, kept_vectors = 250.0;

/// Measured values: elements per row divided by orbitals^2, for spin up empty and not empty.
SectorCost cluster_sector(double operators, std::size_t orbitals, bool up_empty, double vectors) {
  constexpr double elements_of_probe = 0.35, elements_of_both = 0.95;
  const auto n = static_cast<double>(orbitals);
  return sector_cost(operators, 2.0 + (up_empty ? elements_of_probe : elements_of_both) * n * n, vectors, kept_vectors);
}

}  // namespace

SectorCost state_cost(std::size_t orbitals, bool up_empty, std::size_t momenta) {
  const double conserved = choose(2 * orbitals, orbitals);
  return cluster_sector((up_empty ? 1.0 : conserved) * conserved / static_cast<double>(momenta), orbitals, up_empty,
                        vectors_of_state);
}

SectorCost green_cost(std::size_t orbitals, bool up_empty, std::size_t momenta) {
  const double up = up_empty ? static_cast<double>(orbitals) : choose(2 * orbitals, orbitals + 1);
  return cluster_sector(up * choose(2 * orbitals, orbitals) / static_cast<double>(momenta), orbitals, up_empty,
                        vectors_of_green);
}

double evolution_operations(const SectorCost& sector, double scale, double last_time, std::size_t times) {
  // Measured values: products per Taylor step; norm of a sector relative to the sum of all terms.
  constexpr double products_per_step = 12.0, relative_norm = 0.4;
  return (relative_norm * scale * last_time + static_cast<double>(times)) * products_per_step * sector.operators *
         (8.0 * sector.elements + 8.0);
}

SectorCost one_particle_cost(std::size_t orbitals) {
  // As measured on rings of 6 to 8 sites: elements per row, vectors before a restart, and vectors needed.
  constexpr double elements_of_probe = 0.7, kept_vectors = 200.0, vectors = 90.0;
  const auto n = static_cast<double>(orbitals);
  // n kets and n bras of the particle, and spin down with equal numbers of particles on both sides; one in n of the
  // total momenta is that of the steady state.
  return sector_cost(n * choose(2 * orbitals, orbitals), 2.0 + elements_of_probe * n * n, vectors, kept_vectors);
}

}  // namespace lindrift::clusters
