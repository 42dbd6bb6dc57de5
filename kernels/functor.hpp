#pragma once

#include <cstdint>

/// Vocabulary of the code that runs once per momentum or pair of momenta.
///
/// A functor is a named, trivially copyable struct that holds pointers and numbers and knows one equation. An engine
/// (kernels/cpu, kernels/cuda) knows loops, threads and memory. The verbs between them:
///
///   map       functor(i) for every i, or functor.at<T>(i) where it has that; writes its own results
///   reduce    term.accumulate<T>(i, Sum<T>&) over all i; Sum has operator+= and lane(i)
///   pair_sum  pair.row(i), pair.column<T>(j), pair.accumulate(row, column, Sum<T>&) over all j, then pair.finish(i,
///             sum); a pair may also take two rows at once, accumulate(row, other, column, Sum<T>&, Sum<T>& of other)
///   row_sum   for every row and argument, rows.term(row, j) over all j for one and the same rows.argument<T>(row, a):
///             Rows::accumulate(argument, group of terms, Sum<T>&), then rows.finish(row, a, sum)
///
/// T is double, or on the CPU a Pack of doubles: arithmetic is written once and vectorises by construction.

/// The engine of a device defines LINDRIFT_HD first. It has no packs, because its lanes are threads.
#ifndef LINDRIFT_HD
#define LINDRIFT_HD inline __attribute__((always_inline))
#define LINDRIFT_PACKS
#endif

/// LINDRIFT_BOTH: for host and device, too long to be inlined. LINDRIFT_ANY_ENGINE: calls an engine's verbs, on the
/// host or in a block; LINDRIFT_UNCHECKED: before `template` or LINDRIFT_BOTH where such a function may be inlined.
#ifndef LINDRIFT_BOTH
#define LINDRIFT_BOTH
#define LINDRIFT_ANY_ENGINE
#define LINDRIFT_UNCHECKED
#endif

/// Unrolls the loop that follows, so that its arrays live in registers; or leaves it a loop, where its arrays may lie
/// in memory. While nvcc compiles for the host, either of the pragmas is an error.
#if defined(__CUDA_ARCH__)
#define LINDRIFT_UNROLL _Pragma("unroll")
#define LINDRIFT_ROLLED _Pragma("unroll 1")
#elif defined(__CUDACC__)
#define LINDRIFT_UNROLL
#define LINDRIFT_ROLLED
#else
#define LINDRIFT_UNROLL _Pragma("GCC unroll 16")
#define LINDRIFT_ROLLED
#endif

/// Every instruction set compiles these headers in its own namespace, so that the linker never mixes code for a newer
/// processor into that for an older one. Set by the build; plain includes (tests) get "generic".
#ifndef LINDRIFT_ISA
#define LINDRIFT_ISA generic
#endif

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {

using Index = std::int64_t;

/// Rows [first, last) of a sum over pairs.
struct RowRange {
  Index first, last;
};

#ifdef LINDRIFT_PACKS
/// The contents of one vector register. GCC keeps wider vectors in memory.
#if defined(__AVX512F__)
inline constexpr int pack_width = 8;
#elif defined(__AVX__)
inline constexpr int pack_width = 4;
#else
inline constexpr int pack_width = 2;
#endif
using Pack [[gnu::vector_size(pack_width * sizeof(double))]] = double;
#endif

/// As many values as T holds, starting at data[i].
template <class T>
LINDRIFT_HD T load(const double* data, Index i) {
  if constexpr (sizeof(T) == sizeof(double)) {
    return data[i];
  } else {
    T values;
    __builtin_memcpy(&values, data + i, sizeof(T));
    return values;
  }
}

/// As many copies of a value as T holds.
template <class T>
LINDRIFT_HD T broadcast(double value) {
  if constexpr (sizeof(T) == sizeof(double))
    return value;
  else
    return T{} + value;
}

template <class T>
LINDRIFT_HD void store(double* data, Index i, T values) {
  if constexpr (sizeof(T) == sizeof(double)) {
    data[i] = values;
  } else {
    __builtin_memcpy(data + i, &values, sizeof(T));
  }
}

#ifdef LINDRIFT_PACKS
/// Writes a[0] b[0] a[1] b[1] ..., the layout of complex numbers in memory.
LINDRIFT_HD void store_interleaved(Pack a, Pack b, double* target) {
#if defined(__AVX512F__)
  const Pack first = __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
  const Pack second = __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
#elif defined(__AVX__)
  const Pack first = __builtin_shufflevector(a, b, 0, 4, 1, 5), second = __builtin_shufflevector(a, b, 2, 6, 3, 7);
#else
  const Pack first = __builtin_shufflevector(a, b, 0, 2), second = __builtin_shufflevector(a, b, 1, 3);
#endif
  __builtin_memcpy(target, &first, sizeof(Pack));
  __builtin_memcpy(target + pack_width, &second, sizeof(Pack));
}
/// Reads what store_interleaved() has written.
LINDRIFT_HD void load_interleaved(const double* source, Pack& a, Pack& b) {
  Pack first, second;
  __builtin_memcpy(&first, source, sizeof(Pack));
  __builtin_memcpy(&second, source + pack_width, sizeof(Pack));
#if defined(__AVX512F__)
  a = __builtin_shufflevector(first, second, 0, 2, 4, 6, 8, 10, 12, 14);
  b = __builtin_shufflevector(first, second, 1, 3, 5, 7, 9, 11, 13, 15);
#elif defined(__AVX__)
  a = __builtin_shufflevector(first, second, 0, 2, 4, 6);
  b = __builtin_shufflevector(first, second, 1, 3, 5, 7);
#else
  a = __builtin_shufflevector(first, second, 0, 2);
  b = __builtin_shufflevector(first, second, 1, 3);
#endif
}
#endif

/// For sums that hold arrays: addition element by element, and one lane of every element.
template <class T, int N>
LINDRIFT_HD void add_each(T (&sum)[N], const T (&other)[N]) {
  for (int i = 0; i < N; ++i) sum[i] += other[i];
}
template <class T, int N>
LINDRIFT_HD void lane_of_each(double (&result)[N], const T (&sum)[N], int lane) {
  for (int i = 0; i < N; ++i) result[i] = sum[i][lane];
}

template <class T>
LINDRIFT_HD T magnitude(T x) {
  return x < T{} ? -x : x;
}

/// 1/x, accurate to the last bits. Devices have no fast division: they refine an estimate, accurate to 2^-20 or better,
/// whose relative error e becomes e^3.
template <class T>
LINDRIFT_HD T reciprocal(T x) {
#ifdef LINDRIFT_PACKS
  return 1.0 / x;
#else
  const double estimate = cuda::reciprocal_estimate(x), error = fma(-x, estimate, 1.0);
  return fma(estimate, fma(error, error, error), estimate);
#endif
}

LINDRIFT_HD double maximum(double a, double b) { return a > b ? a : b; }

}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
