#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lindrift/generator.hpp"

namespace lindrift {

struct BalanceSolution {
  std::vector<double> lagrange_multiplier;
  double log_fugacity = 0.0;
  double change = 0.0;  ///< size of R at the end, over 1 + max |lambda|
  bool converged = false;
  std::int64_t steps = 0;
  std::string message;
};

/// Solves lambda_s = log loss_s - log gain_s at mean occupation `filling` (docs/physics.md, Eqs. 15-18): Newton's
/// method with the logarithm of the fugacity as an extra unknown, linear systems by GMRES on the generator's exact
/// derivative, step halving, and a fixed-point step where Newton does not help. Modes that cannot gain end empty
/// (lambda = +inf), modes that cannot lose full (-inf), modes that can do neither keep their multiplier.
BalanceSolution solve_balance(Generator& generator, std::vector<double> start, double filling, double tolerance,
                              std::int64_t max_steps);

}  // namespace lindrift
