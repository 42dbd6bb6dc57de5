#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lindrift/generator.hpp"
#include "lindrift/models/rate_equation.hpp"

namespace lindrift {

/// Multipliers of a state whose numbers are conserved: one for each mode, or one and the same for all.
class InitialState {
 public:
  /// @param lagrange_multiplier  shape (modes,); must outlive the object
  explicit InitialState(std::span<const double> lagrange_multiplier) : values_(lagrange_multiplier) {}
  explicit InitialState(double lagrange_multiplier) : uniform_(lagrange_multiplier) {}
  double operator[](std::size_t mode) const { return values_.empty() ? uniform_ : values_[mode]; }
  bool is_uniform() const { return values_.empty(); }

 private:
  std::span<const double> values_;
  double uniform_ = 0.0;
};

struct BalanceSolution {
  std::vector<double> lagrange_multiplier;
  std::vector<double> occupation;
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
/// halving, and a fixed-point step where Newton does not help. Modes that cannot gain end empty (lambda = +inf), modes
/// that cannot lose full (-inf), modes that can do neither keep the multiplier of `conserved`.
/// @param conserved  state whose numbers are kept, component by component
/// @param start      where the iteration starts, shifted to those numbers; empty: from the thermal state
BalanceSolution solve_balance(const RateEquation& equation, const Components& components, const InitialState& conserved,
                              const std::vector<double>& start, double tolerance, std::int64_t max_steps);

}  // namespace lindrift
