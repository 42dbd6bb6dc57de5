#pragma once

#include <cmath>
#include <type_traits>

#include "kernels/tgge/moment_balance_on.hpp"
#include "kernels/tgge/multiplier_balance_on.hpp"
#include "kernels/tgge/pair_sums.hpp"
#include "kernels/tgge/panel_scan.hpp"
#include "kernels/tgge/rate_kernel.hpp"
#include "kernels/tgge/rescale_on.hpp"
#include "kernels/tgge/source_mode.hpp"
#include "kernels/tgge/spectrum.hpp"
#include "kernels/tgge/weights_on.hpp"

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

/// Takes the place of the spectrum if moments are used, which exist only for the exponential one.
struct ByMoments {
  static constexpr bool steep = false, separates = true;
  using Rescaled = ByMoments;
  const double* energy = nullptr;
};

/// Takes the place of the spectrum if panels are used: for the lorentzian one, and for the ohmic one, which is steep.
template <bool Steep>
struct ByPanels {
  static constexpr bool steep = Steep, separates = false;
  using Rescaled = ByPanels;
  const double* energy = nullptr;
  bool relative = false;  ///< sources are scaled by the exponents of their panels
};
template <class Spectrum>
inline constexpr bool uses_panels = false;
template <bool Steep>
inline constexpr bool uses_panels<ByPanels<Steep>> = true;

/// Takes the place of PanelScanOn if there are no panels.
struct NoScan {
  template <class Engine>
  NoScan(Engine&, const PanelTables*, Index) {}
};

/// RateKernel on one engine, for one kind of weight and one way of summing. Owns the arrays and calls the engine's
/// verbs with the functors.
/// @tparam Weight    one of weights_on.hpp
/// @tparam Spectrum  one of spectrum.hpp for the sum over pairs, ByMoments for the moments, ByPanels for the scan
template <class Engine, class Weight, class Spectrum>
class RateKernelOn final : public RateKernel {
 public:
  RateKernelOn(const RateTables& tables, const Spectrum& spectrum, int threads, int device)
      : engine_(threads, device, tables.communicator),
        tables_(tables),
        size_(tables.modes),
        spectrum_(spectrum),
        weight_(engine_, tables),
        scan_(engine_, tables.panels, size_) {
    spectrum_.energy = energy_ = own(energy_buffer_, tables.energy);
    if constexpr (Weight::separable && !Spectrum::separates && !by_panels) {
      if (tables.levels > 0) {
        levels_ = tables.levels;
        spectrum_.energy = own(level_energy_, tables.level_energy, levels_);
        engine_.copy_in(tables.level_of, size_, level_of_);
        engine_.copy_in(tables.level_first, levels_ + 1, level_first_);
        engine_.copy_in(tables.level_member, size_, level_member_);
      }
    }
    if constexpr (std::is_same_v<Spectrum, LorentzianSpectrum>) {
      engine_.map(thermal_rows(),
                  ScaledEnergies{spectrum_.over_unit, spectrum_.energy, scaled_energy_buffer_.resize(thermal_rows())});
      spectrum_.energy = scaled_energy_buffer_.data();
    }
    thermal_in_ = thermal_in_buffer_.resize(size_);
    thermal_out_ = thermal_out_buffer_.resize(size_);
    engine_.map(size_, Boltzmann{half_beta(), energy_, thermal_in_, thermal_out_});
  }
  ~RateKernelOn() override {
    delete moment_balance_;
    delete multiplier_balance_;
  }

  void occupation_rate(const double* particles, const double* holes, double* rate) override {
    const double* n = engine_.upload(particles, size_, particles_buffer_);
    const double* h = engine_.upload(holes, size_, holes_buffer_);
    double* target = engine_.target(rate, size_, result_buffer_);
    sum(spectrum_, PlainSource{thermal_out_, thermal_in_, n, h},
        OccupationRate{plain_rows(), tables_.scale, n, h, target});
    engine_.download(rate, size_, result_buffer_);
  }

  void relaxation_rate(const double* particles, const double* holes, double* rate) override {
    const double* n = engine_.upload(particles, size_, particles_buffer_);
    const double* h = engine_.upload(holes, size_, holes_buffer_);
    double* target = engine_.target(rate, size_, result_buffer_);
    sum(spectrum_, PlainSource{thermal_out_, thermal_in_, n, h}, RelaxationRate{plain_rows(), tables_.scale, target});
    engine_.download(rate, size_, result_buffer_);
  }

