#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "lindrift/tgge/matrix_rate_equation.hpp"

namespace lindrift {

/// Integrates a MatrixRateEquation with CVODE. Every advance() restarts CVODE, so the bits at an output time
/// depend only on the state at the previous one.
class MatrixIntegrator {
 public:
  MatrixIntegrator() = default;
  virtual ~MatrixIntegrator() = default;
  MatrixIntegrator(const MatrixIntegrator&) = delete;
  MatrixIntegrator& operator=(const MatrixIntegrator&) = delete;

  /// The state that belongs to particles (Adams-Moulton) or multipliers (backward differentiation), and back. A state
  /// keeps digits that multipliers lose: only where each restart has the state itself does nothing start anew.
  virtual BlockMatrices to_state(BlockMatrices matrices) const { return matrices; }
  virtual BlockMatrices from_state(BlockMatrices state) const { return state; }

  /// Advances the state from time `from` to time `to` in at most `max_steps` steps.
  /// @return false if the steps did not suffice; the state is then that of the last step
  /// @throws NumericalError if the integrator gives up
  virtual bool advance(BlockMatrices& state, double from, double to, std::int64_t max_steps) = 0;

  std::int64_t steps() const { return steps_; }
  std::int64_t rate_evaluations() const { return rate_evaluations_; }

 protected:
  std::int64_t steps_ = 0, rate_evaluations_ = 0;
};

/// Adams-Moulton with fixed-point iteration, on the particles.
/// @param tolerance  root-mean-square error per step in the multipliers, as far as the digits of n allow
std::unique_ptr<MatrixIntegrator> make_matrix_adams(const MatrixRateEquation& equation, double tolerance);

/// Backward differentiation in the multipliers over the logarithm of time, for rates of any spread.
/// @param number     of particles, which is kept
/// @param tolerance  root-mean-square error per step
std::unique_ptr<MatrixIntegrator> make_matrix_bdf(const MatrixRateEquation& equation, double number, double tolerance);

/// @param advice  what to do, appended to the message
/// @throws NumericalError that says so
[[noreturn]] void matrix_integrator_gave_up(int cvode_status, double from, double to, const std::string& advice = {});

}  // namespace lindrift
