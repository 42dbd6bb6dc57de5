#pragma once

#include <cuda_runtime.h>

namespace cub {

enum BlockReduceAlgorithm { BLOCK_REDUCE_WARP_REDUCTIONS };

/// Adds in CUB's order: a tree over the threads of each warp, then the warps one after the other. The sum is thread 0's
/// alone.
template <class T, int Threads, BlockReduceAlgorithm>
class BlockReduce {
  static constexpr unsigned warp = 32, warps = Threads / warp;
  static_assert(Threads % warp == 0 && std::is_trivially_copyable_v<T>);

 public:
  struct TempStorage {
    alignas(T) unsigned char bytes[sizeof(T) * (warps + 1)];  // CUB keeps room for a prefix
  };

  explicit BlockReduce(TempStorage& storage) : of_warps_(reinterpret_cast<T*>(storage.bytes)) {}

  template <class Operation>
  T Reduce(T value, Operation operation) {
    T* const values = static_cast<T*>(::host_cuda::registers(sizeof(T) * Threads));
    values[threadIdx.x] = value;
    ::host_cuda::barrier(-1);
    if (threadIdx.x % warp == 0) {
      T part[warp];
      for (unsigned i = 0; i < warp; ++i) part[i] = values[threadIdx.x + i];
      for (unsigned offset = 1; offset < warp; offset *= 2)
        for (unsigned i = 0; i + offset < warp; ++i) part[i] = operation(part[i], part[i + offset]);
      of_warps_[threadIdx.x / warp] = part[0];
    }
    ::host_cuda::barrier(-2);
    ::host_cuda::poison(&value, sizeof(T));
    if (threadIdx.x != 0) return value;
    value = of_warps_[0];
    for (unsigned w = 1; w < warps; ++w) value = operation(value, of_warps_[w]);
    return value;
  }

 private:
  T* of_warps_;
};

}  // namespace cub
