#pragma once

#include <span>
#include <vector>

#include "lindrift/tgge/generator.hpp"
#include "solvers/sundials_handles.hpp"

namespace lindrift {

/// The transposed Jacobian of the rate equation at one state, bordered by the conservation of particles.
///
/// Divided by -(gain + loss) it is one minus an average over where a mode's particles come from and go to,
///   A y = y - p (W n y / gain) - q (W^T (1-n) y / loss),   p = gain / (gain + loss),   q = 1 - p,
/// whose numbers are fractions at any temperature (docs/physics.md, Eq. 18b).
class AdjointSystem {
 public:
  /// No rate may vanish.
  /// @param generator  must outlive the object
  AdjointSystem(Generator& generator, std::span<const double> lagrange_multiplier);

  struct Solution {
    std::vector<double> y;  ///< shape (modes,), of zero mean; 1/energy times the units of the weight
    double alpha = 0.0;     ///< multiplier of the number of particles, in the units of the weight
  };
  /// Solves Jac^T y + alpha = -weight, with Jac in units of epsilon J. Leaves the generator at the state's point.
  /// @throws Error if the solution is not accurate to about 1e-11
  Solution solve(std::span<const double> weight);

  const std::vector<double>& log_gain() const { return log_gain_; }
  const std::vector<double>& log_loss() const { return log_loss_; }

 private:
  void multiply(std::span<const double> in, std::span<double> out);
  double size(N_Vector vector) const;

  Generator& generator_;
  std::size_t modes_;
  std::vector<double> lambda_;
  std::vector<double> log_gain_, log_loss_;
  std::vector<double> gain_share_;       ///< p
  std::vector<double> relaxation_time_;  ///< 1 / (gain + loss), divided by the largest
  double largest_time_ = 0.0;
  std::vector<double> from_, to_;
  SundialsContext context_;
  Sundials<N_Vector> right_, update_, solution_, product_;
  Sundials<SUNLinearSolver> linear_solver_;
};

}  // namespace lindrift
