#pragma once

#include <span>

#include "lindrift/tgge/steady_state.hpp"

namespace lindrift {

struct BalanceSolution;  // solvers/newton.hpp

/// Number of particles that steady_state() conserves, by the initial state that it is given.
/// @throws ShapeError, ParameterError as it does
double conserved_number(std::size_t modes, std::span<const double> initial_lagrange_multiplier);
double conserved_number(std::size_t modes, double filling);

/// A steady state and its observables from a solution of the balance, which may not have converged.
/// @param components  of the equation
/// @param residual    see balance_residual()
/// O(modes) time.
SteadyState steady_state_of(const RateEquation& equation, BalanceSolution solution, std::int64_t components,
                            double residual, double tolerance);

}  // namespace lindrift
