#include "kernels/cuda/block_engine.hpp"

#include "kernels/tgge/moment_balance_on.hpp"
#include "kernels/tgge/moment_newton.hpp"

namespace lindrift::kernels {
namespace cuda {
namespace {

using tgge::MomentMap, tgge::MomentNewton;

/// MomentBatchTables on the device.
struct MomentBatch {
  Index points, modes, max_steps;
  double over_cells;
  const MomentBatchPoint* point;
  const double* sets;
  double* results;  ///< (points, result_size)
  double* work;     ///< (blocks, work_size)
  int* next;        ///< points taken, beside the first one of each block
  int blocks;

  static constexpr Index outcome_size = sizeof(MomentBatchOutcome) / sizeof(double);
  LINDRIFT_HD static Index result_size(Index modes) { return outcome_size + 2 * modes; }
  static constexpr Index work_arrays = 5;
};

struct NoLookUp {
  LINDRIFT_HD void operator()() const {}
};

/// The steady state of a point, from the thermal one.
template <int Rank>
__device__ void solve_point(BlockEngine& engine, const MomentBatch& batch, Index index) {
  const Index modes = batch.modes;
  const MomentBatchPoint point = batch.point[index];
  const double* const energy = batch.sets + static_cast<Index>(point.set) * (1 + 2 * Rank) * modes;
  const tgge::ProductWeight<Rank> weight{energy + modes, energy + (1 + Rank) * modes, modes};
  double* const work = batch.work + Index{blockIdx.x} * MomentBatch::work_arrays * modes;
  double *const thermal_in = work, *const thermal_out = work + modes;
  double* const result = batch.results + index * MomentBatch::result_size(modes);
  double *const multiplier = result + MomentBatch::outcome_size, *const occupation = multiplier + modes;

  using Map = MomentMap<BlockEngine, Rank>;
  BlockEngine::Buffer logarithms[3] = {{work + 2 * modes}, {work + 3 * modes}, {work + 4 * modes}}, none;
  const double half_beta = 0.5 * point.inverse_temperature;
  engine.map(modes, tgge::Boltzmann{half_beta, energy, thermal_in, thermal_out});
  Map map(engine, {&logarithms[0], &logarithms[1], &logarithms[2], &none, &none},
          {modes, half_beta, point.equilibrium_fraction, point.nonequilibrium_fraction, batch.over_cells}, weight,
          energy, thermal_in, thermal_out);
  MomentNewton<Map, Map::count> system(map, static_cast<double>(modes), point.number, nullptr);
  const NewtonRun run = newton(system, batch.max_steps, NoLookUp{});
  const double log_fugacity = system.finish(multiplier, occupation), residual = map.residual(multiplier);
  if (threadIdx.x == 0)
    *reinterpret_cast<MomentBatchOutcome*>(result) = {static_cast<double>(run.steps), run.finite ? run.size : NAN,
                                                      log_fugacity, residual};
}

/// A block takes one point after the other.
template <int Rank>
__global__ void __launch_bounds__(BlockEngine::threads) moment_batch_kernel(MomentBatch batch) {
  LINDRIFT_SHARED(double, scratch, BlockEngine::scratch_size);
  LINDRIFT_SHARED(int, taken, 1);
  BlockEngine engine(scratch);
  for (Index i = blockIdx.x; i < batch.points;) {
    solve_point<Rank>(engine, batch, i);
    if (threadIdx.x == 0) taken[0] = atomicAdd(batch.next, 1);
    __syncthreads();
    i = Index{batch.blocks} + taken[0];
    __syncthreads();
  }
}

/// Blocks that a multiprocessor holds at once: 128 threads of 254 or 255 registers each take half of its registers.
constexpr Index resident_blocks = 2;

template <class Device>
void solve_moment_batch(const MomentBatchTables& tables, double* results, int device) {
  EngineOn<Device> engine(0, device, nullptr);
  BufferOn<Device> points, sets, result, work;
  const Index modes = tables.modes, vectors = (1 + 2 * tables.rank) * tables.sets;
  const Index blocks = std::min(tables.points, resident_blocks * engine.processors());
  // The counter of the queue, zero, goes with the points.
  constexpr Index point_size = sizeof(MomentBatchPoint) / sizeof(double);
  PinnedOn<Device> staged;
  const Index sent = 1 + tables.points * point_size;
  double* const target = staged.resize(std::max(sent, vectors * modes));
  if constexpr (Device::computes) {
    target[0] = 0.0;
    std::copy_n(tables.point, sent - 1, target + 1);
  }
  engine.copy_in(target, sent, points);
  if constexpr (Device::computes)
    for (Index v = 0; v < vectors; ++v) std::copy_n(tables.set[v], modes, target + v * modes);
  engine.copy_in(target, vectors * modes, sets);
  const Index received = tables.points * MomentBatch::result_size(modes);
  const MomentBatch batch{tables.points,
                          modes,
                          tables.max_steps,
                          tables.over_cells,
                          reinterpret_cast<const MomentBatchPoint*>(points.data() + 1),
                          sets.data(),
                          result.resize(received),
                          work.resize(blocks * MomentBatch::work_arrays * modes),
                          reinterpret_cast<int*>(points.data()),
                          static_cast<int>(blocks)};
  engine.launch(tables.rank == 2 ? moment_batch_kernel<2> : moment_batch_kernel<1>, static_cast<unsigned>(blocks),
                BlockEngine::threads, batch);
  engine.copy_out(results, received, result);
}

}  // namespace
}  // namespace cuda

namespace cuda_device {

void solve_moment_batch(const MomentBatchTables& tables, double* results, int device) {
  cuda::solve_moment_batch<cuda::PhysicalDevice>(tables, results, device);
}
void count_moment_batch(const MomentBatchTables& tables, double* results, int device) {
  cuda::solve_moment_batch<cuda::MemoryCounter>(tables, results, device);
}

}  // namespace cuda_device
}  // namespace lindrift::kernels
