#pragma once

#include "kernels/tgge/rows.hpp"

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

/// The sums of Eq. 6 over every pair, whatever structure weights and spectrum have. A Weight gives mode<T>(s),
/// gain(row, partner) = w(row, partner) and loss(row, partner) = w(partner, row).
template <class Weight, class Spectrum, class Source>
struct PairRate {
  template <class T>
  using Sum = PairSums<T>;
  struct Row {
    typename Weight::template Mode<double> mode;
    double energy;
  };
  template <class T>
  struct Column {
    Partner<T> partner;
    typename Weight::template Mode<T> mode;
    T energy;
  };

  Index size;
  Weight weight;
  Spectrum spectrum;
  const double* energy;
  Source source;
  RowSums rows;

  LINDRIFT_HD Row row(Index s) const {
    if constexpr (Spectrum::reads_energy)
      return {weight.template mode<double>(s), energy[s]};
    else
      return {weight.template mode<double>(s), 0.0};
  }
  template <class T>
  LINDRIFT_HD Column<T> column(Index s) const {
    if constexpr (Spectrum::reads_energy)
      return {source.template partner<T>(s), weight.template mode<T>(s), load<T>(energy, s)};
    else
      return {source.template partner<T>(s), weight.template mode<T>(s), T{}};
  }
  template <class T>
  LINDRIFT_HD void accumulate(const Row& row, const Column<T>& column, PairSums<T>& sum) const {
    const T sigma = spectrum(row.energy, column.energy);
    sum.thermal_gain += sigma * column.partner.thermal_particle;
    sum.gain += weight.template gain<T>(row.mode, column.mode) * column.partner.particle;
    sum.thermal_loss += sigma * column.partner.thermal_hole;
    sum.loss += weight.template loss<T>(row.mode, column.mode) * column.partner.hole;
  }
  LINDRIFT_HD void finish(Index s, const PairSums<double>& sum) const { rows.keep(s, sum); }
};

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
