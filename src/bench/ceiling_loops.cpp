// Compiled once per instruction set with the flags of the kernels; LINDRIFT_ISA names the variant.
#include "bench/ceiling_loops.hpp"

namespace lindrift::benchmarks::LINDRIFT_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int width = 8;
#elif defined(__AVX2__)
constexpr int width = 4;
#else
constexpr int width = 2;
#endif
using Vector [[gnu::vector_size(width * sizeof(double))]] = double;

/// Independent chains: latency times rate is 8 to 10 instructions on every processor so far, and 16 registers hold 12
/// chains and the two operands.
constexpr int chains = 12;

}  // namespace

Multiplications multiply_in_registers(std::int64_t rounds, double factor, double term) {
  const Vector a = Vector{} + factor, b = Vector{} + term;
  Vector x[chains];
  for (int c = 0; c < chains; ++c) x[c] = Vector{} + static_cast<double>(c);
  for (std::int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (int c = 0; c < chains; ++c) {
#ifdef __FMA__
      x[c] = x[c] * a + b;
#else
      x[c] = x[c] * a;
#endif
    }
  }
  Vector sum = b;
  for (int c = 0; c < chains; ++c) sum += x[c];
  return {rounds * chains, width, sum[0]};
}

void triad(double* target, const double* a, const double* b, double factor, std::int64_t size) {
  for (std::int64_t i = 0; i < size; ++i) target[i] = a[i] + factor * b[i];
}

double dot(const double* a, const double* b, std::int64_t size) {
  constexpr int sums = 8;
  Vector sum[sums]{};
  std::int64_t i = 0;
  for (; i + sums * width <= size; i += sums * width)
#pragma GCC unroll 8
    for (int s = 0; s < sums; ++s) {
      Vector x, y;
      __builtin_memcpy(&x, a + i + s * width, sizeof x);
      __builtin_memcpy(&y, b + i + s * width, sizeof y);
      sum[s] += x * y;
    }
  for (int s = 1; s < sums; ++s) sum[0] += sum[s];
  double total = 0.0;
  for (; i < size; ++i) total += a[i] * b[i];
  for (int lane = 0; lane < width; ++lane) total += sum[0][lane];
  return total;
}

}  // namespace lindrift::benchmarks::LINDRIFT_ISA
