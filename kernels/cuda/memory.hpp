#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>

#include "kernels/cuda/check.hpp"

/// Memory on a device, and a stand-in that only counts it. The engine and the classes beside it take one of the two, so
/// that the code that allocates is also the statement of how much it allocates.

namespace lindrift::kernels::cuda {

/// Page-locked memory of the host, which a card copies to and from without a staging buffer.
struct PinnedMemory {
  static double* allocate(std::int64_t size) {
    double* data = nullptr;
    LINDRIFT_CUDA_CHECK(cudaMallocHost(&data, static_cast<std::size_t>(size) * sizeof(double)));
    return data;
  }
  static void release(double* data, std::int64_t /*size*/) noexcept { cudaFreeHost(data); }
};

/// A real device: allocates, copies and launches.
struct PhysicalDevice {
  using Pinned = PinnedMemory;
  static constexpr bool computes = true;
  static double* allocate(std::int64_t size) {
    double* data = nullptr;
    LINDRIFT_CUDA_CHECK(cudaMalloc(&data, static_cast<std::size_t>(size) * sizeof(double)));
    return data;
  }
  static void release(double* data, std::int64_t /*size*/) noexcept { cudaFree(data); }
  /// What a library allocates for itself.
  static void add(std::int64_t /*bytes*/) {}
};

/// Stands for the card where memory is planned: allocates, copies and computes nothing.
struct MemoryCounter {
  /// None of it is the device's.
  struct Pinned {
    static double* allocate(std::int64_t /*size*/) { return nullptr; }
    static void release(double* /*data*/, std::int64_t /*size*/) noexcept {}
  };
  static constexpr bool computes = false;
  /// Bytes of the calling thread's objects, and their maximum since the count began.
  static inline thread_local std::int64_t bytes = 0, max_bytes = 0;

  static double* allocate(std::int64_t size) {
    add(size * std::int64_t{sizeof(double)});
    static double never_touched;
    return &never_touched;
  }
  static void release(double* /*data*/, std::int64_t size) noexcept { add(-size * std::int64_t{sizeof(double)}); }
  static void add(std::int64_t change) noexcept {
    bytes += change;
    max_bytes = std::max(max_bytes, bytes);
  }
};

/// Doubles or integers of the same size that `Memory` allocates: on the current device, or PinnedOn the host.
template <class Memory, class T = double>
class BufferOn {
  static_assert(sizeof(T) == sizeof(double));

 public:
  BufferOn() = default;
  BufferOn(const BufferOn&) = delete;
  BufferOn& operator=(const BufferOn&) = delete;
  ~BufferOn() { release(); }

  T* resize(std::int64_t size) {
    if (size > capacity_) {
      release();
      data_ = reinterpret_cast<T*>(Memory::allocate(size));
      capacity_ = size;
    }
    return data_;
  }
  T* data() const { return data_; }

 private:
  void release() noexcept {
    if (data_ != nullptr) Memory::release(reinterpret_cast<double*>(data_), capacity_);
    data_ = nullptr;
    capacity_ = 0;
  }

  T* data_ = nullptr;
  std::int64_t capacity_ = 0;
};

using Buffer = BufferOn<PhysicalDevice>;
template <class Device>
using PinnedOn = BufferOn<typename Device::Pinned>;

}  // namespace lindrift::kernels::cuda
