#include "convert.hpp"

#include <nanobind/stl/complex.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <mutex>
#include <type_traits>

#include "lindrift/error.hpp"

namespace lindrift::python {

std::string text_of(nb::handle object) {
  const nb::object bytes = nb::str(object).attr("encode")("utf-8", "replace");
  return nb::cast<nb::bytes>(bytes).c_str();
}

std::string listed(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i)
    text += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + ("\"" + words[i] + "\"");
  return text;
}

namespace {

std::string name_of_type(nb::handle object) { return nb::cast<std::string>(object.type().attr("__name__")); }

[[noreturn]] void wrong_type(const std::string& name, const char* wanted, nb::handle given) {
  throw nb::type_error((name + " must be " + wanted + ", not " + name_of_type(given)).c_str());
}

/// The letter of NumPy's type kind, for its arrays and scalars; otherwise a blank.
char numpy_kind(nb::handle given) {
  if (!nb::hasattr(given, "dtype")) return ' ';
  const std::string kind = text_of(nb::object(given.attr("dtype")).attr("kind"));
  return kind.empty() ? ' ' : kind.front();
}

bool is_truth_value(nb::handle given) { return PyBool_Check(given.ptr()) || numpy_kind(given) == 'b'; }

/// A true number: strings that Python could parse, and truth values that it would count, are mistakes here.
bool is_number(nb::handle given) {
  return PyNumber_Check(given.ptr()) != 0 && !nb::isinstance<nb::str>(given) && !PySequence_Check(given.ptr()) &&
         !is_truth_value(given);
}

bool is_real_number(nb::handle given) {
  return is_number(given) && !PyComplex_Check(given.ptr()) && numpy_kind(given) != 'c';
}

double real_number(nb::handle given, const std::string& name) {
  if (PyFloat_Check(given.ptr())) return PyFloat_AS_DOUBLE(given.ptr());
  if (!is_real_number(given)) {
    // NumPy's zero-dimensional arrays are sequences to Python.
    if (!is_number(given) && !is_truth_value(given) && nb::hasattr(given, "ndim") &&
        nb::cast<int>(given.attr("ndim")) == 0)
      return real_number(given.attr("item")(), name);
    wrong_type(name, "a real number", given);
  }
  const double value = PyFloat_AsDouble(given.ptr());
  if (value == -1.0 && PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    wrong_type(name, "a real number", given);
  }
  return value;
}

std::int64_t integer_number(nb::handle given, const std::string& name) {
  const nb::object index = is_truth_value(given) ? nb::object() : nb::steal(PyNumber_Index(given.ptr()));
  if (index.is_valid()) {
    const std::int64_t value = PyLong_AsLongLong(index.ptr());
    if (value == -1 && PyErr_Occurred() != nullptr) {
      PyErr_Clear();
      throw ParameterError(name, text_of(given) + " is not allowed: is too large");
    }
    return value;
  }
  PyErr_Clear();
  if (!is_number(given)) wrong_type(name, "an integer", given);
  const double value = real_number(given, name);
  if (!(std::fabs(value) < 9e15) || value != std::floor(value))
    throw ParameterError(name, text_of(given) + " is not allowed: must be an integer");
  return static_cast<std::int64_t>(value);
}

std::complex<double> complex_number(nb::handle given, const std::string& name) {
  if ((nb::isinstance<nb::list>(given) || nb::isinstance<nb::tuple>(given)) && nb::len(given) == 2)
    return {real_number(given[0], name), real_number(given[1], name)};
  if (!is_number(given)) wrong_type(name, "a complex number, or its real and imaginary part", given);
  const Py_complex value = PyComplex_AsCComplex(given.ptr());
  if (PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    wrong_type(name, "a complex number", given);
  }
  return {value.real, value.imag};
}

std::string word(nb::handle given, const std::vector<std::string>& choices, const std::string& name) {
  if (!nb::isinstance<nb::str>(given)) wrong_type(name, "a word", given);
  std::string text = text_of(given);
  for (const std::string& choice : choices)
    if (choice == text) return text;
  if (choices.empty()) return text;
  throw ParameterError(name, "\"" + text + "\" is not allowed: must be " + listed(choices));
}

/// A path, made absolute.
std::string path(nb::handle given, const std::string& name) {
  if (!nb::isinstance<nb::str>(given) && !nb::hasattr(given, "__fspath__")) wrong_type(name, "a path", given);
  return text_of(nb::module_::import_("os.path").attr("abspath")(given));
}

std::vector<std::string> words(nb::handle given, const Parameter& parameter, const std::string& name) {
  if (nb::isinstance<nb::str>(given)) {
    if (text_of(given) == "all") return {};
    return {word(given, parameter.choices, name)};
  }
  std::vector<std::string> all;
  for (const nb::handle one : nb::iter(given)) all.push_back(word(one, parameter.choices, name));
  return all;
}

/// Converts to a NumPy array of the requested type, in C order.
/// @param kinds  letters of NumPy's type kinds that convert to it without loss of meaning
nb::object array_from(nb::handle given, const std::string& name, const char* type, const std::string& kinds,
                      const char* wanted) {
  const nb::module_ numpy = nb::module_::import_("numpy");
  const nb::object array = numpy.attr("asarray")(given);
  const std::string kind = nb::cast<std::string>(array.attr("dtype").attr("kind"));
  const bool nothing = kind == "f" && nb::cast<std::size_t>(array.attr("size")) == 0;  // NumPy's result for []
  if (kinds.find(kind) == std::string::npos && !nothing)
    throw nb::type_error((name + " must hold " + wanted + ", not " + text_of(array.attr("dtype"))).c_str());
  return numpy.attr("ascontiguousarray")(array, nb::arg("dtype") = type);
}

void require_dimensions(const std::string& name, std::size_t has, std::size_t wanted) {
  if (has != wanted)
    throw ShapeError(name + " must have " + std::to_string(wanted) + " dimension" + (wanted > 1 ? "s" : "") + ", not " +
                     std::to_string(has));
}

template <class Item>
Matrix<Item> matrix_from(nb::handle given, const std::string& name, const char* type, const std::string& kinds,
                         const char* wanted) {
  // NumPy's ascontiguousarray() turns a number into a one-dimensional array; its shape leads to the error.
  const nb::object array = array_from(given, name, type, kinds, wanted);
  const auto held = nb::cast<nb::ndarray<const Item, nb::c_contig, nb::device::cpu>>(array);
  require_dimensions(name, held.ndim(), 2);
  return {held.shape(0), held.shape(1), std::vector<Item>(held.data(), held.data() + held.size())};
}

std::vector<std::vector<double>> rows(nb::handle given, const std::string& name) {
  if (given.is_none()) return {};
  const Matrix<double> matrix = real_matrix(given, name);
  std::vector<std::vector<double>> all(matrix.rows);
  for (std::size_t i = 0; i < matrix.rows; ++i) {
    const auto first = matrix.values.begin() + static_cast<std::ptrdiff_t>(i * matrix.columns);
    all[i].assign(first, first + static_cast<std::ptrdiff_t>(matrix.columns));
  }
  return all;
}

NamedMatrices named_matrices(nb::handle given, const std::string& name) {
  if (given.is_none()) return {};
  if (!nb::isinstance<nb::dict>(given)) wrong_type(name, "a dict of matrices by name", given);
  NamedMatrices all;
  for (const auto& [key, value] : nb::cast<nb::dict>(given)) {
    const std::string word = text_of(key);
    Matrix<std::complex<double>> matrix = complex_matrix(value, name + "[\"" + word + "\"]");
    if (matrix.rows != matrix.columns)
      throw ShapeError(name + "[\"" + word + "\"] has shape (" + std::to_string(matrix.rows) + ", " +
                       std::to_string(matrix.columns) + "); it must be square");
    all.push_back({word, matrix.rows, std::move(matrix.values)});
  }
  return all;
}

}  // namespace

