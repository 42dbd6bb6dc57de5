#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "convert.hpp"
#include "lindrift/lindrift.hpp"

/// Parameter structs as Python classes, made from their descriptions: constructor, attributes, replace(), repr, ==,
/// pickling. Objects are immutable, so that threads can share them.

namespace lindrift::python {

/// One attribute of a class.
template <class Struct>
struct Attribute {
  std::string name;
  std::string path;         ///< key of a parameter; empty for a member with parameters of its own
  std::string taken, held;  ///< type names in signatures
  std::string help;
  std::function<nb::object(const Struct&, nb::handle self)> get;
  std::function<void(Struct&, nb::handle)> set;
};

inline std::string leaf(const std::string& path) { return path.substr(path.rfind('.') + 1); }

template <class Held>
std::string class_name() {
  return nb::cast<std::string>(nb::type<Held>().attr("__name__"));
}

template <class Member>
nb::object member_to_python(const Member& member, const Parameter& parameter, nb::handle self) {
  if constexpr (std::is_same_v<Member, std::vector<std::vector<JumpTerm>>>) {
    return channels_to_python(member);
  } else if constexpr (std::is_same_v<Member, std::vector<LatticeTerm>>) {
    return lattice_terms_to_python(member);
  } else if constexpr (std::is_same_v<Member, std::vector<BathOperator>>) {
    return bath_operators_to_python(member);
  } else if constexpr (std::is_same_v<Member, std::vector<OrbitalBathOperator>>) {
    return orbital_operators_to_python(member);
  } else if constexpr (std::is_same_v<Member, std::vector<double>>) {
    if (parameter.scalar && member.size() == 1) return nb::float_(member.front());
    return view(member.data(), {member.size()}, self);
  } else if constexpr (std::is_same_v<Member, std::vector<std::int64_t>>) {
    if (parameter.scalar && member.size() == 1) return nb::int_(member.front());
    return to_python(Value(member));
  } else {
    const std::optional<Value> value = value_of(member);
    return value ? to_python(*value) : nb::none();
  }
}

template <class Member>
void member_from_python(Member& member, const Parameter& parameter, nb::handle given) {
  if constexpr (std::is_same_v<Member, std::vector<std::vector<JumpTerm>>>) {
    member = channels_from(given, parameter.path);
  } else if constexpr (std::is_same_v<Member, std::vector<LatticeTerm>>) {
    member = lattice_terms_from(given, parameter.path);
  } else if constexpr (std::is_same_v<Member, std::vector<BathOperator>>) {
    member = bath_operators_from(given, parameter.path);
  } else if constexpr (std::is_same_v<Member, std::vector<OrbitalBathOperator>>) {
    member = orbital_operators_from(given, parameter.path);
  } else if constexpr (is_optional<Member>) {
    if (given.is_none())
      member.reset();
    else
      assign(member, from_python(given, parameter, parameter.path));
  } else {
    assign(member, from_python(given, parameter, parameter.path));
  }
}

/// A parameter, with the type and the choices taken from its member.
template <class Member>
Parameter completed(const Parameter& described, const Member& member) {
  std::vector<Parameter> all;
  ParameterCollector{all}.field(described.path, described, member);
  return all.front();
}

/// Makes the attributes of a struct from the items of its description.
template <class Struct>
struct AttributeMaker {
  std::vector<Attribute<Struct>>& all;

  template <class Member>
  void operator()(const Field<Struct, Member>& item) const {
    const Parameter parameter = completed(item.parameter, Struct().*item.member);
    const auto member = item.member;
    Attribute<Struct> made{leaf(parameter.path),
                           parameter.path,
                           taken_type(parameter),
                           held_type(parameter),
                           documentation(parameter),
                           {},
                           {}};
    if constexpr (std::is_same_v<Member, std::vector<HoppingTerm>>) {
      made.get = [=](const Struct& object, nb::handle) {
        return hopping_terms_to_python(object.*member, object.cells.size());
      };
      made.set = [=](Struct& object, nb::handle given) {
        object.*member = hopping_terms_from(given, object.cells.size(), parameter.path);
      };
    } else {
      made.get = [=](const Struct& object, nb::handle self) {
        return member_to_python(object.*member, parameter, self);
      };
      made.set = [=](Struct& object, nb::handle given) { member_from_python(object.*member, parameter, given); };
    }
    all.push_back(std::move(made));
  }

