#pragma once

#include <array>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "clusters/cluster_state.hpp"
#include "clusters/device_clusters.hpp"
#include "lindrift/backend.hpp"
#include "lindrift/baths/open_bath.hpp"

namespace lindrift::clusters {

/// Momenta of a chain that scatter into each other in groups: `cluster` equally spaced momenta form a ring of that many
/// sites (docs/physics.md, Eq. 134); or all momenta of a lattice as a single group. Lists are over all momenta,
/// ascending.
struct MixedMomenta {
  std::size_t cluster = 1;                    ///< momenta per group; divides their total number
  std::array<std::vector<double>, 2> energy;  ///< of spin up and of spin down
  std::array<BathRates, 2> rates;             ///< of each spin
  std::vector<Complex> interaction;           ///< U_q, (cluster,), U_{-q} = conj U_q; amplitudes are U_q / cluster
  std::vector<std::int64_t> cells{};          ///< of the lattice that a group forms; empty: a ring

  std::size_t momenta() const { return energy[0].size(); }
  std::size_t groups() const { return momenta() / cluster; }
  bool up_empty() const;  ///< spin up has no gain
  /// Momenta first, first + groups(), ... as orbitals of a cluster.
  Cluster group(std::size_t first) const;
  /// One with every rate that any group has: the matrices of no group have more elements.
  Cluster pattern() const;
};

/// Memory from sizes alone, in bytes.
/// @param momenta  those with a Green's function; 0: the steady state only
double mixed_bytes(std::size_t cluster, bool up_empty, double groups, double momenta, int threads);

/// Estimated cost of a problem.
struct MixedCost {
  double green_operators = 0.0;  ///< operators |ket><bra| for the Green's function of one momentum
  double state_operators = 0.0;  ///< and for the steady state of one group
  double operations = 0.0;       ///< total number of floating-point operations
  double memory_bytes = 0.0;
  double seconds = 0.0;  ///< with the given number of threads
};

/// Memory on the host for the batches of a device, in bytes, from sizes alone.
double mixed_batch_bytes(std::size_t cluster, bool up_empty, double groups, double momenta, std::size_t frequencies,
                         std::size_t times);

/// Bytes on a device for the same.
/// @throws DeviceMemoryError if it has too little for a single group or momentum
double mixed_device_bytes(const MixedMomenta& problem, std::size_t momenta, std::size_t frequencies, std::size_t times,
                          const Execution& execution);

/// @param momenta  number of Green's functions; 0 if none is requested
/// @param frequencies, times  numbers of values at which each is evaluated
/// @param last_time  the largest time
/// @param scale      groups of the system for each of `problem`, which may stand for a larger one
MixedCost mixed_cost(const MixedMomenta& problem, std::size_t momenta, std::size_t frequencies, std::size_t times,
                     double last_time, int threads, double scale = 1.0);

/// Steady states of all groups, and results that follow from them. Where Execution::backend is cuda, a device solves
/// the equations, a batch at a time; every other backend is the CPU.
class MixedStates {
 public:
  /// Each rank finds all of them.
  /// @throws UnsupportedError if a steady state is not unique, NumericalError, Interruption, DeviceError
  explicit MixedStates(MixedMomenta problem, const Execution& execution = {});

  const MixedMomenta& problem() const { return problem_; }
  /// <n_k> of a spin, (momenta,), ascending.
  std::vector<double> occupation(int spin) const;
  double largest_residual() const;

  /// G(k, w + i broadening) of selected momenta, shape (chosen, frequencies). Ranks share the momenta.
  /// @return the largest relative residual
  double spectral(std::span<const std::size_t> chosen, std::span<const double> frequencies, double broadening,
                  const Execution& execution, std::span<Complex> green) const;

  /// G(k,t) of all momenta, shape (times, momenta). Ranks share the momenta.
  void at_times(std::span<const double> times, const Execution& execution, std::span<Complex> green) const;

 private:
  ClusterGreen green_of(std::size_t momentum) const;
  std::vector<ClusterGreen> greens_of(std::span<const std::size_t> momenta) const;

  MixedMomenta problem_;
  std::vector<Cluster> clusters_;
  std::vector<ClusterState> states_;
};

}  // namespace lindrift::clusters
