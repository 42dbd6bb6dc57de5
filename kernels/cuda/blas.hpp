#pragma once

#include <cublas_v2.h>

#include <cstdint>
#include <string>

#include "kernels/cuda/check.hpp"

namespace lindrift::kernels::cuda {

/// If the device's memory is full, cuBLAS reports that it is not initialised.
inline void check(cublasStatus_t status, const char* call) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  fail(std::string("cuBLAS: ") + call + ": " + cublasGetStatusString(status),
       status == CUBLAS_STATUS_ALLOC_FAILED || status == CUBLAS_STATUS_NOT_INITIALIZED);
}

/// Bytes that a handle takes on the device: 32 MiB of working memory from compute capability 9.0 on, 4 MiB before.
inline constexpr std::int64_t blas_bytes = std::int64_t{32} << 20;

/// cuBLAS on the device that is current when this is made.
template <class Device>
class BlasHandleOn {
 public:
  BlasHandleOn() {
    if constexpr (Device::computes) check(cublasCreate(&handle_), "cublasCreate");
    Device::add(blas_bytes);
  }
  BlasHandleOn(const BlasHandleOn&) = delete;
  BlasHandleOn& operator=(const BlasHandleOn&) = delete;
  ~BlasHandleOn() {
    if constexpr (Device::computes) cublasDestroy(handle_);
    Device::add(-blas_bytes);
  }
  cublasHandle_t handle() const { return handle_; }

 private:
  cublasHandle_t handle_ = nullptr;
};

}  // namespace lindrift::kernels::cuda
