#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lindrift/error.hpp"
#include "lindrift/tgge/generator.hpp"
#include "lindrift/tgge/rate_equation.hpp"

namespace lindrift {

/// What is stored for a mode.
enum class Stored : char { particles, holes, multiplier };

/// State of the modes, to full relative accuracy in both n and 1-n: near 1 a double holds n but not 1-n.
struct ModeState {
  std::vector<double> value;   ///< n, 1-n or lambda, shape (modes,)
  std::vector<Stored> stored;  ///< which of them

  static ModeState of_multipliers(std::span<const double> lagrange_multiplier);
  /// The smaller of n and 1-n.
  static ModeState of_occupations(std::span<const double> lagrange_multiplier);

  std::size_t modes() const { return value.size(); }
  /// Switches between n and 1-n where the stored value exceeds 1/2.
  void reorient();
  void split(std::span<double> particles, std::span<double> holes) const;
  void lagrange_multiplier(std::span<double> result) const;
};

/// A rate is not finite. The integrator reports the mode's index; the task adds its momentum.
class NonFiniteRate : public NumericalError {
 public:
  NonFiniteRate(double at_time, std::size_t of_mode)
      : NumericalError("the rate of mode " + std::to_string(of_mode) + " is not finite"),
        time(at_time),
        mode(of_mode) {}
  double time;
  std::size_t mode;
};

/// Integrates dn/dt of a rate equation with CVODE from one output time to the next. Every advance() restarts CVODE, so
/// the bits at an output time depend only on the state at the previous one.
class OccupationIntegrator {
 public:
  OccupationIntegrator() = default;
  virtual ~OccupationIntegrator() = default;
  OccupationIntegrator(const OccupationIntegrator&) = delete;
  OccupationIntegrator& operator=(const OccupationIntegrator&) = delete;

  /// Advances the state from time `from` to time `to` in at most `max_steps` steps.
  /// @return false if the steps did not suffice; the state is then that of the last step
  /// @throws NonFiniteRate; NumericalError if the integrator gives up
  virtual bool advance(ModeState& state, double from, double to, std::int64_t max_steps) = 0;

  std::int64_t steps() const { return steps_; }
  std::int64_t rate_evaluations() const { return rate_evaluations_; }

 protected:
  [[noreturn]] static void give_up(int cvode_status, double from, double to);

  std::int64_t steps_ = 0, rate_evaluations_ = 0;
};

/// Adams-Moulton with fixed-point iteration, on the smaller of n and 1-n (ModeState::of_occupations).
/// @param tolerance  root-mean-square error per step in lambda, over the modes
std::unique_ptr<OccupationIntegrator> make_adams_integrator(Generator& generator, double tolerance);

/// Backward differentiation in lambda over the logarithm of time (ModeState::of_multipliers), for rates of any spread.
/// @param lagrange_multiplier  state whose particle numbers are kept, component by component
std::unique_ptr<OccupationIntegrator> make_bdf_integrator(const RateEquation& equation,
                                                          std::span<const double> lagrange_multiplier,
                                                          double tolerance);

}  // namespace lindrift
