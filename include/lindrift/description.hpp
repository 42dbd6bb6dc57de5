#pragma once

#include <array>
#include <complex>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

/// One description for every public parameter struct, next to the struct:
///
///   template <>
///   inline auto description<TggeBath>() {
///     return std::tuple(field(&TggeBath::coupling, {.path = "bath.coupling", .help = "...", .range = from_zero}),
///     ...);
///   }
///
/// The input file, the range checks, the lists of keys that the program prints and the manual all follow from it. A
/// default is the member initialiser of the struct and is stated nowhere else.

namespace lindrift {

/// Allowed interval of a number, or of every entry of a list. NaN and infinity are never allowed.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool open_low = false;   ///< low itself is not allowed
  bool open_high = false;  ///< high itself is not allowed
  bool nonzero = false;    ///< 0 is not allowed

  bool contains(double value) const;
  std::string text() const;  ///< ">= 0", "> 0 and <= 1"; empty if any finite number is allowed
};

inline constexpr Range above_zero{.low = 0.0, .open_low = true};
inline constexpr Range from_zero{.low = 0.0};
inline constexpr Range zero_to_one{.low = 0.0, .high = 1.0};

/// One term of a jump operator: an amplitude, and integers that identify the operators it multiplies.
struct Term {
  std::vector<std::int64_t> indices;
  std::complex<double> amplitude;
  bool operator==(const Term&) const = default;
};
using Channels = std::vector<std::vector<Term>>;

/// A named square matrix.
struct NamedMatrix {
  std::string name;
  std::size_t order = 0;
  std::vector<std::complex<double>> elements;  ///< (order, order), C order
  bool operator==(const NamedMatrix&) const = default;
};
using NamedMatrices = std::vector<NamedMatrix>;

/// What a parameter can hold.
using Value = std::variant<bool, std::int64_t, double, std::complex<double>, std::string, std::vector<double>,
                           std::vector<std::int64_t>, std::vector<std::string>, Channels,
                           std::vector<std::vector<double>>, NamedMatrices>;

/// How a parameter is written in an input file.
enum class Type {
  boolean,           ///< true or false
  integer,           ///< 12; also 12.0
  real,              ///< 1.5, or an integer
  complex,           ///< [re, im], or a real number
  text,              ///< "raman"; `choices` lists the words, empty allows any
  real_list,         ///< [0.0, 1.5]; a word of `choices` means an empty list; a number means a list of one if `scalar`
                     ///< is set
  real_grid,         ///< a list, or { start = a, stop = b, count = n } with both ends included
  integer_list,      ///< [-2, 0, 5], no duplicates; "all" (an empty list) if `choices` is {"all"}; rows of integers if
                     ///< `rows` is set; a number means a list of one if `scalar` is set
  text_list,         ///< "all" (an empty list), or ["current", "occupation"], no duplicates; a word if `scalar` is set
  real_rows,         ///< [[0.0, 0.0], [0.5, 0.5]], rows of equal length
  named_matrices,    ///< a table of square matrices, { x = [[0, 1], [1, 0]], ... }; elements are numbers or [re, im]
  terms,             ///< [[R_1, .., R_d, a, b, Re, Im], ...], d = 1, 2, 3, as one channel; see Parameter::term_length
  operator_channels  ///< an array of tables, one per channel: terms = [[a, b, Re, Im], ...]; see Parameter::term_length
};

/// A parameter applies only if another one, described before it, has one of these values.
struct Condition {
  std::string path;
  std::vector<std::string> values;
};

