#pragma once

#include <algorithm>
#include <complex>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "clusters/cluster_state.hpp"
#include "clusters/cost.hpp"
#include "engine/device_memory.hpp"
#include "engine/threads.hpp"
#include "lindrift/backend.hpp"

namespace lindrift {

namespace kernels {
class ClusterDevice;
struct ClusterShape;
}  // namespace kernels

namespace clusters {

/// Bounds of the clusters that a device solves together; the memory follows from them.
struct ClusterSizes {
  std::size_t state_operators = 0, state_elements = 0;  ///< rows and elements of the steady state's sector, or 0
  std::size_t green_operators = 0, green_elements = 0;  ///< of the Green's function's, 0 without one
  std::size_t orbitals = 0;                             ///< of the Green's function
  std::size_t max_vectors = 0;                          ///< of its Krylov spaces
  std::size_t frequencies = 0, times = 0;               ///< at which it is evaluated; one of them is 0
};

/// Sizes of clusters none of which has an element that a `pattern` does not have; without frequencies and times.
/// @param green  with the Green's function of all orbitals together or, if they are momenta, of each by itself
ClusterSizes sizes_of(const Cluster& pattern, bool up_empty, bool green);
/// The same as estimated, without a Green's function.
ClusterSizes sizes_of(const SectorCost& state);
/// Adds the Green's function of some orbitals together.
void add_green(ClusterSizes& sizes, const SectorCost& green, std::size_t orbitals);

/// Steady states and Green's functions of many clusters on a device: each equation is solved by one thread block, with
/// one launch and two copies for a batch. The numbers of a cluster do not depend on the batch.
class DeviceClusters {
 public:
  /// @throws DeviceError
  DeviceClusters(const ClusterSizes& sizes, const Execution& execution);
  ~DeviceClusters();
  DeviceClusters(const DeviceClusters&) = delete;
  DeviceClusters& operator=(const DeviceClusters&) = delete;

  /// How many of `count` clusters the device holds at once. Collective.
  /// @throws DeviceMemoryError on every rank if it cannot hold one
  static DeviceBatch batch(const ClusterSizes& sizes, std::size_t count, const Execution& execution);
  /// Bytes on the host for the largest batch of `count` clusters.
  static double host_bytes(const ClusterSizes& sizes, std::size_t count);

  /// @throws like clusters::steady_state(), DeviceError
  std::vector<ClusterState> steady_states(std::span<const Cluster> clusters, bool up_empty);

  /// Green's functions of all `orbitals` of clusters, at frequencies + i broadening; see ClusterGreen::spectral().
  /// @param[out] green  (clusters, frequencies, orbitals, orbitals)
  /// @return the largest relative residual of each
  std::vector<double> spectral(std::span<const ClusterGreen> greens, std::span<const double> frequencies,
                               double broadening, std::span<Complex> green);

  /// The same at ascending times >= 0; see ClusterGreen::at_times().
  /// @param[out] green  (clusters, times, orbitals, orbitals)
  void at_times(std::span<const ClusterGreen> greens, std::span<const double> times, std::span<Complex> green);

 private:
  void begin_green(std::span<const ClusterGreen> greens);
  void take(const double* results, std::span<Complex> green) const;

  ClusterSizes sizes_;
  std::unique_ptr<kernels::ClusterDevice> device_;
};

/// Calls solve(device, first, count) for batches of the items begin .. end - 1 of this rank. Collective.
/// @param most  items of a rank
template <class Solve>
void in_batches(const ClusterSizes& sizes, std::size_t begin, std::size_t end, std::size_t most,
                const Execution& execution, const Solve& solve) {
  const auto batch = static_cast<std::size_t>(DeviceClusters::batch(sizes, most, execution).size);
  DeviceClusters device(sizes, execution);
  for (std::size_t first = begin; first < end; first += batch) {
    Calculation::look_up();
    solve(device, first, std::min(batch, end - first));
  }
}

/// The largest share that a rank has.
std::size_t largest_share(const std::vector<std::size_t>& bounds);

}  // namespace clusters
}  // namespace lindrift