nb::object to_python(const Value& value) {
  return std::visit(
      [](const auto& held) -> nb::object {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, std::vector<double>> || std::is_same_v<Held, std::vector<std::int64_t>>) {
          return owned(Held(held), {held.size()});
        } else if constexpr (std::is_same_v<Held, std::vector<std::string>>) {
          nb::list all;
          for (const std::string& one : held) all.append(nb::cast(one));
          return all;
        } else if constexpr (std::is_same_v<Held, Channels>) {
          return nb::tuple();
        } else if constexpr (std::is_same_v<Held, NamedMatrices>) {
          nb::dict all;
          for (const NamedMatrix& one : held)
            all[one.name.c_str()] = owned(std::vector(one.elements), {one.order, one.order});
          return all;
        } else if constexpr (std::is_same_v<Held, std::vector<std::vector<double>>>) {
          if (held.empty()) return nb::none();
          std::vector<double> all;
          for (const auto& row : held) all.insert(all.end(), row.begin(), row.end());
          return owned(std::move(all), {held.size(), held.front().size()});
        } else {
          return nb::cast(held);
        }
      },
      value);
}

Value from_python(nb::handle given, const Parameter& parameter, const std::string& name) {
  switch (parameter.type) {
    case Type::boolean:
      if (!nb::isinstance<nb::bool_>(given)) wrong_type(name, "True or False", given);
      return nb::cast<bool>(given);
    case Type::integer:
      return integer_number(given, name);
    case Type::real:
      return real_number(given, name);
    case Type::complex:
      return complex_number(given, name);
    case Type::text:
      if (parameter.file_path) return path(given, name);
      return word(given, parameter.choices, name);
    case Type::real_list:
    case Type::real_grid:
      if (nb::isinstance<nb::str>(given)) {
        word(given, parameter.choices, name);
        if (parameter.choices.empty()) wrong_type(name, "a list of numbers", given);
        return std::vector<double>();
      }
      return reals(given, name, parameter.scalar);
    case Type::integer_list:
      if (nb::isinstance<nb::str>(given)) {
        word(given, parameter.choices, name);
        return std::vector<std::int64_t>();
      }
      if (parameter.scalar && is_number(given)) return std::vector{integer_number(given, name)};
      return integers(given, name);
    case Type::text_list:
      return words(given, parameter, name);
    case Type::real_rows:
      return rows(given, name);
    case Type::named_matrices:
      return named_matrices(given, name);
    case Type::terms:
    case Type::operator_channels:
      break;
  }
  throw Error(name + " cannot be given as a value");
}