  void transition_sums(const double* particles, const double* holes, double* gain, double* loss) override {
    const double* n = engine_.upload(particles, size_, particles_buffer_);
    const double* h = engine_.upload(holes, size_, holes_buffer_);
    double* gain_target = engine_.target(gain, size_, result_buffer_);
    double* loss_target = engine_.target(loss, size_, second_result_buffer_);
    sum(spectrum_, PlainSource{thermal_out_, thermal_in_, n, h},
        TransitionSums<PlainRows>{plain_rows(), tables_.scale, gain_target, loss_target});
    engine_.download(gain, size_, result_buffer_);
    engine_.download(loss, size_, second_result_buffer_);
  }

  void log_rates(const double* lagrange_multiplier, double* log_gain, double* log_loss) override {
    const double* lambda = engine_.upload(lagrange_multiplier, size_, particles_buffer_);
    double* log_gain_target = engine_.target(log_gain, size_, result_buffer_);
    double* log_loss_target = engine_.target(log_loss, size_, second_result_buffer_);
    log_rates_at(lambda, log_gain_target, log_loss_target);
    engine_.download(log_gain, size_, result_buffer_);
    engine_.download(log_loss, size_, second_result_buffer_);
  }

  void log_balance_derivative(const double* direction, double* derivative) override {
    const double* v = engine_.upload(direction, size_, particles_buffer_);
    log_balance_derivative_at(v, engine_.target(derivative, size_, result_buffer_));
    engine_.download(derivative, size_, result_buffer_);
  }

  /// log_rates() and log_balance_derivative() for vectors in the engine's memory.
  void log_rates_at(const double* lambda, double* log_gain, double* log_loss) {
    rescale(lambda);
    sum(rescaled_spectrum(), rescaled_.source(),
        rescaled_.log_rates(tables_.nonequilibrium_fraction, tables_.over_cells, log_gain, log_loss));
  }
  void log_balance_derivative_at(const double* direction, double* derivative) {
    sum(rescaled_spectrum(), RescaledVariation{rescaled_.source(), direction},
        LogBalanceDerivative{rescaled_.rows(), derivative});
  }

  void log_rate_derivatives(const double* direction, double* gain_decrease, double* loss_increase) override {
    const double* v = engine_.upload(direction, size_, particles_buffer_);
    double* gain_target = engine_.target(gain_decrease, size_, result_buffer_);
    double* loss_target = engine_.target(loss_increase, size_, second_result_buffer_);
    sum(rescaled_spectrum(), RescaledVariation{rescaled_.source(), v},
        TransitionSums<RescaledRows>{rescaled_.rows(), 1.0, gain_target, loss_target});
    engine_.download(gain_decrease, size_, result_buffer_);
    engine_.download(loss_increase, size_, second_result_buffer_);
  }

  void relative_transition_sums(const double* particle_factor, const double* hole_factor, double* gain,
                                double* loss) override {
    const double* x = engine_.upload(particle_factor, size_, particles_buffer_);
    const double* y = engine_.upload(hole_factor, size_, holes_buffer_);
    double* gain_target = engine_.target(gain, size_, result_buffer_);
    double* loss_target = engine_.target(loss, size_, second_result_buffer_);
    sum(rescaled_spectrum(), WeightedSource{rescaled_.source(), x, y},
        TransitionSums<RescaledRows>{rescaled_.rows(), 1.0, gain_target, loss_target});
    engine_.download(gain, size_, result_buffer_);
    engine_.download(loss, size_, second_result_buffer_);
  }

  MomentBalance* moment_balance() override {
    if constexpr (Weight::is_product && std::is_same_v<Spectrum, ByMoments>) {
      // Without the thermal bath gain and loss may vanish together. Of the rescaled columns, which its logarithms
      // overwrite, the next call of log_rates() makes new ones.
      if (!moment_balance_ && tables_.equilibrium_fraction > 0.0)
        moment_balance_ = new MomentBalanceOn<Engine, Weight::rank>(
            engine_, {&thermal_particle_, &particle_, &thermal_hole_, &particles_buffer_, &holes_buffer_},
            {size_, half_beta(), tables_.equilibrium_fraction, tables_.nonequilibrium_fraction, tables_.over_cells},
            weight_.functor(), energy_, thermal_in_, thermal_out_);
    }
    return moment_balance_;
  }

