#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/tgge/rate_kernel.hpp"
#include "lindrift/tgge/matrix_rate_equation.hpp"
#include "lindrift/tgge/rate_equation.hpp"

namespace lindrift {

/// Multipliers of the state that sets the conserved numbers: one per mode, or one for all modes.
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

/// Number of particles; exact to rounding if all multipliers are equal.
double total_number(const InitialState& state, std::size_t modes);

struct BalanceSolution {
  std::vector<double> lagrange_multiplier;
  std::vector<double> occupation;
  double log_fugacity = 0.0;  ///< the one of largest magnitude among the components
  double change = 0.0;        ///< final max |R| / (1 + max |lambda|)
  bool converged = false;
  std::int64_t steps = 0;
  std::int64_t empty = 0, full = 0, frozen = 0;  ///< modes that cannot gain, cannot lose, can do neither
  std::string message;
};

/// Decides from what is left whether a solution has converged, and says why if it has not.
void conclude(BalanceSolution& solution, double tolerance, std::int64_t max_steps);

/// Solves lambda_s = log loss_s - log gain_s with the number of each component conserved (docs/physics.md, Eqs. 15-18):
/// Newton's method with the logarithm of each component's fugacity as an extra unknown. It works on the generator's
/// moments where it has them, else on the multipliers, with linear systems by GMRES on its exact derivative; steps are
/// halved where they overshoot, and replaced by a fixed-point step where that does not help. Modes that cannot gain end
/// empty (lambda = +inf), modes that cannot lose full (-inf), modes that can do neither keep the multiplier of
/// `conserved`.
/// @param conserved  state whose numbers are kept, component by component
/// @param start      initial guess, shifted to those numbers; empty: the thermal state
BalanceSolution solve_balance(const RateEquation& equation, const Components& components, const InitialState& conserved,
                              const std::vector<double>& start, double tolerance, std::int64_t max_steps);

/// The same for degenerate bands, by Newton's method in the multipliers of the blocks (docs/physics.md, Eqs. 97-99).
/// Multipliers and occupations of the solution are BlockMatrices.
/// @param number  number of particles, strictly between 0 and modes
/// @param start   empty: the thermal state
BalanceSolution solve_matrix_balance(const MatrixRateEquation& equation, double number, BlockMatrices start,
                                     double tolerance, std::int64_t max_steps);

/// A fixed-point equation u = Phi(u) as Newton's method sees it, with a current point and a trial point that may
/// replace it. The size of a point is that of its residual u - Phi(u), scaled so that rounding error is about 1e-16;
/// NaN if it is not finite.
class BalanceSystem {
 public:
  virtual ~BalanceSystem() = default;

  /// Size of the residual at the current point.
  virtual double size() const = 0;
  /// Solves for the Newton direction at the current point.
  /// @param accuracy  relative, for iterative linear solvers
  virtual void solve(double accuracy) = 0;
  /// Sets the trial point to the current one plus `step` times the Newton direction. Returns its size.
  virtual double try_step(double step) = 0;
  /// Moves the trial point from the current one towards Phi. In the multipliers it goes half way, because at low
  /// temperature Phi itself may alternate between two points. Returns its size.
  virtual double try_fixed_point() = 0;
  /// Makes the trial point the current one.
  virtual void accept() = 0;
  /// Writes multipliers, occupations and the logarithm of the fugacity at the current point.
  virtual void read(BalanceSolution& solution) = 0;
};

/// The balance in the Lagrange multipliers (docs/physics.md, Eqs. 15-18), for any rates. Classifies the modes at
/// `start` and counts the fixed ones in `solution`; its message says why if there is nothing to solve. All references
/// must outlive the system.
std::unique_ptr<BalanceSystem> make_multiplier_system(Generator& generator, const Components& components,
                                                      const InitialState& conserved, std::vector<double> start,
                                                      BalanceSolution& solution);

/// The balance of blocks of degenerate bands (docs/physics.md, Eqs. 97-99).
std::unique_ptr<BalanceSystem> make_matrix_system(const MatrixRateEquation& equation, double number,
                                                  BlockMatrices start);

/// The same where occupations within a block differ by more than the digits of a matrix hold. Converges from nearby.
std::unique_ptr<BalanceSystem> make_block_flow_system(const MatrixRateEquation& equation, double number,
                                                      const BlockMatrices& start);

/// The balance in the multipliers in the memory of a device.
std::unique_ptr<BalanceSystem> make_device_system(kernels::MultiplierBalance& balance, std::size_t modes);

/// The balance in a few moments (docs/physics.md, Eqs. 17a-17c), with linear systems of that small size.
/// @param number  number of particles, strictly between 0 and modes
/// @param start   Lagrange multipliers, shape (modes,); empty: the thermal state
std::unique_ptr<BalanceSystem> make_moment_system(kernels::MomentBalance& balance, std::size_t modes, double number,
                                                  std::span<const double> start);

}  // namespace lindrift
