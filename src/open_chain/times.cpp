#include "open_chain/times.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include "engine/checkpoint.hpp"
#include "lindrift/error.hpp"

namespace lindrift {

namespace {

/// Agrees on rounds as long as the longest that any member requests. The bits depend only on the blocks.
std::size_t agree_on_blocks(Communicator& communicator, std::size_t block, std::size_t blocks) {
  std::vector<double> wishes(2 * static_cast<std::size_t>(communicator.size()));
  const auto own = 2 * static_cast<std::size_t>(communicator.rank());
  wishes[own] = static_cast<double>(block);
  wishes[own + 1] = static_cast<double>(blocks);
  communicator.all_gather(wishes, share_bounds(communicator, static_cast<std::size_t>(communicator.size()), 1, 2));
  double most = 1.0;
  for (std::size_t i = 0; i < wishes.size(); i += 2) {
    if (wishes[i] != static_cast<double>(block))
      throw UnsupportedError("processes that share a point must compute it on the same backend");
    most = std::max(most, wishes[i + 1]);
  }
  return static_cast<std::size_t>(most);
}

}  // namespace

bool TimeRounds::run(Communicator& communicator, std::size_t block, std::size_t blocks,
                     const std::function<void(std::size_t, std::size_t)>& part) const {
  struct Position {
    std::uint64_t done = 0;
  };
  Fingerprint problem;
  problem.add(static_cast<int>(backend)).add(times).add(block);
  for (const TimeRows& kind : rows) problem.add(kind.values.empty() ? 0 : kind.width);
  const Checkpoint<Position> state(problem, [&](const Position& at) {
    Checkpoint<Position>::Arrays arrays;
    if (at.done >= times.size() || at.done % block != 0) return arrays;
    for (const TimeRows& kind : rows)
      if (!kind.values.empty()) arrays.push_back(std::as_writable_bytes(kind.values.first(kind.width * at.done)));
    return arrays;
  });

  const std::size_t round =
      block * agree_on_blocks(communicator, block, blocks) * static_cast<std::size_t>(communicator.size());
  const auto rank = static_cast<std::size_t>(communicator.rank());
  for (std::size_t done = state.restore(monitor.restored).done; done < times.size();) {
    const std::size_t count = std::min(round, times.size() - done);
    const auto bounds = share_bounds(communicator, count, block);
    try {
      part(done + bounds[rank], done + bounds[rank + 1]);
    } catch (const Interruption&) {
      for (const TimeRows& kind : rows)
        if (!kind.values.empty()) std::ranges::fill(kind.values.subspan(done * kind.width, count * kind.width), NAN);
      if (monitor.checkpoint && done > 0) monitor.checkpoint([&] { return state.save({done}); });
      return false;
    }
    for (const TimeRows& kind : rows)
      if (!kind.values.empty())
        communicator.all_gather(kind.values.subspan(done * kind.width, count * kind.width),
                                share_bounds(communicator, count, block, kind.width));
    done += count;
    if (!report(monitor, done, times.size(), [&] { return state.save({done}); })) return false;
  }
  return true;
}

}  // namespace lindrift
