#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lindrift/generator.hpp"
#include "lindrift/models/rate_equation.hpp"

namespace lindrift {

struct BalanceSolution {
  std::vector<double> lagrange_multiplier;
  double log_fugacity = 0.0;  ///< largest in size of the components'
  double change = 0.0;        ///< size of R at the end, over 1 + max |lambda|
  bool converged = false;
  std::int64_t steps = 0;
  std::int64_t empty = 0, full = 0, frozen = 0;  ///< modes that cannot gain, cannot lose, can do neither
  std::string message;
};

/// Solves lambda_s = log loss_s - log gain_s with the number of each component conserved (docs/physics.md, Eqs. 15-18):
/// Newton's method with the logarithm of each component's fugacity as an extra unknown, in the space of the generator's
/// moments where it has them, else in the multipliers with linear systems by GMRES on its exact derivative; step
/// halving, and a fixed-point step where Newton does not help. Modes that cannot
/// gain end empty (lambda = +inf), modes that cannot lose full (-inf), modes that can do neither keep the multiplier of
/// `conserved`.
/// @param conserved  Lagrange multipliers whose numbers are kept, component by component
/// @param start      where the iteration starts, shifted to those numbers
BalanceSolution solve_balance(Generator& generator, const Components& components, std::span<const double> conserved,
                              std::vector<double> start, double tolerance, std::int64_t max_steps);

}  // namespace lindrift
