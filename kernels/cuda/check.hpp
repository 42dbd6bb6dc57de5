#pragma once

#include <cuda_runtime.h>

#include <string>

#include "lindrift/error.hpp"

namespace lindrift::kernels::cuda {

/// Throws the exception for a failed call: out of memory, which leaves the device usable, or an error, after which the
/// device may be lost to this process.
[[noreturn]] inline void fail(const std::string& text, bool out_of_memory) {
  static_cast<void>(cudaGetLastError());  // or the next call would report it again
  if (const cudaError_t state = cudaDeviceSynchronize(); state != cudaSuccess)
    throw DeviceLostError(text + "; the device no longer responds: " + cudaGetErrorString(state));
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
