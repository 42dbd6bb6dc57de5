#pragma once

#include <span>

#include "lindrift/tgge/relax.hpp"
#include "lindrift/tgge/steady_state.hpp"

/// The tasks for degenerate bands, where RateEquation::matrix is not null. The arguments have already been checked.

namespace lindrift {

/// @param number  of particles
SteadyState matrix_steady_state(const RateEquation& equation, double number, const SteadyStateOptions& options);

RelaxResult matrix_relax(const RateEquation& equation, std::span<const double> lagrange_multiplier,
                         std::span<const double> times, const RelaxOptions& options);

}  // namespace lindrift
