#include "kernels/cuda/point_batch.hpp"

#include "kernels/newton.hpp"
#include "kernels/tgge/multiplier_gmres.hpp"
#include "kernels/tgge/panel_rates.hpp"
#include "kernels/tgge/spectrum.hpp"

namespace lindrift::kernels {
namespace cuda {

using tgge::MultiplierGmres, tgge::MultiplierMemory;

/// Newton's method in the multipliers, for a spectrum that is summed by panels.
template <int Rank, bool Steep>
struct ByPanels {
  using Rates = tgge::PanelRates<BlockEngine, Rank, Steep>;

  static __device__ void solve(BlockEngine& engine, const PointBatch& batch, Index index) {
    const Index modes = batch.modes;
    const BlockPoint point(batch, index, Rank);
    Carver work{point.work};
    Rates rates(
        {modes, point.inverse_temperature, point.equilibrium_fraction, point.nonequilibrium_fraction, batch.over_cells},
        point.energy, {point.in, point.out, modes}, batch.panels[static_cast<Index>(point.panels)], work);
    const MultiplierMemory memory = MultiplierMemory::from(work, modes);
    rates.begin(engine);
    engine.map(modes, tgge::ScaledEnergies{point.inverse_temperature, point.energy, point.multiplier});
    MultiplierGmres<BlockEngine, Rates> system(engine, rates, modes, memory);
    const bool balanced = system.begin(point.multiplier, point.number);
    const NewtonRun run = newton(system, balanced ? batch.max_steps : 0, NoLookUp{});
    const double log_fugacity = system.finish(point.multiplier, point.occupation), residual = system.residual();
    point.set_outcome({static_cast<double>(run.steps), run.finite ? run.size : NAN, log_fugacity, residual});
  }

  /// Doubles that it takes with these panels.
  static Index work_size(const PanelTables& panels, Index modes) {
    Carver work;
    [[maybe_unused]] const Rates rates({modes, 0.0, 0.0, 0.0, 0.0}, nullptr, {nullptr, nullptr, modes}, panels, work);
    MultiplierMemory::from(work, modes);
    return work.used;
  }
};

namespace {

template <class Device, int Rank, bool Steep>
void solve_by(const PointBatchTables& tables, double* results, int device) {
  using Method = ByPanels<Rank, Steep>;
  Index work_size = 0;
  for (Index p = 0; p < tables.panel_sets; ++p)
    work_size = std::max(work_size, Method::work_size(tables.panels[p], tables.modes));
  solve_points<Device>(point_batch_kernel<Method>, resident_blocks, work_size, tables, results, device);
}

template <class Device>
void solve_panel_batch(const PointBatchTables& tables, double* results, int device) {
  if (tables.rank == 2)
    (tables.steep ? solve_by<Device, 2, true> : solve_by<Device, 2, false>)(tables, results, device);
  else
    (tables.steep ? solve_by<Device, 1, true> : solve_by<Device, 1, false>)(tables, results, device);
}

}  // namespace
}  // namespace cuda

namespace cuda_device {

void solve_panel_batch(const PointBatchTables& tables, double* results, int device) {
  cuda::solve_panel_batch<cuda::PhysicalDevice>(tables, results, device);
}
void count_panel_batch(const PointBatchTables& tables, double* results, int device) {
  cuda::solve_panel_batch<cuda::MemoryCounter>(tables, results, device);
}

}  // namespace cuda_device
}  // namespace lindrift::kernels
