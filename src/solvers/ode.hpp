#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "lindrift/error.hpp"
#include "lindrift/generator.hpp"
#include "lindrift/tasks/relax.hpp"

namespace lindrift {

/// Occupations that keep full relative accuracy on both sides: of n and 1-n one that is not close to 1 is stored.
struct OccupationState {
  std::vector<double> smaller;  ///< n or 1-n; the smaller of them after reorient(), (modes,)
  std::vector<char> flipped;    ///< 1 where `smaller` is 1-n

  static OccupationState from_lagrange_multiplier(std::span<const double> lagrange_multiplier);

  std::size_t modes() const { return smaller.size(); }
  /// Stores the other side wherever `smaller` has grown beyond 1/2.
  void reorient();
  void split(std::span<double> particles, std::span<double> holes) const;
  void lagrange_multiplier(std::span<double> result) const;
  double particle_number() const;
  /// Changes the number by a small amount: all multipliers move alike.
  void shift_particle_number(double change);
};

/// dn/dt of a mode is not finite. The integrator knows modes by their index; the task knows their momenta.
class NonFiniteRate : public NumericalError {
 public:
  NonFiniteRate(double at_time, std::size_t of_mode)
      : NumericalError("dn/dt of mode " + std::to_string(of_mode) + " is not finite"), time(at_time), mode(of_mode) {}
  double time;
  std::size_t mode;
};

/// Integrates the generator's dn/dt with CVODE, from one output time to the next. Every advance() starts the integrator
/// anew, so that the bits at a time depend on the state at the previous output time only.
class OccupationIntegrator {
 public:
  /// @param integrator  adams or bdf
  OccupationIntegrator(Generator& generator, Integrator integrator, double tolerance);
  ~OccupationIntegrator();
  OccupationIntegrator(const OccupationIntegrator&) = delete;
  OccupationIntegrator& operator=(const OccupationIntegrator&) = delete;

  /// Takes the state from time `from` to time `to` in at most `max_steps` steps.
  /// @return false if the steps did not suffice; the state is then that of the last step
  /// @throws NonFiniteRate; NumericalError if the integrator gives up
  bool advance(OccupationState& state, double from, double to, std::int64_t max_steps);

  std::int64_t steps() const { return steps_; }
  std::int64_t rate_evaluations() const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
  std::int64_t steps_ = 0;
};

}  // namespace lindrift
