#include "lindrift/team.hpp"

#include "lindrift/error.hpp"

#include <algorithm>

namespace lindrift {

std::vector<std::size_t> share_bounds(const Team& team, std::size_t count, std::size_t block, std::size_t width) {
  const std::size_t blocks = (count + block - 1) / block;
  const auto size = static_cast<std::size_t>(team.size());
  std::vector<std::size_t> bounds(size + 1);
  for (std::size_t r = 0; r <= size; ++r) bounds[r] = std::min(count, blocks * r / size * block) * width;
  return bounds;
}

Backend agree_on_backend(Team* team, Backend choice, bool free) {
  if (team == nullptr || team->size() == 1) return choice;
  const auto size = static_cast<std::size_t>(team->size());
  std::vector<double> choices(size);
  choices[static_cast<std::size_t>(team->rank())] = choice == Backend::cuda ? 1.0 : 0.0;
  team->all_gather(choices, share_bounds(*team, size));
  for (const double other : choices)
    if (other != choices[0]) {
      if (!free) throw UnsupportedError("processes that share a point must compute it on the same backend");
      return Backend::cpu;
    }
  return choice;
}

}  // namespace lindrift
