#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "lindrift/backend.hpp"

namespace lindrift {

/// Processes that share one problem. All ranks make the same calls with the same arguments in the same order, and get
/// the same bits as one process alone: each rank computes whole blocks of fixed size, all blocks are gathered, and only
/// then added, in an order that does not depend on the number of ranks. This base class is a communicator of one rank.
class Communicator {
 public:
  virtual ~Communicator() = default;
  virtual int rank() const { return 0; }
  virtual int size() const { return 1; }

  /// Completes an array on every rank. Rank r has written values[bounds[r]] up to, not including,
  /// values[bounds[r + 1]]; `bounds` has size() + 1 entries, ascending from 0 to values.size().
  virtual void all_gather(std::span<double> /*values*/, std::span<const std::size_t> /*bounds*/) {}
};

/// The communicator of `execution`, or one of a single rank.
Communicator& communicator_of(const Execution& execution);

/// Bounds of the ranks' shares of `count` items: whole blocks of `block` items (the last may be shorter), as evenly as
/// blocks allow, with `width` array elements per item. For Communicator::all_gather: size() + 1 entries.
std::vector<std::size_t> share_bounds(const Communicator& communicator, std::size_t count, std::size_t block = 1,
                                      std::size_t width = 1);

/// Whether a condition holds on every rank. Collective; a null communicator is a process on its own.
bool true_on_all_ranks(Communicator* communicator, bool own);

/// The backend of a shared problem, once every rank has chosen its own: ranks that differ take the CPU if they were
/// free to. Collective.
/// @param choice  of this rank, resolved    @param free  Backend::automatic was asked for
/// @throws UnsupportedError if they differ and were not free
Backend agree_on_backend(Communicator* communicator, Backend choice, bool free);

}  // namespace lindrift
