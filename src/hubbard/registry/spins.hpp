#pragma once

#include <string>
#include <vector>

#include "lindrift/observable.hpp"

namespace lindrift {

/// The dimension of results that both spins have.
inline Coordinate spin_coordinate() {
  return {"spin", "1", "spin", 2, [] { return std::vector<std::string>{"up", "down"}; }};
}

}  // namespace lindrift
