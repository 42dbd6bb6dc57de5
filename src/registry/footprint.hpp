#pragma once

#include <concepts>
#include <string>
#include <utility>

namespace lindrift {

/// A member that cannot be left out: a struct that has one cannot be made without a value for it.
template <class Item>
class Required {
 public:
  template <std::convertible_to<Item> From>
  Required(From item) : item_(std::move(item)) {}  // NOLINT(google-explicit-constructor): it stands for the item

  template <class... Arguments>
  decltype(auto) operator()(Arguments&&... arguments) const {
    return item_(std::forward<Arguments>(arguments)...);
  }
  const Item& operator*() const { return item_; }

 private:
  Item item_;
};

/// Memory that a point of a task needs, from its sizes, in bytes.
struct Footprint {
  double working = 0.0;      ///< while it is computed, in addition to its results
  double growth = 1.0;       ///< by which `working` may still grow where a step has to be halved
  double results = 0.0;      ///< of the values that the output keeps
  double coordinates = 0.0;  ///< of the dimensions of these values, which points of one size share
  std::string key{};         ///< sets the size of the system: model.sites
  std::string size{};        ///< "128 sites", for messages

  /// Results are held three times at the end: as values, as the file in memory, and as its copy on the way to the disk.
  /// The heap keeps some of what it had before; the largest peak measured is 4.4.
  static constexpr double copies = 3.6;
  /// ... of the results of a sweep, whose fields are freed as the file is made: measured, 2.1.
  static constexpr double sweep_copies = 2.2;
  double total() const { return working + copies * (results + coordinates); }
  /// Whether the machine has less.
  bool is_too_much() const;
};

}  // namespace lindrift
