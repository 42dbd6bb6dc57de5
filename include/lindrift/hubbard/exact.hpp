#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lindrift/arguments.hpp"
#include "lindrift/backend.hpp"
#include "lindrift/hatsugai_kohmoto/green.hpp"
#include "lindrift/hatsugai_kohmoto/spectral.hpp"
#include "lindrift/hubbard/chain.hpp"
#include "lindrift/hubbard/steady_state.hpp"
#include "lindrift/monitor.hpp"

namespace lindrift {

/// What exact() computes in addition to the steady state, and of how many sites.
struct HubbardExactOptions {
  std::optional<std::int64_t> cluster;             ///< sites of a ring that is solved instead of the whole one
  std::optional<std::vector<double>> times;        ///< times for G(j,t) and G(k,t), 1/energy
  std::optional<std::vector<double>> frequencies;  ///< frequencies for the spectral function, energy
  double broadening = 0.0;                         ///< eta >= 0, energy
  Monitor monitor = {};                            ///< only stop() is called
};

template <>
inline auto description<HubbardExactOptions>() {
  Parameter times = times_parameter(), frequencies = frequencies_parameter();
  times.derived = "no Green's function over time";
  frequencies.derived = "no spectral function";
  return std::tuple(
      field(&HubbardExactOptions::cluster, {.path = "model.cluster",
                                            .help = "sites of the ring that is solved, instead of model.sites",
                                            .derived = "model.sites",
                                            .range = {.low = 2.0, .high = static_cast<double>(max_cells)},
                                            .sweepable = true,
                                            .resizes = true,
                                            .unless = {"model.cells"},
                                            .details = "at most 8; the same input then serves the other tasks"}),
      field(&HubbardExactOptions::times, times), field(&HubbardExactOptions::frequencies, frequencies),
      field(&HubbardExactOptions::broadening, broadening_parameter()));
}

/// Steady state and Green's function of spin up of a small ring or lattice. Arrays over momenta are ascending; those
/// not requested are empty.
struct HubbardExact {
  std::vector<double> occupation_spin;                         ///< mean n_k, (2, sites): spin up, spin down
  std::vector<double> current_spin;                            ///< (1/N) sum_k v_k n_k, (2, directions), energy
  std::vector<std::complex<double>> green_retarded;            ///< G(j,t), (times, sites), in the order of the labels
  std::vector<std::complex<double>> green_retarded_momentum;   ///< G(k,t), (times, sites)
  std::vector<double> drift, drift_symmetric;                  ///< (times, directions), see Spreading
  std::vector<double> norm;                                    ///< (times,)
  std::vector<double> spectral_function;                       ///< A(k,w) = -2 Im G, (sites, frequencies), 1/energy
  std::vector<std::complex<double>> self_energy;               ///< w + i eta - e_k - 1/G, (sites, frequencies), energy
  std::vector<std::complex<double>> green_retarded_frequency;  ///< G(k,w), (sites, frequencies), 1/energy
  /// Largest relative residual of the linear systems that were solved; the error is larger by the inverse of the
  /// slowest rate.
  double residual = 0.0;
  bool converged = true;  ///< the residual is at most 1e-12
  bool stopped = false;   ///< stopped by the monitor; every number is then NaN
};

template <>
inline auto description<HubbardExact>() {
  using Result = HubbardExact;
  return std::tuple_cat(
      spin_observables<Result>(),
      std::tuple(observable(
          &Result::residual,
          {.name = "residual", .long_name = "largest relative residual of the linear equations", .in_summary = true})),
      green_observables<Result>(), spectral_observables(&Result::green_retarded_frequency));
}

/// Exact solution of a Hubbard ring or lattice of up to 8 sites, with both spins driven or spin up empty, from the
/// Lindbladian in Fock space (docs/physics.md, Eqs. 130 to 134). Ignores `approximation`, `ladder` and `hartree` of the
/// chain; spin up may have gain. Runs on the CPU; ranks of execution.communicator share the momenta. plan_exact()
/// estimates how memory and time grow with the size.
/// @throws ParameterError, UnsupportedError
HubbardExact exact(const HubbardChain& chain, const HubbardExactOptions& options = {}, const Execution& execution = {});

/// Estimated work of exact().
struct HubbardExactPlan {
  double green_operators = 0.0;  ///< number of |ket><bra| for the Green's function of one momentum; 0 if not requested
  double state_operators = 0.0;  ///< the same for the steady state
  double operations = 0.0;       ///< floating-point operations, an estimate
  double memory_bytes = 0.0;     ///< without the results
  double seconds = 0.0;          ///< an estimate
};
HubbardExactPlan plan_exact(const HubbardChain& chain, const HubbardExactOptions& options = {},
                            const Execution& execution = {});

/// The ring or lattice that exact() solves.
/// @throws ParameterError naming the first quantity that is out of range
HubbardChain exact_chain(const HubbardChain& chain, const HubbardExactOptions& options = {});

/// Dimensions of its result. One direction has no dimension `direction`.
/// @param lattice  what is solved
std::vector<Coordinate> exact_coordinates(const OpenLattice& lattice, const HubbardExactOptions& options);

}  // namespace lindrift
