#pragma once

#include "kernels/tgge/rate_kernel.hpp"
#include "kernels/tgge/thermal_moments.hpp"

/// Row sums that come from products of matrices, made outside for several problems at once, and from moments.

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

/// Writes the partners out, where a functor gave them one by one.
template <class Source>
struct StorePartners {
  Source source;
  double *thermal_particle, *particle, *thermal_hole, *hole;
  LINDRIFT_HD void operator()(Index s) const {
    const Partner<double> partner = source.template partner<double>(s);
    thermal_particle[s] = partner.thermal_particle;
    particle[s] = partner.particle;
    thermal_hole[s] = partner.thermal_hole;
    hole[s] = partner.hole;
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

/// A kind of weight whose sums over pairs are made by RowProducts. What separates still goes through its moments.
template <class Engine, class Weight>
class ProductSumsOn {
 public:
  static constexpr bool separable = true, is_product = false;

  ProductSumsOn(Engine& engine, const RateTables& tables)
      : size_(tables.modes), products_(*tables.products), weight_(engine, tables) {}

  template <class Source>
  auto row_sums(Engine& engine, const Source& source) {
    engine.map(size_, StorePartners<Source>{source, thermal_particle_.resize(size_), particle_.resize(size_),
                                            thermal_hole_.resize(size_), hole_.resize(size_)});
    products_.row_sums(thermal_particle_.data(), particle_.data(), thermal_hole_.data(), hole_.data(),
                       thermal_gain_.resize(size_), gain_.resize(size_), thermal_loss_.resize(size_),
                       loss_.resize(size_));
    if constexpr (Weight::separable)
      return complete(engine, source, weight_.row_sums(engine, source));
    else
      return complete(engine, source, StoredWeightSums{gain_.data(), loss_.data()});
  }

 private:
  template <class Source, class WeightSums>
  SumsApart<WeightSums> complete(Engine& engine, const Source& source, const WeightSums& weight_sums) {
    if (products_.has_spectrum()) return {weight_sums, thermal_gain_.data(), thermal_loss_.data(), {}};
    return {weight_sums, nullptr, nullptr, engine.reduce(size_, ThermalMomentTerm<Source>{source})};
  }

  Index size_;
  RowProducts& products_;
  Weight weight_;
  typename Engine::Buffer thermal_particle_, particle_, thermal_hole_, hole_;
  typename Engine::Buffer thermal_gain_, gain_, thermal_loss_, loss_;
};

/// Stands for a table whose sums are all made outside: nothing is kept here.
template <class Engine>
class TableElsewhere {
 public:
  static constexpr bool separable = false, is_product = false;
  TableElsewhere(Engine&, const RateTables&) {}
};

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
