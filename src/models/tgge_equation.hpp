#pragma once

#include <memory>
#include <variant>
#include <vector>

#include "kernels/tgge/rate_kernel.hpp"
#include "lindrift/models/rate_equation.hpp"
#include "lindrift/models/tgge_bath.hpp"
#include "lindrift/models/tgge_chain.hpp"
#include "lindrift/models/tgge_rashba.hpp"

namespace lindrift {

struct HopWeights;

/// Spinor of every mode in the gauge u_up = up >= 0, u_down = -i down, both real (docs/physics.md, section 2). One
/// band: empty.
struct Spinors {
  std::vector<double> up, down;
};

/// An equation without its baths: sites, bands, energies, velocities and the spinors of its modes.
struct BareEquation {
  RateEquation equation;
  Spinors spinors;
};

using TggeJump = std::variant<RamanJump, DephasingJump, OperatorJump, TableJump>;

BareEquation bare_equation(const TggeChain& chain);
BareEquation bare_equation(const TggeRashba& chain);
TggeJump any_jump(const TggeChain& chain);
TggeJump any_jump(const TggeRashba& chain);

/// Checks what the baths of both models have in common.
/// @throws ParameterError
void validate_baths(const TggeBath& bath, const TggeJump& jump, std::int64_t sites, int bands);

/// Completes an equation whose sites, bands, energies and velocities are set: generator and algorithm.
/// @param hopping   J, which scales every rate
/// @param products  if not null, makes the sums over pairs outside the generator; must outlive it
void attach_baths(RateEquation& equation, double hopping, const std::shared_ptr<const HopWeights>& weights,
                  const TggeBath& bath, const Execution& execution, kernels::ExternalPairSum* products = nullptr);

/// The kernels' name of a spectrum.
kernels::SpectrumKind kernel_spectrum(Spectrum spectrum);

/// Throws ParameterError unless `condition` holds.
void require(bool condition, const char* quantity, double value, const char* allowed);

}  // namespace lindrift