std::vector<double> reals(nb::handle given, const std::string& name, bool scalar) {
  using Plain = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
  if (Plain array; nb::try_cast(given, array, false)) return {array.data(), array.data() + array.size()};
  if (nb::isinstance<nb::str>(given) || given.is_none()) wrong_type(name, "a list of real numbers", given);
  const nb::object array = array_from(given, name, "float64", "iuf", "real numbers");
  const bool number = is_number(given) || (nb::hasattr(given, "ndim") && nb::cast<int>(given.attr("ndim")) == 0);
  if (number && !scalar) wrong_type(name, "a list of real numbers", given);
  const auto held = nb::cast<nb::ndarray<const double, nb::c_contig, nb::device::cpu>>(array);
  require_dimensions(name, held.ndim(), 1);
  return {held.data(), held.data() + held.size()};
}

std::vector<std::int64_t> integers(nb::handle given, const std::string& name) {
  if (nb::isinstance<nb::str>(given) || given.is_none()) wrong_type(name, "a list of integers", given);
  const nb::object array = array_from(given, name, "int64", "i", "integers");
  const auto held = nb::cast<nb::ndarray<const std::int64_t, nb::c_contig, nb::device::cpu>>(array);
  if (is_number(given)) wrong_type(name, "a list of integers", given);
  require_dimensions(name, held.ndim(), 1);
  return {held.data(), held.data() + held.size()};
}

Matrix<double> real_matrix(nb::handle given, const std::string& name) {
  return matrix_from<double>(given, name, "float64", "iuf", "real numbers");
}

Matrix<std::complex<double>> complex_matrix(nb::handle given, const std::string& name) {
  return matrix_from<std::complex<double>>(given, name, "complex128", "iufc", "complex numbers");
}

