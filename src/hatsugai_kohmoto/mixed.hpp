#pragma once

#include <span>

#include "lindrift/hatsugai_kohmoto/green.hpp"
#include "lindrift/hatsugai_kohmoto/spectral.hpp"

namespace lindrift {

/// green() and spectral() of a chain with cluster > 1, by the Lindbladian of every group of momenta (docs/physics.md,
/// Eqs. 130 to 134). Run on the CPU; ranks share the momenta.

GreenResult mixed_green(const HatsugaiKohmoto& model, std::span<const double> times, const GreenOptions& options,
                        const Execution& execution);
SpectralResult mixed_spectral(const HatsugaiKohmoto& model, std::span<const double> frequencies,
                              const SpectralOptions& options, const Execution& execution);

/// Estimated cost of either.
struct MixedPlan {
  double operators = 0.0;  ///< operators |ket><bra| for the Green's function of one momentum
  double operations = 0.0, memory_bytes = 0.0, seconds = 0.0;
};

/// Its operators and memory, from sizes alone.
MixedPlan size_mixed(const HatsugaiKohmoto& model, double momenta, const Execution& execution);
/// @param values     number of frequencies or times requested
MixedPlan plan_mixed(const HatsugaiKohmoto& model, std::size_t momenta, std::size_t values, double last_time,
                     const Execution& execution);

}  // namespace lindrift
