#pragma once

#include <cstdint>

/// What this machine can do at most, measured in the same process, with the same vector width and on the same clock as
/// the kernels that are compared with it.

namespace lindrift::benchmarks {

/// Seconds since construction: of the calling thread's processor time, so that other programs on the machine do not
/// count, or of the wall clock where several threads work.
class Stopwatch {
 public:
  explicit Stopwatch(int threads);
  double seconds() const;

 private:
  double now() const;
  int clock_;
  double start_;
};

/// Doubles that pass through fused multiply-add (or multiply) per second, issued without waiting for anything.
/// Takes about 10 ms.
double multiplication_rate(int threads);

struct Bandwidth {
  double read;   ///< bytes per second of a sum of a_i b_i
  double triad;  ///< bytes per second of a_i = b_i + x c_i: two reads, one write, and the read that a write needs
};
/// Of main memory: arrays of 128 MiB, beyond any cache. Takes about a second, once.
Bandwidth bandwidth(int threads);

/// Threads that a calculation gets by default.
int all_threads();

}  // namespace lindrift::benchmarks
