#pragma once

#include <string>
#include <vector>

#include "config/config.hpp"

namespace lindrift::sweep {

/// Finds the points of an older input in a newer one that adds values to its swept keys and is the same otherwise.
/// Values are compared as numbers: they match within four ulps of the largest value of the newer axis, and -0 is 0.
class ResumeMap {
 public:
  /// @param what  was made from the older input, for the message
  /// @throws OutputRefused naming every key that differs, or the swept values that the newer input lacks
  ResumeMap(const config::Document& older, const config::Document& newer, const std::string& what);

  std::size_t operator()(std::size_t older_point) const;
  bool identity() const { return identity_; }

 private:
  bool identity_ = true;
  std::vector<std::vector<std::size_t>> places_;  ///< of the older values of an axis (zip: of the points) in the newer
  std::vector<std::size_t> lengths_;              ///< of the newer axes
};

/// A hash of the values of a point, the same in every sweep that has the point.
std::uint64_t hash_of(const config::Point& point);

}  // namespace lindrift::sweep
