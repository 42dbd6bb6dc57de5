#pragma once

#include <algorithm>
#include <complex>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "lindrift/description.hpp"

/// The results of a task as named arrays with units and dimensions, listed next to each result struct:
///
///   template <>
///   inline auto description<SteadyState>() {
///     return std::tuple(observable(&SteadyState::current, {.name = "current", .units = "energy", ...}), ...);
///   }
///
/// Output files, summaries and the names that an input may request all follow from it.

namespace lindrift {

/// A dimension of the results; its values are computed on request.
struct Coordinate {
  using Values = std::variant<std::vector<double>, std::vector<std::int64_t>, std::vector<std::string>>;

  std::string name;
  std::string units;
  std::string long_name;
  std::size_t size;
  std::function<Values()> values;
  std::string dimension{};  ///< the dimension of its values; empty: one of the same name
};

/// One array of a result.
struct Observable {
  std::string name;
  std::string units = "1";
  std::string long_name;
  /// Outermost first. "mode" stands for the dimensions that number the modes, (band, momentum) or momentum; "direction"
  /// is omitted for a chain and "time" for a steady state. An observable with any other dimension that a model lacks
  /// does not exist for that model.
  std::vector<std::string> dimensions{};
  std::string with{}, without{};  ///< a dimension that a model must have, or lack, for the observable to exist
  std::string several{};          ///< a dimension whose length must exceed one
  bool in_summary = false;        ///< its last value is one of the few numbers in the summary of a run
};

/// A member of a result and its observable.
template <class Result, class Member>
struct ObservableField {
  Member Result::*member;
  Observable observable;
};

template <class Result, class Member>
ObservableField<Result, Member> observable(Member Result::*member, Observable described) {
  return {member, std::move(described)};
}

template <class Result, class Member, class Object, class Visitor>
void visit_item(const ObservableField<Result, Member>& item, Object& object, const Visitor& visitor,
                const std::string&) {
  visitor.observable(item.observable, object.*item.member);
}

/// An observable and a view of its values in C order; the result owns them.
struct ObservableView {
  Observable observable;
  std::variant<std::span<const double>, std::span<const std::complex<double>>, std::span<const std::int64_t>,
               std::span<const bool>>
      values;
};

/// Collects the observables of a result as views.
struct ObservableCollector {
  std::vector<ObservableView>& views;
  template <class Item>
  void observable(const Observable& described, const std::vector<Item>& values) const {
    views.push_back({described, std::span<const Item>(values)});
  }
  template <class Item>
  void observable(const Observable& described, const Item& value) const {
    views.push_back({described, std::span<const Item>(&value, 1)});
  }
};

/// Every observable of a result, in the order of its description. Arrays that were not requested are empty.
template <class Result>
std::vector<ObservableView> observables(const Result& result) {
  std::vector<ObservableView> views;
  visit_fields(result, ObservableCollector{views});
  return views;
}

// --- coordinates ---

Coordinate momentum_coordinate(std::int64_t sites);
/// @param momenta  m of 2 pi m / L; empty: all
Coordinate momentum_coordinate(std::int64_t sites, std::vector<std::int64_t> momenta);
Coordinate site_coordinate(std::int64_t sites);
Coordinate time_coordinate(std::vector<double> times);
Coordinate frequency_coordinate(std::vector<double> frequencies);
/// Dimension of results for both spins: "up", "down".
Coordinate spin_coordinate();
/// Consecutive integers starting at `first`, without units.
Coordinate integer_coordinate(std::string name, std::string long_name, std::size_t size, std::int64_t first = 0);

}  // namespace lindrift
