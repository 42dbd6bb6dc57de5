// The parts of CUDA C++ and its runtime that this project's kernels need, for a host compiler: tests/support/host_cuda
// runs the sources that nvcc compiles on the CPU, and checks them.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <tuple>
#include <type_traits>
#include <utility>

#define LINDRIFT_HOST_CUDA
#define __host__
#define __device__
#define __global__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  constexpr dim3(unsigned a = 1, unsigned b = 1, unsigned c = 1) : x(a), y(b), z(c) {}
};

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInvalidConfiguration = 9,
  cudaErrorInsufficientDriver = 35,
  cudaErrorNoDevice = 100,
  cudaErrorInvalidDevice = 101,
  cudaErrorIllegalAddress = 700
};
enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice };
enum cudaDeviceAttr { cudaDevAttrMultiProcessorCount = 16 };
struct cudaDeviceProp {
  char name[256];
};
struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  std::size_t dynamicSmemBytes;
};

cudaError_t cudaMalloc(void** pointer, std::size_t size);
cudaError_t cudaFree(void* pointer);
cudaError_t cudaMallocHost(void** pointer, std::size_t size);
cudaError_t cudaFreeHost(void* pointer);
cudaError_t cudaMemcpy(void* to, const void* from, std::size_t size, cudaMemcpyKind kind);
/// In the default stream.
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t size, cudaMemcpyKind kind);
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device);
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr which, int device);
cudaError_t cudaDeviceSynchronize();
/// Only of the default stream, the null pointer.
cudaError_t cudaStreamSynchronize(std::nullptr_t stream);
cudaError_t cudaGetLastError();
const char* cudaGetErrorString(cudaError_t error);
const char* cudaGetErrorName(cudaError_t error);

template <class T>
cudaError_t cudaMalloc(T** pointer, std::size_t size) {
  return cudaMalloc(reinterpret_cast<void**>(pointer), size);
}
template <class T>
cudaError_t cudaMallocHost(T** pointer, std::size_t size) {
  return cudaMallocHost(reinterpret_cast<void**>(pointer), size);
}

/// Threads run one after the other.
inline int atomicAdd(int* target, int value) { return std::exchange(*target, *target + value); }

namespace host_cuda {

struct Place {
  dim3 thread, block;
};
extern thread_local Place place;

/// A kernel with its parameters bound.
struct Body {
  void (*call)(void* data);
  void* data;
};
struct Parameter {
  const void* bytes;
  std::size_t size;
};
/// Checks the launch and runs every thread of every block. With `barriers`, the threads are fibres that can wait.
cudaError_t run(const char* kernel, dim3 grid, dim3 block, const Parameter* parameters, int count, Body body,
                bool barriers);

/// Ends a phase of the current block. @param site  identifies the barrier: all threads must wait at the same one
void barrier(int site);

/// Memory shared by the threads of the current block, identified by the name of the variable; poisoned when the block
/// starts.
void* shared(const char* name, std::size_t size);

/// What the threads of the current block have in registers, for instructions that exchange it.
void* registers(std::size_t size);

/// Fills memory with signalling NaNs.
void poison(void* data, std::size_t size);

/// rcp.approx.ftz.f64: the low 32 bits are neither read nor written, subnormal numbers are flushed.
inline double reciprocal_estimate(double x) {
  const auto high_half = [](double value) {
    return std::bit_cast<double>(std::bit_cast<std::uint64_t>(value) >> 32 << 32);
  };
  if (std::isnan(x)) return x;
  const double high = high_half(x);
  if (std::abs(high) < std::numeric_limits<double>::min()) return std::copysign(INFINITY, x);
  const double result = high_half(1.0 / high);
  return std::abs(result) < std::numeric_limits<double>::min() ? std::copysign(0.0, x) : result;
}

/// The order in which `size` threads run: forward, backward, or shuffled.
class Order {
 public:
  Order() = default;
  explicit Order(std::uint64_t size);
  std::uint64_t next() { return std::exchange(at_, at_ + step_ < size_ ? at_ + step_ : at_ + step_ - size_); }

 private:
  std::uint64_t size_ = 0, step_ = 1, at_ = 0;
};

}  // namespace host_cuda

template <class... Parameters, class... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* configuration, void (*kernel)(Parameters...),
                               Arguments&&... arguments) {
  static_assert((std::is_trivially_copyable_v<Parameters> && ...), "parameters are copied byte by byte");
  struct Call {
    void (*kernel)(Parameters...);
    std::tuple<Parameters...> values;
  } call{kernel, {std::forward<Arguments>(arguments)...}};
  return std::apply(
      [&](auto&... value) {
        (__builtin_clear_padding(&value), ...);  // padding may contain old pointers
        const host_cuda::Parameter parameters[] = {{&value, sizeof(value)}...};
        const auto run = [](void* data) {
          auto* bound = static_cast<Call*>(data);
          std::apply(bound->kernel, bound->values);
        };
        return host_cuda::run(__PRETTY_FUNCTION__, configuration->gridDim, configuration->blockDim, parameters,
                              static_cast<int>(sizeof...(Parameters)), {run, &call}, true);
      },
      call.values);
}

#define threadIdx (::host_cuda::place.thread)
#define blockIdx (::host_cuda::place.block)
#define __syncthreads() ::host_cuda::barrier(__LINE__)
#define LINDRIFT_SHARED(type, name, count) \
  using name##_array = type[count];        \
  auto& name = *static_cast<name##_array*>(::host_cuda::shared(#name, sizeof(name##_array)))
