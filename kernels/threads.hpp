#pragma once

#include <cstdint>

#include "kernels/functor.hpp"

namespace lindrift::kernels {

/// Items [first, last) of a loop. `thread` is less than the number of threads requested, and no two parts with the same
/// `thread` run at the same time, so it can index working memory.
using LoopPart = void (*)(const void* body, std::int64_t first, std::int64_t last, int thread);

/// Runs a loop over `count` items in parts that together cover it, on the calling thread and up to threads - 1 others
/// (src/engine/threads.cpp). Every part begins at a multiple of `step`, and its length is a multiple of `step` unless
/// it is the last. The other cuts depend on the progress of the threads, so results must not depend on them. An
/// exception thrown by a part ends the loop and is rethrown here. Compiled once, outside the variants of the kernels.
void run_loop(int threads, std::int64_t count, std::int64_t step, LoopPart part, const void* body);

inline namespace LINDRIFT_ISA {

/// Calls body(first, last, thread) for the parts of a loop, like run_loop(); directly if there is a single step.
template <class Body>
void in_parts(int threads, Index count, Index step, const Body& body) {
  if (count <= step) {
    if (count > 0) body(Index{0}, count, 0);
    return;
  }
  run_loop(
      threads, count, step,
      [](const void* object, Index first, Index last, int thread) {
        (*static_cast<const Body*>(object))(first, last, thread);
      },
      &body);
}

}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
