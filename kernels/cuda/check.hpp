#pragma once

#include <cuda_runtime.h>

#include <string>

#include "lindrift/error.hpp"

namespace lindrift::kernels::cuda {

/// Throws what a failed call means: no memory left, after which the device is none the worse; or an error, after which
/// it may be lost to this process.
[[noreturn]] inline void fail(const std::string& text, bool out_of_memory) {
  static_cast<void>(cudaGetLastError());  // the next call must not see this one's error
  if (const cudaError_t state = cudaDeviceSynchronize(); state != cudaSuccess)
    throw DeviceLostError(text + "; the device answers no more: " + cudaGetErrorString(state));
  if (out_of_memory) throw DeviceMemoryError(text);
  throw DeviceError(text);
}

/// Every call is checked where it is made.
inline void check(cudaError_t status, const char* call) {
  if (status == cudaSuccess) return;
  fail(std::string("CUDA: ") + call + ": " + cudaGetErrorString(status) + " (" + cudaGetErrorName(status) + ")",
       status == cudaErrorMemoryAllocation);
}

#define LINDRIFT_CUDA_CHECK(call) ::lindrift::kernels::cuda::check((call), #call)

}  // namespace lindrift::kernels::cuda
