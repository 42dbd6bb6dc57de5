#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "lindrift/backend.hpp"

namespace lindrift {

/// Processes that share one problem. All ranks make the same calls with the same arguments in the same order and get
/// the same bits as a single process: each rank computes whole blocks of fixed size, all blocks are gathered, and only
/// then are they added, in an order that does not depend on the number of ranks. This base class is a communicator of a
/// single rank.
class Communicator {
 public:
  virtual ~Communicator() = default;
  virtual int rank() const { return 0; }
  virtual int size() const { return 1; }
  /// Whether all_gather() takes an array in the memory of a device.
  virtual bool takes_device_memory() const { return false; }

  /// Completes an array on every rank. Rank r has written the elements from bounds[r] up to, but not including,
  /// bounds[r + 1]; `bounds` has size() + 1 entries, ascending from 0 to values.size().
  virtual void all_gather(std::span<double> /*values*/, std::span<const std::size_t> /*bounds*/) {}
};

/// The communicator of `execution`, or one of a single rank if it has none.
Communicator& communicator_of(const Execution& execution);

/// Bounds of the ranks' shares of `count` items, for Communicator::all_gather: size() + 1 entries. Shares consist of
/// whole blocks of `block` items (the last may be shorter), distributed as evenly as possible; each item takes `width`
/// elements of the array.
std::vector<std::size_t> share_bounds(const Communicator& communicator, std::size_t count, std::size_t block = 1,
                                      std::size_t width = 1);

/// Whether a condition holds on every rank. Collective; a null communicator stands for a single process.
bool true_on_all_ranks(Communicator* communicator, bool own);

/// The backend of a shared problem, after every rank has chosen its own: if the choices differ and were automatic, all
/// ranks take the CPU. Collective.
/// @param choice  of this rank, resolved
/// @param free    whether Backend::automatic was requested
/// @throws UnsupportedError if the choices differ and were not automatic
Backend agree_on_backend(Communicator* communicator, Backend choice, bool free);

}  // namespace lindrift
