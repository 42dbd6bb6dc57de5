#include "kernels/cuda/point_batch.hpp"

#include "kernels/tgge/moment_balance_on.hpp"
#include "kernels/tgge/moment_newton.hpp"

namespace lindrift::kernels {
namespace cuda {

using tgge::MomentMap, tgge::MomentNewton;

constexpr Index work_arrays = 5;

/// Newton's method in the moments, for the exponential spectrum.
template <int Rank>
struct InMoments {
  static __device__ void solve(BlockEngine& engine, const PointBatch& batch, Index index) {
    const Index modes = batch.modes;
    const BlockPoint point(batch, index, Rank);
    const tgge::ProductWeight<Rank> weight{point.in, point.out, modes};
    double *const thermal_in = point.work, *const thermal_out = thermal_in + modes;

    using Map = MomentMap<BlockEngine, Rank>;
    BlockEngine::Buffer logarithms[3] = {{point.work + 2 * modes}, {point.work + 3 * modes}, {point.work + 4 * modes}};
    BlockEngine::Buffer none;
    const double half_beta = 0.5 * point.inverse_temperature;
    engine.map(modes, tgge::Boltzmann{half_beta, point.energy, thermal_in, thermal_out});
    Map map(engine, {&logarithms[0], &logarithms[1], &logarithms[2], &none, &none},
            {modes, half_beta, point.equilibrium_fraction, point.nonequilibrium_fraction, batch.over_cells}, weight,
            point.energy, thermal_in, thermal_out);
    MomentNewton<Map, Map::count> system(map, static_cast<double>(modes), point.number, nullptr);
    const NewtonRun run = newton(system, batch.max_steps, NoLookUp{});
    const double log_fugacity = system.finish(point.multiplier, point.occupation),
                 residual = map.residual(point.multiplier);
    point.set_outcome({static_cast<double>(run.steps), run.finite ? run.size : NAN, log_fugacity, residual});
  }
};

namespace {

template <class Device>
void solve_moment_batch(const PointBatchTables& tables, double* results, int device) {
  solve_points<Device>(tables.rank == 2 ? point_batch_kernel<InMoments<2>> : point_batch_kernel<InMoments<1>>,
                       resident_blocks, work_arrays * tables.modes, tables, results, device);
}

}  // namespace
}  // namespace cuda

namespace cuda_device {

void solve_moment_batch(const PointBatchTables& tables, double* results, int device) {
  cuda::solve_moment_batch<cuda::PhysicalDevice>(tables, results, device);
}
void count_moment_batch(const PointBatchTables& tables, double* results, int device) {
  cuda::solve_moment_batch<cuda::MemoryCounter>(tables, results, device);
}

}  // namespace cuda_device
}  // namespace lindrift::kernels
