#include "lindrift/team.hpp"

#include <algorithm>

namespace lindrift {

std::vector<std::size_t> share_bounds(const Team& team, std::size_t count, std::size_t block, std::size_t width) {
  const std::size_t blocks = (count + block - 1) / block;
  const auto size = static_cast<std::size_t>(team.size());
  std::vector<std::size_t> bounds(size + 1);
  for (std::size_t r = 0; r <= size; ++r) bounds[r] = std::min(count, blocks * r / size * block) * width;
  return bounds;
}

}  // namespace lindrift