/// Everything about one parameter that its member does not already say: type, default and the words of an enum follow
/// from the struct.
struct Parameter {
  std::string path{};  ///< the key in the input file, and its name in messages: "bath.coupling"
  Type type = Type::real;
  std::string help{};                    ///< one line: meaning and unit
  std::optional<Value> default_value{};  ///< none: required, or optional if `optional` is set
  bool optional = false;                 ///< may be absent without a default
  std::string derived{};                 ///< what replaces it if absent: "1 - bath.nonequilibrium_fraction"
  Range range{};
  std::vector<std::string> choices{};
  std::vector<Condition> when{};  ///< all must hold
  bool ascending = false;         ///< lists and grids: strictly ascending
  /// May appear in [sweep]: single numbers, lists that may be a plain number, and lists of integers with `resizes`.
  bool sweepable = false;
  bool resizes = false;        ///< the shape of arrays over sites and momenta changes with its value
  bool differentiable = true;  ///< real and complex numbers, and amplitudes of terms: the tGGE differentiates by it
  std::string units{};         ///< empty: dimensionless
  std::vector<std::string> unless{};  ///< not allowed, and without its default, if one of these is given
  /// operator_channels: 4 for [a, b, Re, Im], 6 for [a, spin, b, spin, Re, Im]; a and b are offsets in sites, a spin is
  /// 0 (up) or 1 (down). 0 for [R_1, .., R_d, a, R'_1, .., R'_d, b, Re, Im] with orbitals a and b, d = 1, 2, 3. Of
  /// terms, too: 1 for [R_1, .., R_d, Re, Im]; 2 and 3 where one or two orbitals may stand behind the displacement.
  std::size_t term_length = 4;
  /// operator_channels: words for the key `kind` of a channel; the number of its kind precedes the indices of each
  /// term.
  std::vector<std::string> kinds{};
  bool repeats = false;    ///< integer_list: a number may appear more than once
  bool rows = false;       ///< integer_list: rows of integers are allowed, in any order
  bool scalar = false;     ///< real_list: a plain number is allowed, and a sweep sets numbers. integer_list,
                           ///< text_list: a plain number, a word is allowed
  bool file_path = false;  ///< text: "FILE.h5:/dataset", relative to the folder of the input file; read as absolute
  std::string makes{};     ///< named_matrices: prefix of the dataset that each name gives
  std::string details{};   ///< further text for the manual
};

/// Fields of a parameter struct: a tuple of field(), part() and one_of(); empty for a struct without parameters.
template <class Struct>
auto description();

// --- names of enumerators ---

/// Enumerators and their names, {Spectrum::ohmic, "ohmic"}, as an array of pairs.
template <class Enum>
inline constexpr std::nullptr_t names_of = nullptr;

template <class Enum>
concept NamedEnum = std::is_enum_v<Enum> && requires {
  names_of<Enum>.size();
};

template <NamedEnum Enum>
constexpr std::string_view name(Enum value) {
  for (const auto& [enumerator, text] : names_of<Enum>)
    if (enumerator == value) return text;
  return "";
}

// --- components of a description ---

/// A member of a struct and its parameter.
template <class Struct, class Member>
struct Field {
  Member Struct::*member;
  Parameter parameter;
};

/// A member that is a struct with a description of its own.
template <class Struct, class Member>
struct Part {
  Member Struct::*member;
  std::string section;  ///< prefix of the paths of its fields, if the struct occurs in several places
};

/// A value that an input file takes from a dataset in another file.
struct Dataset {
  Parameter parameter;
};

/// One alternative of a variant, and the parameters that apply to it.
template <class Held, class Items>
struct Alternative {
  using type = Held;
  std::string name;
  Items items;
};

/// A variant: the parameter that selects the alternative, and the parameters of each alternative.
template <class Struct, class Variant, class Alternatives>
struct OneOf {
  Variant Struct::*member;
  Parameter parameter;
  Alternatives alternatives;  ///< in the order of the variant, the default first
};

template <class Struct, class Member>
Field<Struct, Member> field(Member Struct::*member, Parameter parameter) {
  return {member, std::move(parameter)};
}

template <class Struct, class Member>
Part<Struct, Member> part(Member Struct::*member, std::string section = "") {
  return {member, std::move(section)};
}

template <class Held>
auto alternative(std::string name) {
  return Alternative<Held, decltype(description<Held>())>{std::move(name), description<Held>()};
}

template <class Held, class Item>
auto alternative(std::string name, Item item) {
  return Alternative<Held, std::tuple<Item>>{std::move(name), std::tuple(std::move(item))};
}

template <class Struct, class Variant, class... Alternatives>
auto one_of(Variant Struct::*member, Parameter parameter, Alternatives... alternatives) {
  static_assert(std::is_same_v<Variant, std::variant<typename Alternatives::type...>>);
  return OneOf<Struct, Variant, std::tuple<Alternatives...>>{
      member, std::move(parameter), {std::move(alternatives)...}};
}

// --- members and values ---

template <class Member>
inline constexpr bool is_optional = false;
template <class Member>
inline constexpr bool is_optional<std::optional<Member>> = true;

/// The value of a member; none for an empty optional.
template <class Member>
std::optional<Value> value_of(const Member& member) {
  if constexpr (is_optional<Member>)
    return member ? value_of(*member) : std::nullopt;
  else if constexpr (NamedEnum<Member>)
    return Value(std::string(name(member)));
  else if constexpr (std::is_integral_v<Member> && !std::is_same_v<Member, bool>)
    return Value(static_cast<std::int64_t>(member));
  else if constexpr (std::is_constructible_v<Value, const Member&>)
    return Value(member);
  else
    return Value(Channels());  // terms of operators have no default
}

