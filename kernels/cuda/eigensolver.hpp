#pragma once

#include <cusolverDn.h>

#include <cstdint>
#include <string>

#include "kernels/cuda/check.hpp"
#include "kernels/cuda/memory.hpp"

namespace lindrift::kernels::cuda {

inline void check(cusolverStatus_t status, const char* call) {
  if (status == CUSOLVER_STATUS_SUCCESS) return;
  const std::string text = std::string("cuSOLVER: ") + call + ": status " + std::to_string(static_cast<int>(status));
  fail(text, status == CUSOLVER_STATUS_ALLOC_FAILED || status == CUSOLVER_STATUS_NOT_INITIALIZED);
}

/// Bytes that a handle takes on the device: as much as that of cuBLAS, which it uses. Neither documented nor measured.
inline constexpr std::int64_t solver_bytes = std::int64_t{32} << 20;

/// A handle of cuSOLVER on the device that is current when this is made. Also there where memory is only counted,
/// because nothing else knows how much an eigensolve works in.
template <class Device>
class SolverHandleOn {
 public:
  SolverHandleOn() {
    check(cusolverDnCreate(&handle_), "cusolverDnCreate");
    Device::add(solver_bytes);
  }
  SolverHandleOn(const SolverHandleOn&) = delete;
  SolverHandleOn& operator=(const SolverHandleOn&) = delete;
  ~SolverHandleOn() {
    cusolverDnDestroy(handle_);
    Device::add(-solver_bytes);
  }
  cusolverDnHandle_t handle() const { return handle_; }

 private:
  cusolverDnHandle_t handle_ = nullptr;
};

/// How Jacobi's method works: to rounding and with ascending eigenvalues, unless told otherwise.
class JacobiParameters {
 public:
  JacobiParameters() { check(cusolverDnCreateSyevjInfo(&parameters_), "cusolverDnCreateSyevjInfo"); }
  JacobiParameters(const JacobiParameters&) = delete;
  JacobiParameters& operator=(const JacobiParameters&) = delete;
  ~JacobiParameters() { cusolverDnDestroySyevjInfo(parameters_); }
  syevjInfo_t parameters() const { return parameters_; }

 private:
  syevjInfo_t parameters_ = nullptr;
};

/// Eigenvalues and eigenvectors of batches of small Hermitian matrices, through cuSOLVER. Works on the calling thread's
/// current device, in its default stream.
template <class Device>
class HermitianEigenOn {
 public:
  explicit HermitianEigenOn(std::int64_t size) : size_(static_cast<int>(size)) {}

  /// All arrays are in device memory.
  /// @param[in,out] matrices  (count, size, size) complex, by columns, which become the eigenvectors
  /// @param[out] values       (count, size), ascending
  /// @param[out] failed       (count,), 0 where the method has converged
  void solve(std::int64_t count, double* matrices, double* values, int* failed) {
    auto* const a = reinterpret_cast<cuDoubleComplex*>(matrices);
    const int batch = static_cast<int>(count);
    if (count != planned_) {
      check(cusolverDnZheevjBatched_bufferSize(solver_.handle(), CUSOLVER_EIG_MODE_VECTOR, CUBLAS_FILL_MODE_UPPER,
                                               size_, a, size_, values, &work_size_, method_.parameters(), batch),
            "cusolverDnZheevjBatched_bufferSize");
      planned_ = count;
    }
    auto* const work = reinterpret_cast<cuDoubleComplex*>(work_.resize(2 * std::int64_t{work_size_}));
    if constexpr (Device::computes)
      check(cusolverDnZheevjBatched(solver_.handle(), CUSOLVER_EIG_MODE_VECTOR, CUBLAS_FILL_MODE_UPPER, size_, a, size_,
                                    values, work, work_size_, failed, method_.parameters(), batch),
            "cusolverDnZheevjBatched");
  }

 private:
  SolverHandleOn<Device> solver_;
  JacobiParameters method_;
  int size_, work_size_ = 0;
  std::int64_t planned_ = 0;  ///< number of matrices that the working memory is for
  BufferOn<Device> work_;
};

}  // namespace lindrift::kernels::cuda