namespace {

bool is_list(nb::handle one) { return !nb::isinstance<nb::str>(one) && PySequence_Check(one.ptr()) != 0; }

/// One term: integers, and an amplitude given as one complex number, or as two real ones if there is room for them.
Term term_from(nb::handle given, bool two, const std::string& name) {
  Term term;
  const std::size_t size = nb::len(given), indices = size - (two ? 2 : 1);
  for (std::size_t i = 0; i < indices; ++i) {
    term.indices.push_back(integer_number(given[i], name));
    constexpr std::int64_t largest = std::int64_t{1} << 40;
    if (term.indices.back() > largest || term.indices.back() < -largest)
      throw ParameterError(name, std::to_string(term.indices.back()) + " is not allowed: is too large");
  }
  term.amplitude = two ? std::complex(real_number(given[size - 2], name), real_number(given[size - 1], name))
                       : complex_number(given[size - 1], name);
  check_finite(name, term.amplitude);
  return term;
}

/// An orbital is stored in 32 bits; the lattice knows which ones exist.
void check_orbital(std::int64_t orbital, const std::string& name) {
  if (orbital < 0 || orbital > 255)
    throw ParameterError(name, "orbital " + std::to_string(orbital) + " is not allowed: must be >= 0 and <= 255");
}

std::size_t directions_of(const LatticeVector& displacement) {
  std::size_t used = displacement.size();
  while (used > 1 && displacement[used - 1] == 0) --used;
  return used;
}

}  // namespace

std::vector<std::vector<JumpTerm>> channels_from(nb::handle given, const std::string& name) {
  if (!is_list(given)) wrong_type(name, "a list of channels, each a list of terms", given);
  std::vector<std::vector<JumpTerm>> channels;
  for (const nb::handle channel : nb::iter(given)) {
    const std::string here = name + "[" + std::to_string(channels.size()) + "]";
    if (!is_list(channel)) wrong_type(here, "a list of terms", channel);
    auto& terms = channels.emplace_back();
    for (const nb::handle term : nb::iter(channel)) {
      const std::string place = here + "[" + std::to_string(terms.size()) + "]";
      if (!is_list(term)) wrong_type(place, "a term (a, b, amplitude) or (R.., a, R'.., b, amplitude)", term);
      const std::size_t size = nb::len(term);
      if (size < 3 || size > 10)
        throw ShapeError(place + " must be a term (a, b, amplitude) or (R.., a, R'.., b, amplitude), with one to " +
                         "three numbers R, and an amplitude of one complex or two real numbers");
      const Term made = term_from(term, size % 2 == 0, place);
      if (const std::size_t indices = made.indices.size(); indices > 2) {
        check_orbital(made.indices[indices / 2 - 1], place);
        check_orbital(made.indices[indices - 1], place);
      }
      assign(terms.emplace_back(), made);
    }
  }
  return channels;
}

nb::object channels_to_python(const std::vector<std::vector<JumpTerm>>& channels, std::size_t directions) {
  bool orbitals = directions > 0;
  std::size_t needed = std::max<std::size_t>(directions, 1);
  for (const auto& channel : channels)
    for (const JumpTerm& term : channel) {
      needed = std::max({needed, directions_of(term.to), directions_of(term.from)});
      orbitals = orbitals || term.to_orbital != 0 || term.from_orbital != 0 || needed > 1;
    }
  nb::list all;
  for (const auto& channel : channels) {
    nb::list terms;
    for (const JumpTerm& term : channel) {
      nb::list one;
      const auto half = [&](const LatticeVector& displacement, int orbital) {
        for (std::size_t i = 0; i < needed; ++i) one.append(displacement[i]);
        if (orbitals) one.append(orbital);
      };
      half(term.to, term.to_orbital);
      half(term.from, term.from_orbital);
      one.append(nb::cast(term.amplitude));
      terms.append(nb::tuple(one));
    }
    all.append(nb::tuple(terms));
  }
  return nb::tuple(all);
}

std::vector<HoppingTerm> hopping_terms_from(nb::handle given, std::size_t directions, const std::string& name) {
  if (!is_list(given)) wrong_type(name, "a list of terms", given);
  std::vector<HoppingTerm> terms;
  for (const nb::handle term : nb::iter(given)) {
    const std::string place = name + "[" + std::to_string(terms.size()) + "]";
    if (!is_list(term)) wrong_type(place, "a term (R.., a, b, amplitude)", term);
    const std::size_t size = nb::len(term);
    if (size != directions + 3 && size != directions + 4)
      throw ShapeError(place + " must be a term (R.., a, b, amplitude) with " + std::to_string(directions) +
                       (directions == 1 ? " number" : " numbers") +
                       " R, one for each of model.cells, and an amplitude of one complex or two real numbers");
    const Term made = term_from(term, size == directions + 4, place);
    check_orbital(made.indices[directions], place);
    check_orbital(made.indices[directions + 1], place);
    assign(terms.emplace_back(), made);
  }
  return terms;
}

