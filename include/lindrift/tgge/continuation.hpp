#pragma once

#include <array>
#include <complex>
#include <vector>

#include "lindrift/tgge/steady_state.hpp"

namespace lindrift {

/// Starts each steady state along a line of parameters from those found before it, which saves some of Newton's steps:
///
///   Continuation line;
///   for (const double field : fields) {
///     chain.zeeman_field = field;
///     const SteadyState state = steady_state(make_rate_equation(chain, execution), 0.5, {.start = line.start(field)});
///     line.add(field, state);
///   }
///
/// The state found does not depend on the start beyond the solver's tolerance, its last bits and its steps do.
class Continuation {
 public:
  /// SteadyStateOptions::start at a value of the parameter: the multipliers found last, moved on along the straight
  /// line through those before them, or the parabola where three lie in a row, by r of the parameter's last steps. For
  /// a complex parameter r is the part of the step that goes on in the same direction. It is kept in [-1, 2], and is 0
  /// where the parameter did not move. Empty, so that the solver starts from the thermal state, where there is nothing
  /// to start from.
  std::vector<double> start(std::complex<double> parameter) const;

  /// Takes the state found at a value of the parameter. After one that did not converge, or with modes that are exactly
  /// empty or full, there is nothing to start from.
  void add(std::complex<double> parameter, const SteadyState& state);

  /// Leaves nothing to start from.
  void forget();

 private:
  struct Found {
    std::complex<double> parameter;
    std::vector<double> lagrange_multiplier;  ///< empty: none
  };
  std::array<Found, 3> found_;  ///< the last one first
};

}  // namespace lindrift