/// A list of the terms of a Hamiltonian.
template <class Member>
concept TermList = requires(const Member& member) {
  member.front().amplitude;
};

/// The integers of a list, or of its rows, one row after another.
std::vector<std::int64_t> integers_in(const Value& value);

template <class Member>
void assign(Member& member, const Value& value) {
  if constexpr (is_optional<Member>) {
    assign(member.emplace(), value);
  } else if constexpr (NamedEnum<Member>) {
    for (const auto& [enumerator, text] : names_of<Member>)
      if (text == std::get<std::string>(value)) member = enumerator;
  } else if constexpr (std::is_integral_v<Member> && !std::is_same_v<Member, bool>) {
    member = static_cast<Member>(std::get<std::int64_t>(value));
  } else if constexpr (std::is_constructible_v<Value, const Member&>) {
    const auto* number = std::get_if<double>(&value);
    if constexpr (std::is_same_v<Member, std::vector<double>>)
      member = number != nullptr ? Member{*number} : std::get<Member>(value);  // a list swept as a number
    else if constexpr (std::is_same_v<Member, std::vector<std::int64_t>>)
      member = integers_in(value);
    else
      member = std::get<Member>(value);
  } else if constexpr (TermList<Member>) {
    member.clear();
    for (const std::vector<Term>& terms : std::get<Channels>(value))
      for (const Term& term : terms) assign(member.emplace_back(), term);
  } else {
    member.clear();
    for (const std::vector<Term>& terms : std::get<Channels>(value)) {
      auto& channel = member.emplace_back();
      if constexpr (requires { assign(channel, terms); })
        assign(channel, terms);  // a channel that has more than its terms
      else
        for (const Term& term : terms) assign(channel.emplace_back(), term);
    }
  }
}

// --- visiting a struct ---

inline std::string path_in(const std::string& section, const std::string& path) {
  return section.empty() ? path : section + "." + path;
}

template <class Items, class Object, class Visitor>
void visit_items(const Items& items, Object& object, const Visitor& visitor, const std::string& section);

/// Calls visitor.field(path, parameter, member), visitor.choice(choice, variant) or visitor.dataset(parameter, object)
/// for every item of the object's description in order, including the items of its parts.
template <class Object, class Visitor>
void visit_fields(Object& object, const Visitor& visitor, const std::string& section = "") {
  static const auto items = description<std::remove_const_t<Object>>();
  visit_items(items, object, visitor, section);
}

template <class Struct, class Member, class Object, class Visitor>
void visit_item(const Field<Struct, Member>& item, Object& object, const Visitor& visitor, const std::string& section) {
  visitor.field(path_in(section, item.parameter.path), item.parameter, object.*item.member);
}
template <class Struct, class Member, class Object, class Visitor>
void visit_item(const Part<Struct, Member>& item, Object& object, const Visitor& visitor, const std::string&) {
  visit_fields(object.*item.member, visitor, item.section);
}
template <class Struct, class Variant, class Alternatives, class Object, class Visitor>
void visit_item(const OneOf<Struct, Variant, Alternatives>& item, Object& object, const Visitor& visitor,
                const std::string&) {
  visitor.choice(item, object.*item.member);
}
template <class Object, class Visitor>
void visit_item(const Dataset& item, Object& object, const Visitor& visitor, const std::string&) {
  visitor.dataset(item.parameter, object);
}

template <class Items, class Object, class Visitor>
void visit_items(const Items& items, Object& object, const Visitor& visitor, const std::string& section) {
  std::apply([&](const auto&... item) { (visit_item(item, object, visitor, section), ...); }, items);
}

/// Calls use(alternative) for the alternative with this index.
template <class Alternatives, class Use>
void with_alternative(const Alternatives& alternatives, std::size_t index, const Use& use) {
  std::size_t i = 0;
  std::apply([&](const auto&... one) { ((i++ == index ? use(one) : void()), ...); }, alternatives);
}

// --- checks ---

/// @throws ParameterError naming the path, the value and what is allowed
void check_number(const std::string& path, const Parameter& parameter, double value);
void check_list(const std::string& path, const Parameter& parameter, std::span<const double> values);
void check_finite(const std::string& path, std::complex<double> value);

