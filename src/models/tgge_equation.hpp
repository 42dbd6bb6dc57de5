#pragma once

#include <variant>
#include <vector>

#include "lindrift/models/rate_equation.hpp"
#include "lindrift/models/tgge_bath.hpp"

namespace lindrift {

/// Spinor of every mode in the gauge u_up = up >= 0, u_down = -i down, both real (docs/physics.md, section 2). One
/// band: empty.
struct Spinors {
  std::vector<double> up, down;
};

using TggeJump = std::variant<RamanJump, DephasingJump, OperatorJump, TableJump>;

/// Checks what the baths of both models have in common.
/// @param bandwidth  largest difference of two energies, for the spectra that underflow
/// @throws ParameterError
void validate_baths(const TggeBath& bath, const TggeJump& jump, std::int64_t sites, int bands, double bandwidth);

/// Completes an equation whose sites, bands, energies and velocities are set: hop weights, generator, algorithm.
/// @param hopping  J, which scales every rate
void attach_baths(RateEquation& equation, double hopping, const Spinors& spinors, const TggeBath& bath,
                  const TggeJump& jump, const Execution& execution);

/// Throws ParameterError unless `condition` holds.
void require(bool condition, const char* quantity, double value, const char* allowed);

}  // namespace lindrift
