#pragma once

#include <functional>
#include <vector>

namespace lindrift {

/// How a long calculation reports its progress, stops early and resumes. Every task takes one. Every member may be
/// empty. The functions are called on the calling thread; ranks that share a calculation call them at the same places.
struct Monitor {
  /// Asked at least ten times a second whether to stop at once, wherever the calculation is. It returns what it has,
  /// which says that it was stopped. Not asked on a device, where a kernel runs to its end, nor where ranks share the
  /// calculation: progress() is.
  std::function<bool()> stop = {};

  /// Called with the fraction done, in (0, 1]. Returning false stops the calculation: it offers a checkpoint and
  /// returns what it has.
  std::function<bool(double fraction)> progress = {};

  /// Called after progress() wherever the calculation can resume with the same bits. `state` makes the checkpoint and
  /// is worth calling every minute or so and before a stop; it may gather data from all ranks, so either all of them
  /// call it or none.
  std::function<void(const std::function<std::vector<unsigned char>()>& state)> checkpoint = {};

  /// Checkpoint of an earlier call with the same arguments to resume from; empty to start afresh. A checkpoint of
  /// another problem is ignored.
  std::vector<unsigned char> restored = {};
};

}  // namespace lindrift