  MultiplierBalance* multiplier_balance() override {
    if constexpr (!Engine::on_host)
      if (!multiplier_balance_)
        multiplier_balance_ = new MultiplierBalanceOn<Engine, RateKernelOn>(
            engine_, *this, size_, {&particles_buffer_, &result_buffer_, &second_result_buffer_});
    return multiplier_balance_;
  }

 private:
  using Buffer = typename Engine::Buffer;
  using RescaledSpectrum = typename Spectrum::Rescaled;
  static constexpr bool by_panels = uses_panels<Spectrum>;
  using Scan = std::conditional_t<by_panels, PanelScanOn<Engine, Spectrum::steep>, NoScan>;

  /// Computes what rescaled_, rescaled_spectrum() and LogRates read.
  void rescale(const double* lambda) {
    rescaled_ = {
        thermal_particle_.resize(size_), particle_.resize(size_), thermal_hole_.resize(size_), hole_.resize(size_),
        thermal_gain_.resize(size_),     gain_.resize(size_),     thermal_loss_.resize(size_), loss_.resize(size_)};
    const double log_thermal = std::log(tables_.equilibrium_fraction);
    const Rescaling<Engine> rescaling{size_, half_beta(), log_thermal, energy_, rescaled_};
    if constexpr (by_panels && Spectrum::steep) {
      rescaling.by_panels(engine_, scan_, exponents_[0].resize(size_), exponents_[1].resize(size_), lambda);
    } else if constexpr (Spectrum::steep) {
      const Index rows = thermal_rows();
      double *particle_exponent = exponents_[0].resize(size_), *hole_exponent = exponents_[1].resize(size_);
      engine_.map(size_, RescaleSteep{half_beta(), energy_, lambda, thermal_particle_.data(), particle_.data(),
                                      thermal_hole_.data(), hole_.data(), particle_exponent, hole_exponent});
      if (levels_ > 0) {
        const LevelExponents levels{particle_exponent, hole_exponent, level_exponents_[0].resize(levels_),
                                    level_exponents_[1].resize(levels_)};
        engine_.map(levels_, LargestOfLevels{levels, level_first_.data(), level_member_.data()});
        engine_.map(size_, ScaleToLevels{levels, level_of_.data(), thermal_particle_.data(), thermal_hole_.data()});
      }
      double *row_particle = exponents_[2].resize(rows), *row_hole = exponents_[3].resize(rows);
      engine_.pair_sum(SteepExponents{rows, rescaled_spectrum(), row_particle, row_hole});
      engine_.gather({row_particle, row_hole}, rows);
      engine_.map(size_, RescaleSteepRows{half_beta(), log_thermal, energy_, row_particle, row_hole, level_of(),
                                          thermal_gain_.data(), thermal_loss_.data()});
    } else {
      rescaling.by_largest(engine_, lambda);
    }
  }

  RescaledSpectrum rescaled_spectrum() const {
    if constexpr (by_panels) {
      return {energy_, Spectrum::steep};
    } else if constexpr (Spectrum::steep) {
      const Buffer* const sources = levels_ > 0 ? level_exponents_ : exponents_;
      return {spectrum_, sources[0].data(), sources[1].data(), exponents_[2].data(), exponents_[3].data()};
    } else {
      return spectrum_;
    }
  }

