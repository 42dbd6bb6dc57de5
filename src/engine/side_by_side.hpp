#pragma once

#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/parallel.hpp"

/// Loops over a few items that each take long.

namespace lindrift {

/// Calls body(i) for `count` items on the threads of the calculation.
template <class Body>
void side_by_side(std::size_t count, const Body& body) {
  in_parts(Calculation::threads(), count, [&](std::size_t i, std::size_t last, std::size_t) {
    for (; i < last; ++i) body(i);
  });
}

/// make(0), ..., make(count - 1), made side by side.
template <class Make>
auto made_side_by_side(std::size_t count, const Make& make) {
  using Made = std::invoke_result_t<const Make&, std::size_t>;
  std::vector<std::optional<Made>> each(count);
  side_by_side(count, [&](std::size_t i) { each[i].emplace(make(i)); });
  std::vector<Made> made;
  made.reserve(count);
  for (auto& one : each) made.push_back(std::move(*one));
  return made;
}

}  // namespace lindrift
