#include "clusters/momenta.hpp"

namespace lindrift::clusters {

Cluster momentum_cluster(std::array<std::span<const double>, 2> energy, std::array<const BathRates*, 2> rates,
                         std::span<const double> interaction) {
  const std::size_t n = interaction.size();
  Cluster cluster;
  cluster.orbitals = static_cast<int>(n);
  for (std::size_t s = 0; s < 2; ++s) {
    for (auto* matrix : {&cluster.hamiltonian[s], &cluster.loss[s], &cluster.gain[s]}) matrix->resize(n * n);
    for (std::size_t k = 0; k < n; ++k) {
      cluster.hamiltonian[s][k * n + k] = energy[s][k];
      cluster.loss[s][k * n + k] = rates[s]->loss[k];
      cluster.gain[s][k * n + k] = rates[s]->gain[k];
    }
  }
  for (std::size_t q = 0; q < n; ++q) {
    if (interaction[q] == 0.0) continue;
    for (std::size_t k = 0; k < n; ++k)
      for (std::size_t p = 0; p < n; ++p)
        cluster.scattering.push_back({static_cast<int>((k + q) % n), static_cast<int>(k),
                                      static_cast<int>((p + n - q) % n), static_cast<int>(p),
                                      interaction[q] / static_cast<double>(n)});
  }
  for (std::size_t k = 0; k < n; ++k) cluster.momentum.push_back(static_cast<int>(k));
  return cluster;
}

}  // namespace lindrift::clusters
