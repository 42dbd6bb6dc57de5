#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lindrift/models/rate_equation.hpp"

namespace lindrift {

struct SteadyStateOptions {
  double tolerance = 1e-10;          ///< on the last Newton update and on the residual, in [1e-13, 1e-2]
  std::int64_t max_steps = 1000000;  ///< Newton and Picard steps together
  std::vector<double> start;         ///< initial lagrange_multiplier, shape (modes,); thermal unless given
};

struct SteadyState {
  std::vector<double> lagrange_multiplier;  ///< (modes,); +inf, -inf for modes that are exactly empty, full
  std::vector<double> occupation;           ///< (modes,)
  double current = 0.0;                     ///< units of energy
  double particle_number = 0.0;
  double residual = 0.0;      ///< see balance_residual()
  double log_fugacity = 0.0;  ///< zero at a true steady state: a measure of the error
  bool converged = false;
  std::int64_t steps = 0;
  std::string message;  ///< why it did not converge; empty if it did
};

/// Steady state at fixed mean occupation, by Newton's method in the Lagrange multipliers with the fugacity as an extra
/// unknown (docs/physics.md, Eqs. 15-18). Not converging is a result, not an exception.
/// @param filling  mean occupation of a mode, strictly between 0 and 1
/// @throws ParameterError, ShapeError
SteadyState steady_state(const RateEquation& equation, double filling, const SteadyStateOptions& options = {});

}  // namespace lindrift
