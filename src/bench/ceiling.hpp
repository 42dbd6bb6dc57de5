#pragma once

#include <cstdint>

/// What this machine can do at most, measured in the same process, with the same vector width and on the same clock as
/// the kernels that are compared with it. Of several threads the rates by their own processor time are added up: other
/// programs on the machine lower what a kernel reaches, not its ceiling.

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
/// Takes about 50 ms.
double multiplication_rate(int threads);

struct Bandwidth {
  double read = 0.0;   ///< bytes per second of a sum of a_i b_i
  double triad = 0.0;  ///< bytes per second of a_i = b_i + x c_i: two reads, one write, and the read that a write needs
};
/// Of three arrays that take so many bytes together; by default beyond any cache. Takes a second at most, once for each
/// size.
Bandwidth bandwidth(int threads, double bytes = 3.0 * 0x1p27);

/// Operations a second of products of matrices by the BLAS that the library loads, one product on each thread; 0
/// without one. Takes about 50 ms.
double product_rate(int threads);

/// Threads that a calculation gets by default.
int all_threads();

}  // namespace lindrift::benchmarks
