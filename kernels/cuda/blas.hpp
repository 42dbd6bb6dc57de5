#pragma once

#include <cublas_v2.h>

#include <string>

#include "kernels/cuda/check.hpp"

namespace lindrift::kernels::cuda {

/// Where the device's memory is full, cuBLAS says that it could not be initialised.
inline void check(cublasStatus_t status, const char* call) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  fail(std::string("cuBLAS: ") + call + ": " + cublasGetStatusString(status),
       status == CUBLAS_STATUS_ALLOC_FAILED || status == CUBLAS_STATUS_NOT_INITIALIZED);
}

/// cuBLAS on the device that is current when this is made.
class BlasHandle {
 public:
  BlasHandle() { check(cublasCreate(&handle_), "cublasCreate"); }
  BlasHandle(const BlasHandle&) = delete;
  BlasHandle& operator=(const BlasHandle&) = delete;
  ~BlasHandle() { cublasDestroy(handle_); }
  cublasHandle_t handle() const { return handle_; }

 private:
  cublasHandle_t handle_ = nullptr;
};

}  // namespace lindrift::kernels::cuda
