#pragma once

#include <span>
#include <string>

#include "lindrift/hatsugai_kohmoto/green.hpp"
#include "lindrift/hatsugai_kohmoto/spectral.hpp"

namespace lindrift {

/// green() and spectral() of a chain with cluster > 1, by the Lindbladian of every group of momenta (docs/physics.md,
/// Eqs. 130 to 134). Ranks share the momenta; on a device one thread block solves each equation, many at a time.

GreenResult mixed_green(const HatsugaiKohmoto& model, std::span<const double> times, const GreenOptions& options,
                        const Execution& execution);
SpectralResult mixed_spectral(const HatsugaiKohmoto& model, std::span<const double> frequencies,
                              const SpectralOptions& options, const Execution& execution);

/// Estimated cost of either.
struct MixedPlan {
  double operators = 0.0;  ///< operators |ket><bra| for the Green's function of one momentum
  double operations = 0.0, memory_bytes = 0.0, seconds = 0.0;
  Backend backend = Backend::cpu;  ///< resolved
  std::string backend_reason;
};

/// What is computed for how many momenta.
struct MixedRequest {
  std::size_t momenta = 0, frequencies = 0, times = 0;
  double last_time = 0.0;
};

/// Its operators and memory, from sizes alone, with that of a device if one may be chosen.
/// @param momenta, frequencies, times  numbers of them
MixedPlan size_mixed(const HatsugaiKohmoto& model, double momenta, std::size_t frequencies, std::size_t times,
                     const Execution& execution);
MixedPlan plan_mixed(const HatsugaiKohmoto& model, const MixedRequest& request, const Execution& execution);
/// Bytes on a device.
/// @throws DeviceMemoryError if it has too little for a single equation
double mixed_device_bytes(const HatsugaiKohmoto& model, const MixedRequest& request, const Execution& execution);

}  // namespace lindrift
