#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "lindrift/arguments.hpp"
#include "lindrift/backend.hpp"
#include "lindrift/hatsugai_kohmoto/spectral.hpp"
#include "lindrift/hubbard/chain.hpp"
#include "lindrift/monitor.hpp"

namespace lindrift {

/// Options of spectral() of a HubbardChain.
struct HubbardSpectralOptions {
  std::vector<std::int64_t> momenta;  ///< as in SpectralOptions; a path may visit a momentum twice
  double broadening = 0.0;            ///< eta >= 0, energy
  double tolerance =
      default_tolerance;    ///< of self-energy and spectral function, relative to the largest value of each
  bool keep_green = true;   ///< false: leaves G(k,w) out of the result
  std::size_t certify = 0;  ///< number of randomly chosen entries to recompute by the direct algorithm
  Monitor monitor = {};     ///< no checkpoint is offered if it would be larger than 2 GiB
};

template <>
inline auto description<HubbardSpectralOptions>() {
  return std::tuple(field(&HubbardSpectralOptions::momenta, momenta_parameter()),
                    field(&HubbardSpectralOptions::broadening, broadening_parameter()),
                    field(&HubbardSpectralOptions::tolerance, tolerance_parameter()));
}

/// Functions of frequency, each of shape (momenta, frequencies).
struct HubbardSpectrum {
  std::vector<double> momenta;                       ///< k, shape (momenta, directions), radians
  std::vector<double> frequencies;                   ///< energy
  std::vector<std::complex<double>> self_energy;     ///< w + i eta - e_k - 1/G, energy: includes the Hartree shift and
                                                     ///< the loss of the probe (docs/physics.md, Eq. 67)
  std::vector<double> spectral_function;             ///< A = -2 Im G, 1/energy; +inf on a delta peak, 0 elsewhere;
                                                     ///< never negative, except with Ladder::both
  std::vector<std::complex<double>> green_retarded;  ///< G(k,w), 1/energy; may be empty
  double mean_occupation = 0.0;                      ///< (1/L) sum_p n_p of spin down
  double hartree_shift = 0.0;                        ///< U_0 mean_occupation, whether or not it is used, energy
  double first_moment = 0.0;                         ///< K(k,0), the integral of -Im Sigma / pi over w, energy^2
  std::size_t delta_peaks = 0;                       ///< number of momenta without any width
  /// Bounds on the errors of self_energy and spectral_function, relative to their largest finite values. Truncation in
  /// time and quadrature are bounded rigorously, rounding is estimated.
  double self_energy_error = 0.0, spectral_function_error = 0.0;
  /// Largest difference from the direct algorithm over the recomputed entries, relative to the largest value of the
  /// self-energy; NaN if there are none.
  double certificate = std::numeric_limits<double>::quiet_NaN();
  Algorithm algorithm = Algorithm::direct;  ///< resolved
  std::string algorithm_reason;
  Backend backend = Backend::cpu;
  std::string backend_reason;
  bool stopped = false;  ///< stopped by the monitor; all values are then NaN
  std::string message;   ///< warnings: that the tolerance could not be guaranteed, that there are delta peaks or
                         ///< negative values; or "stopped"; otherwise empty
};

template <>
inline auto description<HubbardSpectrum>() {
  return std::tuple_cat(spectral_observables(&HubbardSpectrum::green_retarded),
                        std::tuple(observable(&HubbardSpectrum::self_energy_error,
                                              {.name = "self_energy_error",
                                               .long_name = "bound of the error, relative to the largest self energy",
                                               .in_summary = true}),
                                   observable(&HubbardSpectrum::spectral_function_error,
                                              {.name = "spectral_function_error",
                                               .long_name = "bound of the error, relative to the largest value",
                                               .in_summary = true})));
}

/// Spectral function of one spin-up particle among driven spin-down particles, with the self-energy to second order in
/// the interaction or from the ladder (docs/physics.md, section 10). `automatic` chooses the cheaper of direct and fft.
/// Ranks of execution.communicator share the work.
/// @param frequencies  finite, strictly ascending, energy; at least one
/// @throws ParameterError, UnsupportedError, DeviceError
/// fft: O(L log L) per time for some hundred times, plus their product with the frequencies; direct: O(L^2) per entry.
HubbardSpectrum spectral(const HubbardChain& chain, std::span<const double> frequencies,
                         const HubbardSpectralOptions& options = {}, const Execution& execution = {});

/// Estimated work of spectral().
struct HubbardSpectralPlan {
  Algorithm algorithm = Algorithm::direct;
  std::string algorithm_reason;
  Backend backend = Backend::cpu;
  std::string backend_reason;
  double terms = 0.0;                   ///< direct: terms of the double sum
  double nodes = 0.0;                   ///< fft: number of times
  double operations = 0.0;              ///< floating-point operations
  double seconds = 0.0;                 ///< an estimate
  double memory_bytes = 0.0;            ///< without the results
  std::vector<std::string> symmetries;  ///< of the rates and frequencies, within rounding, that reduce the work
};
HubbardSpectralPlan plan_spectral(const HubbardChain& chain, std::span<const double> frequencies,
                                  const HubbardSpectralOptions& options = {}, const Execution& execution = {});

/// Device memory of spectral(), in bytes; 0 if it runs on the CPU.
/// @throws DeviceMemoryError if the memory that this process may use does not suffice
double spectral_device_bytes(const HubbardChain& chain, std::span<const double> frequencies,
                             const HubbardSpectralOptions& options, const Execution& execution);

}  // namespace lindrift
