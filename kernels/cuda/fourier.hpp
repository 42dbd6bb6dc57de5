#pragma once

#include <cufft.h>

#include <cstdint>
#include <string>

#include "kernels/cuda/check.hpp"
#include "lindrift/error.hpp"

namespace lindrift::kernels::cuda {

/// Where the device's memory is full, cuFFT may call that an internal error.
inline void check(cufftResult status, const char* call) {
  if (status == CUFFT_SUCCESS) return;
  const std::string text = std::string("cuFFT: ") + call + ": status " + std::to_string(static_cast<int>(status));
  fail(text, status == CUFFT_ALLOC_FAILED || status == CUFFT_INTERNAL_ERROR);
}

/// Discrete Fourier transforms of one length on the device, through cuFFT: the sums of src/engine/fourier.hpp, no
/// factor. Works on the calling thread's current device, in its default stream. A plan is made per number of rows and
/// kept while that number stays.
class Fourier {
 public:
  explicit Fourier(std::int64_t length) : length_(length) {}
  Fourier(const Fourier&) = delete;
  Fourier& operator=(const Fourier&) = delete;
  ~Fourier() { release(); }

  /// @param[in,out] rows  device memory, (count, length) complex numbers, re and im in turn; in place
  void forward(double* rows, std::int64_t count) { transform(rows, count, CUFFT_FORWARD); }
  void backward(double* rows, std::int64_t count) { transform(rows, count, CUFFT_INVERSE); }

 private:
  void transform(double* rows, std::int64_t count, int direction) {
    if (count == 0) return;
    if (count != planned_) {
      release();
      check(cufftCreate(&plan_), "cufftCreate");
      long long n[] = {length_};
      std::size_t bytes = 0;
      planned_ = count;
      check(cufftMakePlanMany64(plan_, 1, n, nullptr, 1, length_, nullptr, 1, length_, CUFFT_Z2Z, count, &bytes),
            "cufftMakePlanMany64");
    }
    auto* data = reinterpret_cast<cufftDoubleComplex*>(rows);
    check(cufftExecZ2Z(plan_, data, data, direction), "cufftExecZ2Z");
  }
  void release() {
    if (planned_ != 0) cufftDestroy(plan_);
    planned_ = 0;
  }

  std::int64_t length_;
  cufftHandle plan_ = 0;
  std::int64_t planned_ = 0;  ///< rows that the plan is for; 0 without a plan
};

}  // namespace lindrift::kernels::cuda