  template <class Member>
  void operator()(const Part<Struct, Member>& item) const {
    const std::string first = parameters_of<Member>().front().path;
    const std::string name = item.section.empty() ? first.substr(0, first.find('.')) : leaf(item.section);
    const std::string type = class_name<Member>();
    const auto member = item.member;
    all.push_back({name, "", type, type, "",
                   [=](const Struct& object, nb::handle self) {
                     return nb::cast(object.*member, nb::rv_policy::reference_internal, self);
                   },
                   [=](Struct& object, nb::handle given) {
                     if (!nb::isinstance<Member>(given))
                       throw nb::type_error((name + " must be a " + type + ", not " +
                                             nb::cast<std::string>(given.type().attr("__name__")))
                                                .c_str());
                     object.*member = nb::cast<const Member&>(given);
                   }});
  }

  template <class Variant, class Alternatives>
  void operator()(const OneOf<Struct, Variant, Alternatives>& item) const {
    const std::string name = leaf(item.parameter.path);
    std::string types;
    std::apply(
        [&](const auto&... one) {
          ((types += (types.empty() ? "" : " | ") + class_name<typename std::decay_t<decltype(one)>::type>()), ...);
        },
        item.alternatives);
    const auto member = item.member;
    all.push_back({name, "", types, types, item.parameter.help + ".",
                   [=](const Struct& object, nb::handle self) {
                     return std::visit(
                         [&](const auto& held) { return nb::cast(held, nb::rv_policy::reference_internal, self); },
                         object.*member);
                   },
                   [=, alternatives = item.alternatives](Struct& object, nb::handle given) {
                     bool taken = false;
                     const auto take = [&](const auto& one) {
                       using Held = typename std::decay_t<decltype(one)>::type;
                       if (taken || !nb::isinstance<Held>(given)) return;
                       (object.*member).template emplace<Held>(nb::cast<const Held&>(given));
                       taken = true;
                     };
                     std::apply([&](const auto&... one) { (take(one), ...); }, alternatives);
                     if (!taken)
                       throw nb::type_error((name + " must be a " + types + ", not " +
                                             nb::cast<std::string>(given.type().attr("__name__")))
                                                .c_str());
                   }});
  }
};

/// Attributes in the order of the description. The classes of its parts must already be bound.
template <class Struct>
const std::vector<Attribute<Struct>>& attributes_of() {
  static const std::vector<Attribute<Struct>>* const all = [] {
    auto* made = new std::vector<Attribute<Struct>>();
    std::apply([&](const auto&... item) { (AttributeMaker<Struct>{*made}(item), ...); }, description<Struct>());
    return made;
  }();
  return *all;
}

/// Checks ranges, and what else the library checks. A part that occurs in several places is checked where its full key
/// is known; for a Hubbard chain only what all its tasks allow.
template <class Struct>
void check(const Struct& object) {
  if constexpr (std::is_same_v<Struct, OpenBath>)
    return;
  else if constexpr (std::is_same_v<Struct, HubbardChain>)
    validate_fields(object);
  else if constexpr (requires { validate(object); })
    validate(object);
  else
    validate_fields(object);
}

/// Rejects a parameter that has no meaning with the current values of the others, with the program's message.
/// @throws ParameterError
template <class Struct>
void check_meaning(const Struct& object, const std::string& path) {
  std::vector<Parameter> all;
  visit_fields(object, ParameterCollector{all});
  const auto find = [&](const std::string& wanted) {
    return std::find_if(all.begin(), all.end(), [&](const Parameter& one) { return one.path == wanted; });
  };
  const auto parameter = find(path);
  if (parameter == all.end()) return;
  for (const std::string& other : parameter->unless)
    if (const auto found = find(other); found != all.end() && found->default_value)
      throw ParameterError(path, "has no meaning where " + other + " is given");
  for (const Condition& condition : parameter->when) {
    const auto found = find(condition.path);
    const auto* word =
        found == all.end() || !found->default_value ? nullptr : std::get_if<std::string>(&*found->default_value);
    if (word == nullptr || std::find(condition.values.begin(), condition.values.end(), *word) != condition.values.end())
      continue;
    throw ParameterError(
        path, "has no meaning for " + condition.path + " = \"" + *word + "\", only for " + listed(condition.values));
  }
}

/// Sets attributes in the order of the description, because reading some depends on earlier ones.
template <class Struct>
void set_attributes(Struct& object, const nb::kwargs& named) {
  std::size_t known = 0;
  for (const Attribute<Struct>& one : attributes_of<Struct>())
    if (named.contains(one.name.c_str())) {
      one.set(object, named[one.name.c_str()]);
      ++known;
    }
  if (known == named.size()) {
    for (const Attribute<Struct>& one : attributes_of<Struct>())
      if (!one.path.empty() && named.contains(one.name.c_str())) check_meaning(object, one.path);
    return;
  }
  std::string names;
  for (const Attribute<Struct>& one : attributes_of<Struct>()) names += (names.empty() ? "" : ", ") + one.name;
  for (const auto& [name, given] : named) {
    const std::string text = text_of(name);
    const auto& all = attributes_of<Struct>();
    if (std::none_of(all.begin(), all.end(), [&](const auto& one) { return one.name == text; }))
      throw nb::type_error((class_name<Struct>() + " has no parameter \"" + text + "\"; it has " + names).c_str());
  }
}

/// The attributes that differ from their defaults, as "name=value, ...".
template <class Struct>
std::string changed_text(nb::handle self) {
  const Struct standard{};
  const nb::object other = nb::cast(standard);
  std::string text;
  for (const Attribute<Struct>& one : attributes_of<Struct>()) {
    const nb::object value = self.attr(one.name.c_str());
    if (same(value, other.attr(one.name.c_str()))) continue;
    text += (text.empty() ? "" : ", ") + one.name + "=" + nb::cast<std::string>(nb::repr(value));
  }
  return text;
}

/// Collects (key, value) of every parameter that has a meaning, as written in an input file.
struct KeyCollector {
  nb::list& all;
  std::string section{};

