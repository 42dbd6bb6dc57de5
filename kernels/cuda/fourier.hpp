#pragma once

#include <cufft.h>

#include <cstdint>
#include <string>

#include "kernels/cuda/check.hpp"
#include "kernels/cuda/memory.hpp"
#include "lindrift/error.hpp"

namespace lindrift::kernels::cuda {

/// If the device's memory is full, cuFFT may report an internal error.
inline void check(cufftResult status, const char* call) {
  if (status == CUFFT_SUCCESS) return;
  const std::string text = std::string("cuFFT: ") + call + ": status " + std::to_string(static_cast<int>(status));
  fail(text, status == CUFFT_ALLOC_FAILED || status == CUFFT_INTERNAL_ERROR);
}

/// Unnormalised discrete Fourier transforms of rows of one shape on the device, through cuFFT (src/engine/fourier.hpp
/// has the signs). Works on the calling thread's current device, in its default stream. Keeps the plan for the last
/// number of rows.
template <class Device>
class FourierOn {
 public:
  explicit FourierOn(std::int64_t length) : FourierOn(&length, 1) {}
  /// @param cells  along each of one to three directions, the last of which runs fastest
  FourierOn(const std::int64_t* cells, std::int64_t directions) {
    for (std::int64_t i = 0; i < directions; ++i) {
      length_ *= cells[i];
      if (cells[i] > 1) cells_[directions_++] = cells[i];
    }
    if (directions_ == 0) directions_ = 1;  // a single element
  }
  FourierOn(const FourierOn&) = delete;
  FourierOn& operator=(const FourierOn&) = delete;
  ~FourierOn() { release(); }

  /// @param[in,out] rows  device memory, (count, length) interleaved complex numbers; in place
  void forward(double* rows, std::int64_t count) { transform(rows, count, CUFFT_FORWARD); }
  void backward(double* rows, std::int64_t count) { transform(rows, count, CUFFT_INVERSE); }

 private:
  void transform(double* rows, std::int64_t count, int direction) {
    if (count == 0) return;
    if (count != planned_) plan(count);
    if constexpr (Device::computes) {
      auto* data = reinterpret_cast<cufftDoubleComplex*>(rows);
      check(cufftExecZ2Z(plan_, data, data, direction), "cufftExecZ2Z");
    }
  }
  /// cuFFT reports the size of its working area before anything is allocated, and works in a buffer of ours.
  void plan(std::int64_t count) {
    release();
    check(cufftCreate(&plan_), "cufftCreate");
    planned_ = count;
    check(cufftSetAutoAllocation(plan_, 0), "cufftSetAutoAllocation");
    std::size_t bytes = 0;
    check(cufftMakePlanMany64(plan_, directions_, cells_, nullptr, 1, length_, nullptr, 1, length_, CUFFT_Z2Z, count,
                              &bytes),
          "cufftMakePlanMany64");
    if (bytes == 0) return;
    double* area = area_.resize(static_cast<std::int64_t>((bytes + sizeof(double) - 1) / sizeof(double)));
    if constexpr (Device::computes) check(cufftSetWorkArea(plan_, area), "cufftSetWorkArea");
  }
  void release() {
    if (planned_ != 0) cufftDestroy(plan_);
    planned_ = 0;
  }

  std::int64_t length_ = 1;
  int directions_ = 0;
  long long cells_[3] = {1, 1, 1};  ///< along the directions with more than one
  cufftHandle plan_ = 0;
  std::int64_t planned_ = 0;  ///< number of rows that the plan is for; 0: no plan
  BufferOn<Device> area_;
};

}  // namespace lindrift::kernels::cuda
