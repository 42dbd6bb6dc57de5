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

/// What an integrator stores of a mode.
enum class Stored : char { particles, holes, multiplier };

/// State of the modes, without loss of relative accuracy in n or in 1-n: near 1 a double holds n but not 1-n.
struct ModeState {
  std::vector<double> value;   ///< n, 1-n or lambda, (modes,)
  std::vector<Stored> stored;  ///< which of them

  static ModeState of_multipliers(std::span<const double> lagrange_multiplier);
  /// The smaller of n and 1-n.
  static ModeState of_occupations(std::span<const double> lagrange_multiplier);

  std::size_t modes() const { return value.size(); }
  /// Stores the other one of n and 1-n wherever the value has grown beyond 1/2.
  void reorient();
  void split(std::span<double> particles, std::span<double> holes) const;
  void lagrange_multiplier(std::span<double> result) const;
};

/// A rate is not finite. The integrator knows modes by their index; the task knows their momenta.
class NonFiniteRate : public NumericalError {
 public:
  NonFiniteRate(double at_time, std::size_t of_mode)
      : NumericalError("the rate of mode " + std::to_string(of_mode) + " is not finite"),
        time(at_time),
        mode(of_mode) {}
  double time;
  std::size_t mode;
};

/// Integrates dn/dt of a rate equation with CVODE, from one output time to the next. Every advance() starts CVODE
/// anew, so that the bits at a time depend on the state at the previous output time only.
class OccupationIntegrator {
 public:
  OccupationIntegrator() = default;
  virtual ~OccupationIntegrator() = default;
  OccupationIntegrator(const OccupationIntegrator&) = delete;
  OccupationIntegrator& operator=(const OccupationIntegrator&) = delete;

  /// Takes the state from time `from` to time `to` in at most `max_steps` steps.
  /// @return false if the steps did not suffice; the state is then that of the last step
  /// @throws NonFiniteRate; NumericalError if the integrator gives up
  virtual bool advance(ModeState& state, double from, double to, std::int64_t max_steps) = 0;

  std::int64_t steps() const { return steps_; }
  std::int64_t rate_evaluations() const { return rate_evaluations_; }

 protected:
  [[noreturn]] static void give_up(int cvode_status, double from, double to);

  std::int64_t steps_ = 0, rate_evaluations_ = 0;
};

/// Adams-Moulton with fixed-point iteration, in the smaller of n and 1-n (ModeState::of_occupations).
/// @param tolerance  error of a step in lambda, in a root mean square over the modes
std::unique_ptr<OccupationIntegrator> make_adams_integrator(Generator& generator, double tolerance);

/// Backward differentiation in lambda and the logarithm of time (ModeState::of_multipliers), for rates however far
/// apart.
/// @param lagrange_multiplier  state whose numbers of particles are kept, component by component
std::unique_ptr<OccupationIntegrator> make_bdf_integrator(const RateEquation& equation,
                                                          std::span<const double> lagrange_multiplier,
                                                          double tolerance);

}  // namespace lindrift
