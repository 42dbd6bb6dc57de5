#pragma once

#include <complex>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "convert.hpp"
#include "lindrift/lindrift.hpp"
#include "registry/results.hpp"

/// Result structs as Python classes, made from the descriptions of their observables. Arrays refer to the struct's
/// memory.

namespace lindrift::python {

/// How a result was computed.
struct How {
  std::string backend, backend_reason, algorithm, algorithm_reason;
};

/// A result, with everything needed to read it.
template <class Result>
struct Found {
  Result result;
  Coordinates coordinates;
  How how;
  nb::object model;
};

template <class Member>
nb::object observable_to_python(const Member& member, const Extent& extent, nb::handle self) {
  if constexpr (std::is_arithmetic_v<Member>) {
    return nb::cast(member);
  } else {
    if (member.size() != extent.elements) return nb::none();  // not requested
    if (extent.shape.empty()) return nb::cast(member.front());
    return view(member.data(), extent.shape, self);
  }
}

nb::object coordinate_to_python(const Coordinate& coordinate);

/// The Python type of an observable's attribute. Along the single direction of a chain it is a number.
template <class Result, class Member>
std::string observable_type(const Observable& described) {
  if constexpr (std::is_same_v<Member, bool>)
    return "bool";
  else if constexpr (std::is_integral_v<Member>)
    return "int";
  else if constexpr (std::is_floating_point_v<Member>)
    return "float";
  else if constexpr (std::is_same_v<Member, std::vector<std::complex<double>>>)
    return "numpy.typing.NDArray[numpy.complex128]";
  else if (described.dimensions.empty() || described.dimensions.front() != "direction" ||
           std::is_base_of_v<LatticeObservables, Result>)
    return array_of_reals;
  else
    return std::is_same_v<Result, Transport> ? std::string("float | ") + array_of_reals : "float";
}

/// Defines an attribute for each observable.
template <class Result>
struct ObservableBinder {
  nb::class_<Found<Result>>& bound;

  template <class Member>
  void operator()(const ObservableField<Result, Member>& item) const {
    const auto member = item.member;
    const Observable described = item.observable;
    const std::string units = described.units == "1" ? "" : ", in units of " + described.units;
    std::string dimensions;
    for (const std::string& one : described.dimensions) dimensions += (dimensions.empty() ? " Over " : ", ") + one;
    bound.def_prop_ro(
        described.name.c_str(),
        [member, described](nb::handle self) {
          const auto& found = nb::cast<const Found<Result>&>(self);
          const Extent extent = extent_of(described, found.coordinates);
          if (!extent.exists) throw nb::attribute_error((described.name + " does not exist for this model").c_str());
          return observable_to_python(found.result.*member, extent, self);
        },
        nb::sig(for_ever("def " + described.name + "(self) -> " + observable_type<Result, Member>(described))),
        for_ever(described.long_name + units + "." + dimensions + (dimensions.empty() ? "" : ".")));
  }
};

/// Lists the observables of a result: (name, dimensions, values, units, long name).
template <class Result>
nb::list datasets_of(nb::handle self) {
  const auto& found = nb::cast<const Found<Result>&>(self);
  nb::list all;
  for_each_observable(
      found.coordinates, found.result, [&](const Observable& described, const Extent& extent, const auto& member) {
        nb::object values = observable_to_python(member, extent, self);
        if (values.is_none()) return;
        nb::list dimensions;
        for (const std::string& one : extent.dimensions) dimensions.append(nb::cast(one));
        all.append(nb::make_tuple(described.name, nb::tuple(dimensions), values, described.units, described.long_name));
      });
  return all;
}

template <class Result>
void bind_result(nb::module_& module, const char* name, const char* what) {
  using Bound = Found<Result>;
  nb::class_<Bound> bound(module, name, what);
  std::apply([&](const auto&... item) { (ObservableBinder<Result>{bound}(item), ...); }, description<Result>());
  bound.def_prop_ro(
      "model", [](const Bound& self) { return self.model; }, nb::sig("def model(self) -> typing.Any"),
      "The model that was solved.");
  bound.def_prop_ro(
      "backend", [](const Bound& self) { return self.how.backend; }, "Where it was computed.");
  bound.def_prop_ro(
      "backend_reason", [](const Bound& self) { return self.how.backend_reason; }, "Why there.");
  bound.def_prop_ro(
      "algorithm", [](const Bound& self) { return self.how.algorithm; }, "How it was computed.");
  bound.def_prop_ro(
      "algorithm_reason", [](const Bound& self) { return self.how.algorithm_reason; }, "Why so.");
  bound.def_prop_ro(
      "message",
      [](const Bound& self) {
        if constexpr (requires { self.result.message; })
          return self.result.message;
        else
          return std::string();
      },
      "Why it did not converge, or a warning; else empty.");
  if constexpr (requires(Result result) { result.converged; })
    bound.def_prop_ro(
        "converged", [](const Bound& self) { return self.result.converged; },
        "Whether the result is complete and as exact as was asked for.");
  if constexpr (requires(Result result) { result.log_fugacity; })
    bound.def_prop_ro(
        "log_fugacity", [](const Bound& self) { return self.result.log_fugacity; },
        "Zero at a true steady state: a measure of the error.");
  bound.def_prop_ro(
      "coordinates",
      [](const Bound& self) {
        nb::dict all;
        for (const Coordinate& one : self.coordinates) all[one.name.c_str()] = coordinate_to_python(one);
        return all;
      },
      nb::sig("def coordinates(self) -> dict[str, typing.Any]"), "The values along every dimension.");
  bound.def(
      "_coordinates",
      [](const Bound& self) {
        nb::list all;
        for (const Coordinate& one : self.coordinates)
          all.append(nb::make_tuple(one.name, coordinate_to_python(one), one.units, one.long_name));
        return all;
      },
      nb::sig("def _coordinates(self) -> list[tuple[typing.Any, ...]]"));
  bound.def(
      "_datasets", [](nb::handle self) { return datasets_of<Result>(self); },
      nb::sig("def _datasets(self) -> list[tuple[typing.Any, ...]]"));
  const auto helper = [](const char* function) {
    return [function](nb::handle self, const nb::args& ordered, const nb::kwargs& named) {
      return nb::module_::import_("lindrift.arrays").attr(function)(self, *ordered, **named);
    };
  };
  bound.def("to_xarray", helper("to_xarray"), nb::sig("def to_xarray(self) -> typing.Any"),
            "An xarray.Dataset with units and coordinates.");
  bound.def("plot", helper("plot"), nb::sig("def plot(self, **options: typing.Any) -> typing.Any"),
            "A matplotlib figure; the options are those of lindrift.plot.draw().");
  bound.def("__repr__", helper("text"), nb::sig("def __repr__(self) -> str"));
}

}  // namespace lindrift::python
