#pragma once

#include <cstdint>

/// What this machine can do at most, measured in the same process, with the same vector width and on the same clock as
/// the kernels compared with it. With several threads, their rates by processor time are added up: other programs on
/// the machine lower the rate of a kernel, not its ceiling.

namespace lindrift::benchmarks {

/// Seconds since construction: processor time of the calling thread, so that other programs do not count, or wall time
/// if several threads work.
class Stopwatch {
 public:
  explicit Stopwatch(int threads);
  double seconds() const;

 private:
  double now() const;
  int clock_;
  double start_;
};

/// Doubles per second through fused multiply-add (or multiply), issued without waiting for one another. Takes about 50
/// ms.
double multiplication_rate(int threads);

struct Bandwidth {
  double read = 0.0;   ///< bytes per second of a sum of a_i b_i
  double triad = 0.0;  ///< bytes per second of a_i = b_i + x c_i: two reads, one write, and the read that a write needs
};
/// Bandwidth of three arrays with this total size, by default larger than any cache. Takes at most a second, once per
/// size.
Bandwidth bandwidth(int threads, double bytes = 3.0 * 0x1p27);

/// Operations per second of matrix products by the BLAS that the library loads, one product on each thread; 0 without a
/// BLAS. Takes about 50 ms.
double product_rate(int threads);

/// Default number of threads of a calculation.
int all_threads();

}  // namespace lindrift::benchmarks
