#pragma once

#include <cuda_runtime.h>

#ifdef LINDRIFT_HD
#error "kernels/cuda/language.hpp comes before kernels/functor.hpp"
#endif

/// What CUDA C++ adds to C++. nvcc compiles it; a host compiler does so with the headers of tests/support/host_cuda.
#define LINDRIFT_HD __host__ __device__ __forceinline__

#define LINDRIFT_BOTH __host__ __device__

/// Without nvcc's warning about calls to functions of the host or of the device alone. Not inlined: inlined at every
/// call, the loops over the modes take minutes to compile and all registers.
#if defined(__CUDACC__)
#define LINDRIFT_ANY_ENGINE _Pragma("nv_exec_check_disable") LINDRIFT_BOTH __noinline__
#define LINDRIFT_UNCHECKED _Pragma("nv_exec_check_disable")
#else
#define LINDRIFT_ANY_ENGINE LINDRIFT_BOTH
#define LINDRIFT_UNCHECKED
#endif

/// An array in shared memory.
#ifndef LINDRIFT_SHARED
#define LINDRIFT_SHARED(type, name, count) __shared__ type name[count]
#endif

namespace lindrift::kernels::cuda {

/// 1/x to a relative 2^-20 or better: GPUs have no fast division.
LINDRIFT_HD double reciprocal_estimate(double x) {
#if defined(__CUDA_ARCH__)
  double estimate;
  asm("rcp.approx.ftz.f64 %0, %1;" : "=d"(estimate) : "d"(x));
  return estimate;
#elif defined(LINDRIFT_HOST_CUDA)
  return host_cuda::reciprocal_estimate(x);
#else
  return 1.0 / x;
#endif
}

}  // namespace lindrift::kernels::cuda
