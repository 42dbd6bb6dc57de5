// What src/backend.cpp asks of the CUDA runtime.
#include "kernels/cuda/check.hpp"
#include "kernels/cuda/device.hpp"

namespace lindrift::kernels::cuda {

int device_count(std::string* reason) noexcept {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess) {
    cudaGetLastError();  // the error is an answer here; later calls must not see it
    // The runtime's words for a missing driver speak of versions.
    if (reason)
      *reason = status == cudaErrorInsufficientDriver ? "no driver, or one older than the toolkit"
                                                      : cudaGetErrorString(status);
    return 0;
  }
  if (count == 0 && reason) *reason = "no device";
  return count;
}

std::string device_name(int device) {
  cudaDeviceProp properties;
  LINDRIFT_CUDA_CHECK(cudaGetDeviceProperties(&properties, device));
  return properties.name;
}

}  // namespace lindrift::kernels::cuda
