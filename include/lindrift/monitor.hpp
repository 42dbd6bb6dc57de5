#pragma once

#include <functional>
#include <vector>

namespace lindrift {

/// How a long calculation reports its progress, stops early and resumes. Every task takes one. Every member may be
/// empty. The functions are called on the calling thread; ranks that share a calculation call them at the same places.
struct Monitor {
  /// Called at least ten times a second, wherever the calculation is. If it returns true, the calculation stops at once
  /// and returns what it has, marked as stopped. Not called on a device, where a kernel runs to its end, or when ranks
  /// share the calculation; progress() is called there.
  std::function<bool()> stop = {};

  /// Called with the fraction done, in (0, 1]. If it returns false, the calculation stops: it offers a checkpoint and
  /// returns what it has.
  std::function<bool(double fraction)> progress = {};

  /// Called after progress() wherever the calculation can resume with the same bits. `state` makes the checkpoint; call
  /// it every minute or so and before a stop. It may gather data from all ranks, so either all of them call it or none.
  std::function<void(const std::function<std::vector<unsigned char>()>& state)> checkpoint = {};

  /// Checkpoint of an earlier call with the same arguments to resume from; empty to start afresh. A checkpoint of
  /// another problem is ignored.
  std::vector<unsigned char> restored = {};
};

}  // namespace lindrift
