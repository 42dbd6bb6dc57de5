// Compiled once per CPU instruction set; LINDRIFT_ISA names the variant.
#include "kernels/hubbard/self_energy_kernel_of.hpp"
#include "kernels/hubbard/volterra.hpp"

#include "kernels/cpu/engine.hpp"

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {

SelfEnergyKernel* make_self_energy_kernel(const SelfEnergyTables& tables, int threads, int device) {
  return new hubbard::SelfEnergyKernelOf<cpu::Engine>(tables, threads, device);
}

namespace hubbard {
namespace {

void store_row(double* row, Index p, Index count, ComplexOf<Pack> value) {
  if (count >= pack_width) return store_interleaved(value.re, value.im, row + 2 * p);
  for (int i = 0; i < count; ++i) set_complex(row, p + i, {value.re[i], value.im[i]});
}

void time_amplitudes(const TimeTables& tables, const double* times, Index count, double* rows) {
  const Index sites = tables.sites;
  for (Index time = 0; time < count; ++time)
    for (Index p = 0; p < sites; p += pack_width) {
      const auto result = amplitudes<Pack>(tables, p, times[time]);  // the tables are padded with zeros
      double* row = rows + 2 * time * tables.factors * sites;
      store_row(row, p, sites - p, result.a());
      store_row(row + 2 * sites, p, sites - p, result.b());
      store_row(row + 4 * sites, p, sites - p, result.c());
      if (tables.factors == 3) continue;
      store_row(row + 6 * sites, p, sites - p, result.slow_a());
      store_row(row + 8 * sites, p, sites - p, result.slow_b());
    }
}

template <class Rows>
void for_rows(const Rows& rows, Index count) {
  for (Index time = 0; time < count; ++time)
    for (Index r = 0; r < rows.tables.sites; ++r) rows.at(time, r);
}

void time_products(const TimeTables& tables, const double* rows, Index count, double* products) {
  for_rows(ProductRows{tables, rows, products}, count);
}
void time_couple(const TimeTables& tables, Index count, double* products) {
  for_rows(CoupleRows{tables, products}, count);
}
void time_propagate(const TimeTables& tables, const double* rows, Index count, double* products) {
  for_rows(PropagateRows{tables, rows, products}, count);
}

/// Calls work(lanes) for each pack of lanes in a group of momenta.
template <class Work>
void for_lanes(const VolterraTables& tables, Index first, const VolterraArrays& arrays, const Work& work) {
  for (Index lane = 0; lane < VolterraTables::group; lane += pack_width)
    work(Volterra<Pack>{tables, arrays, first + lane, lane});
}

void volterra_prepare(const VolterraTables& tables, Index first, const double* rows, const double* circle,
                      const VolterraArrays& arrays) {
  for_lanes(tables, first, arrays, [&](const Volterra<Pack>& lanes) {
    lanes.rescale(rows);
    lanes.integrate();
    lanes.begin(circle);
  });
}

void volterra_advance(const VolterraTables& tables, Index first, const VolterraArrays& arrays, Index from, Index begin,
                      Index end) {
  for_lanes(tables, first, arrays, [&](const Volterra<Pack>& lanes) { lanes.advance(from, begin, end); });
}

void volterra_compare(const VolterraTables& rough, const VolterraArrays& rough_arrays, const VolterraArrays& arrays,
                      double* difference) {
  for (Index lane = 0; lane < VolterraTables::group; lane += pack_width) {
    const Volterra<Pack> fine{rough, arrays, 0, lane}, coarse{rough, rough_arrays, 0, lane};
    const Pack square = fine.difference(coarse);
    for (int i = 0; i < pack_width; ++i) difference[lane + i] = sqrt(static_cast<double>(square[i]));
  }
}

void volterra_finish(const VolterraTables& tables, Index first, const VolterraArrays& arrays, double* green) {
  for_lanes(tables, first, arrays, [&](const Volterra<Pack>& lanes) {
    for (Index t = 0; t < tables.times; ++t) {
      const ComplexOf<Pack> value = lanes.green(t);
      for (int i = 0; i < pack_width && lanes.momentum + i < tables.sites; ++i)
        set_complex(green, (lanes.momentum + i) * tables.times + t, {value.re[i], value.im[i]});
    }
  });
}

}  // namespace
}  // namespace hubbard

VolterraFunctions volterra_functions() {
  return {hubbard::volterra_prepare, hubbard::volterra_advance, hubbard::volterra_compare, hubbard::volterra_finish};
}

TimeFunctions time_functions() {
  return {hubbard::time_amplitudes, hubbard::time_products, hubbard::time_couple, hubbard::time_propagate};
}

}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
