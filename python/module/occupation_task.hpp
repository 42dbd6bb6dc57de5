#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "lindrift/lindrift.hpp"
#include "tasks.hpp"

/// What tasks of the tGGE models have in common.

namespace lindrift::python {

How how_of(const RateEquation& equation);

/// Where a task starts: occupations or a state with a name.
struct Start {
  InitialOccupation occupation;
  InitialState state;

  std::vector<double> multipliers(const RateEquation& equation) const;
  SteadyState steady_state(const RateEquation& equation, const SteadyStateOptions& options) const;
};

/// @throws TypeError, ShapeError, ParameterError
Start start_from(nb::handle filling, nb::handle lagrange_multiplier, nb::handle initial);

/// @throws ParameterError, TypeError, ShapeError
SteadyStateOptions steady_state_options(double tolerance, std::int64_t max_steps, nb::handle start);

/// A task that starts from occupations.
template <class Chain>
struct FromOccupation : OccupationTask {
  using Model = Chain;
  Start initial;

  bool set(const std::string& key, const Value& value) {
    if (initial.occupation.lagrange_multiplier) return false;
    if (key == "initial.filling") return set_key(initial.occupation, key, value);
    return initial.state.kind == InitialKind::thermal && set_key(initial.state, key, value);
  }
  static std::vector<Parameter> parameters() {
    std::vector<Parameter> all = parameters_of<InitialOccupation>();
    for (Parameter& one : parameters_of<InitialState>()) all.push_back(std::move(one));
    return all;
  }
};

}  // namespace lindrift::python
