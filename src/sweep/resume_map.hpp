#pragma once

#include <string>
#include <vector>

#include "config/config.hpp"

namespace lindrift::sweep {

/// Finds the points of an older input in a newer one that adds values to its swept keys and is otherwise the same.
/// Numbers match within four ulps, swept ones of the largest value of the newer axis, and -0 equals 0. Where they
/// differ, the newer input's count: with them the missing points are computed and the output is written. A complete
/// output that lacks nothing stays as it is.
class ResumeMap {
 public:
  /// @param what  names what was made from the older input, for messages
  /// @throws OutputRefused naming every key that differs, or the swept values missing from the newer input
  ResumeMap(const config::Document& older, const config::Document& newer, const std::string& what);

  std::size_t operator()(std::size_t older_point) const;
  bool identity() const { return identity_; }

 private:
  bool identity_ = true;
  std::vector<std::vector<std::size_t>> places_;  ///< new indices of an axis's old values (zip: of old points)
  std::vector<std::size_t> lengths_;              ///< of the newer axes
};

/// A hash of a point's values, the same in every sweep that contains the point.
std::uint64_t hash_of(const config::Point& point);

}  // namespace lindrift::sweep
