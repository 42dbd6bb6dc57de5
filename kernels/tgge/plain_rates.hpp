#pragma once

#include "kernels/carver.hpp"
#include "kernels/tgge/moment_balance.hpp"
#include "kernels/tgge/rescale.hpp"

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

/// What the plain rates of a point take beside its arrays.
struct PlainNumbers {
  Index modes;
  double inverse_temperature, equilibrium_fraction, nonequilibrium_fraction, over_cells;
  double scale;  ///< epsilon J
};

/// Takes the place of PanelScanOn for the exponential spectrum, whose thermal sums are moments.
struct NoPanels {
  template <class Engine>
  LINDRIFT_HD void clear_halos(Engine&) const {}
  template <class Engine, class Source, class Sums>
  LINDRIFT_HD Sums sum(Engine&, bool /*relative*/, const Source&, const Sums& sums) const {
    return sums;
  }
};

/// |gain (1-n) - loss n| / (gain (1-n) + loss n)
template <class Sums>
struct RowImbalance {
  template <class T>
  using Sum = SizeOf<T>;
  Sums sums;
  PlainRows rows;
  const double *particles, *holes;
  template <class T>
  LINDRIFT_HD void accumulate(Index s, Sum<T>& sum) const {
    const PairSums<T> of_row = sums.template at<T>(s);
    const T in = rows.gain(s, of_row) * load<T>(holes, s), out = rows.loss(s, of_row) * load<T>(particles, s);
    const T imbalance = magnitude(in - out) / (in + out);
    sum += Sum<T>{imbalance, imbalance - imbalance};
  }
};

/// The rates of change of occupations (Eq. 7) for hop weights of Rank products, on an engine that owns no memory: in a
/// thread block (kernels/cuda/block_engine.hpp). RateKernelOn has the same for other engines. The sums are plain, so
/// the Boltzmann factors must be well inside the range of a double.
/// @tparam Scan  PanelScanOn, or NoPanels
template <class Engine, int Rank, class Scan>
class PlainRates {
 public:
  /// @param energy, weight  in the engine's memory; must outlive this
  /// @param work            for what is written to
  LINDRIFT_HD PlainRates(const PlainNumbers& numbers, const double* energy, const ProductWeight<Rank>& weight,
                         const Scan& scan, Carver& work)
      : numbers_(numbers), energy_(energy), weight_(weight), scan_(scan) {
    thermal_in_ = work.take(numbers.modes);
    thermal_out_ = work.take(numbers.modes);
  }

  /// Comes first.
  LINDRIFT_ANY_ENGINE void begin(Engine& engine) {
    engine_ = &engine;
    scan_.clear_halos(engine);
    engine.map(numbers_.modes, Boltzmann{0.5 * numbers_.inverse_temperature, energy_, thermal_in_, thermal_out_});
  }

  /// As the functions of RateKernel.
  LINDRIFT_ANY_ENGINE void occupation_rate_at(const double* particles, const double* holes, double* rate) {
    finish(particles, holes, OccupationRate{plain_rows(), numbers_.scale, particles, holes, rate});
  }
  LINDRIFT_ANY_ENGINE void relaxation_rate_at(const double* particles, const double* holes, double* rate) {
    finish(particles, holes, RelaxationRate{plain_rows(), numbers_.scale, rate});
  }
  /// balance_residual() of the rate equation; NaN where it leaves the range of a double.
  LINDRIFT_ANY_ENGINE double imbalance_at(const double* particles, const double* holes) {
    const auto sums = row_sums(source(particles, holes));
    const SizeOf<double> largest = engine_->reduce(
        numbers_.modes, RowImbalance<std::decay_t<decltype(sums)>>{sums, plain_rows(), particles, holes});
    return largest.not_finite == 0.0 ? largest.largest : NAN;
  }

 private:
  LINDRIFT_HD PlainSource source(const double* particles, const double* holes) const {
    return {thermal_out_, thermal_in_, particles, holes};
  }
  LINDRIFT_HD PlainRows plain_rows() const {
    return {thermal_out_, thermal_in_, numbers_.over_cells * numbers_.equilibrium_fraction,
            numbers_.over_cells * numbers_.nonequilibrium_fraction};
  }
  LINDRIFT_ANY_ENGINE auto row_sums(const PlainSource& from) {
    const ProductRowSums<Rank> weights{
        weight_, engine_->reduce(numbers_.modes, ProductMomentTerm<Rank, PlainSource>{weight_, from})};
    return scan_.sum(*engine_, false, from, weights);
  }
  LINDRIFT_UNCHECKED
  template <class Finish>
  LINDRIFT_BOTH void finish(const double* particles, const double* holes, const Finish& row) {
    const auto sums = row_sums(source(particles, holes));
    engine_->map(numbers_.modes, FinishRows<std::decay_t<decltype(sums)>, Finish>{sums, row});
  }

  Engine* engine_ = nullptr;
  PlainNumbers numbers_;
  const double* energy_;
  ProductWeight<Rank> weight_;
  Scan scan_;
  double *thermal_in_, *thermal_out_;
};

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
