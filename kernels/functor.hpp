#pragma once

#include <cstdint>

/// Vocabulary of the code that runs once per momentum or pair of momenta.
///
/// A functor is a named, trivially copyable struct that holds pointers and numbers and knows one equation. An engine
/// (kernels/cpu, kernels/cuda) knows loops, threads and memory. The verbs between them:
///
///   map       functor(i) for every i; writes its own results
///   reduce    term.accumulate<T>(i, Sum<T>&) over all i; Sum has operator+= and lane(i)
///   pair_sum  pair.row(i), pair.column<T>(j), pair.accumulate(row, column, Sum<T>&) over all j, then pair.finish(i,
///   sum)
///
/// T is double, or on the CPU a Pack of doubles: arithmetic is written once and vectorises by construction.

#ifdef __CUDACC__
#define LINDRIFT_HD __host__ __device__ __forceinline__
#else
#define LINDRIFT_HD inline __attribute__((always_inline))
#endif

/// Every instruction set compiles these headers in a namespace of its own, so that the linker never hands code for a
/// newer processor to an older one. Set by the build; plain includes (tests) get "generic".
#ifndef LINDRIFT_ISA
#define LINDRIFT_ISA generic
#endif

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {

using Index = std::int64_t;

#ifndef __CUDACC__
/// What one vector register holds. GCC keeps wider vectors in memory.
#if defined(__AVX512F__)
inline constexpr int pack_width = 8;
#elif defined(__AVX__)
inline constexpr int pack_width = 4;
#else
inline constexpr int pack_width = 2;
#endif
using Pack [[gnu::vector_size(pack_width * sizeof(double))]] = double;
#endif

/// Values of T's width starting at data[i].
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

LINDRIFT_HD double maximum(double a, double b) { return a > b ? a : b; }

}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
