#pragma once

#include "kernels/tgge/moment_balance.hpp"
#include "kernels/tgge/rate_kernel.hpp"

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

/// MomentBalance on an engine, for hop weights of Rank products and a thermal bath that is on.
template <class Engine, int Rank>
class MomentBalanceOn final : public MomentBalance {
 public:
  /// @param energy  (modes,), where the engine computes; must outlive this, as must engine and weight
  MomentBalanceOn(Engine& engine, const RateTables& tables, const ProductWeight<Rank>& weight, const double* energy)
      : engine_(engine),
        size_(tables.modes),
        half_beta_(0.5 * tables.inverse_temperature),
        log_thermal_(std::log(tables.thermal_weight)),
        nonequilibrium_(tables.nonequilibrium_weight),
        weight_(weight),
        energy_(energy) {
    balance_.resize(size_);
    thermal_gain_share_.resize(size_);
    thermal_loss_share_.resize(size_);
  }

  int moments() const override { return count; }

  void set_multipliers(const double* lagrange_multiplier) override {
    engine_.copy_in(lagrange_multiplier, size_, balance_);
    // No moments are behind these multipliers: nothing depends on any.
    for (int r = 0; r < Rank; ++r) gain_[r] = loss_[r] = 0.0;
    engine_.map(size_, Zero{thermal_gain_share_.data(), thermal_loss_share_.data()});
  }

  void set_log_moments(const double* log_moment) override {
    BalanceOfMoments<Rank> functor{
        weight_, half_beta_, energy_,         log_thermal_ + log_moment[0], log_thermal_ + log_moment[Rank + 1],
        {},      {},         balance_.data(), thermal_gain_share_.data(),   thermal_loss_share_.data()};
    for (int r = 0; r < Rank; ++r) {
      gain_[r] = functor.gain[r] = weighted(log_moment[1 + r]);
      loss_[r] = functor.loss[r] = weighted(log_moment[Rank + 2 + r]);
    }
    engine_.map(size_, functor);
  }

  Filling filling(double log_fugacity) override {
    const auto sums = engine_.reduce(size_, FillingTerm{half_beta_, energy_, balance_.data(), log_fugacity});
    largest_ = sums.largest;
    return {sums.particles, sums.holes, sums.others, sums.particle_slope, sums.hole_slope, -sums.lowest, sums.highest};
  }

  void response(double log_fugacity, double* log_moment, double* derivative) override {
    MomentDerivativeTerm<Rank> term{weight_,
                                    half_beta_,
                                    energy_,
                                    {},
                                    {},
                                    balance_.data(),
                                    thermal_gain_share_.data(),
                                    thermal_loss_share_.data(),
                                    log_fugacity,
                                    largest_};
    for (int r = 0; r < Rank; ++r) {
      term.gain[r] = gain_[r];
      term.loss[r] = loss_[r];
    }
    const auto sums = engine_.reduce(size_, term);
    for (int k = 0; k <= count; ++k) {
      // The last row is that of the number of particles, over its own derivative with respect to log z.
      double value = 0.0;
      if (k < count)
        value = sums.value[k];
      else
        for (int l = 0; l <= Rank; ++l) value += sums.response[k][l];
      const double over = value > 0.0 ? 1.0 / value : 0.0;
      // Holes grow where particles shrink.
      const double sign = k > Rank && k < count ? -1.0 : 1.0;
      double total = 0.0;
      for (int l = 0; l < count; ++l) {
        const double share = sign * over * sums.response[k][l];
        derivative[k * (count + 1) + l] = l <= Rank ? share : -share;
        if (l <= Rank) total += share;
      }
      derivative[k * (count + 1) + count] = total;
    }
    for (int k = 0; k < count; ++k) {
      log_moment[k] = sums.value[k] > 0.0 ? std::log(sums.value[k]) : no_moment;
      if (log_moment[k] < no_moment) log_moment[k] = no_moment;
    }
    log_moment[0] += largest_.particle;
    log_moment[Rank + 1] += largest_.hole;
  }

  void multipliers(double log_fugacity, double* lagrange_multiplier) override {
    double* target = engine_.target(lagrange_multiplier, size_, result_);
    engine_.map(size_, Shift{balance_.data(), log_fugacity, target});
    engine_.download(lagrange_multiplier, size_, result_);
  }

 private:
  static constexpr int count = 2 * Rank + 2;
  /// Stands for the logarithm of a moment that vanishes.
  static constexpr double no_moment = -690.0;

  struct Zero {
    double *a, *b;
    LINDRIFT_HD void operator()(Index s) const { a[s] = b[s] = 0.0; }
  };
  struct Shift {
    const double* balance;
    double log_fugacity;
    double* lagrange_multiplier;
    LINDRIFT_HD void operator()(Index s) const { lagrange_multiplier[s] = balance[s] - log_fugacity; }
  };

  double weighted(double log_moment) const {
    return log_moment > no_moment ? nonequilibrium_ * std::exp(log_moment) : 0.0;
  }

  Engine& engine_;
  Index size_;
  double half_beta_, log_thermal_, nonequilibrium_;
  ProductWeight<Rank> weight_;
  const double* energy_;
  double gain_[Rank]{}, loss_[Rank]{};
  LargestExponents<double> largest_;
  typename Engine::Buffer balance_, thermal_gain_share_, thermal_loss_share_, result_;
};

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
