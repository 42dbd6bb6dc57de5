#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "lindrift/backend.hpp"

namespace lindrift {

/// Processes that work on one problem together. All members make the same calls with the same arguments in the same
/// order. What they compute has the same bits on every member, and the same as one process alone gives: shares are made
/// of fixed blocks, gathered, and only then added, in an order that does not know the members.
class Team {
 public:
  virtual ~Team() = default;
  virtual int rank() const { return 0; }
  virtual int size() const { return 1; }

  /// Completes an array on every member. Member r has written values[bounds[r]] up to, not including,
  /// values[bounds[r + 1]]; `bounds` has size() + 1 entries, ascending from 0 to values.size().
  virtual void all_gather(std::span<double> /*values*/, std::span<const std::size_t> /*bounds*/) {}
};

/// Bounds of the members' shares of `count` items: whole blocks of `block` items (the last may be shorter), as evenly
/// as blocks allow, with `width` array elements per item. For Team::all_gather: size() + 1 entries.
std::vector<std::size_t> share_bounds(const Team& team, std::size_t count, std::size_t block = 1,
                                      std::size_t width = 1);

/// Whether something holds on every member, which all must ask at once; of one alone if team is null.
bool holds_for_all(Team* team, bool own);

/// What a problem that is shared runs on, when every member has chosen: one choice for all. Members that differ take
/// the CPU if they were free to.
/// @param choice  of this member, resolved    @param free  Backend::automatic was asked for
/// @throws UnsupportedError if they differ and were not free
Backend agree_on_backend(Team* team, Backend choice, bool free);

}  // namespace lindrift
