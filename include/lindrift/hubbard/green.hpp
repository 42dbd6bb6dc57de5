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
  bool keep_sites = true;                ///< false: no G(j,t) in the result
  bool keep_momenta = true;              ///< false: no G(k,t) in the result
  /// Steps, and bytes of working memory, that must not be exceeded by halving the step; the first run has what it
  /// takes.
  std::int64_t max_steps = default_max_steps;
  double max_bytes = std::numeric_limits<double>::infinity();
  Monitor monitor = {};  ///< no checkpoint is offered where it would be larger than 2 GiB
};

template <>
inline auto description<HubbardGreenOptions>() {
  return std::tuple(field(&HubbardGreenOptions::tolerance, tolerance_parameter()),
                    field(&HubbardGreenOptions::max_steps, max_steps_parameter()));
}

/// Propagator of the probe on a grid of times.
struct HubbardGreen {
  std::vector<double> times;
  std::vector<std::complex<double>> green_retarded;           ///< G(j,t), (times, sites), label order; may be empty
  std::vector<std::complex<double>> green_retarded_momentum;  ///< G(k,t), (times, sites), ascending; may be empty
  std::vector<double> drift, drift_symmetric;                 ///< (times, directions), see Spreading
  std::vector<double> norm;                                   ///< (times,)
  double error = 0.0;     ///< estimated from a run with twice the step: largest error of G(k,t)
  std::size_t steps = 0;  ///< of the integral equation
  bool converged = true;  ///< the error is within the tolerance and the run was not stopped; else rows may be NaN
  bool stopped = false;   ///< by the monitor; then all rows are NaN
  std::string message;    ///< why not
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
/// Volterra equation of the second-order self-energy (docs/physics.md, Eqs. 77 to 80): no frequencies, and the kernel
/// up to the last time only. O(sites * steps * (log(steps)^2 + log(sites))) operations, on a device O(sites * steps^2);
/// O(sites * steps) memory. Ranks of execution.communicator share times, then momenta; on devices the momenta only.
/// @param times  >= 0, strictly ascending, in 1/energy; at least one
/// @throws ParameterError, UnsupportedError, DeviceError
HubbardGreen green(const HubbardChain& chain, std::span<const double> times, const HubbardGreenOptions& options = {},
                   const Execution& execution = {});

/// What green() would do, before any step is halved.
struct HubbardGreenPlan {
  std::size_t steps = 0;
  Backend backend = Backend::cpu;
  std::string backend_reason;
  double operations = 0.0;    ///< floating-point operations
  double seconds = 0.0;       ///< an estimate
  double memory_bytes = 0.0;  ///< beside the results
};
HubbardGreenPlan plan_green(const HubbardChain& chain, std::span<const double> times, double tolerance,
                            const Execution& execution = {});

/// Bytes that green() takes on the device, before its step is halved; 0 if it takes the CPU.
/// @throws DeviceMemoryError if it cannot do with the memory that this process may use
double green_device_bytes(const HubbardChain& chain, std::span<const double> times, const HubbardGreenOptions& options,
                          const Execution& execution);

}  // namespace lindrift
