#pragma once

#include <cuda_runtime.h>

namespace cub {

struct DeviceFor {
  /// operation(i) for every i below size.
  template <class Size, class Operation>
  static cudaError_t Bulk(Size size, Operation operation) {
    if (size <= 0) return cudaSuccess;
    static_assert(std::is_trivially_copyable_v<Operation>);
    constexpr unsigned threads = 256, items = 2;  // CUB's choice on every architecture
    const auto tiles = (static_cast<std::uint64_t>(size) + threads * items - 1) / (threads * items);
    if (tiles > 0x7fffffffU) return cudaErrorInvalidConfiguration;
    __builtin_clear_padding(&operation);
    struct Call {
      Size size;
      Operation* operation;
    } call{size, &operation};
    const host_cuda::Parameter parameters[] = {{&operation, sizeof(operation)}};
    const auto run = [](void* data) {  // without barriers: any order of all elements will do
      const auto* all = static_cast<const Call*>(data);
      const auto count = static_cast<std::uint64_t>(all->size);
      host_cuda::Order order(count);
      for (std::uint64_t i = 0; i < count; ++i) (*all->operation)(static_cast<Size>(order.next()));
    };
    return host_cuda::run(__PRETTY_FUNCTION__, dim3(static_cast<unsigned>(tiles)), dim3(threads), parameters, 1,
                          {run, &call}, false);
  }
};

}  // namespace cub
