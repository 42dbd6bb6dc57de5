#include "lindrift/communicator.hpp"

#include <algorithm>

#include "kernels/shared_rows.hpp"
#include "lindrift/error.hpp"

namespace lindrift {

Communicator& communicator_of(const Execution& execution) {
  static Communicator alone;
  return execution.communicator != nullptr ? *execution.communicator : alone;
}

std::vector<std::size_t> share_bounds(const Communicator& communicator, std::size_t count, std::size_t block,
                                      std::size_t width) {
  const std::size_t blocks = (count + block - 1) / block;
  const auto size = static_cast<std::size_t>(communicator.size());
  std::vector<std::size_t> bounds(size + 1);
  for (std::size_t r = 0; r <= size; ++r) bounds[r] = std::min(count, blocks * r / size * block) * width;
  return bounds;
}

bool true_on_all_ranks(Communicator* communicator, bool own) {
  if (communicator == nullptr || communicator->size() == 1) return own;
  const auto size = static_cast<std::size_t>(communicator->size());
  std::vector<double> answers(size);
  answers[static_cast<std::size_t>(communicator->rank())] = own ? 1.0 : 0.0;
  communicator->all_gather(answers, share_bounds(*communicator, size));
  return std::find(answers.begin(), answers.end(), 0.0) == answers.end();
}

Backend agree_on_backend(Communicator* communicator, Backend choice, bool free) {
  const bool all_on_device = true_on_all_ranks(communicator, is_device(choice));
  if (all_on_device || true_on_all_ranks(communicator, !is_device(choice))) return choice;
  if (!free) throw UnsupportedError("processes that share a point must compute it on the same backend");
  return Backend::cpu;
}

namespace kernels {

void own_items(const Communicator& communicator, std::int64_t count, std::int64_t block, std::int64_t& first,
               std::int64_t& last) {
  const auto bounds = share_bounds(communicator, static_cast<std::size_t>(count), static_cast<std::size_t>(block));
  const auto rank = static_cast<std::size_t>(communicator.rank());
  first = static_cast<std::int64_t>(bounds[rank]);
  last = static_cast<std::int64_t>(bounds[rank + 1]);
}

void gather_items(Communicator& communicator, double* values, std::int64_t count, std::int64_t block,
                  std::int64_t width) {
  communicator.all_gather({values, static_cast<std::size_t>(count * width)},
                          share_bounds(communicator, static_cast<std::size_t>(count), static_cast<std::size_t>(block),
                                       static_cast<std::size_t>(width)));
}

}  // namespace kernels

}  // namespace lindrift
