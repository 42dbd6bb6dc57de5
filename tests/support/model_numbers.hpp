#pragma once

#include <complex>
#include <map>
#include <string>
#include <vector>

#include "lindrift/description.hpp"
#include "lindrift/lattice/tight_binding.hpp"
#include "lindrift/tgge/bath.hpp"

namespace lindrift::testing {

/// The real numbers in each parameter of a struct, by the parameter's path: one number, real and imaginary part, or
/// those of every amplitude.
class Numbers {
 public:
  template <class Struct>
  explicit Numbers(Struct& object) {
    visit_fields(object, Visitor{of_});
  }
  const std::map<std::string, std::vector<double*>>& all() const { return of_; }
  double& at(const std::string& path, std::size_t i) const { return *of_.at(path).at(i); }

 private:
  struct Visitor {
    std::map<std::string, std::vector<double*>>& of;

    void field(const std::string& path, const Parameter&, double& member) const { of[path].push_back(&member); }
    void field(const std::string& path, const Parameter&, std::complex<double>& member) const {
      auto* parts = reinterpret_cast<double*>(&member);
      of[path] = {parts, parts + 1};
    }
    void field(const std::string& path, const Parameter& parameter, std::optional<double>& member) const {
      if (member) field(path, parameter, *member);
    }
    void field(const std::string& path, const Parameter&, std::vector<std::vector<JumpTerm>>& channels) const {
      std::vector<double*> numbers;
      for (auto& channel : channels)
        for (JumpTerm& term : channel) {
          std::complex<double>& amplitude = term.amplitude;
          auto* parts = reinterpret_cast<double*>(&amplitude);
          numbers.insert(numbers.end(), {parts, parts + 1});
        }
      of[path] = numbers;
    }
    void field(const std::string& path, const Parameter&, std::vector<HoppingTerm>& terms) const {
      std::vector<double*> numbers;
      for (HoppingTerm& term : terms) {
        auto* parts = reinterpret_cast<double*>(&term.amplitude);
        numbers.push_back(parts);
        const bool real = term.displacement == LatticeVector{} && term.to_orbital == term.from_orbital;
        if (!real) numbers.push_back(parts + 1);
      }
      of[path] = numbers;
    }
    template <class Member>
    void field(const std::string&, const Parameter&, Member&) const {}
    template <class Item, class Variant>
    void choice(const Item& item, Variant& variant) const {
      with_alternative(item.alternatives, variant.index(), [&](const auto& one) {
        using Held = typename std::decay_t<decltype(one)>::type;
        visit_items(one.items, std::get<Held>(variant), *this, "");
      });
    }
    template <class Object>
    void dataset(const Parameter&, const Object&) const {}
  };

  std::map<std::string, std::vector<double*>> of_;
};

}  // namespace lindrift::testing
