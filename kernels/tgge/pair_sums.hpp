#pragma once

#include "kernels/tgge/source_mode.hpp"
#include "kernels/tgge/spectrum.hpp"

/// The sums of Eq. 6 over every pair of modes, one bath at a time.

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

/// The sums over hop weights. A Weight has row(s), column<T>(s, particle, hole) and accumulate(row, column, sum), which
/// adds w(row, source) particle to the gain and w(source, row) hole to the loss.
template <class Weight, class Source>
struct PairWeights {
  template <class T>
  using Sum = BathSums<T>;
  using Row = typename Weight::Row;
  template <class T>
  using Column = typename Weight::template Column<T>;
  static constexpr int rows_per_lane = Weight::rows_per_lane;

  Index size;
  Weight weight;
  Source source;
  double *gain, *loss;

  LINDRIFT_HD Row row(Index s) const { return weight.row(s); }
  template <class T>
  LINDRIFT_HD Column<T> column(Index s) const {
    const SourceMode<T> from = source.template mode<T>(s);
    return weight.template column<T>(s, from.particle, from.hole);
  }
  template <class T>
  LINDRIFT_HD void accumulate(const Row& row, const Column<T>& column, Sum<T>& sum) const {
    weight.template accumulate<T>(row, column, sum);
  }
  LINDRIFT_HD void finish(Index s, const Sum<double>& sum) const {
    gain[s] = sum.gain;
    loss[s] = sum.loss;
  }
};

/// The same on a device, where it saves a launch to find the thermal moments, which are the sums over an exponential
/// spectrum, in the same pass: once for the rows of a lane.
template <class Weight, class Source>
struct PairWeightsWithMoments {
  template <class T>
  using Sum = BathSums<T>;
  using Row = typename Weight::Row;
  template <class T>
  struct Column {
    typename Weight::template Column<T> weight;
    T thermal_particle, thermal_hole;
  };
  using Common = BathSums<double>;
  using Stored = PairSums<double>;
  static constexpr int rows_per_lane = Weight::rows_per_lane;

  Index size;
  Weight weight;
  Source source;
  double *thermal_gain, *gain, *thermal_loss, *loss;

  LINDRIFT_HD Row row(Index s) const { return weight.row(s); }
  template <class T>
  LINDRIFT_HD Column<T> column(Index s) const {
    const SourceMode<T> from = source.template mode<T>(s);
    return {weight.template column<T>(s, from.particle, from.hole), from.thermal_particle, from.thermal_hole};
  }
  template <class T>
  LINDRIFT_HD void accumulate(const Row& row, const Column<T>& column, Sum<T>& sum) const {
    weight.template accumulate<T>(row, column.weight, sum);
  }
  LINDRIFT_HD void add_common(const Column<double>& column, Common& common) const {
    common += {column.thermal_particle, column.thermal_hole};
  }
  LINDRIFT_HD static Stored with_common(const Sum<double>& sum, const Common& common) {
    return {common.gain, sum.gain, common.loss, sum.loss};
  }
  LINDRIFT_HD void finish(Index s, const Stored& sum) const {
    thermal_gain[s] = sum.thermal_gain;
    gain[s] = sum.gain;
    thermal_loss[s] = sum.thermal_loss;
    loss[s] = sum.loss;
  }
};

/// The sums over the thermal bath's spectrum.
template <class Spectrum, class Source>
struct PairThermal {
  template <class T>
  using Sum = BathSums<T>;
  using Row = typename Spectrum::template Mode<double>;
  template <class T>
  struct Column {
    T particle, hole;
    typename Spectrum::template Mode<T> thermal;
  };
  static constexpr int rows_per_lane = Spectrum::rows_per_lane;

  Index size;
  Spectrum spectrum;
  Source source;
  double *gain, *loss;

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
    gain[s] = spectrum.scale() * sum.gain;
    loss[s] = spectrum.scale() * sum.loss;
  }

 private:
  template <class T>
  LINDRIFT_HD static void add(const ThermalFactors<T>& sigma, const Column<T>& column, Sum<T>& sum) {
    sum.gain += sigma.particle * column.particle;
    sum.loss += sigma.hole * column.hole;
  }
};

/// Two sums over the same pairs in one pass, which saves a device a launch.
template <class First, class Second>
struct TwoPairSums {
  template <class T>
  struct Sum {
    typename First::template Sum<T> first;
    typename Second::template Sum<T> second;
    LINDRIFT_HD Sum& operator+=(const Sum& other) {
      first += other.first;
      second += other.second;
      return *this;
    }
  };
  struct Row {
    typename First::Row first;
    typename Second::Row second;
  };
  template <class T>
  struct Column {
    typename First::template Column<T> first;
    typename Second::template Column<T> second;
  };
  static constexpr int rows_per_lane =
      First::rows_per_lane < Second::rows_per_lane ? First::rows_per_lane : Second::rows_per_lane;

  Index size;
  First first;
  Second second;

  LINDRIFT_HD Row row(Index s) const { return {first.row(s), second.row(s)}; }
  template <class T>
  LINDRIFT_HD Column<T> column(Index s) const {
    return {first.template column<T>(s), second.template column<T>(s)};
  }
  template <class T>
  LINDRIFT_HD void accumulate(const Row& row, const Column<T>& column, Sum<T>& sum) const {
    first.template accumulate<T>(row.first, column.first, sum.first);
    second.template accumulate<T>(row.second, column.second, sum.second);
  }
  LINDRIFT_HD void finish(Index s, const Sum<double>& sum) const {
    first.finish(s, sum.first);
    second.finish(s, sum.second);
  }
};

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