/// Checks the range of every member; throws ParameterError.
struct Validator {
  template <class Member>
  void field(const std::string& path, const Parameter& parameter, const Member& member) const {
    if constexpr (is_optional<Member>) {
      if (member) field(path, parameter, *member);
    } else if constexpr (std::is_arithmetic_v<Member>) {
      check_number(path, parameter, static_cast<double>(member));
    } else if constexpr (std::is_same_v<Member, std::complex<double>>) {
      check_finite(path, member);
    } else if constexpr (std::is_same_v<Member, std::vector<double>>) {
      check_list(path, parameter, member);
    }
  }
  template <class Item, class Variant>
  void choice(const Item& item, const Variant& variant) const {
    with_alternative(item.alternatives, variant.index(), [&](const auto& one) {
      using Held = typename std::decay_t<decltype(one)>::type;
      visit_items(one.items, std::get<Held>(variant), *this, "");
    });
  }
  template <class Object>
  void dataset(const Parameter&, const Object&) const {}
};

/// Checks every field against its range.
/// @throws ParameterError for the first value out of range: its path, the value and what is allowed
template <class Struct>
void validate_fields(const Struct& object, const std::string& section = "") {
  visit_fields(object, Validator(), section);
}

// --- parameters as a list ---

/// Collects the parameters of a struct together with the conditions under which they apply.
struct ParameterCollector {
  std::vector<Parameter>& parameters;
  std::vector<Condition> when{};

  template <class Member>
  void field(const std::string& path, const Parameter& described, const Member& member) const {
    Parameter parameter = described;
    parameter.path = path;
    set_type<Member>(parameter);
    parameter.default_value = value_of(member);
    if (parameter.default_value && is_empty(*parameter.default_value) && parameter.choices.empty())
      parameter.default_value.reset();
    add(std::move(parameter));
  }
  template <class Item, class Variant>
  void choice(const Item& item, const Variant& variant) const {
    Parameter parameter = item.parameter;
    parameter.type = Type::text;
    std::apply([&](const auto&... one) { (parameter.choices.push_back(one.name), ...); }, item.alternatives);
    parameter.default_value = parameter.choices[variant.index()];
    add(std::move(parameter));
    std::apply([&](const auto&... one) { (of_alternative(one, item.parameter.path), ...); }, item.alternatives);
  }
  template <class Object>
  void dataset(const Parameter& described, const Object&) const {
    Parameter parameter = described;
    parameter.type = Type::text;
    parameter.file_path = true;
    add(std::move(parameter));
  }

 private:
  static bool is_empty(const Value& value);
  void add(Parameter parameter) const;

  template <class Member>
  static void set_type(Parameter& parameter) {
    if constexpr (is_optional<Member>) {
      set_type<typename Member::value_type>(parameter);
    } else if constexpr (NamedEnum<Member>) {
      parameter.type = Type::text;
      for (const auto& one : names_of<Member>) parameter.choices.emplace_back(one.second);
    } else if constexpr (std::is_same_v<Member, bool>) {
      parameter.type = Type::boolean;
    } else if constexpr (std::is_integral_v<Member>) {
      parameter.type = Type::integer;
    } else if constexpr (std::is_same_v<Member, double>) {
      parameter.type = Type::real;
    } else if constexpr (std::is_same_v<Member, std::complex<double>>) {
      parameter.type = Type::complex;
    } else if constexpr (std::is_same_v<Member, std::string>) {
      parameter.type = Type::text;
    } else if constexpr (std::is_same_v<Member, std::vector<double>>) {
      if (parameter.type != Type::real_grid) parameter.type = Type::real_list;
    } else if constexpr (std::is_same_v<Member, std::vector<std::int64_t>>) {
      parameter.type = Type::integer_list;
    } else if constexpr (std::is_same_v<Member, std::vector<std::string>>) {
      parameter.type = Type::text_list;
    } else if constexpr (std::is_same_v<Member, std::vector<std::vector<double>>>) {
      parameter.type = Type::real_rows;
    } else if constexpr (std::is_same_v<Member, NamedMatrices>) {
      parameter.type = Type::named_matrices;
    } else if constexpr (TermList<Member>) {
      parameter.type = Type::terms;
    } else {
      parameter.type = Type::operator_channels;
    }
  }

  template <class One>
  void of_alternative(const One& one, const std::string& path) const {
    ParameterCollector inner{parameters, when};
    inner.when.push_back({path, {one.name}});
    if constexpr (std::is_default_constructible_v<typename One::type>) {
      const typename One::type object{};
      visit_items(one.items, object, inner, "");
    } else {
      visit_items(one.items, one, inner, "");  // datasets only: there is no member to visit
    }
  }
};

/// Every parameter of a struct, in the order of its description, with the defaults of the struct.
template <class Struct>
std::vector<Parameter> parameters_of() {
  std::vector<Parameter> parameters;
  const Struct object{};
  visit_fields(object, ParameterCollector{parameters});
  return parameters;
}

}  // namespace lindrift
