#pragma once

#include <cuda_runtime.h>

#include <string>

#include "lindrift/error.hpp"

namespace lindrift::kernels::cuda {

/// Turns a CUDA status into a DeviceError that names the call. Every call is checked where it is made.
inline void check(cudaError_t status, const char* call) {
  if (status == cudaSuccess) return;
  const std::string text =
      std::string("CUDA: ") + call + ": " + cudaGetErrorString(status) + " (" + cudaGetErrorName(status) + ")";
  if (status == cudaErrorMemoryAllocation) {
    static_cast<void>(cudaGetLastError());  // the device is none the worse for it: the next call must not see this
    throw DeviceMemoryError(text);
  }
  throw DeviceError(text);
}

#define LINDRIFT_CUDA_CHECK(call) ::lindrift::kernels::cuda::check((call), #call)

}  // namespace lindrift::kernels::cuda
