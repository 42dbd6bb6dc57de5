#pragma once

#include <cmath>

#include "kernels/tgge/moment_balance.hpp"
#include "kernels/tgge/rate_kernel.hpp"

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

/// What the balance of a point takes beside its modes.
struct MomentNumbers {
  Index modes;
  double half_beta, equilibrium_fraction, nonequilibrium_fraction, over_cells;
};

/// The functions of MomentBalance on an engine, for hop weights of Rank products and a thermal bath. On the host they
/// drive an engine; in a thread block (kernels/cuda/block_engine.hpp) every thread calls them and gets the same
/// results.
template <class Engine, int Rank>
class MomentMap {
 public:
  using Filling = MomentBalance::Filling;
  using Buffer = typename Engine::Buffer;
  static constexpr int count = 2 * Rank + 2;

  /// Buffers to be written to, which must outlive this: those of the logarithms hold what was set last.
  struct Work {
    Buffer *balance, *thermal_gain_share, *thermal_loss_share;  ///< of the logarithms
    Buffer *multiplier, *occupation;                            ///< where the engine does not see the host's memory
  };

  /// @param energy                   (modes,), in the engine's memory; must outlive this, as must engine and weight
  /// @param thermal_in, thermal_out  e^{-+ beta E / 2} of these energies, likewise
  LINDRIFT_ANY_ENGINE MomentMap(Engine& engine, const Work& work, const MomentNumbers& numbers,
                                const ProductWeight<Rank>& weight, const double* energy, const double* thermal_in,
                                const double* thermal_out)
      : engine_(engine),
        work_(work),
        numbers_(numbers),
        size_(numbers.modes),
        half_beta_(numbers.half_beta),
        log_thermal_(std::log(numbers.equilibrium_fraction)),
        weight_(weight),
        energy_(energy),
        thermal_in_(thermal_in),
        thermal_out_(thermal_out) {
    moderate_ = std::fabs(log_thermal_) <= max_log_weight && in_range(half_beta_, energy_);
  }

  LINDRIFT_BOTH int moments() const { return count; }

  LINDRIFT_ANY_ENGINE void set_thermal() {
    // With only the two thermal moments, both equal, lambda is beta E.
    double log_moment[count];
    for (double& moment : log_moment) moment = no_moment;
    log_moment[0] = log_moment[Rank + 1] = 0.0;
    set_log_moments(log_moment);
  }

  LINDRIFT_ANY_ENGINE void moments_of(const double* lagrange_multiplier, double* log_moment) {
    const double* lambda = engine_.upload(lagrange_multiplier, size_, *work_.multiplier);
    const auto largest = engine_.reduce(size_, ExponentTerm{half_beta_, energy_, lambda});
    const auto sums = engine_.reduce(
        size_, ProductMomentTerm<Rank, RescaledMultiplierSource>{weight_, {half_beta_, largest, energy_, lambda}});
    log_moment[0] = log_of(sums.thermal_gain) + largest.particle;
    log_moment[Rank + 1] = log_of(sums.thermal_loss) + largest.hole;
    for (int r = 0; r < Rank; ++r) {
      log_moment[1 + r] = log_of(sums.gain[r]);
      log_moment[Rank + 2 + r] = log_of(sums.loss[r]);
    }
  }

  LINDRIFT_ANY_ENGINE void set_log_moments(const double* log_moment) {
    has_plain_ = moderate_;
    has_logarithms_ = false;
    for (int k = 0; k < count; ++k) {
      log_moment_[k] = log_moment[k];
      if (!(log_moment[k] <= max_exponent)) has_plain_ = false;  // NaN is left to the logarithms
    }
    for (int k = 0; k <= Rank + 1; k += Rank + 1)  // the thermal moments keep gain and loss above zero
      if (!(log_moment[k] >= -max_exponent)) has_plain_ = false;
    for (int r = 0; r < Rank; ++r) {
      weighted_.gain[r] = weighted(log_moment[1 + r]);
      weighted_.loss[r] = weighted(log_moment[Rank + 2 + r]);
    }
  }

  LINDRIFT_ANY_ENGINE Filling filling(double log_fugacity) {
    if (plain(log_fugacity)) return filling_of(engine_.reduce(size_, PlainFillingTerm<Rank>{balance(log_fugacity)}));
    find_logarithms();
    const auto sums = engine_.reduce(size_, FillingTerm{half_beta_, energy_, work_.balance->data(), log_fugacity});
    largest_ = sums.largest;
    return filling_of(sums.counts, sums.size);
  }

