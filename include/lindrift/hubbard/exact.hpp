#pragma once

#include <complex>
#include <cstddef>
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

/// What exact() is to compute beside the steady state.
struct HubbardExactOptions {
  std::optional<std::vector<double>> times;        ///< of G(j,t) and G(k,t), 1/energy
  std::optional<std::vector<double>> frequencies;  ///< of the spectral function, energy
  double broadening = 0.0;                         ///< eta >= 0, energy
  Monitor monitor = {};                            ///< only stop() is asked
};

template <>
inline auto description<HubbardExactOptions>() {
  Parameter times = times_parameter(), frequencies = frequencies_parameter();
  times.derived = "no Green's function over time";
  frequencies.derived = "no spectral function";
  return std::tuple(field(&HubbardExactOptions::times, times), field(&HubbardExactOptions::frequencies, frequencies),
                    field(&HubbardExactOptions::broadening, broadening_parameter()));
}

/// Steady state and Green's function of spin up of a small ring. Lists over momenta are ascending; what was not asked
/// for is empty.
struct HubbardExact {
  std::vector<double> occupation_spin;                         ///< mean n_k, (2, sites): spin up, spin down
  std::vector<double> current_spin;                            ///< (1/L) sum_k v_k n_k, (2,), energy
  std::vector<std::complex<double>> green_retarded;            ///< G(j,t), (times, sites), label order
  std::vector<std::complex<double>> green_retarded_momentum;   ///< G(k,t), (times, sites)
  std::vector<double> drift, drift_symmetric, norm;            ///< (times,), see Spreading
  std::vector<double> spectral_function;                       ///< A(k,w) = -2 Im G, (sites, frequencies), 1/energy
  std::vector<std::complex<double>> self_energy;               ///< w + i eta - e_k - 1/G, (sites, frequencies), energy
  std::vector<std::complex<double>> green_retarded_frequency;  ///< G(k,w), (sites, frequencies), 1/energy
  /// Largest relative residual of the linear equations that were solved; errors are larger by the inverse of the
  /// slowest rate.
  double residual = 0.0;
  bool converged = true;  ///< the residual is at most 1e-12
  bool stopped = false;   ///< by the monitor; then every number is NaN
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

/// A Hubbard ring of 2 to 8 sites without approximation, both spins driven or spin up empty, from the Lindbladian on
/// its Fock space (docs/physics.md, Eqs. 130 to 134). `approximation`, `ladder` and `hartree` of the chain are not
/// read; spin up may gain particles. Runs on the CPU; ranks of execution.communicator share the momenta.
/// Memory and time grow with the ring: plan_exact() says how.
/// @throws ParameterError, UnsupportedError
HubbardExact exact(const HubbardChain& chain, const HubbardExactOptions& options = {}, const Execution& execution = {});

/// What exact() would do.
struct HubbardExactPlan {
  double green_operators = 0.0;  ///< |ket><bra| that the Green's function of one momentum takes; 0 if not asked for
  double state_operators = 0.0;  ///< that the steady state takes
  double operations = 0.0;       ///< floating-point operations, an estimate
  double memory_bytes = 0.0;     ///< beside the results
  double seconds = 0.0;          ///< an estimate
};
HubbardExactPlan plan_exact(const HubbardChain& chain, const HubbardExactOptions& options = {},
                            const Execution& execution = {});

/// Checks the chain for exact().
/// @throws ParameterError naming the first quantity that is out of range
void validate_exact(const HubbardChain& chain);

}  // namespace lindrift