  /// Sums over all source modes for every row and passes the sums to `finish`. Only this function depends on the
  /// algorithm.
  template <class SourceSpectrum, class Source, class Finish>
  void sum(const SourceSpectrum& spectrum, const Source& source, const Finish& finish) {
    if constexpr (std::is_same_v<Spectrum, ByMoments>) {
      const auto rows = weight_.row_sums(engine_, source);
      engine_.map(size_, FinishRows<std::decay_t<decltype(rows)>, Finish>{rows, finish});
    } else if constexpr (by_panels) {
      const auto rows = scan_.sum(engine_, spectrum.relative, source, weight_.row_sums(engine_, source));
      engine_.map(size_, FinishRows<std::decay_t<decltype(rows)>, Finish>{rows, finish});
    } else if constexpr (!Engine::on_host && (SourceSpectrum::separates || !Weight::separable)) {
      const auto weight = weight_.of_pairs(engine_);
      using PairWeight = std::decay_t<decltype(weight)>;
      double* sums[4];
      for (int i = 0; i < 4; ++i) sums[i] = row_sums_[i].resize(size_);
      const auto [thermal_gain, gain, thermal_loss, loss] = sums;
      if constexpr (SourceSpectrum::separates)
        engine_.pair_sum(
            PairWeightsWithMoments<PairWeight, Source>{size_, weight, source, thermal_gain, gain, thermal_loss, loss});
      else
        engine_.pair_sum(TwoPairSums<PairWeights<PairWeight, Source>, PairThermal<SourceSpectrum, Source>>{
            size_, {size_, weight, source, gain, loss}, {size_, spectrum, source, thermal_gain, thermal_loss}});
      engine_.gather(sums, size_);
      finish_rows(StoredWeightSums{gain, loss}, {thermal_gain, thermal_loss, {}}, finish);
    } else {
      const ThermalSums thermal = thermal_sums(spectrum, source);
      finish_rows(sum_weights<SourceSpectrum::separates>(source), thermal, finish);
    }
  }

  /// Sums over the thermal bath, per mode or per level, or the moments that are the same for all.
  struct ThermalSums {
    const double *gain = nullptr, *loss = nullptr;
    BathSums<double> moments{};
  };
  template <class WeightSums, class Finish>
  void finish_rows(const WeightSums& weight_sums, const ThermalSums& thermal, const Finish& finish) {
    const SumsApart<WeightSums> rows{weight_sums, thermal.gain, thermal.loss, level_of(), thermal.moments};
    engine_.map(size_, FinishRows<SumsApart<WeightSums>, Finish>{rows, finish});
  }

  /// Sums over hop weights: by moments if there are any and the thermal bath alone needs every pair.
  template <bool ByPairs, class Source>
  auto sum_weights(const Source& source) {
    if constexpr (Weight::separable && !ByPairs) {
      return weight_.row_sums(engine_, source);
    } else {
      const auto weight = weight_.of_pairs(engine_);
      double *gain = row_sums_[1].resize(size_), *loss = row_sums_[3].resize(size_);
      engine_.pair_sum(PairWeights<std::decay_t<decltype(weight)>, Source>{size_, weight, source, gain, loss});
      engine_.gather({gain, loss}, size_);
      return StoredWeightSums{gain, loss};
    }
  }

  template <class SourceSpectrum, class Source>
  ThermalSums thermal_sums(const SourceSpectrum& spectrum, const Source& source) {
    if constexpr (SourceSpectrum::separates) {
      return {nullptr, nullptr, engine_.reduce(size_, ThermalMomentTerm<Source>{source})};
    } else {
      double *gain = row_sums_[0].resize(thermal_rows()), *loss = row_sums_[2].resize(thermal_rows());
      if (levels_ > 0) {
        double *particle = level_particle_.resize(levels_), *hole = level_hole_.resize(levels_);
        engine_.map(levels_, FoldLevels<Source>{source, level_first_.data(), level_member_.data(), particle, hole});
        thermal_pairs(levels_, spectrum, LevelSource{particle, hole}, gain, loss);
      } else {
        thermal_pairs(size_, spectrum, source, gain, loss);
      }
      return {gain, loss, {}};
    }
  }

  template <class SourceSpectrum, class Source>
  void thermal_pairs(Index size, const SourceSpectrum& spectrum, const Source& source, double* gain, double* loss) {
    engine_.pair_sum(PairThermal<SourceSpectrum, Source>{size, spectrum, source, gain, loss});
    engine_.gather({gain, loss}, size);
  }

