#include "kernels/table.hpp"

#include <cstring>

#include "kernels/cuda/check.hpp"
#include "kernels/cuda/memory.hpp"

namespace lindrift::kernels {

namespace cuda_device {
// One set that computes and one that counts memory.
#define LINDRIFT_DECLARE_DEVICE(prefix, map)                                                                       \
  RateKernel* prefix##_rate_kernel(const RateTables& tables, bool direct, int threads, int device);                \
  SelfEnergyKernel* prefix##_self_energy_kernel(const SelfEnergyTables& tables, int threads, int device);          \
  TimeDevice* prefix##_time_device(const TimeTables& tables, int device);                                          \
  LadderDevice* prefix##_ladder_device(const TimeTables& tables, int device);                                      \
  PropagatorDevice* prefix##_propagator_device(const PropagatorTables& tables, int device);                        \
  void map##_spectral(const SpectralTables& tables, const double* frequency, double* spectral_function,            \
                      double* self_energy, double* green, int device);                                             \
  MatrixProduct* prefix##_matrix_product(std::int64_t size, std::int64_t count, const double* matrix, int device); \
  ClusterDevice* prefix##_cluster_device(int device);                                                              \
  BandDevice* prefix##_band_device(const HoppingTables& tables, int device);
LINDRIFT_DECLARE_DEVICE(make, map)
LINDRIFT_DECLARE_DEVICE(count, count)
#undef LINDRIFT_DECLARE_DEVICE
void solve_moment_batch(const PointBatchTables& tables, double* results, int device);
void count_moment_batch(const PointBatchTables& tables, double* results, int device);
void solve_panel_batch(const PointBatchTables& tables, double* results, int device);
void count_panel_batch(const PointBatchTables& tables, double* results, int device);
void relax_moment_batch(const RelaxationTables& tables, double* results, int device);
void count_moment_relaxations(const RelaxationTables& tables, double* results, int device);
void relax_panel_batch(const RelaxationTables& tables, double* results, int device);
void count_panel_relaxations(const RelaxationTables& tables, double* results, int device);
DeviceCeilings measure_ceilings(int device);
}  // namespace cuda_device

namespace cuda {
namespace {

int device_count(std::string* reason) noexcept {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess) {
    cudaGetLastError();  // expected here, and later calls must not report it
    // CUDA's own message for a missing driver speaks of versions.
    if (reason)
      *reason = status == cudaErrorInsufficientDriver ? "no driver, or one older than the toolkit"
                                                      : cudaGetErrorString(status);
    return 0;
  }
  if (count == 0 && reason) *reason = "no device";
  return count;
}

std::string device_name(int device) {
  cudaDeviceProp properties;
  LINDRIFT_CUDA_CHECK(cudaGetDeviceProperties(&properties, device));
  return properties.name;
}

DeviceMemory device_memory(int device) {
  std::size_t free = 0, total = 0;
  LINDRIFT_CUDA_CHECK(cudaSetDevice(device));
  LINDRIFT_CUDA_CHECK(cudaMemGetInfo(&free, &total));
  return {static_cast<double>(free), static_cast<double>(total)};
}

void begin_count() noexcept { MemoryCounter::max_bytes = MemoryCounter::bytes; }
std::int64_t counted_bytes() noexcept { return MemoryCounter::max_bytes; }

}  // namespace
}  // namespace cuda

namespace {

const DeviceKernels* device_table() noexcept {
  using namespace cuda_device;
  static constexpr DeviceKernels counting{{count_rate_kernel, count_self_energy_kernel},
                                          count_time_device,
                                          count_ladder_device,
                                          count_propagator_device,
                                          count_spectral,
                                          count_matrix_product,
                                          count_moment_batch,
                                          count_panel_batch,
                                          count_moment_relaxations,
                                          count_panel_relaxations,
                                          count_cluster_device,
                                          count_band_device,
                                          cuda::device_count,
                                          cuda::device_name,
                                          cuda::device_memory,
                                          measure_ceilings,
                                          nullptr,
                                          cuda::begin_count,
                                          cuda::counted_bytes};
  static constexpr DeviceKernels table{{make_rate_kernel, make_self_energy_kernel},
                                       make_time_device,
                                       make_ladder_device,
                                       make_propagator_device,
                                       map_spectral,
                                       make_matrix_product,
                                       solve_moment_batch,
                                       solve_panel_batch,
                                       relax_moment_batch,
                                       relax_panel_batch,
                                       make_cluster_device,
                                       make_band_device,
                                       cuda::device_count,
                                       cuda::device_name,
                                       cuda::device_memory,
                                       measure_ceilings,
                                       &counting,
                                       cuda::begin_count,
                                       cuda::counted_bytes};
  return &table;
}

}  // namespace

#ifdef LINDRIFT_HOST_CUDA
const DeviceKernels* find_device_kernels() noexcept { return device_table(); }
#endif

}  // namespace lindrift::kernels

#ifndef LINDRIFT_HOST_CUDA
extern "C" const lindrift::kernels::DeviceKernels* lindrift_cuda_kernels(const char* version, std::size_t table_size) {
  using namespace lindrift::kernels;
  return std::strcmp(version, LINDRIFT_PLUGIN_VERSION) == 0 && table_size == sizeof(DeviceKernels) ? device_table()
                                                                                                   : nullptr;
}
#endif
