#pragma once

#include "kernels/tgge/rows.hpp"
#include "kernels/tgge/source_mode.hpp"
#include "kernels/tgge/spectrum.hpp"

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

/// The sums of Eq. 6 over every pair, for any weights and any spectrum. A Weight has mode<T>(s), gain(row, source) =
/// w(row, source) and loss(row, source) = w(source, row); for a Spectrum see spectrum.hpp.
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
    SourceMode<T> source;
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
    return {source.template mode<T>(s), weight.template mode<T>(s), spectrum.template mode<T>(s)};
  }
  template <class T>
  LINDRIFT_HD void accumulate(const Row& row, const Column<T>& column, PairSums<T>& sum) const {
    const ThermalFactors<T> sigma = spectrum.pair(row.thermal, column.thermal);
    sum.thermal_gain += sigma.particle * column.source.thermal_particle;
    sum.gain += weight.template gain<T>(row.mode, column.mode) * column.source.particle;
    sum.thermal_loss += sigma.hole * column.source.thermal_hole;
    sum.loss += weight.template loss<T>(row.mode, column.mode) * column.source.hole;
  }
  LINDRIFT_HD void finish(Index s, const PairSums<double>& sum) const {
    const double scale = spectrum.scale();
    rows.keep(s, {scale * sum.thermal_gain, sum.gain, scale * sum.thermal_loss, sum.loss});
  }
};

/// Only the thermal sums of Eq. 6 over every pair, for use when the other sums come from moments.
template <class Spectrum, class Source>
struct PairThermal {
  template <class T>
  using Sum = ThermalMoments<T>;
  using Row = typename Spectrum::template Mode<double>;
  template <class T>
  struct Column {
    T particle, hole;
    typename Spectrum::template Mode<T> thermal;
  };

  Index size;
  Spectrum spectrum;
  Source source;
  double *thermal_gain, *thermal_loss;

  LINDRIFT_HD Row row(Index s) const { return spectrum.row(s); }
  template <class T>
  LINDRIFT_HD Column<T> column(Index s) const {
    const SourceMode<T> from = source.template mode<T>(s);
    return {from.thermal_particle, from.thermal_hole, spectrum.template mode<T>(s)};
  }
  template <class T>
  LINDRIFT_HD void accumulate(const Row& row, const Column<T>& column, Sum<T>& sum) const {
    add(spectrum.pair(row, column.thermal), column, sum);
  }
  template <class T>
  requires requires(const Spectrum& all, const Row& row, const Column<T>& column, ThermalFactors<T>& factors) {
    all.pairs(row, row, column.thermal, factors, factors);
  }
  LINDRIFT_HD void accumulate(const Row& row, const Row& other, const Column<T>& column, Sum<T>& sum,
                              Sum<T>& other_sum) const {
    ThermalFactors<T> factors, others;
    spectrum.pairs(row, other, column.thermal, factors, others);
    add(factors, column, sum);
    add(others, column, other_sum);
  }
  LINDRIFT_HD void finish(Index s, const Sum<double>& sum) const {
    thermal_gain[s] = spectrum.scale() * sum.gain;
    thermal_loss[s] = spectrum.scale() * sum.loss;
  }

 private:
  template <class T>
  LINDRIFT_HD static void add(const ThermalFactors<T>& sigma, const Column<T>& column, Sum<T>& sum) {
    sum.gain += sigma.particle * column.particle;
    sum.loss += sigma.hole * column.hole;
  }
};

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