  template <class Member>
  void field(const std::string& path, const Parameter& parameter, const Member& member) const {
    if constexpr (std::is_same_v<Member, std::vector<std::vector<JumpTerm>>>) {
      all.append(nb::make_tuple(path, channels_to_python(member, directions())));
    } else if constexpr (std::is_same_v<Member, std::vector<HoppingTerm>>) {
      if (!member.empty() && has_a_meaning(parameter))
        all.append(nb::make_tuple(path, hopping_terms_to_python(member, directions())));
    } else {
      const Parameter whole = completed(parameter, member);
      if (is_empty_list(member) || !has_a_meaning(whole)) return;
      nb::object value = member_to_python(member, whole, nb::handle());
      if (!value.is_none()) all.append(nb::make_tuple(path, value));
    }
  }
  template <class Item, class Variant>
  void choice(const Item& item, const Variant& variant) const {
    with_alternative(item.alternatives, variant.index(), [&](const auto& one) {
      using Held = typename std::decay_t<decltype(one)>::type;
      all.append(nb::make_tuple(item.parameter.path, one.name));
      visit_items(one.items, std::get<Held>(variant), *this, "");
    });
  }
  template <class Object>
  void dataset(const Parameter& parameter, const Object&) const {
    all.append(nb::make_tuple(parameter.path, nb::none()));
  }

 private:
  /// Number of directions of a lattice, from the keys before; 0 for a chain.
  std::size_t directions() const {
    for (const nb::handle known : all)
      if (nb::cast<std::string>(known[0]) == "model.cells") return nb::len(nb::object(known[1]));
    return 0;
  }
  /// Applies the rules of an input file, using the keys before.
  bool has_a_meaning(const Parameter& parameter) const {
    for (const std::string& other : parameter.unless)
      for (const nb::handle known : all)
        if (nb::cast<std::string>(known[0]) == other) return false;
    for (const Condition& condition : parameter.when)
      for (const nb::handle known : all)
        if (nb::cast<std::string>(known[0]) == condition.path &&
            std::find(condition.values.begin(), condition.values.end(), nb::cast<std::string>(known[1])) ==
                condition.values.end())
          return false;
    return true;
  }
  template <class Member>
  static bool is_empty_list(const Member& member) {
    if constexpr (std::is_same_v<Member, std::vector<double>> || std::is_same_v<Member, std::vector<LatticeTerm>> ||
                  std::is_same_v<Member, std::vector<BathOperator>> ||
                  std::is_same_v<Member, std::vector<OrbitalBathOperator>> ||
                  std::is_same_v<Member, std::vector<std::vector<double>>>)
      return member.empty();
    return false;
  }
};

/// Finds the parameter with a given key among those that have a meaning, and assigns to it.
struct KeySetter {
  const std::string& wanted;
  const Value& value;
  bool& found;

