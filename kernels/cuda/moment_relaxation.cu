#include "kernels/cuda/relaxation_batch.hpp"

namespace lindrift::kernels {
namespace cuda {
namespace {

template <class Device>
void relax_moment_batch(const RelaxationTables& tables, double* results, int device) {
  (tables.rank == 2 ? relax_by<Device, 2, tgge::NoPanels> : relax_by<Device, 1, tgge::NoPanels>)(tables, results,
                                                                                                 device);
}

}  // namespace
}  // namespace cuda

namespace cuda_device {

void relax_moment_batch(const RelaxationTables& tables, double* results, int device) {
  cuda::relax_moment_batch<cuda::PhysicalDevice>(tables, results, device);
}
void count_moment_relaxations(const RelaxationTables& tables, double* results, int device) {
  cuda::relax_moment_batch<cuda::MemoryCounter>(tables, results, device);
}

}  // namespace cuda_device
}  // namespace lindrift::kernels
