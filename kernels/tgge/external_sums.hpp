#pragma once

#include "kernels/tgge/levels.hpp"
#include "kernels/tgge/rate_kernel.hpp"
#include "kernels/tgge/rows.hpp"
#include "kernels/tgge/thermal_moments.hpp"

/// Row sums that come from products of matrices, made outside for several problems at once, and from moments.

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

/// Writes the source modes of the hop weights out, where a functor gave them one by one.
template <class Source>
struct StoreSources {
  Source source;
  double *particle, *hole;
  template <class T>
  LINDRIFT_HD void at(Index s) const {
    const SourceMode<T> from = source.template mode<T>(s);
    store(particle, s, from.particle);
    store(hole, s, from.hole);
  }
};

/// Sums over the hop weights as they were stored.
struct StoredWeightSums {
  const double *gain, *loss;
  template <class T>
  LINDRIFT_HD PairSums<T> at(Index s) const {
    return {T{}, load<T>(gain, s), T{}, load<T>(loss, s)};
  }
};

/// A kind of weight whose sums over pairs are made by ExternalPairSum. What separates still goes through its moments.
template <class Engine, class Weight>
class ExternalSumsOn {
 public:
  static constexpr bool separable = true, is_product = false;

  ExternalSumsOn(Engine& engine, const RateTables& tables)
      : size_(tables.modes), pair_sum_(*tables.pair_sum), rows_(pair_sum_.rows()), weight_(engine, tables) {}

  template <class Source>
  auto row_sums(Engine& engine, const Source& source) {
    if (has_spectrum())
      engine.map(rows_.levels, FoldLevels<Source>{source, rows_.level_first, rows_.level_member, rows_.thermal_particle,
                                                  rows_.thermal_hole});
    if (rows_.particle != nullptr) engine.map(size_, StoreSources<Source>{source, rows_.particle, rows_.hole});
    pair_sum_.multiply();
    if constexpr (Weight::separable)
      return complete(engine, source, weight_.row_sums(engine, source));
    else
      return complete(engine, source, StoredWeightSums{rows_.gain, rows_.loss});
  }

 private:
  bool has_spectrum() const { return rows_.thermal_particle != nullptr; }
  template <class Source, class WeightSums>
  SumsApart<WeightSums> complete(Engine& engine, const Source& source, const WeightSums& weight_sums) {
    if (has_spectrum()) return {weight_sums, rows_.thermal_gain, rows_.thermal_loss, rows_.level_of, {}};
    return {weight_sums, nullptr, nullptr, nullptr, engine.reduce(size_, ThermalMomentTerm<Source>{source})};
  }

  Index size_;
  ExternalPairSum& pair_sum_;
  ExternalPairSum::Rows rows_;
  Weight weight_;
};

/// Stands for a table whose sums are all made outside: nothing is kept here.
template <class Engine>
class ExternalTable {
 public:
  static constexpr bool separable = false, is_product = false;
  ExternalTable(Engine&, const RateTables&) {}
};

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
