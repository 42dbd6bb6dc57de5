#pragma once

#include <cublas_v2.h>

#include <string>

#include "lindrift/error.hpp"

namespace lindrift::kernels::cuda {

inline void check(cublasStatus_t status, const char* call) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  const std::string text = std::string("cuBLAS: ") + call + ": " + cublasGetStatusString(status);
  if (status == CUBLAS_STATUS_ALLOC_FAILED) throw DeviceMemoryError(text);
  throw DeviceError(text);
}

}  // namespace lindrift::kernels::cuda
