#pragma once

#include <complex>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "lindrift/arguments.hpp"
#include "lindrift/backend.hpp"
#include "lindrift/hatsugai_kohmoto/green.hpp"
#include "lindrift/hubbard/chain.hpp"
#include "lindrift/monitor.hpp"

namespace lindrift {

/// Options of green() of a HubbardChain.
struct HubbardGreenOptions {
  double tolerance = default_tolerance;  ///< error of G, whose largest value is 1
  bool keep_sites = true;                ///< false: leaves G(j,t) out of the result
  bool keep_momenta = true;              ///< false: leaves G(k,t) out of the result
  /// Limits on the number of steps and on the working memory in bytes when the step is halved. They do not limit the
  /// first run.
  std::int64_t max_steps = default_max_steps;
  double max_bytes = std::numeric_limits<double>::infinity();
  Monitor monitor = {};  ///< no checkpoint is offered if it would be larger than 2 GiB
};

template <>
inline auto description<HubbardGreenOptions>() {
  return std::tuple(field(&HubbardGreenOptions::tolerance, tolerance_parameter()),
                    field(&HubbardGreenOptions::max_steps, max_steps_parameter()));
}

/// Propagator of the probe at given times.
struct HubbardGreen {
  std::vector<double> times;
  std::vector<std::complex<double>> green_retarded;  ///< G(j,t), (times, sites), order of the labels; may be empty
  std::vector<std::complex<double>> green_retarded_momentum;  ///< G(k,t), (times, sites), ascending; may be empty
  std::vector<double> drift, drift_symmetric;                 ///< (times, directions), see Spreading
  std::vector<double> norm;                                   ///< (times,)
  double error = 0.0;     ///< largest error of G(k,t), estimated from a run with twice the step
  std::size_t steps = 0;  ///< of the integral equation
  bool converged = true;  ///< the error is within the tolerance and the run was not stopped; otherwise rows may be NaN
  bool stopped = false;   ///< stopped by the monitor; all rows are then NaN
  std::string message;    ///< why it did not converge
  Backend backend = Backend::cpu;
  std::string backend_reason;
};

template <>
inline auto description<HubbardGreen>() {
  return std::tuple_cat(
      green_observables<HubbardGreen>(),
      std::tuple(observable(&HubbardGreen::error, {.name = "green_retarded_error",
                                                   .long_name = "estimated largest error of the Green's function",
                                                   .in_summary = true})));
}

/// G(k,t) = -i theta(t) <{c_k(t), c+_k}> and G(j,t) of one spin-up particle among driven spin-down particles, from the
/// Volterra equation of the second-order self-energy (docs/physics.md, Eqs. 77 to 80). It needs no frequencies, and the
/// kernel only up to the last time. O(sites * steps * (log(steps)^2 + log(sites))) operations, O(sites * steps^2) on a
/// device; O(sites * steps) memory. Ranks of execution.communicator share times, then momenta; on devices only momenta.
/// @param times  >= 0, strictly ascending, in 1/energy; at least one
/// @throws ParameterError, UnsupportedError, DeviceError
HubbardGreen green(const HubbardChain& chain, std::span<const double> times, const HubbardGreenOptions& options = {},
                   const Execution& execution = {});

/// Estimated work of green() before any halving of the step.
struct HubbardGreenPlan {
  std::size_t steps = 0;
  Backend backend = Backend::cpu;
  std::string backend_reason;
  double operations = 0.0;    ///< floating-point operations
  double seconds = 0.0;       ///< an estimate
  double memory_bytes = 0.0;  ///< without the results
};
HubbardGreenPlan plan_green(const HubbardChain& chain, std::span<const double> times, double tolerance,
                            const Execution& execution = {});

/// Device memory of green() before any halving of the step, in bytes; 0 if it runs on the CPU.
/// @throws DeviceMemoryError if the memory that this process may use does not suffice
double green_device_bytes(const HubbardChain& chain, std::span<const double> times, const HubbardGreenOptions& options,
                          const Execution& execution);

}  // namespace lindrift