nb::object hopping_terms_to_python(const std::vector<HoppingTerm>& terms, std::size_t directions) {
  nb::list all;
  for (const HoppingTerm& term : terms) {
    nb::list one;
    for (std::size_t i = 0; i < directions; ++i) one.append(term.displacement[i]);
    one.append(term.to_orbital);
    one.append(term.from_orbital);
    one.append(nb::cast(term.amplitude));
    all.append(nb::tuple(one));
  }
  return nb::tuple(all);
}

std::vector<LatticeTerm> lattice_terms_from(nb::handle given, const std::string& name) {
  if (!is_list(given)) wrong_type(name, "a list of terms", given);
  std::vector<LatticeTerm> terms;
  for (const nb::handle term : nb::iter(given)) {
    const std::string place = name + "[" + std::to_string(terms.size()) + "]";
    if (!is_list(term)) wrong_type(place, "a term (R.., amplitude)", term);
    if (const std::size_t size = nb::len(term); size < 2 || size > 4)
      throw ShapeError(place + " must be a term (R.., amplitude) with one to three numbers R and a complex amplitude");
    assign(terms.emplace_back(), term_from(term, false, place));
  }
  return terms;
}

nb::object lattice_terms_to_python(const std::vector<LatticeTerm>& terms) {
  nb::list all;
  for (const LatticeTerm& term : terms) {
    nb::list one;
    const std::size_t directions =
        term.directions > 0 ? static_cast<std::size_t>(term.directions) : directions_of(term.displacement);
    for (std::size_t i = 0; i < directions; ++i) one.append(term.displacement[i]);
    one.append(nb::cast(term.amplitude));
    all.append(nb::tuple(one));
  }
  return nb::tuple(all);
}

namespace {

/// Operators of a bath: pairs of their kind, and terms that terms_from(given, place) reads.
template <class Operator, class TermsFrom>
std::vector<Operator> operators_from(nb::handle given, const std::string& name, const TermsFrom& terms_from) {
  if (!is_list(given)) wrong_type(name, "a list of operators (\"loss\" or \"gain\", terms)", given);
  std::vector<Operator> operators;
  for (const nb::handle one : nb::iter(given)) {
    const std::string place = name + "[" + std::to_string(operators.size()) + "]";
    if (!is_list(one)) wrong_type(place, "an operator (\"loss\" or \"gain\", terms)", one);
    if (nb::len(one) != 2) throw ShapeError(place + " must be an operator (\"loss\" or \"gain\", terms)");
    Operator& made = operators.emplace_back();
    std::vector<std::string> kinds;
    for (const auto& [kind, text] : names_of<BathOperatorKind>) kinds.emplace_back(text);
    const std::string kind = word(one[0], kinds, place);
    for (const auto& [enumerator, text] : names_of<BathOperatorKind>)
      if (kind == text) made.kind = enumerator;
    made.terms = terms_from(one[1], place);
  }
  return operators;
}

std::vector<OrbitalTerm> orbital_terms_from(nb::handle given, const std::string& name) {
  if (!is_list(given)) wrong_type(name, "a list of terms", given);
  std::vector<OrbitalTerm> terms;
  for (const nb::handle term : nb::iter(given)) {
    const std::string place = name + "[" + std::to_string(terms.size()) + "]";
    if (!is_list(term)) wrong_type(place, "a term (R.., a, amplitude)", term);
    if (const std::size_t size = nb::len(term); size < 3 || size > 5)
      throw ShapeError(place + " must be a term (R.., a, amplitude) with one to three numbers R");
    assign(terms.emplace_back(), term_from(term, false, place));
  }
  return terms;
}

}  // namespace

std::vector<BathOperator> bath_operators_from(nb::handle given, const std::string& name) {
  return operators_from<BathOperator>(given, name, lattice_terms_from);
}

std::vector<OrbitalBathOperator> orbital_operators_from(nb::handle given, const std::string& name) {
  return operators_from<OrbitalBathOperator>(given, name, orbital_terms_from);
}

