#pragma once

#include <cstdint>

#include "kernels/functor.hpp"

namespace lindrift::kernels {

/// Items [first, last) of a loop. `thread` is below the number of threads asked for, and no other part with the same
/// one runs at the same time: it may index working memory.
using LoopPart = void (*)(const void* body, std::int64_t first, std::int64_t last, int thread);

/// Runs a loop over `count` items in parts that together make it up, on the calling thread and up to threads - 1 others
/// (src/engine/threads.cpp). A part begins at a multiple of `step`, and is a multiple of it unless it is the last;
/// where else the loop is cut depends on how the threads get on, so that no number may depend on it. What a part throws
/// ends the loop and is thrown here. Compiled once, outside the variants of the kernels.
void run_loop(int threads, std::int64_t count, std::int64_t step, LoopPart part, const void* body);

inline namespace LINDRIFT_ISA {

/// Calls body(first, last, thread) for the parts of a loop, as run_loop() does; of one step at once.
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