  template <class Member>
  void field(const std::string& path, const Parameter&, Member& member) const {
    if (path != wanted) return;
    assign(member, value);
    found = true;
  }
  template <class Item, class Variant>
  void choice(const Item& item, Variant& variant) const {
    with_alternative(item.alternatives, variant.index(), [&](const auto& one) {
      visit_items(one.items, std::get<typename std::decay_t<decltype(one)>::type>(variant), *this, "");
    });
  }
  template <class Object>
  void dataset(const Parameter&, const Object&) const {}
};

/// Sets the parameter with a given key. Returns whether it has a meaning here.
template <class Struct>
bool set_key(Struct& object, const std::string& key, const Value& value) {
  bool found = false;
  visit_fields(object, KeySetter{key, value, found});
  return found;
}

/// Fills a struct from the keys of an input file, and removes them from the dictionary.
struct KeyReader {
  nb::dict& given;
  std::size_t& directions;  ///< of a lattice, once model.cells has been read

  template <class Member>
  void field(const std::string& path, const Parameter& described, Member& member) const {
    nb::object value = take(path);
    if (!value.is_valid()) return;
    if constexpr (std::is_same_v<Member, std::vector<HoppingTerm>>) {
      member = hopping_terms_from(value, directions, path);
    } else {
      Parameter parameter = described;
      parameter.path = path;
      member_from_python(member, completed(parameter, member), value);
      if constexpr (std::is_same_v<Member, std::vector<std::int64_t>>)
        if (path == "model.cells") directions = member.size();
    }
  }
  template <class Item, class Variant>
  void choice(const Item& item, Variant& variant) const {
    const std::string& path = item.parameter.path;
    if (const nb::object word = take(path); word.is_valid()) {
      bool known = false;
      std::string names;
      std::apply(
          [&](const auto&... one) {
            ((known = choose(one, word, variant) || known, names += (names.empty() ? "\"" : ", \"") + one.name + "\""),
             ...);
          },
          item.alternatives);
      if (!known)
        throw ParameterError(path, nb::cast<std::string>(nb::repr(word)) + " is not allowed: must be one of " + names);
    }
    with_alternative(item.alternatives, variant.index(), [&](const auto& one) {
      visit_items(one.items, std::get<typename std::decay_t<decltype(one)>::type>(variant), *this, "");
    });
  }
  template <class Object>
  void dataset(const Parameter&, const Object&) const {}

