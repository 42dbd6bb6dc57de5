#pragma once

#include <cmath>

#include "kernels/tgge/fugacity.hpp"
#include "kernels/tgge/moment_balance.hpp"
#include "kernels/tgge/rate_kernel.hpp"

/// Newton's method in the multipliers (docs/physics.md, Eqs. 15-18) on an engine whose memory is not the host's, but
/// for its linear equations: the host solves them (multiplier_balance_on.hpp), or a thread block
/// (multiplier_gmres.hpp).

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

/// Sums that fix the fugacity of given multipliers.
template <class T>
struct MultiplierCounts {
  FillingCounts<T> counts;
  T size{};  ///< largest |lambda|
  LINDRIFT_HD MultiplierCounts& operator+=(const MultiplierCounts& other) {
    counts += other.counts;
    size = size > other.size ? size : other.size;
    return *this;
  }
  LINDRIFT_HD MultiplierCounts<double> lane(int i) const { return {counts.lane(i), size[i]}; }
};
struct MultiplierCountsTerm {
  template <class T>
  using Sum = MultiplierCounts<T>;
  const double* lagrange_multiplier;
  double log_fugacity;
  template <class T>
  LINDRIFT_HD void accumulate(Index s, Sum<T>& sum) const {
    const Occupation<T> n(load<T>(lagrange_multiplier, s) - log_fugacity);
    sum.counts.add(n.lambda > T{}, n.smaller, n.smaller, n.smaller * n.larger);
    sum.size = sum.size > magnitude(n.lambda) ? sum.size : magnitude(n.lambda);
  }
};

/// The residual R = lambda - log(loss / gain) + log z of a state whose rates are known.
struct BalanceResidual {
  const double *lagrange_multiplier, *log_gain, *log_loss;
  double log_fugacity;
  template <class T>
  LINDRIFT_HD T at(Index s) const {
    return load<T>(lagrange_multiplier, s) - (load<T>(log_loss, s) - load<T>(log_gain, s)) + log_fugacity;
  }
};
template <class T>
struct ResidualSizes {
  SizeOf<T> residual, multiplier;
  T square{};  ///< of the residuals, summed
  LINDRIFT_HD ResidualSizes& operator+=(const ResidualSizes& other) {
    residual += other.residual;
    multiplier += other.multiplier;
    square += other.square;
    return *this;
  }
  LINDRIFT_HD ResidualSizes<double> lane(int i) const { return {residual.lane(i), multiplier.lane(i), square[i]}; }
  LINDRIFT_HD bool finite() const { return residual.not_finite == 0.0 && multiplier.not_finite == 0.0; }
};
struct ResidualTerm {
  template <class T>
  using Sum = ResidualSizes<T>;
  BalanceResidual residual;
  template <class T>
  LINDRIFT_HD void accumulate(Index s, Sum<T>& sum) const {
    const T r = residual.template at<T>(s), lambda = load<T>(residual.lagrange_multiplier, s);
    sum += Sum<T>{{magnitude(r), r - r}, {magnitude(lambda), lambda - lambda}, r * r};
  }
};
struct ScaledResidual {
  BalanceResidual residual;
  double factor;
  double* target;
  LINDRIFT_HD void operator()(Index s) const { target[s] = factor * residual.at<double>(s); }
};

/// n (1-n), and its sum.
template <class T>
struct OneSum {
  T value{};
  LINDRIFT_HD OneSum& operator+=(const OneSum& other) {
    value += other.value;
    return *this;
  }
  LINDRIFT_HD OneSum<double> lane(int i) const { return {value[i]}; }
};
struct SusceptibilityTerm {
  template <class T>
  using Sum = OneSum<T>;
  const double* lagrange_multiplier;
  template <class T>
  LINDRIFT_HD static T at(T lambda) {
    const Occupation<T> n(lambda);
    return n.smaller * n.larger;
  }
  template <class T>
  LINDRIFT_HD void accumulate(Index s, Sum<T>& sum) const {
    sum.value += at(load<T>(lagrange_multiplier, s));
  }
};
/// sum_s n (1-n) v_s
struct WeightedTerm {
  template <class T>
  using Sum = OneSum<T>;
  const double *lagrange_multiplier, *values;
  template <class T>
  LINDRIFT_HD void accumulate(Index s, Sum<T>& sum) const {
    sum.value += SusceptibilityTerm::at(load<T>(lagrange_multiplier, s)) * load<T>(values, s);
  }
};

