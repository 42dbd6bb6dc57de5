#pragma once

#include "kernels/cuda/block_engine.hpp"

#include "kernels/tgge/relaxation_tables.hpp"

/// Batches of points, each solved by one thread block.

namespace lindrift::kernels::cuda {

/// PointBatchTables on the device.
struct PointBatch {
  Index points, modes, max_steps;
  double over_cells;
  const BatchPoint* point;
  const double* sets;
  const PanelTables* panels;  ///< whose pointers are the device's
  double* results;            ///< (points, result_size)
  Index result_size;
  double* work;  ///< (blocks, work_size)
  Index work_size;
  int* next;  ///< points taken, beside the first one of each block
  int blocks;
  /// Of RelaxationTables, on the device.
  Index times = 0;
  const RelaxationPoint* own = nullptr;
  const double *time = nullptr, *start = nullptr;  ///< start: (points, modes)
  double smallest_tolerance = 0.0, stiff_steps = 0.0;

  static constexpr Index outcome_size = sizeof(BatchOutcome) / sizeof(double);
  static_assert(sizeof(RelaxationOutcome) == sizeof(BatchOutcome));
};

/// What the block that solves a point has to do with.
struct BlockPoint : BatchPoint {
  const double *energy, *in, *out;  ///< weights: (rank, modes)
  double* result;
  double *multiplier, *occupation;  ///< results of a steady state
  double* work;

  __device__ BlockPoint(const PointBatch& batch, Index index, int rank) : BatchPoint(batch.point[index]) {
    const Index modes = batch.modes;
    energy = batch.sets + static_cast<Index>(set) * (1 + 2 * rank) * modes;
    in = energy + modes;
    out = in + rank * modes;
    result = batch.results + index * batch.result_size;
    multiplier = result + PointBatch::outcome_size;
    occupation = multiplier + modes;
    work = batch.work + Index{blockIdx.x} * batch.work_size;
  }
  __device__ void set_outcome(const BatchOutcome& outcome) const {
    if (threadIdx.x == 0) *reinterpret_cast<BatchOutcome*>(result) = outcome;
  }
};

struct NoLookUp {
  LINDRIFT_HD void operator()() const {}
};

/// A block takes one point after the other.
/// @tparam Method  Method::solve(engine, batch, index)
template <class Method>
__global__ void __launch_bounds__(BlockEngine::threads) point_batch_kernel(PointBatch batch) {
  LINDRIFT_SHARED(double, scratch, BlockEngine::scratch_size);
  LINDRIFT_SHARED(int, taken, 1);
  BlockEngine engine(scratch);
  for (Index i = blockIdx.x; i < batch.points;) {
    Method::solve(engine, batch, i);
    if (threadIdx.x == 0) taken[0] = atomicAdd(batch.next, 1);
    __syncthreads();
    i = Index{batch.blocks} + taken[0];
    __syncthreads();
  }
}

/// Blocks that a multiprocessor holds at once: 128 threads of 254 or 255 registers each take half of its registers.
inline constexpr Index resident_blocks = 2;

/// @param resident     blocks that a multiprocessor holds at once
/// @param work_size    doubles of memory that a block works in
/// @param relaxations  the same tables, if they are those of relaxations
template <class Device>
void solve_points(void (*kernel)(PointBatch), Index resident, Index work_size, const PointBatchTables& tables,
                  double* results, int device, const RelaxationTables* relaxations = nullptr) {
  EngineOn<Device> engine(0, device, nullptr);
  BufferOn<Device> input, result, work;
  const Index modes = tables.modes, vectors = (1 + 2 * tables.rank) * tables.sets;
  const Index blocks = std::min(tables.points, resident * engine.processors());
  // In one copy: the counter of the queue, zero; the points; the panels; energies and weights; what relaxations have
  // beside, their output times and first states; the arrays of the panels.
  constexpr Index point_size = sizeof(BatchPoint) / sizeof(double), table_size = sizeof(PanelTables) / sizeof(double);
  const Index first_table = 1 + tables.points * point_size, first_vector = first_table + tables.panel_sets * table_size,
              first_own = first_vector + vectors * modes;
  constexpr Index own_size = sizeof(RelaxationPoint) / sizeof(double);
  const Index times = relaxations != nullptr ? relaxations->times : 0;
  const Index first_time = first_own + (relaxations != nullptr ? tables.points * own_size : 0),
              first_start = first_time + times,
              first_array = first_start + (relaxations != nullptr ? tables.points * modes : 0);
  Index sent = first_array;
  const auto for_each_table = [&](const auto& visit) {
    for (Index p = 0; p < tables.panel_sets; ++p) {
      PanelTables panels = tables.panels[p];
      visit(p, panels);
    }
  };
  for_each_table([&](Index, PanelTables& panels) {
    panels.for_each_array(modes, [&](const auto*, Index size) { sent += size; });
  });
  PinnedOn<Device> staged;
  double *const target = staged.resize(sent), *const on_device = input.resize(sent);
  if constexpr (Device::computes) {
    target[0] = 0.0;
    std::copy_n(tables.point, tables.points * point_size, target + 1);
    for (Index v = 0; v < vectors; ++v) std::copy_n(tables.set[v], modes, target + first_vector + v * modes);
    if (relaxations != nullptr) {
      std::copy_n(&relaxations->own->scale, tables.points * own_size, target + first_own);
      std::copy_n(relaxations->time, times, target + first_time);
      for (Index p = 0; p < tables.points; ++p)
        std::copy_n(relaxations->start[p], modes, target + first_start + p * modes);
    }
    Index place = first_array;
    for_each_table([&](Index p, PanelTables& panels) {
      panels.for_each_array(modes, [&](auto*& array, Index size) {
        static_assert(sizeof(*array) == sizeof(double));
        std::memcpy(target + place, array, static_cast<std::size_t>(size) * sizeof(double));
        array = reinterpret_cast<std::remove_reference_t<decltype(array)>>(on_device + place);
        place += size;
      });
      std::memcpy(target + first_table + p * table_size, &panels, sizeof(panels));
    });
  }
  engine.copy_in(target, sent, input);
  const Index result_size = PointBatch::outcome_size + (relaxations != nullptr ? times * (1 + modes) : 2 * modes),
              received = tables.points * result_size;
  PointBatch batch{tables.points,
                   modes,
                   tables.max_steps,
                   tables.over_cells,
                   reinterpret_cast<const BatchPoint*>(on_device + 1),
                   on_device + first_vector,
                   reinterpret_cast<const PanelTables*>(on_device + first_table),
                   result.resize(received),
                   result_size,
                   work.resize(blocks * work_size),
                   work_size,
                   reinterpret_cast<int*>(on_device),
                   static_cast<int>(blocks)};
  if (relaxations != nullptr) {
    batch.times = times;
    batch.own = reinterpret_cast<const RelaxationPoint*>(on_device + first_own);
    batch.time = on_device + first_time;
    batch.start = on_device + first_start;
    batch.smallest_tolerance = relaxations->smallest_tolerance;
    batch.stiff_steps = relaxations->stiff_steps;
  }
  engine.launch(kernel, static_cast<unsigned>(blocks), BlockEngine::threads, batch);
  engine.copy_out(results, received, result);
}

}  // namespace lindrift::kernels::cuda
