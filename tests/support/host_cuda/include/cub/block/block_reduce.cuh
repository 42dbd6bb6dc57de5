#pragma once

#include <cuda_runtime.h>

namespace cub {

enum BlockReduceAlgorithm { BLOCK_REDUCE_RAKING };

/// Adds in CUB's order of raking: 32 segments of neighbouring threads, then a tree over them. The sum is thread 0's
/// alone.
template <class T, int Threads, BlockReduceAlgorithm>
class BlockReduce {
  static_assert(Threads % 32 == 0 && std::is_trivially_copyable_v<T>);
  static constexpr int segment = Threads / 32;

 public:
  struct TempStorage {
    alignas(T) unsigned char bytes[sizeof(T) * (Threads + 32)];  // CUB pads against conflicts of banks
  };

  explicit BlockReduce(TempStorage& storage) : values_(reinterpret_cast<T*>(storage.bytes)) {}

  template <class Operation>
  T Reduce(T value, Operation operation) {
    values_[threadIdx.x] = value;
    ::host_cuda::barrier(-1);
    T part[32];
    ::host_cuda::poison(part, sizeof(part));
    if (threadIdx.x != 0) return part[0];
    for (int rake = 0; rake < 32; ++rake) {
      part[rake] = values_[rake * segment];
      for (int i = 1; i < segment; ++i) part[rake] = operation(part[rake], values_[rake * segment + i]);
    }
    for (int offset = 1; offset < 32; offset *= 2)
      for (int i = 0; i + offset < 32; ++i) part[i] = operation(part[i], part[i + offset]);
    return part[0];
  }

 private:
  T* values_;
};

}  // namespace cub