  /// Number of rows, and of source modes, of the sums over the spectrum.
  Index thermal_rows() const { return levels_ > 0 ? levels_ : size_; }
  const Index* level_of() const { return levels_ > 0 ? level_of_.data() : nullptr; }
  double half_beta() const { return 0.5 * tables_.inverse_temperature; }
  PlainRows plain_rows() const {
    return {thermal_out_, thermal_in_, tables_.over_cells * tables_.equilibrium_fraction,
            tables_.over_cells * tables_.nonequilibrium_fraction};
  }
  const double* own(Buffer& buffer, const double* host) { return own(buffer, host, size_); }
  const double* own(Buffer& buffer, const double* host, Index size) {
    engine_.copy_in(host, size, buffer);
    return buffer.data();
  }

  Engine engine_;
  RateTables tables_;        ///< its pointers are not used after construction
  Index size_, levels_ = 0;  ///< levels_: 0 if every mode is summed on its own
  Spectrum spectrum_;
  Weight weight_;
  Scan scan_;
  const double* energy_ = nullptr;
  double *thermal_in_ = nullptr, *thermal_out_ = nullptr;
  Buffer energy_buffer_, scaled_energy_buffer_, thermal_in_buffer_, thermal_out_buffer_;
  Buffer particles_buffer_, holes_buffer_, result_buffer_, second_result_buffer_;
  Buffer thermal_particle_, particle_, thermal_hole_, hole_;
  Buffer thermal_gain_, gain_, thermal_loss_, loss_;
  RescaledArrays rescaled_{};  ///< in these eight
  typename Engine::IndexBuffer level_of_, level_first_, level_member_;
  Buffer level_energy_, level_particle_, level_hole_;
  Buffer row_sums_[4];
  Buffer exponents_[4];        ///< of a steep spectrum: particles and holes of the modes, then of the rows
  Buffer level_exponents_[2];  ///< ... and of the levels, if these are the source modes
  MomentBalance* moment_balance_ = nullptr;
  MultiplierBalance* multiplier_balance_ = nullptr;
};

/// Calls make() with the class of the weights that the tables hold.
/// @tparam Table  the class for a table of weights
template <class Engine, class Table, class Make>
RateKernel* with_weight(const RateTables& tables, const Make& make) {
  if (tables.weight == WeightKind::operators) return make.template operator()<OperatorWeightOn<Engine>>();
  if (tables.weight == WeightKind::table) return make.template operator()<Table>();
  if (tables.rank == 2) return make.template operator()<ProductWeightOn<Engine, 2>>();
  return make.template operator()<ProductWeightOn<Engine, 1>>();
}

/// The kernel on an engine, for the given tables and algorithm.
template <class Engine>
RateKernel* make_kernel(const RateTables& tables, bool direct, int threads, int device) {
  if constexpr (Engine::on_host)
    if (tables.pair_sum != nullptr)
      return with_weight<Engine, ExternalTable<Engine>>(tables, [&]<class Weight>() -> RateKernel* {
        return new RateKernelOn<Engine, ExternalSumsOn<Engine, Weight>, ByMoments>(tables, {}, threads, device);
      });
  return with_weight<Engine, TableWeightOn<Engine>>(tables, [&]<class Weight>() -> RateKernel* {
    if constexpr (Weight::separable)
      if (!direct && tables.panels != nullptr) {
        if (tables.spectrum == SpectrumKind::ohmic)
          return new RateKernelOn<Engine, Weight, ByPanels<true>>(tables, {}, threads, device);
        return new RateKernelOn<Engine, Weight, ByPanels<false>>(tables, {}, threads, device);
      }
    if (tables.spectrum == SpectrumKind::lorentzian) {
      double largest = 0.0;
      for (Index s = 0; s < tables.modes; ++s) largest = maximum(largest, magnitude(tables.energy[s]));
      return new RateKernelOn<Engine, Weight, LorentzianSpectrum>(
          tables, LorentzianSpectrum::of(tables.spectrum_width, largest), threads, device);
    }
    if (tables.spectrum == SpectrumKind::ohmic)
      return new RateKernelOn<Engine, Weight, OhmicSpectrum>(
          tables, OhmicSpectrum::of(tables.spectrum_width, tables.inverse_temperature), threads, device);
    if constexpr (Weight::separable)
      if (!direct) return new RateKernelOn<Engine, Weight, ByMoments>(tables, {}, threads, device);
    return new RateKernelOn<Engine, Weight, ExponentialSpectrum>(tables, {}, threads, device);
  });
}

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