nb::object orbital_operators_to_python(const std::vector<OrbitalBathOperator>& operators) {
  nb::list all;
  for (const OrbitalBathOperator& one : operators) {
    nb::list terms;
    for (const OrbitalTerm& term : one.terms) {
      nb::list numbers;
      for (int i = 0; i < term.directions; ++i) numbers.append(term.displacement[static_cast<std::size_t>(i)]);
      numbers.append(term.orbital);
      numbers.append(nb::cast(term.amplitude));
      terms.append(nb::tuple(numbers));
    }
    all.append(nb::make_tuple(std::string(lindrift::name(one.kind)), nb::tuple(terms)));
  }
  return nb::tuple(all);
}

nb::object bath_operators_to_python(const std::vector<BathOperator>& operators) {
  nb::list all;
  for (const BathOperator& one : operators)
    all.append(nb::make_tuple(std::string(lindrift::name(one.kind)), lattice_terms_to_python(one.terms)));
  return nb::tuple(all);
}

std::string taken_type(const Parameter& parameter) {
  const std::string none = parameter.derived.empty() || parameter.type == Type::real_list ? "" : " | None";
  switch (parameter.type) {
    case Type::boolean:
      return "bool" + none;
    case Type::integer:
      return "int" + none;
    case Type::real:
      return "float" + none;
    case Type::complex:
      return "complex" + none;
    case Type::text:
      return (parameter.file_path ? "str | os.PathLike[str]" : "str") + none;
    case Type::real_list:
    case Type::real_grid:
      return "numpy.typing.ArrayLike";
    case Type::integer_list:
      return (parameter.scalar ? "int | " : "") + std::string("numpy.typing.ArrayLike");
    case Type::text_list:
      return "str | collections.abc.Sequence[str]";
    case Type::real_rows:
      return "numpy.typing.ArrayLike | None";
    case Type::named_matrices:
      return "collections.abc.Mapping[str, numpy.typing.ArrayLike]";
    case Type::terms:
    case Type::operator_channels:
      break;
  }
  return "collections.abc.Sequence[typing.Any]";
}

std::string held_type(const Parameter& parameter) {
  const std::string reals = array_of_reals;
  if (parameter.type == Type::real_list) return parameter.scalar ? "float | " + reals : reals;
  if (parameter.type == Type::integer_list)
    return (parameter.scalar ? "int | " : "") + std::string("numpy.typing.NDArray[numpy.int64]");
  if (parameter.type == Type::operator_channels || parameter.type == Type::terms) return "tuple[typing.Any, ...]";
  if (parameter.type == Type::real_rows) return reals + " | None";
  if (parameter.type == Type::named_matrices) return "dict[str, numpy.typing.NDArray[numpy.complex128]]";
  return taken_type(parameter);
}

std::string documentation(const Parameter& parameter) {
  std::string text = parameter.help;
  if (!parameter.units.empty() && text.find(parameter.units) == std::string::npos)
    text += ", in units of " + parameter.units;
  if (const std::string range = parameter.range.text(); !range.empty()) text += "; " + range;
  if (!parameter.choices.empty()) text += ": " + listed(parameter.choices);
  if (!parameter.derived.empty()) text += "; unless given, " + parameter.derived;
  if (!parameter.details.empty()) text += ". " + parameter.details;
  return text + ".";
}

bool same(nb::handle left, nb::handle right) {
  const auto is_array = [](nb::handle one) { return nb::hasattr(one, "__array__"); };
  if (is_array(left) || is_array(right))
    return nb::cast<bool>(nb::module_::import_("numpy").attr("array_equal")(left, right));
  if (nb::isinstance<nb::dict>(left) && nb::isinstance<nb::dict>(right)) {
    const auto one = nb::cast<nb::dict>(left), other = nb::cast<nb::dict>(right);
    if (one.size() != other.size()) return false;
    for (const auto& [key, value] : one)
      if (!other.contains(key) || !same(value, other[key])) return false;
    return true;
  }
  return left.equal(right);
}

const char* for_ever(std::string text) {
  static std::deque<std::string> kept;
  return kept.emplace_back(std::move(text)).c_str();
}

}  // namespace lindrift::python
