#include "lindrift/team.hpp"

#include <algorithm>

#include "lindrift/error.hpp"

namespace lindrift {

std::vector<std::size_t> share_bounds(const Team& team, std::size_t count, std::size_t block, std::size_t width) {
  const std::size_t blocks = (count + block - 1) / block;
  const auto size = static_cast<std::size_t>(team.size());
  std::vector<std::size_t> bounds(size + 1);
  for (std::size_t r = 0; r <= size; ++r) bounds[r] = std::min(count, blocks * r / size * block) * width;
  return bounds;
}

bool holds_for_all(Team* team, bool own) {
  if (team == nullptr || team->size() == 1) return own;
  const auto size = static_cast<std::size_t>(team->size());
  std::vector<double> answers(size);
  answers[static_cast<std::size_t>(team->rank())] = own ? 1.0 : 0.0;
  team->all_gather(answers, share_bounds(*team, size));
  return std::find(answers.begin(), answers.end(), 0.0) == answers.end();
}

Backend agree_on_backend(Team* team, Backend choice, bool free) {
  const bool all_on_device = holds_for_all(team, choice == Backend::cuda);
  if (all_on_device || holds_for_all(team, choice != Backend::cuda)) return choice;
  if (!free) throw UnsupportedError("processes that share a point must compute it on the same backend");
  return Backend::cpu;
}

}  // namespace lindrift