  LINDRIFT_ANY_ENGINE Filling response(double log_fugacity, double* log_moment, double* derivative) {
    Filling filled;
    MomentDerivatives<Rank, double> sums;
    LargestExponents<double> largest{0.0, 0.0};  // thermal moments are divided by their exponentials
    if (plain(log_fugacity)) {
      const PlainDerivativeTerm<Rank> term{balance(log_fugacity)};
      const auto plain_sums = engine_.reduce(size_, term);
      filled = filling_of(plain_sums.filling);
      sums = plain_sums.derivatives(term.balance.gain, term.balance.loss);
    } else {
      filled = filling(log_fugacity);
      sums =
          engine_.reduce(size_, MomentDerivativeTerm<Rank>{weight_, half_beta_, energy_, weighted_,
                                                           work_.balance->data(), work_.thermal_gain_share->data(),
                                                           work_.thermal_loss_share->data(), log_fugacity, largest_});
      largest = largest_;
    }
    for (int k = 0; k <= count; ++k) {
      // The last row is that of the particle number, divided by its own derivative with respect to log z.
      double value = 0.0;
      if (k < count)
        value = sums.value[k];
      else
        for (int l = 0; l <= Rank; ++l) value += sums.response[k][l];
      const double over = value > 0.0 ? 1.0 / value : 0.0;
      // Holes decrease where particles increase.
      const double sign = k > Rank && k < count ? -1.0 : 1.0;
      double total = 0.0;
      for (int l = 0; l < count; ++l) {
        const double share = sign * over * sums.response[k][l];
        derivative[k * (count + 1) + l] = l <= Rank ? share : -share;
        if (l <= Rank) total += share;
      }
      derivative[k * (count + 1) + count] = total;
    }
    for (int k = 0; k < count; ++k) log_moment[k] = log_of(sums.value[k]);
    log_moment[0] += largest.particle;
    log_moment[Rank + 1] += largest.hole;
    return filled;
  }

  LINDRIFT_ANY_ENGINE void state(double log_fugacity, double* lagrange_multiplier, double* occupation) {
    double* lambda = engine_.target(lagrange_multiplier, size_, *work_.multiplier);
    double* n = engine_.target(occupation, size_, *work_.occupation);
    if (plain(log_fugacity)) {
      engine_.map(size_, PlainState<Rank>{balance(log_fugacity), lambda, n});
    } else {
      find_logarithms();
      engine_.map(size_, ShiftedState{work_.balance->data(), log_fugacity, lambda, n});
    }
    engine_.download(lagrange_multiplier, size_, *work_.multiplier);
    engine_.download(occupation, size_, *work_.occupation);
  }

  LINDRIFT_ANY_ENGINE double residual(const double* lagrange_multiplier) {
    const double* lambda = engine_.upload(lagrange_multiplier, size_, *work_.multiplier);
    if (!moderate_ || !in_range(1.0, lambda)) return NAN;
    const MultiplierSource source{thermal_in_, thermal_out_, lambda};
    const auto moments = engine_.reduce(size_, ProductMomentTerm<Rank, MultiplierSource>{weight_, source});
    const PlainRows rows{thermal_out_, thermal_in_, numbers_.over_cells * numbers_.equilibrium_fraction,
                         numbers_.over_cells * numbers_.nonequilibrium_fraction};
    const auto largest = engine_.reduce(size_, ImbalanceTerm<Rank>{{weight_, moments}, rows, source});
    return largest.not_finite == 0.0 ? largest.largest : NAN;
  }

 private:
  /// Used as the logarithm of a moment that vanishes.
  static constexpr double no_moment = -690.0;

  /// Largest beta |E| / 2, log moment and log fugacity for which rates, occupations and their products stay in the
  /// range of a double.
  static constexpr double max_exponent = 100.0;
  /// The same limit for |log gamma_eq|.
  static constexpr double max_log_weight = 230.0;

  LINDRIFT_BOTH static double log_of(double moment) {
    if (std::isnan(moment)) return moment;
    return moment > 0.0 ? maximum(std::log(moment), no_moment) : no_moment;
  }

