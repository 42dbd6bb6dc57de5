#pragma once

#include <algorithm>
#include <string>

#include "config/config.hpp"
#include "lindrift/description.hpp"

namespace lindrift::config {

/// Loads the dataset that a key of the form "FILE.h5:/dataset" names. Specialised for every type that is read this way.
/// @throws ParameterError naming the key if reading fails
template <class Held>
Held read_dataset(const std::string& key, const std::string& location);

/// Assigns the values of a point to the fields of a struct. Fields that do not apply to the point keep their defaults.
class FieldReader {
 public:
  explicit FieldReader(const Point& point) : point_(point) {}

  template <class Member>
  void field(const std::string& path, const Parameter&, Member& member) const {
    if (const Value* value = point_.find(path)) assign(member, *value);
  }
  template <class Item, class Variant>
  void choice(const Item& item, Variant& variant) const {
    const std::string& wanted = point_.text(item.parameter.path);
    std::apply([&](const auto&... one) { ((one.name == wanted ? take(one, variant) : void()), ...); },
               item.alternatives);
  }

 private:
  template <class One, class Variant>
  void take(const One& one, Variant& variant) const {
    using Held = typename One::type;
    if constexpr (std::is_default_constructible_v<Held>) {
      visit_items(one.items, variant.template emplace<Held>(), *this, "");
    } else {
      const std::string& key = std::get<Dataset>(one.items).parameter.path;
      variant.template emplace<Held>(read_dataset<Held>(key, point_.text(key)));
    }
  }

  const Point& point_;
};

/// Keys of several structs, in order.
template <class... Structs>
std::vector<Key> keys_of() {
  std::vector<Key> keys;
  const auto add = [&keys](std::vector<Parameter> more) { keys.insert(keys.end(), more.begin(), more.end()); };
  (add(parameters_of<Structs>()), ...);
  return keys;
}

template <class Struct>
Struct read(const Point& point) {
  Struct object;
  visit_fields(object, FieldReader(point));
  return object;
}

}  // namespace lindrift::config
