#pragma once

#include <complex>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lindrift/arguments.hpp"
#include "lindrift/backend.hpp"
#include "lindrift/hatsugai_kohmoto/chain.hpp"
#include "lindrift/monitor.hpp"
#include "lindrift/observable.hpp"

namespace lindrift {

/// Options of spectral().
struct SpectralOptions {
  /// m of k = 2 pi m / L, in [-floor(L/2), ceil(L/2)-1]; on a lattice one per direction, momentum after momentum in any
  /// order. Empty: all, ascending.
  std::vector<std::int64_t> momenta;
  double broadening = 0.0;  ///< eta >= 0, energy
  bool keep_green = true;   ///< false: leaves G(k,w) out of the result
  /// Occupations of spin down where no bath acts on it, shape (cells,), ascending momentum; empty: 0.
  std::vector<double> conserved_occupation;
  Monitor monitor = {};  ///< only stop() is called
};

template <>
inline auto description<SpectralOptions>() {
  return std::tuple(field(&SpectralOptions::momenta, momenta_parameter()),
                    field(&SpectralOptions::broadening, broadening_parameter()));
}

/// Functions of frequency, each of shape (momenta, frequencies).
struct SpectralResult {
  std::vector<double> momenta;                       ///< k, shape (momenta, directions), radians
  std::vector<double> frequencies;                   ///< energy
  std::vector<double> spectral_function;             ///< A = -2 Im G >= 0, 1/energy; +inf on a delta peak, 0 elsewhere
  std::vector<std::complex<double>> self_energy;     ///< Sigma = w + i eta - eps_k - 1/G, energy
  std::vector<std::complex<double>> green_retarded;  ///< G(k,w), 1/energy; may be empty
  bool stopped = false;                              ///< stopped by the monitor; every number is then NaN
  std::int64_t delta_peaks = 0;  ///< number of momenta whose spectral function is a sum of delta peaks, of zero width
  Backend backend = Backend::cpu;
  std::string backend_reason;
};

/// Observables over momenta and frequencies, without G(k,w).
template <class Result>
auto self_energy_observables() {
  return std::tuple(observable(&Result::spectral_function, {.name = "spectral_function",
                                                            .units = "1/energy",
                                                            .long_name = "spectral function of spin up",
                                                            .dimensions = {"momentum", "frequency"}}),
                    observable(&Result::self_energy, {.name = "self_energy",
                                                      .units = "energy",
                                                      .long_name = "self energy of spin up",
                                                      .dimensions = {"momentum", "frequency"}}));
}

/// The same with G(k,w).
/// @param green  the member that holds G(k,w)
template <class Result>
auto spectral_observables(std::vector<std::complex<double>> Result::*green) {
  return std::tuple_cat(self_energy_observables<Result>(),
                        std::tuple(observable(green, {.name = "green_retarded_frequency",
                                                      .units = "1/energy",
                                                      .long_name = "retarded Green's function G(k,w)",
                                                      .dimensions = {"momentum", "frequency"}})));
}

template <>
inline auto description<SpectralResult>() {
  return spectral_observables(&SpectralResult::green_retarded);
}

/// Spectral function of spin up in the steady state of the open Hatsugai-Kohmoto model (docs/physics.md, Eqs. 43 to
/// 45), exact and never negative. O(momenta * frequencies). Ranks of execution.communicator share the momenta.
/// @param frequencies  finite, strictly ascending, energy
/// @throws ParameterError, ShapeError, UnsupportedError
SpectralResult spectral(const HatsugaiKohmoto& model, std::span<const double> frequencies,
                        const SpectralOptions& options = {}, const Execution& execution = {});

/// The backend that spectral() chooses for this number of elements, momenta times frequencies, and why.
Backend spectral_backend(Backend asked, std::size_t elements, std::string* reason = nullptr);

/// Device memory of spectral(), in bytes.
/// @throws DeviceMemoryError if the memory that this process may use does not suffice
double spectral_device_bytes(std::size_t momenta, std::size_t frequencies, const Execution& execution);

}  // namespace lindrift
