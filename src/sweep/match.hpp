#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"

namespace lindrift::sweep {

/// How the points of an older input are found in a newer one that is the same but for more values of the swept keys.
class PointMap {
 public:
  /// @param what  that was made from the older input, for the message
  /// @throws Error naming every key in which the two differ, or the swept values that the newer one lacks
  PointMap(const config::Document& older, const config::Document& newer, const std::string& what);

  std::size_t operator()(std::size_t older_point) const;
  bool identity() const { return identity_; }

 private:
  bool identity_ = true;
  config::SweepMode mode_ = config::SweepMode::grid;
  std::vector<std::vector<std::size_t>> places_;  ///< of the older values of an axis (zip: of the points) in the newer
  std::vector<std::size_t> lengths_;              ///< of the newer axes
};

/// Tells a point from every other by its values, whatever sweep it is a point of.
std::uint64_t hash_of(const config::Point& point);

}  // namespace lindrift::sweep