/// (1 - M) delta + tau, given M delta.
struct BorderedProduct {
  const double* direction;
  double border;
  double* product;
  LINDRIFT_HD void operator()(Index s) const { product[s] = direction[s] - product[s] + border; }
};
/// from + factor by
struct Moved {
  const double *from, *by;
  double factor;
  double* target;
  LINDRIFT_HD void operator()(Index s) const { target[s] = from[s] + factor * by[s]; }
};
struct Shifted {
  double shift;
  double* values;
  LINDRIFT_HD void operator()(Index s) const { values[s] -= shift; }
};
/// (lambda + log(loss / gain)) / 2
struct HalfWay {
  const double *lagrange_multiplier, *log_gain, *log_loss;
  double* target;
  LINDRIFT_HD void operator()(Index s) const {
    target[s] = 0.5 * (lagrange_multiplier[s] + (log_loss[s] - log_gain[s]));
  }
};

/// Relative accuracy of the linear equations that rounding allows. Asked for less, GMRES would go on with all restarts
/// for nothing.
inline constexpr double attainable_accuracy = 1e-13;

/// Vectors of MultiplierNewton, each (modes,), in the engine's memory.
struct MultiplierVectors {
  double *current, *trial;  ///< multipliers
  double *log_gain, *log_loss;
};

/// The current point and the trial point. Every mode must be able to gain and to lose, and all are connected: then the
/// only border is the number of particles.
/// @tparam Rates  has log_rates_at() and log_balance_derivative_at() for vectors in the engine's memory
template <class Engine, class Rates>
class MultiplierNewton {
 public:
  LINDRIFT_HD MultiplierNewton(Engine& engine, Rates& rates, Index modes)
      : engine_(engine), rates_(rates), modes_(modes) {}

  /// Starts from vectors.current, shifted so that they hold the number of particles, strictly between 0 and modes.
  /// @return false if a rate vanishes: there is nothing to solve then
  LINDRIFT_ANY_ENGINE bool begin(const MultiplierVectors& vectors, double number) {
    vectors_ = vectors;
    number_ = number;
    log_fugacity_ = 0.0;
    size_ = NAN;
    if (!sizes_at(lambda(), 0.0).finite()) return false;
    normalise(lambda());
    size_ = evaluate(lambda(), 0.0);
    return true;
  }

  LINDRIFT_HD double size() const { return size_; }
  LINDRIFT_HD double log_fugacity() const { return log_fugacity_; }
  LINDRIFT_HD const MultiplierVectors& vectors() const { return vectors_; }

  /// The trial point: a step along (update, border).
  LINDRIFT_ANY_ENGINE double try_step(double step, const double* update, double border) {
    engine_.map(modes_, Moved{lambda(), update, step, trial()});
    normalise(trial());
    return set_trial(log_fugacity_ + step * border);
  }

  LINDRIFT_ANY_ENGINE double try_fixed_point() {
    rates_.log_rates_at(lambda(), vectors_.log_gain, vectors_.log_loss);
    engine_.map(modes_, HalfWay{lambda(), vectors_.log_gain, vectors_.log_loss, trial()});
    return set_trial(2.0 * normalise(trial()));  // half a step gives half of log z
  }

  LINDRIFT_HD void accept() {
    double* const before = vectors_.current;
    vectors_.current = vectors_.trial;
    vectors_.trial = before;
    log_fugacity_ = trial_fugacity_;
    size_ = trial_size_;
  }

  /// Largest |lambda + log gain - log loss| of vectors.current; NaN if any is not finite. Ends the method.
  LINDRIFT_ANY_ENGINE double imbalance(const MultiplierVectors& vectors) {
    vectors_ = vectors;
    const ResidualSizes<double> sums = sizes_at(lambda(), 0.0);
    return sums.finite() ? sums.residual.largest : NAN;
  }