 private:
  nb::object take(const std::string& path) const {
    if (!given.contains(path.c_str())) return {};
    return nb::object(given.attr("pop")(path.c_str()));
  }
  template <class One, class Variant>
  bool choose(const One& one, const nb::object& word, Variant& variant) const {
    using Held = typename One::type;
    if (!word.equal(nb::cast(one.name))) return false;
    if constexpr (std::is_default_constructible_v<Held>)
      variant.template emplace<Held>();
    else
      variant = nb::cast<const Held&>(take("bath.table"));  // the only alternative without parameters
    return true;
  }
};

template <class Struct>
const char* constructor_signature() {
  const nb::object standard = nb::cast(Struct());
  std::string text = "def __init__(self";
  for (const Attribute<Struct>& one : attributes_of<Struct>()) {
    const nb::object value = standard.attr(one.name.c_str());
    const bool plain = nb::isinstance<nb::int_>(value) || nb::isinstance<nb::float_>(value) ||
                       nb::isinstance<nb::str>(value) || value.is_none() || PyComplex_Check(value.ptr());
    text += ", " + one.name + ": " + one.taken + " = " + (plain ? nb::cast<std::string>(nb::repr(value)) : "...");
  }
  return for_ever(text + ") -> None");
}

template <class Struct>
std::string class_documentation(const char* what) {
  std::string text = std::string(what) + "\n\nParameters\n----------\n";
  for (const Attribute<Struct>& one : attributes_of<Struct>()) {
    text += one.name + " : " + one.held + "\n";
    if (!one.help.empty()) text += "    " + one.help + "\n";
  }
  return text;
}

/// Binds the attributes, the constructor, and copies with changes.
template <class Struct>
void bind_attributes(nb::class_<Struct>& bound, const char* name, const char* what) {
  for (const Attribute<Struct>& one : attributes_of<Struct>())
    bound.def_prop_ro(
        one.name.c_str(), [&one](nb::handle self) { return one.get(nb::cast<const Struct&>(self), self); },
        nb::sig(for_ever("def " + one.name + "(self) -> " + one.held)), for_ever(one.help));
  bound.def(
      "__init__",
      [](Struct* self, const nb::args& ordered, const nb::kwargs& named) {
        Struct made{};
        const auto& all = attributes_of<Struct>();
        if (ordered.size() > all.size())
          throw nb::type_error((class_name<Struct>() + " has " + std::to_string(all.size()) + " parameters, not " +
                                std::to_string(ordered.size()))
                                   .c_str());
        for (std::size_t i = 0; i < ordered.size(); ++i) {
          if (named.contains(all[i].name.c_str())) throw nb::type_error((all[i].name + " is given twice").c_str());
          all[i].set(made, ordered[i]);
        }
        set_attributes(made, named);
        check(made);
        new (self) Struct(std::move(made));
      },
      nb::sig(constructor_signature<Struct>()));
  bound.attr("__doc__") = class_documentation<Struct>(what);
  bound.def(
      "replace",
      [](const Struct& self, const nb::kwargs& named) {
        Struct made = self;
        set_attributes(made, named);
        check(made);
        return made;
      },
      nb::sig(for_ever("def replace(self, **parameters: object) -> " + std::string(name))),
      "A copy with these parameters replaced.");
}

/// Binds what makes a struct a value: its text, equality, pickling; it has no hash.
template <class Struct>
void bind_value(nb::class_<Struct>& bound) {
  bound.def("__repr__", [](nb::handle self) { return class_name<Struct>() + "(" + changed_text<Struct>(self) + ")"; });
  bound.def(
      "__eq__",
      [](nb::handle self, nb::handle other) -> nb::object {
        if (!nb::isinstance<Struct>(other)) return nb::borrow(Py_NotImplemented);
        for (const Attribute<Struct>& one : attributes_of<Struct>())
          if (!same(self.attr(one.name.c_str()), other.attr(one.name.c_str()))) return nb::bool_(false);
        return nb::bool_(true);
      },
      nb::sig("def __eq__(self, other: object, /) -> bool"));
  bound.attr("__hash__") = nb::none();
  bound.def(
      "__reduce__",
      [](nb::handle self) {
        nb::list values;
        for (const Attribute<Struct>& one : attributes_of<Struct>()) values.append(self.attr(one.name.c_str()));
        return nb::make_tuple(self.type(), nb::tuple(values));
      },
      nb::sig("def __reduce__(self) -> tuple[typing.Any, ...]"));
}

/// Binds the keys of a model, which files and sweeps name it by.
template <class Struct>
void bind_keys(nb::class_<Struct>& bound, const char* name, const char* kind) {
  bound.attr("kind") = kind;
  bound.def(
      "_keys",
      [](const Struct& self) {
        nb::list all;
        all.append(nb::make_tuple("model.kind", nb::type<Struct>().attr("kind")));
        visit_fields(self, KeyCollector{all});
        return all;
      },
      nb::sig("def _keys(self) -> list[tuple[str, typing.Any]]"));
  bound.def_static(
      "_from_keys",
      [](nb::dict given) {
        Struct made{};
        std::size_t directions = 1;
        visit_fields(made, KeyReader{given, directions});
        for (const auto& [key, value] : given) throw ParameterError(text_of(key), "has no meaning in this model");
        check(made);
        return made;
      },
      nb::sig(for_ever("def _from_keys(given: dict[str, typing.Any]) -> " + std::string(name))));
  bound.def(
      "to_toml",
      [](nb::handle self, const nb::kwargs& tables) {
        return nb::module_::import_("lindrift.toml").attr("to_toml")(self, **tables);
      },
      nb::sig("def to_toml(self, **tables: collections.abc.Mapping[str, object]) -> str"),
      "This model as the tables [model] and [bath] of an input file; more tables as keywords:\n"
      "chain.to_toml(task={\"kind\": \"steady_state\"}).");
}

/// Binds a struct as a class.
/// @param kind  its model.kind; empty for a part of a model
template <class Struct>
void bind_parameters(nb::module_& module, const char* name, const char* what, const char* kind = "") {
  nb::class_<Struct> bound(module, name);
  bind_attributes(bound, name, what);
  bind_value(bound);
  if (*kind != '\0') bind_keys(bound, name, kind);
}

}  // namespace lindrift::python
