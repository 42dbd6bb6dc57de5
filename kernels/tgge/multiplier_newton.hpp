#pragma once

#include "kernels/clusters/solve_on.hpp"
#include "kernels/newton.hpp"
#include "kernels/tgge/fugacity.hpp"
#include "kernels/tgge/moment_balance.hpp"

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

// --- maps and sums of Newton's method in the multipliers (docs/physics.md, Eqs. 15-18) ---

/// R_s = lambda_s - log(loss_s / gain_s) + log z
struct BalanceResidual {
  const double *lagrange_multiplier, *log_gain, *log_loss;
  double log_fugacity;
  double* residual;
  LINDRIFT_HD void operator()(Index s) const {
    residual[s] = lagrange_multiplier[s] - (log_loss[s] - log_gain[s]) + log_fugacity;
  }
};

/// n (1-n), up to a common factor
struct Susceptibility {
  const double* lagrange_multiplier;
  double* chi;
  LINDRIFT_HD void operator()(Index s) const {
    const Occupation<double> n(lagrange_multiplier[s]);
    chi[s] = n.larger * n.smaller;
  }
};

struct MultiplierOccupation {
  const double* lagrange_multiplier;
  double* occupation;
  LINDRIFT_HD void operator()(Index s) const { occupation[s] = Occupation<double>(lagrange_multiplier[s]).particle(); }
};

struct OneSum {
  double value;
  LINDRIFT_HD OneSum& operator+=(const OneSum& other) {
    value += other.value;
    return *this;
  }
};
/// The sum of some numbers, or their product with others.
struct ScalarProduct {
  template <class T>
  using Sum = OneSum;
  const double *one, *other;  ///< other: null for ones
  template <class T>
  LINDRIFT_HD void accumulate(Index s, Sum<T>& sum) const {
    sum.value += other == nullptr ? one[s] : one[s] * other[s];
  }
};

/// Minus the residual, then zero for the number of particles.
struct NewtonRight {
  Index modes;
  const double* residual;
  double* right;
  LINDRIFT_HD void operator()(Index s) const { right[s] = s < modes ? -residual[s] : 0.0; }
};

/// out = (1 - M) delta + tau, where `out` holds M delta before.
struct BorderedRow {
  const double *delta, *tau;
  double* out;
  LINDRIFT_HD void operator()(Index s) const { out[s] = delta[s] - out[s] + *tau; }
};

/// target = from + step update
struct TakeStep {
  const double *from, *update;
  double step;
  double* target;
  LINDRIFT_HD void operator()(Index s) const { target[s] = from[s] + step * update[s]; }
};

/// Half way to the balanced multipliers.
struct HalfWay {
  const double *from, *log_gain, *log_loss;
  double* target;
  LINDRIFT_HD void operator()(Index s) const { target[s] = 0.5 * (from[s] + (log_loss[s] - log_gain[s])); }
};

struct ShiftDown {
  double shift;
  double* values;
  LINDRIFT_HD void operator()(Index s) const { values[s] -= shift; }
};

/// Before a restart of GMRES, and in all.
inline constexpr Index multiplier_vectors = 30, multiplier_products = 180;

/// Memory of MultiplierNewton.
struct MultiplierMemory {
  double *trial, *log_gain, *log_loss, *residual, *chi, *right, *update;
  clusters::LinearMemory linear;

  LINDRIFT_HD static MultiplierMemory from(Carver& carver, Index modes) {
    MultiplierMemory memory{};
    memory.trial = carver.take(modes);
    memory.log_gain = carver.take(modes);
    memory.log_loss = carver.take(modes);
    memory.residual = carver.take(modes);
    memory.chi = carver.take(modes);
    memory.right = carver.take(modes + 1);
    memory.update = carver.take(modes + 1);
    memory.linear = clusters::LinearMemory::from(carver, modes + 1, multiplier_vectors);
    return memory;
  }
};

/// The balance in the Lagrange multipliers as newton() sees it, on an engine whose verbs are those of one thread block,
/// with GMRES on its exact derivative. Every mode must be able to gain and to lose, and all are connected: then the
/// only border is the number of particles. MultiplierSystem (src/solvers) is for the others.
/// @tparam Rates  as PanelRates
template <class Engine, class Rates>
class MultiplierNewton {
 public:
  /// @param number  of particles, strictly between 0 and modes
  /// @param start   Lagrange multipliers, (modes,), up to a constant; overwritten
  LINDRIFT_ANY_ENGINE MultiplierNewton(Engine& engine, Rates& rates, Index modes, double number, double* start,
                                       const MultiplierMemory& memory)
      : engine_(engine),
        rates_(rates),
        modes_(modes),
        number_(number),
        lambda_(start),
        trial_(memory.trial),
        memory_(memory) {
    normalise(lambda_);
    size_ = evaluate(lambda_, log_fugacity_);
  }

  LINDRIFT_BOTH double size() const { return size_; }

  LINDRIFT_ANY_ENGINE void solve(double accuracy) {
    engine_.map(modes_, Susceptibility{lambda_, memory_.chi});
    const double sum = engine_.reduce(modes_, ScalarProduct{memory_.chi, nullptr}).value;
    if (sum > 0.0) engine_.map(modes_, clusters::Divide{memory_.chi, sum});
    engine_.map(modes_ + 1, NewtonRight{modes_, memory_.residual, memory_.right});
    constexpr double attainable = 1e-13;  // by rounding
    Bordered matrix{*this, modes_ + 1};
    clusters::SolverOn<Engine, Bordered, double> solver(engine_, matrix);
    // A solution that misses the accuracy is still a direction worth trying; newton() tests the step.
    solver.solve_linear(memory_.right, maximum(accuracy, attainable), multiplier_vectors, multiplier_products,
                        memory_.linear, memory_.update);
  }

