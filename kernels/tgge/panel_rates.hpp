#pragma once

#include "kernels/tgge/panel_scan.hpp"
#include "kernels/tgge/product_weight.hpp"
#include "kernels/tgge/rescale_on.hpp"

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

/// What the rates of a point take beside its arrays.
struct RateNumbers {
  Index modes;
  double inverse_temperature, equilibrium_fraction, nonequilibrium_fraction, over_cells;
};

/// Gain and loss for hop weights of Rank products and a thermal spectrum summed by panels, on an engine that owns no
/// memory: in a thread block (kernels/cuda/block_engine.hpp). RateKernelOn has the same for other engines.
template <class Engine, int Rank, bool Steep>
class PanelRates {
 public:
  /// @param energy, weight, panels  in the engine's memory; must outlive this
  /// @param work                    for what is written to
  LINDRIFT_HD PanelRates(const RateNumbers& numbers, const double* energy, const ProductWeight<Rank>& weight,
                         const PanelTables& panels, Carver& work)
      : numbers_(numbers), energy_(energy), weight_(weight), scan_(panels, numbers.modes, work) {
    const auto array = [&] { return work.take(numbers.modes); };
    rescaled_ = {array(), array(), array(), array(), array(), array(), array(), array()};
    if constexpr (Steep)
      for (double*& exponents : exponents_) exponents = array();
  }

  /// Comes first.
  LINDRIFT_ANY_ENGINE void begin(Engine& engine) {
    engine_ = &engine;
    scan_.clear_halos(engine);
  }

  /// As RateKernel::log_rates().
  LINDRIFT_ANY_ENGINE void log_rates_at(const double* lagrange_multiplier, double* log_gain, double* log_loss) {
    const Rescaling<Engine> rescaling{numbers_.modes, 0.5 * numbers_.inverse_temperature,
                                      std::log(numbers_.equilibrium_fraction), energy_, rescaled_};
    if constexpr (Steep)
      rescaling.by_panels(*engine_, scan_, exponents_[0], exponents_[1], lagrange_multiplier);
    else
      rescaling.by_largest(*engine_, lagrange_multiplier);
    sum(rescaled_.source(),
        rescaled_.log_rates(numbers_.nonequilibrium_fraction, numbers_.over_cells, log_gain, log_loss));
  }

  /// As RateKernel::log_balance_derivative().
  LINDRIFT_ANY_ENGINE void log_balance_derivative_at(const double* direction, double* derivative) {
    sum(RescaledVariation{rescaled_.source(), direction}, LogBalanceDerivative{rescaled_.rows(), derivative});
  }

 private:
  LINDRIFT_UNCHECKED
  template <class Source, class Finish>
  LINDRIFT_BOTH void sum(const Source& source, const Finish& finish) {
    Engine& engine = *engine_;
    const ProductRowSums<Rank> weights{weight_,
                                       engine.reduce(numbers_.modes, ProductMomentTerm<Rank, Source>{weight_, source})};
    const auto rows = scan_.sum(engine, Steep, source, weights);
    engine.map(numbers_.modes, FinishRows<SumsOfSlots<ProductRowSums<Rank>>, Finish>{rows, finish});
  }

  Engine* engine_ = nullptr;
  RateNumbers numbers_;
  const double* energy_;
  ProductWeight<Rank> weight_;
  PanelScanOn<Engine, Steep> scan_;
  RescaledArrays rescaled_;
  double* exponents_[2]{};  ///< of the modes, for a steep spectrum
};

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
