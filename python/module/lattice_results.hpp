#pragma once

#include <tuple>
#include <type_traits>
#include <utility>

#include "lindrift/lindrift.hpp"

/// Results of the tasks of TggeLattice: those of every tGGE model, and the additional observables of a lattice.

namespace lindrift {

template <class State>
struct OnLattice : State, LatticeObservables {};

template <class Result, class Held, class Member>
ObservableField<Result, Member> as_member_of(const ObservableField<Held, Member>& item) {
  return {item.member, item.observable};
}

template <class Result, class Held>
auto observables_of_base() {
  return std::apply([](const auto&... item) { return std::tuple(as_member_of<Result>(item)...); }, description<Held>());
}

template <>
inline auto description<OnLattice<SteadyState>>() {
  using Result = OnLattice<SteadyState>;
  return std::tuple_cat(observables_of_base<Result, SteadyState>(), observables_of_base<Result, LatticeObservables>());
}
template <>
inline auto description<OnLattice<RelaxResult>>() {
  using Result = OnLattice<RelaxResult>;
  return std::tuple_cat(observables_of_base<Result, RelaxResult>(), observables_of_base<Result, LatticeObservables>());
}

template <class Model, class State>
using ResultOn = std::conditional_t<std::is_same_v<Model, TggeLattice>, OnLattice<State>, State>;

}  // namespace lindrift
