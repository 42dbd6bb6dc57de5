#include "kernels/cuda/relaxation_batch.hpp"

namespace lindrift::kernels {
namespace cuda {
namespace {

template <class Device, int Rank>
void relax_with(const RelaxationTables& tables, double* results, int device) {
  (tables.steep ? relax_by<Device, Rank, tgge::PanelScanOn<BlockEngine, true>>
                : relax_by<Device, Rank, tgge::PanelScanOn<BlockEngine, false>>)(tables, results, device);
}

template <class Device>
void relax_panel_batch(const RelaxationTables& tables, double* results, int device) {
  (tables.rank == 2 ? relax_with<Device, 2> : relax_with<Device, 1>)(tables, results, device);
}

}  // namespace
}  // namespace cuda

namespace cuda_device {

void relax_panel_batch(const RelaxationTables& tables, double* results, int device) {
  cuda::relax_panel_batch<cuda::PhysicalDevice>(tables, results, device);
}
void count_panel_relaxations(const RelaxationTables& tables, double* results, int device) {
  cuda::relax_panel_batch<cuda::MemoryCounter>(tables, results, device);
}

}  // namespace cuda_device
}  // namespace lindrift::kernels
