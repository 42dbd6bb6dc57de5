#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <complex>
#include <cstdint>
#include <string>
#include <vector>

#include "lindrift/baths/open_bath.hpp"
#include "lindrift/description.hpp"
#include "lindrift/hatsugai_kohmoto/orbitals.hpp"
#include "lindrift/lattice/open_lattice.hpp"
#include "lindrift/lattice/tight_binding.hpp"
#include "lindrift/tgge/bath.hpp"

/// Conversion between Python objects and the library's values. Every function here needs the interpreter's lock.

namespace lindrift::python {

namespace nb = nanobind;

inline bool is_anything(PyObject*) { return true; }

/// Objects that the functions below inspect, with the names of their types in signatures.
class Number : public nb::object {
  NB_OBJECT_DEFAULT(Number, nb::object, "float", is_anything)
};
class Numbers : public nb::object {
  NB_OBJECT_DEFAULT(Numbers, nb::object, "numpy.typing.ArrayLike", is_anything)
};
class Progress : public nb::object {
  NB_OBJECT_DEFAULT(Progress, nb::object, "collections.abc.Callable[[float], object] | typing.Any", is_anything)
};

inline constexpr const char* array_of_reals = "numpy.typing.NDArray[numpy.float64]";

/// "one", "two" or "three".
std::string listed(const std::vector<std::string>& words);

/// str(object), with "?" in place of characters that are not valid Unicode.
std::string text_of(nb::handle object);

/// A number, a word, or a list as a read-only array.
nb::object to_python(const Value& value);

/// The value of a parameter.
/// @param name  its name in messages
/// @throws TypeError for a value of the wrong type, ParameterError for a word that the parameter does not know
Value from_python(nb::handle given, const Parameter& parameter, const std::string& name);

/// Real numbers from anything that NumPy converts to a one-dimensional array; if `scalar` is set, a number counts as a
/// list of one.
/// @throws TypeError, ShapeError naming the argument
std::vector<double> reals(nb::handle given, const std::string& name, bool scalar = false);
std::vector<std::int64_t> integers(nb::handle given, const std::string& name);

/// A two-dimensional array in C order.
template <class Item>
struct Matrix {
  std::size_t rows = 0, columns = 0;
  std::vector<Item> values;
};
Matrix<double> real_matrix(nb::handle given, const std::string& name);
Matrix<std::complex<double>> complex_matrix(nb::handle given, const std::string& name);

/// Terms of operators: (a, b, A) for chains with one orbital, otherwise (R.., a, R'.., b, A) with displacements in one
/// to three directions; those left out are zero. The amplitude is one complex number, or Re A, Im A.
/// @param name  the name of the terms in messages
std::vector<std::vector<JumpTerm>> channels_from(nb::handle given, const std::string& name);
/// @param directions  number of components of displacements; 0: as few as they need, and no orbitals if all are 0
nb::object channels_to_python(const std::vector<std::vector<JumpTerm>>& channels, std::size_t directions = 0);

/// Terms (R.., a, b, A) of a Hamiltonian on a lattice with this number of directions.
std::vector<HoppingTerm> hopping_terms_from(nb::handle given, std::size_t directions, const std::string& name);
nb::object hopping_terms_to_python(const std::vector<HoppingTerm>& terms, std::size_t directions);

/// Terms (R.., A) of a sum over displacements, with one to three integers R and one complex amplitude.
std::vector<LatticeTerm> lattice_terms_from(nb::handle given, const std::string& name);
nb::object lattice_terms_to_python(const std::vector<LatticeTerm>& terms);

/// Operators of a bath: pairs of "loss" or "gain" and terms.
std::vector<BathOperator> bath_operators_from(nb::handle given, const std::string& name);
nb::object bath_operators_to_python(const std::vector<BathOperator>& operators);

/// The same with an orbital in every term, (R.., a, A).
std::vector<OrbitalBathOperator> orbital_operators_from(nb::handle given, const std::string& name);
nb::object orbital_operators_to_python(const std::vector<OrbitalBathOperator>& operators);

/// A read-only array on memory that `owner` keeps alive.
template <class Item>
nb::object view(const Item* values, const std::vector<std::size_t>& shape, nb::handle owner) {
  return nb::cast(nb::ndarray<nb::numpy, const Item>(values, shape.size(), shape.data(), owner));
}

/// An array that takes ownership of the values.
template <class Item>
nb::object owned(std::vector<Item>&& values, const std::vector<std::size_t>& shape) {
  auto* kept = new std::vector<Item>(std::move(values));
  const nb::capsule owner(kept, [](void* held) noexcept { delete static_cast<std::vector<Item>*>(held); });
  return nb::cast(nb::ndarray<nb::numpy, Item>(kept->data(), shape.size(), shape.data(), owner));
}

/// "float", "complex", "numpy.typing.ArrayLike", ...: the type that a parameter accepts, and the type of its attribute.
std::string taken_type(const Parameter& parameter);
std::string held_type(const Parameter& parameter);

/// Text of a parameter's docstring.
std::string documentation(const Parameter& parameter);

/// Whether two attributes are equal; arrays are compared element by element.
bool same(nb::handle left, nb::handle right);

/// A copy that is never freed.
const char* for_ever(std::string text);

}  // namespace lindrift::python