  LINDRIFT_ANY_ENGINE bool in_range(double factor, const double* values) {
    const auto size = engine_.reduce(size_, SizeTerm{factor, values});
    return size.not_finite == 0.0 && size.largest <= max_exponent;
  }

  LINDRIFT_BOTH static Filling filling_of(const PlainFillingSums<double>& sums) {
    // n (1-n) = e^{-|lambda|} / (1 + e^{-|lambda|})^2
    return filling_of(sums.counts, -std::log(sums.min_slope));
  }
  LINDRIFT_BOTH static Filling filling_of(const FillingCounts<double>& counts, double max_multiplier) {
    return {counts.particles, counts.holes, counts.others, counts.particle_slope, counts.hole_slope, max_multiplier};
  }

  LINDRIFT_BOTH bool plain(double log_fugacity) const { return has_plain_ && std::fabs(log_fugacity) <= max_exponent; }

  LINDRIFT_ANY_ENGINE PlainBalance<Rank> balance(double log_fugacity) const {
    const double fugacity = std::exp(log_fugacity);
    PlainBalance<Rank> result{weight_, thermal_in_, thermal_out_, {}, {}};
    result.gain[0] = std::exp(log_thermal_ + log_moment_[0] + log_fugacity);
    result.loss[0] = std::exp(log_thermal_ + log_moment_[Rank + 1]);
    for (int r = 0; r < Rank; ++r) {
      result.gain[1 + r] = weighted_.gain[r] * fugacity;
      result.loss[1 + r] = weighted_.loss[r];
    }
    return result;
  }

  /// Computes the logarithms that replace balance() where it would leave the range of a double.
  LINDRIFT_ANY_ENGINE void find_logarithms() {
    if (has_logarithms_) return;
    has_logarithms_ = true;
    engine_.map(size_, BalanceOfMoments<Rank>{weight_, half_beta_, energy_, log_thermal_ + log_moment_[0],
                                              log_thermal_ + log_moment_[Rank + 1], weighted_,
                                              work_.balance->resize(size_), work_.thermal_gain_share->resize(size_),
                                              work_.thermal_loss_share->resize(size_)});
  }

  LINDRIFT_BOTH double weighted(double log_moment) const {
    return log_moment > no_moment ? numbers_.nonequilibrium_fraction * std::exp(log_moment) : 0.0;
  }

  Engine& engine_;
  Work work_;
  MomentNumbers numbers_;
  Index size_;
  double half_beta_, log_thermal_;
  ProductWeight<Rank> weight_;
  const double *energy_, *thermal_in_, *thermal_out_;
  WeightedMoments<Rank> weighted_;
  double log_moment_[count]{};
  bool moderate_ = false;        ///< thermal factors and weight are well inside the range of a double
  bool has_plain_ = false;       ///< and so are the moments set last
  bool has_logarithms_ = false;  ///< balance and shares belong to the moments set last
  LargestExponents<double> largest_;
};

/// MomentBalance for a generator: the map as it is.
template <class Engine, int Rank>
class MomentBalanceOn final : public MomentBalance {
  using Map = MomentMap<Engine, Rank>;

 public:
  /// As MomentMap.
  MomentBalanceOn(Engine& engine, const typename Map::Work& work, const MomentNumbers& numbers,
                  const ProductWeight<Rank>& weight, const double* energy, const double* thermal_in,
                  const double* thermal_out)
      : map_(engine, work, numbers, weight, energy, thermal_in, thermal_out) {}

  int moments() const override { return map_.moments(); }
  void set_thermal() override { map_.set_thermal(); }
  void set_log_moments(const double* log_moment) override { map_.set_log_moments(log_moment); }
  void moments_of(const double* lagrange_multiplier, double* log_moment) override {
    map_.moments_of(lagrange_multiplier, log_moment);
  }
  Filling filling(double log_fugacity) override { return map_.filling(log_fugacity); }
  Filling response(double log_fugacity, double* log_moment, double* derivative) override {
    return map_.response(log_fugacity, log_moment, derivative);
  }
  void state(double log_fugacity, double* lagrange_multiplier, double* occupation) override {
    map_.state(log_fugacity, lagrange_multiplier, occupation);
  }
  double residual(const double* lagrange_multiplier) override { return map_.residual(lagrange_multiplier); }

 private:
  Map map_;
};

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