  LINDRIFT_ANY_ENGINE double try_step(double step) {
    engine_.map(modes_, TakeStep{lambda_, memory_.update, step, trial_});
    normalise(trial_);
    trial_fugacity_ = log_fugacity_ + step * memory_.update[modes_];
    return trial_size_ = evaluate(trial_, trial_fugacity_);
  }

  LINDRIFT_ANY_ENGINE double try_fixed_point() {
    rates_.log_rates(engine_, lambda_, memory_.log_gain, memory_.log_loss);
    engine_.map(modes_, HalfWay{lambda_, memory_.log_gain, memory_.log_loss, trial_});
    trial_fugacity_ = 2.0 * normalise(trial_);  // half a step gives half of log z
    return trial_size_ = evaluate(trial_, trial_fugacity_);
  }

  LINDRIFT_BOTH void accept() {
    double* const before = lambda_;
    lambda_ = trial_;
    trial_ = before;
    log_fugacity_ = trial_fugacity_;
    size_ = trial_size_;
  }

  /// Writes multipliers and occupations of the current point, (modes,). Returns its log fugacity.
  LINDRIFT_ANY_ENGINE double finish(double* lagrange_multiplier, double* occupation) {
    if (lagrange_multiplier != lambda_) engine_.map(modes_, clusters::Copy{lambda_, lagrange_multiplier});
    engine_.map(modes_, MultiplierOccupation{lagrange_multiplier, occupation});
    return log_fugacity_;
  }

  /// balance_residual() of the rate equation at the current point.
  LINDRIFT_ANY_ENGINE double residual() {
    rates_.log_rates(engine_, lambda_, memory_.log_gain, memory_.log_loss);
    const auto largest = residual_size(lambda_, 0.0);
    return largest.not_finite == 0.0 ? std::tanh(0.5 * largest.largest) : NAN;
  }

 private:
  /// (delta, tau) -> ((1 - M) delta + tau, chi . delta): the bordered Newton matrix of Eq. 18.
  struct Bordered {
    MultiplierNewton& self;
    Index size;
    LINDRIFT_ANY_ENGINE void multiply(Engine& engine, const double* in, double* out) {
      const Index modes = size - 1;
      self.rates_.log_balance_derivative(engine, in, out);
      engine.map(modes, BorderedRow{in, in + modes, out});
      const double number = engine.reduce(modes, ScalarProduct{self.memory_.chi, in}).value;
      engine.map(1, clusters::Fill{number, out + modes});
    }
  };

  /// Sums at a fugacity.
  struct Fillings {
    MultiplierNewton& self;
    const double* lagrange_multiplier;
    LINDRIFT_BOTH MomentBalance::Filling operator()(double log_fugacity) const {
      return self.filling(lagrange_multiplier, log_fugacity);
    }
  };
  LINDRIFT_ANY_ENGINE MomentBalance::Filling filling(const double* lagrange_multiplier, double log_fugacity) {
    // No exponents of thermal factors are wanted here.
    const auto sums = engine_.reduce(modes_, FillingTerm{0.0, lagrange_multiplier, lagrange_multiplier, log_fugacity});
    const auto& counts = sums.counts;
    return {counts.particles, counts.holes, counts.others, counts.particle_slope, counts.hole_slope, sums.size};
  }

  /// Shifts the multipliers so that they hold the number of particles. Returns the shift.
  LINDRIFT_ANY_ENGINE double normalise(double* lagrange_multiplier) {
    const double shift =
        solve_log_fugacity(number_, static_cast<double>(modes_), 0.0, Fillings{*this, lagrange_multiplier});
    engine_.map(modes_, ShiftDown{shift, lagrange_multiplier});
    return shift;
  }

  /// Returns max |R| / (1 + max |lambda|), or NaN if any value is not finite.
  LINDRIFT_ANY_ENGINE double evaluate(const double* lagrange_multiplier, double log_fugacity) {
    rates_.log_rates(engine_, lagrange_multiplier, memory_.log_gain, memory_.log_loss);
    const auto residual = residual_size(lagrange_multiplier, log_fugacity),
               multiplier = engine_.reduce(modes_, SizeTerm{1.0, lagrange_multiplier});
    return residual.not_finite == 0.0 && multiplier.not_finite == 0.0 ? residual.largest / (1.0 + multiplier.largest)
                                                                      : NAN;
  }
  LINDRIFT_ANY_ENGINE SizeOf<double> residual_size(const double* lagrange_multiplier, double log_fugacity) {
    engine_.map(modes_, BalanceResidual{lagrange_multiplier, memory_.log_gain, memory_.log_loss, log_fugacity,
                                        memory_.residual});
    return engine_.reduce(modes_, SizeTerm{1.0, memory_.residual});
  }

  Engine& engine_;
  Rates& rates_;
  Index modes_;
  double number_;
  double *lambda_, *trial_;
  double log_fugacity_ = 0.0, trial_fugacity_ = 0.0;
  double size_ = INFINITY, trial_size_ = INFINITY;
  MultiplierMemory memory_;
};

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