  // --- the linear equations of a step: the rates must be those of the current point ---

  LINDRIFT_HD BalanceResidual residual() const { return residual_of(lambda(), log_fugacity_); }

  /// Comes before multiply().
  LINDRIFT_ANY_ENGINE void linearise() {
    const double chi = engine_.reduce(modes_, SusceptibilityTerm{lambda()}).value;
    over_chi_ = chi > 0.0 ? 1.0 / chi : 0.0;
  }

  /// (delta, tau) -> ((1 - M) delta + tau, chi . delta / sum chi): the bordered Newton matrix of Eq. 18.
  /// @return the last element of the product
  LINDRIFT_ANY_ENGINE double multiply(const double* delta, double tau, double* product) {
    rates_.log_balance_derivative_at(delta, product);
    engine_.map(modes_, BorderedProduct{delta, tau, product});
    return over_chi_ > 0.0 ? over_chi_ * engine_.reduce(modes_, WeightedTerm{lambda(), delta}).value : tau;
  }

 private:
  /// Sums at a fugacity.
  struct Fillings {
    MultiplierNewton& self;
    const double* lagrange_multiplier;
    LINDRIFT_BOTH MomentBalance::Filling operator()(double log_fugacity) const {
      return self.filling(lagrange_multiplier, log_fugacity);
    }
  };
  LINDRIFT_ANY_ENGINE MomentBalance::Filling filling(const double* lagrange_multiplier, double log_fugacity) {
    const auto sums = engine_.reduce(modes_, MultiplierCountsTerm{lagrange_multiplier, log_fugacity});
    const FillingCounts<double>& counts = sums.counts;
    return {counts.particles, counts.holes, counts.others, counts.particle_slope, counts.hole_slope, sums.size};
  }

  LINDRIFT_HD double* lambda() const { return vectors_.current; }
  LINDRIFT_HD double* trial() const { return vectors_.trial; }
  LINDRIFT_HD BalanceResidual residual_of(const double* lagrange_multiplier, double log_fugacity) const {
    return {lagrange_multiplier, vectors_.log_gain, vectors_.log_loss, log_fugacity};
  }
  LINDRIFT_ANY_ENGINE ResidualSizes<double> sizes_at(const double* lagrange_multiplier, double log_fugacity) {
    rates_.log_rates_at(lagrange_multiplier, vectors_.log_gain, vectors_.log_loss);
    return engine_.reduce(modes_, ResidualTerm{residual_of(lagrange_multiplier, log_fugacity)});
  }
  /// Returns max |R| / (1 + max |lambda|), or NaN if any value is not finite.
  LINDRIFT_ANY_ENGINE double evaluate(const double* lagrange_multiplier, double log_fugacity) {
    const ResidualSizes<double> sums = sizes_at(lagrange_multiplier, log_fugacity);
    return sums.finite() ? sums.residual.largest / (1.0 + sums.multiplier.largest) : NAN;
  }
  LINDRIFT_ANY_ENGINE double set_trial(double log_fugacity) {
    trial_fugacity_ = log_fugacity;
    return trial_size_ = evaluate(trial(), log_fugacity);
  }

  /// Shifts multipliers so that they hold the number of particles, and returns the shift.
  LINDRIFT_ANY_ENGINE double normalise(double* lagrange_multiplier) {
    const double shift =
        solve_log_fugacity(number_, static_cast<double>(modes_), 0.0, Fillings{*this, lagrange_multiplier});
    engine_.map(modes_, Shifted{shift, lagrange_multiplier});
    return shift;
  }

  Engine& engine_;
  Rates& rates_;
  Index modes_;
  MultiplierVectors vectors_{};
  double number_ = 0.0, over_chi_ = 0.0;
  double log_fugacity_ = 0.0, trial_fugacity_ = 0.0;
  double size_ = INFINITY, trial_size_ = INFINITY;
};

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
