#pragma once

#include "kernels/cuda/point_batch.hpp"

#include "kernels/tgge/panel_scan.hpp"
#include "kernels/tgge/plain_rates.hpp"
#include "kernels/tgge/relaxation.hpp"

/// Batches of relaxations, each integrated by one thread block from its first state on.

namespace lindrift::kernels::cuda {

/// @tparam Scan  of PlainRates
template <int Rank, class Scan>
struct Relaxing {
  using Rates = tgge::PlainRates<BlockEngine, Rank, Scan>;
  /// As resident_blocks: threads of at most 168 registers, but for a steep spectrum.
  static constexpr Index resident = std::is_same_v<Scan, tgge::PanelScanOn<BlockEngine, true>> ? resident_blocks : 3;

  static __device__ void solve(BlockEngine& engine, const PointBatch& batch, Index index) {
    const BlockPoint point(batch, index, Rank);
    Carver work{point.work};
    const PanelTables* const panels = batch.panels + (point.panels >= 0.0 ? static_cast<Index>(point.panels) : 0);
    Rates rates =
        rates_of(batch, point, batch.own[index].scale, point.energy, {point.in, point.out, batch.modes}, panels, work);
    rates.begin(engine);
    tgge::Relaxation<BlockEngine, Rates> relaxation(engine, rates, batch.modes,
                                                    tgge::RelaxationMemory::from(work, batch.modes));
    double* const residual = point.result + PointBatch::outcome_size;
    double* const states = residual + batch.times;
    const Index done = follow(relaxation, batch, index, states, residual);
    // All results cross to the host.
    engine.map(batch.times - done, tgge::WriteNumber{NAN, residual + done});
    engine.map((batch.times - done) * batch.modes, tgge::WriteNumber{NAN, states + done * batch.modes});
    if (threadIdx.x == 0)
      *reinterpret_cast<RelaxationOutcome*>(point.result) = {relaxation.steps(), relaxation.rate_evaluations(),
                                                             relaxation.scale(), static_cast<double>(done)};
  }

  /// Doubles that it takes with these panels, if it needs any.
  static Index work_size(const PanelTables* panels, Index modes) {
    Carver work;
    PointBatch batch{};
    batch.modes = modes;
    [[maybe_unused]] const Rates rates = rates_of(batch, {}, 0.0, nullptr, {nullptr, nullptr, modes}, panels, work);
    tgge::RelaxationMemory::from(work, modes);
    return work.used;
  }

 private:
  /// Number of output times that were reached.
  static __device__ Index follow(tgge::Relaxation<BlockEngine, Rates>& relaxation, const PointBatch& batch, Index index,
                                 double* states, double* residual) {
    if (!relaxation.begin(batch.start + index * batch.modes, batch.time[batch.times - 1],
                          {batch.own[index].tolerance, batch.smallest_tolerance, batch.stiff_steps,
                           static_cast<double>(batch.max_steps)}))
      return 0;
    double reached = 0.0;
    for (Index i = 0; i < batch.times; ++i) {
      const double time = batch.time[i];
      if (time > reached && !relaxation.advance(time - reached)) return i;
      if (!relaxation.write(states + i * batch.modes, residual + i)) return i;
      reached = time;
    }
    return batch.times;
  }

  static LINDRIFT_HD Rates rates_of(const PointBatch& batch, const BatchPoint& point, double scale,
                                    const double* energy, const tgge::ProductWeight<Rank>& weight,
                                    const PanelTables* panels, Carver& work) {
    return {{batch.modes, point.inverse_temperature, point.equilibrium_fraction, point.nonequilibrium_fraction,
             batch.over_cells, scale},
            energy,
            weight,
            scan_of(panels, batch.modes, work),
            work};
  }
  static LINDRIFT_HD Scan scan_of([[maybe_unused]] const PanelTables* panels, [[maybe_unused]] Index modes,
                                  [[maybe_unused]] Carver& work) {
    if constexpr (std::is_same_v<Scan, tgge::NoPanels>)
      return {};
    else
      return Scan(*panels, modes, work);
  }
};

template <class Device, int Rank, class Scan>
void relax_by(const RelaxationTables& tables, double* results, int device) {
  using Method = Relaxing<Rank, Scan>;
  Index work_size = tables.panel_sets > 0 ? 0 : Method::work_size(nullptr, tables.modes);
  for (Index p = 0; p < tables.panel_sets; ++p)
    work_size = std::max(work_size, Method::work_size(tables.panels + p, tables.modes));
  solve_points<Device>(point_batch_kernel<Method>, Method::resident, work_size, tables, results, device, &tables);
}

}  // namespace lindrift::kernels::cuda
