#pragma once

#include <cstdint>

#include "kernels/cuda/blas.hpp"

namespace lindrift::kernels::cuda {

/// Products of complex matrices on the device, through cuBLAS. Works on the calling thread's current device, in its
/// default stream.
template <class Device>
class ComplexProductOn {
 public:
  /// target = left^T right. Matrices are row-major, complex numbers interleaved.
  /// @param left   (depth, columns), its rows `stride` numbers apart
  /// @param right  (depth, width)         @param[out] target  (columns, width)
  void transposed(const double* left, std::int64_t stride, std::int64_t columns, const double* right,
                  std::int64_t width, std::int64_t depth, double* target) {
    if constexpr (!Device::computes) return;
    const cuDoubleComplex one = {1.0, 0.0}, zero = {0.0, 0.0};
    const auto complex = [](const double* values) { return reinterpret_cast<const cuDoubleComplex*>(values); };
    // cuBLAS is column-major: it computes the transposes, target^T = right^T left.
    check(cublasZgemm_64(blas_.handle(), CUBLAS_OP_N, CUBLAS_OP_T, width, columns, depth, &one, complex(right), width,
                         complex(left), stride, &zero, reinterpret_cast<cuDoubleComplex*>(target), width),
          "cublasZgemm");
  }

 private:
  BlasHandleOn<Device> blas_;
};

}  // namespace lindrift::kernels::cuda
