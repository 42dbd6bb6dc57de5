#include "clusters/mixed_momenta.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>
#include <utility>

#include "clusters/cost.hpp"
#include "engine/side_by_side.hpp"
#include "lindrift/communicator.hpp"

namespace lindrift::clusters {

namespace {

/// Largest number of Krylov vectors. If that is too few, the residual shows it.
constexpr std::size_t max_vectors = 1500;

/// Bounds of the Green's functions of some momenta, each of which a device solves by itself, without the steady states.
ClusterSizes green_sizes(ClusterSizes sizes, std::size_t frequencies, std::size_t times) {
  sizes.state_operators = sizes.state_elements = 0;
  sizes.max_vectors = max_vectors;
  sizes.frequencies = frequencies;
  sizes.times = times;
  return sizes;
}

}  // namespace

bool MixedMomenta::up_empty() const {
  return std::all_of(rates[0].gain.begin(), rates[0].gain.end(), [](double gain) { return gain == 0.0; });
}

Cluster MixedMomenta::group(std::size_t first) const {
  const std::size_t n = cluster;
  Cluster result;
  result.orbitals = static_cast<int>(n);
  for (std::size_t s = 0; s < 2; ++s) {
    for (auto* matrix : {&result.hamiltonian[s], &result.loss[s], &result.gain[s]}) matrix->resize(n * n);
    for (std::size_t m = 0; m < n; ++m) {
      const std::size_t momentum = first + m * groups(), diagonal = m * n + m;
      result.hamiltonian[s][diagonal] = energy[s][momentum];
      result.loss[s][diagonal] = rates[s].loss[momentum];
      result.gain[s][diagonal] = rates[s].gain[momentum];
    }
  }
  const Lattice lattice = cells.empty() ? ring_lattice(static_cast<std::int64_t>(n)) : Lattice(cells);
  for (std::size_t m = 0; m < n; ++m) result.momentum.push_back(lattice.momentum(m));
  for (int i = 0; i < lattice.dimensions(); ++i) result.momenta[static_cast<std::size_t>(i)] = lattice.cells(i);
  const auto moved = [&](std::size_t k, const LatticeVector& by, std::int64_t sign) {
    LatticeVector to = result.momentum[k];
    for (std::size_t i = 0; i < to.size(); ++i) to[i] += sign * by[i];
    return static_cast<int>(lattice.index_of(to));
  };
  for (std::size_t q = 0; q < n; ++q) {
    if (interaction[q] == 0.0) continue;
    const Complex amplitude = interaction[q] / static_cast<double>(n);
    LatticeVector transfer{};  // counted from 0 along each direction
    for (std::size_t i = 0; i < transfer.size(); ++i) transfer[i] = result.momentum[q][i] - result.momentum[0][i];
    for (std::size_t k = 0; k < n; ++k)
      for (std::size_t p = 0; p < n; ++p)
        result.scattering.push_back(
            {moved(k, transfer, 1), static_cast<int>(k), moved(p, transfer, -1), static_cast<int>(p), amplitude});
  }
  return result;
}

Cluster MixedMomenta::pattern() const {
  Cluster result = group(0);
  for (std::size_t s = 0; s < 2; ++s)
    for (const auto& [matrix, all] : {std::pair(&result.loss[s], &rates[s].loss), {&result.gain[s], &rates[s].gain}}) {
      const double largest = *std::max_element(all->begin(), all->end());
      for (std::size_t m = 0; m < cluster; ++m) (*matrix)[m * cluster + m] = largest;
    }
  return result;
}

double mixed_batch_bytes(std::size_t cluster, bool up_empty, double groups, double momenta, std::size_t frequencies,
                         std::size_t times) {
  const ClusterSizes states = sizes_of(state_cost(cluster, up_empty, cluster));
  ClusterSizes greens;
  add_green(greens, green_cost(cluster, up_empty, cluster), 1);
  const auto bytes = [](const ClusterSizes& sizes, double count) {
    return DeviceClusters::host_bytes(sizes, static_cast<std::size_t>(std::min(count, 0x1p40)));
  };
  return std::max(bytes(states, groups), bytes(green_sizes(greens, frequencies, times), momenta));
}

double mixed_device_bytes(const MixedMomenta& problem, std::size_t momenta, std::size_t frequencies, std::size_t times,
                          const Execution& execution) {
  const ClusterSizes sizes = sizes_of(problem.pattern(), problem.up_empty(), true);
  const auto bytes = [&](const ClusterSizes& some, std::size_t count) {
    return DeviceClusters::batch(some, count, execution).bytes;
  };
  ClusterSizes states = sizes;
  states.orbitals = 0;
  return std::max(bytes(states, problem.groups()), bytes(green_sizes(sizes, frequencies, times), momenta));
}

double mixed_bytes(std::size_t cluster, bool up_empty, double groups, double momenta, int threads) {
  const SectorCost of_green = green_cost(cluster, up_empty, cluster), of_state = state_cost(cluster, up_empty, cluster);
  const auto at_once = [&](double parts) { return std::min<double>(threads, parts); };
  return of_state.memory_bytes * at_once(groups) + groups * of_state.operators * (60.0 * of_state.elements + 16.0) +
         (momenta > 0.0 ? of_green.memory_bytes * at_once(momenta) : 0.0);
}

MixedCost mixed_cost(const MixedMomenta& problem, std::size_t momenta, std::size_t frequencies, std::size_t times,
                     double last_time, int threads, double scale) {
  const bool up_empty = problem.up_empty();
  const double groups = scale * static_cast<double>(problem.groups());
  const SectorCost of_green = green_cost(problem.cluster, up_empty, problem.cluster);
  const SectorCost of_state = state_cost(problem.cluster, up_empty, problem.cluster);
  MixedCost cost;
  cost.green_operators = of_green.operators;
  cost.state_operators = of_state.operators;
  const auto at_once = [&](double parts) { return std::min<double>(threads, parts); };
  const auto greens = static_cast<double>(momenta);
  const double state = groups * of_state.operations;
  double green = 0.0;
  cost.memory_bytes = mixed_bytes(problem.cluster, up_empty, groups, greens, threads);
  // As measured, per vector squared: at each frequency the Hessenberg matrix is solved anew as the space grows.
  constexpr double solution_operations = 130.0;
  if (frequencies > 0)
    green += greens * (of_green.operations +
                       solution_operations * of_green.vectors * of_green.vectors * static_cast<double>(frequencies));
  if (times > 0) {
    double sum = 0.0;
    for (std::size_t k = 0; k < problem.momenta(); ++k)
      for (std::size_t s = 0; s < 2; ++s)
        sum += 2.0 * std::fabs(problem.energy[s][k]) + 2.0 * (problem.rates[s].gain[k] + problem.rates[s].loss[k]);
    sum /= static_cast<double>(problem.groups());
    for (const Complex u : problem.interaction) sum += std::abs(u);
    green += greens * evolution_operations(of_green, sum, last_time, times);
  }
  cost.operations = state + green;
  cost.seconds = (state / at_once(groups) + (momenta > 0 ? green / at_once(greens) : 0.0)) / operations_per_second;
  return cost;
}

MixedStates::MixedStates(MixedMomenta problem, const Execution& execution) : problem_(std::move(problem)) {
  const std::size_t groups = problem_.groups();
  for (std::size_t g = 0; g < groups; ++g) clusters_.push_back(problem_.group(g));
  const bool up_empty = problem_.up_empty();
  if (!is_device(execution.backend)) {
    states_ = made_side_by_side(groups, [&](std::size_t g) { return steady_state(clusters_[g], up_empty); });
    return;
  }
  in_batches(sizes_of(problem_.pattern(), up_empty, false), 0, groups, groups, execution,
             [&](DeviceClusters& device, std::size_t first, std::size_t count) {
               auto some = device.steady_states(std::span(clusters_).subspan(first, count), up_empty);
               std::ranges::move(some, std::back_inserter(states_));
             });
}

ClusterGreen MixedStates::green_of(std::size_t momentum) const {
  const std::size_t g = momentum % problem_.groups();
  return ClusterGreen(clusters_[g], states_[g], problem_.up_empty(), {static_cast<int>(momentum / problem_.groups())});
}

std::vector<ClusterGreen> MixedStates::greens_of(std::span<const std::size_t> momenta) const {
  return made_side_by_side(momenta.size(), [&](std::size_t i) { return green_of(momenta[i]); });
}

std::vector<double> MixedStates::occupation(int spin) const {
  std::vector<double> result(problem_.momenta());
  const std::size_t n = problem_.cluster;
  for (std::size_t g = 0; g < states_.size(); ++g) {
    const std::vector<Complex> correlations = one_body(states_[g], spin);
    for (std::size_t m = 0; m < n; ++m) result[g + m * problem_.groups()] = correlations[m * n + m].real();
  }
  return result;
}

double MixedStates::largest_residual() const {
  double largest = 0.0;
  for (const ClusterState& state : states_) largest = std::max(largest, state.residual);
  return largest;
}

double MixedStates::spectral(std::span<const std::size_t> chosen, std::span<const double> frequencies,
                             double broadening, const Execution& execution, std::span<Complex> green) const {
  Communicator& communicator = communicator_of(execution);
  const auto bounds = share_bounds(communicator, chosen.size());
  const auto rank = static_cast<std::size_t>(communicator.rank());
  const std::size_t begin = bounds[rank], end = bounds[rank + 1], width = frequencies.size();
  std::vector<double> residual(chosen.size());
  if (is_device(execution.backend))
    in_batches(green_sizes(sizes_of(problem_.pattern(), problem_.up_empty(), true), width, 0), begin, end,
               largest_share(bounds), execution, [&](DeviceClusters& device, std::size_t first, std::size_t count) {
                 std::ranges::copy(device.spectral(greens_of(chosen.subspan(first, count)), frequencies, broadening,
                                                   green.subspan(first * width, count * width)),
                                   residual.begin() + static_cast<std::ptrdiff_t>(first));
               });
  else
    side_by_side(end - begin, [&](std::size_t i) {
      residual[begin + i] =
          green_of(chosen[begin + i])
              .spectral(frequencies, broadening, max_vectors, green.subspan((begin + i) * width, width));
    });
  communicator.all_gather(residual, bounds);
  communicator.all_gather({reinterpret_cast<double*>(green.data()), 2 * green.size()},
                          share_bounds(communicator, chosen.size(), 1, 2 * width));
  return residual.empty() ? 0.0 : *std::max_element(residual.begin(), residual.end());
}

void MixedStates::at_times(std::span<const double> times, const Execution& execution, std::span<Complex> green) const {
  Communicator& communicator = communicator_of(execution);
  const std::size_t momenta = problem_.momenta(), width = times.size();
  if (width == 0) return;
  const auto bounds = share_bounds(communicator, momenta);
  const auto rank = static_cast<std::size_t>(communicator.rank());
  const std::size_t begin = bounds[rank], end = bounds[rank + 1];
  std::vector<Complex> rows(momenta * width);  // (momenta, times), the times of a momentum are contiguous
  if (is_device(execution.backend)) {
    std::vector<std::size_t> all(momenta);
    std::iota(all.begin(), all.end(), std::size_t{0});
    in_batches(green_sizes(sizes_of(problem_.pattern(), problem_.up_empty(), true), 0, width), begin, end,
               largest_share(bounds), execution, [&](DeviceClusters& device, std::size_t first, std::size_t count) {
                 device.at_times(greens_of(std::span(all).subspan(first, count)), times,
                                 std::span(rows).subspan(first * width, count * width));
               });
  } else {
    side_by_side(end - begin, [&](std::size_t i) {
      green_of(begin + i).at_times(times, std::span(rows).subspan((begin + i) * width, width));
    });
  }
  communicator.all_gather({reinterpret_cast<double*>(rows.data()), 2 * rows.size()},
                          share_bounds(communicator, momenta, 1, 2 * width));
  for (std::size_t t = 0; t < width; ++t)
    for (std::size_t k = 0; k < momenta; ++k) green[t * momenta + k] = rows[k * width + t];
}

}  // namespace lindrift::clusters
