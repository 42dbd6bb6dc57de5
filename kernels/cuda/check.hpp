#pragma once

#include <cuda_runtime.h>

#include <string>

#include "lindrift/error.hpp"

namespace lindrift::kernels::cuda {

/// Turns a CUDA status into a DeviceError that names the call. Every call is checked where it is made.
inline void check(cudaError_t status, const char* call) {
  if (status != cudaSuccess)
    throw DeviceError(std::string("CUDA: ") + call + ": " + cudaGetErrorString(status) + " (" +
                      cudaGetErrorName(status) + ")");
}

#define LINDRIFT_CUDA_CHECK(call) ::lindrift::kernels::cuda::check((call), #call)

}  // namespace lindrift::kernels::cuda
