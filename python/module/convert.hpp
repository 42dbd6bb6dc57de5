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

/// Between Python's objects and the library's values. Every function here needs the interpreter's lock.

namespace lindrift::python {

namespace nb = nanobind;

inline bool is_anything(PyObject*) { return true; }

/// Objects that are looked at by the functions below, with the names that signatures give to their types.
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

/// str(object); what is no Unicode in it becomes "?".
std::string text_of(nb::handle object);

/// A number, a word, or a list as a read-only array.
nb::object to_python(const Value& value);

/// The value of a parameter.
/// @param name  what messages call it
/// @throws TypeError where it is no such thing at all, ParameterError where it is a word that the parameter does not
/// know
Value from_python(nb::handle given, const Parameter& parameter, const std::string& name);

/// Real numbers from anything that NumPy makes a one-dimensional array of; a number is a list of one if `scalar` is
/// set.
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

/// Terms of operators: (a, b, A) for chains of one orbital, else (R.., a, R'.., b, A) with displacements of one to
/// three directions, of which those that are left out are zero. The amplitude is one complex number, or Re A, Im A.
/// @param name  what messages call them
std::vector<std::vector<JumpTerm>> channels_from(nb::handle given, const std::string& name);
/// @param directions  of the displacements; 0: as few as hold them, and no orbitals where all are 0
nb::object channels_to_python(const std::vector<std::vector<JumpTerm>>& channels, std::size_t directions = 0);

/// Terms (R.., a, b, A) of a Hamiltonian on a lattice of so many directions.
std::vector<HoppingTerm> hopping_terms_from(nb::handle given, std::size_t directions, const std::string& name);
nb::object hopping_terms_to_python(const std::vector<HoppingTerm>& terms, std::size_t directions);

/// Terms (R.., A) of a sum over displacements, with one to three numbers R and one complex amplitude.
std::vector<LatticeTerm> lattice_terms_from(nb::handle given, const std::string& name);
nb::object lattice_terms_to_python(const std::vector<LatticeTerm>& terms);

/// Operators of a bath, pairs of "loss" or "gain" and terms.
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

/// An array that takes the values over.
template <class Item>
nb::object owned(std::vector<Item>&& values, const std::vector<std::size_t>& shape) {
  auto* kept = new std::vector<Item>(std::move(values));
  const nb::capsule owner(kept, [](void* held) noexcept { delete static_cast<std::vector<Item>*>(held); });
  return nb::cast(nb::ndarray<nb::numpy, Item>(kept->data(), shape.size(), shape.data(), owner));
}

/// "float", "complex", "numpy.typing.ArrayLike", ...: what a parameter takes, and what its attribute holds.
std::string taken_type(const Parameter& parameter);
std::string held_type(const Parameter& parameter);

/// What the docstring of a parameter says.
std::string documentation(const Parameter& parameter);

/// Whether two attributes hold the same, arrays element by element.
bool same(nb::handle left, nb::handle right);

/// A copy that lives as long as the module.
const char* for_ever(std::string text);

}  // namespace lindrift::python
