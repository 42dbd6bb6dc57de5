#pragma once

#include <array>
#include <complex>
#include <vector>

#include "lindrift/tgge/steady_state.hpp"

namespace lindrift {

/// Starts each steady state along a sweep of a parameter from the states found before it, which saves Newton steps:
///
///   Continuation line;
///   for (const double field : fields) {
///     chain.zeeman_field = field;
///     const SteadyState state = steady_state(make_rate_equation(chain, execution), 0.5, {.start = line.start(field)});
///     line.add(field, state);
///   }
///
/// The start changes the result only within the solver's tolerance; it does change the last bits and the number of
/// steps.
class Continuation {
 public:
  /// SteadyStateOptions::start at a value of the parameter, extrapolated along the straight line through the last two
  /// states, or along the parabola through the last three if their parameters lie roughly on a line. r is the new step
  /// of the parameter in units of its last one; for a complex parameter, only the component of the new step along the
  /// last one counts. r is clamped to [-1, 2], and the last state is returned as it is if the parameter did not move.
  /// Returns an empty vector if there is no state to start from; the solver then starts from the thermal state.
  std::vector<double> start(std::complex<double> parameter) const;

  /// Adds the state found at a value of the parameter. A state that did not converge, or in which modes are exactly
  /// empty or full, clears the history.
  void add(std::complex<double> parameter, const SteadyState& state);

  /// Clears the history.
  void forget();

 private:
  struct Found {
    std::complex<double> parameter;
    std::vector<double> lagrange_multiplier;  ///< empty: no state
  };
  std::array<Found, 3> found_;  ///< latest first
};

}  // namespace lindrift
