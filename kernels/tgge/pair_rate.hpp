#pragma once

#include "kernels/tgge/rows.hpp"
#include "kernels/tgge/spectrum.hpp"

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

/// The sums of Eq. 6 over every pair, whatever structure weights and spectrum have. A Weight gives mode<T>(s),
/// gain(row, partner) = w(row, partner) and loss(row, partner) = w(partner, row); a Spectrum, see spectrum.hpp.
template <class Weight, class Spectrum, class Source>
struct PairRate {
  template <class T>
  using Sum = PairSums<T>;
  struct Row {
    typename Weight::template Mode<double> mode;
    typename Spectrum::template Mode<double> thermal;
  };
  template <class T>
  struct Column {
    Partner<T> partner;
    typename Weight::template Mode<T> mode;
    typename Spectrum::template Mode<T> thermal;
  };

  Index size;
  Weight weight;
  Spectrum spectrum;
  Source source;
  RowSums rows;

  LINDRIFT_HD Row row(Index s) const { return {weight.template mode<double>(s), spectrum.row(s)}; }
  template <class T>
  LINDRIFT_HD Column<T> column(Index s) const {
    return {source.template partner<T>(s), weight.template mode<T>(s), spectrum.template mode<T>(s)};
  }
  template <class T>
  LINDRIFT_HD void accumulate(const Row& row, const Column<T>& column, PairSums<T>& sum) const {
    const ThermalFactors<T> sigma = spectrum.pair(row.thermal, column.thermal);
    sum.thermal_gain += sigma.particle * column.partner.thermal_particle;
    sum.gain += weight.template gain<T>(row.mode, column.mode) * column.partner.particle;
    sum.thermal_loss += sigma.hole * column.partner.thermal_hole;
    sum.loss += weight.template loss<T>(row.mode, column.mode) * column.partner.hole;
  }
  LINDRIFT_HD void finish(Index s, const PairSums<double>& sum) const { rows.keep(s, sum); }
};

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
