#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace lindrift {

/// Anderson mixing for a fixed point x = f(x): the next x is the combination of the last few f(x) for which the
/// residuals f(x) - x combine to the smallest norm.
class AndersonMixing {
 public:
  explicit AndersonMixing(std::size_t size, std::size_t depth = 8) : size_(size), depth_(depth) {}

  /// @param image      f(x)
  /// @param[in,out] x  the point where f was evaluated; becomes the next point
  void step(std::span<const double> image, std::span<double> x);

 private:
  std::size_t size_, depth_;
  std::vector<std::vector<double>> images_, residuals_;  ///< oldest first
};

}  // namespace lindrift
