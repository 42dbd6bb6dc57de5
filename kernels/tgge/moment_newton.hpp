#pragma once

#include "kernels/newton.hpp"
#include "kernels/tgge/fugacity.hpp"
#include "kernels/tgge/rate_kernel.hpp"

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

/// The balance in a few moments (docs/physics.md, Eqs. 17a-17c) as newton() sees it: there is a current point, and a
/// trial point that may replace it. Its linear systems are as small as the moments.
/// @tparam Balance  MomentBalance, or a MomentMap
/// @tparam Most     of its moments
template <class Balance, int Most>
class MomentNewton {
 public:
  /// @param number  of particles, strictly between 0 and modes
  /// @param start   Lagrange multipliers, shape (modes,); null: the thermal state
  LINDRIFT_BOTH MomentNewton(Balance& balance, double modes, double number, const double* start)
      : balance_(balance), modes_(modes), number_(number) {
    if (start == nullptr) {
      balance_.set_thermal();
      respond(current(), 0.0);
      for (int k = 0; k < moments(); ++k) current().log_moment[k] = current().image[k];
    } else {
      balance_.moments_of(start, current().log_moment);
    }
    evaluate(current(), 0.0);
  }

  LINDRIFT_BOTH double size() const { return point_[now_].size; }

  LINDRIFT_BOTH void solve(double /*accuracy*/) {
    // (1 - D) dx - d dlog z = Phi(x) - x, and the number becomes right.
    const int n = moments() + 1;
    double matrix[rows * rows];
    for (int i = 0; i < n * n; ++i) matrix[i] = current().derivative[i];
    for (int k = 0; k < moments(); ++k) {
      for (int l = 0; l < n; ++l) matrix[k * n + l] = (k == l ? 1.0 : 0.0) - matrix[k * n + l];
      direction_[k] = current().image[k] - current().log_moment[k];
    }
    direction_[moments()] = -current().excess;
    solve_dense(matrix, direction_, n);
  }

  LINDRIFT_BOTH double try_step(double step) {
    for (int k = 0; k < moments(); ++k) trial().log_moment[k] = current().log_moment[k] + step * direction_[k];
    return evaluate(trial(), current().log_fugacity + step * direction_[moments()]);
  }

  LINDRIFT_BOTH double try_fixed_point() {
    for (int k = 0; k < moments(); ++k) trial().log_moment[k] = current().image[k];
    return evaluate(trial(), current().log_fugacity);
  }

  LINDRIFT_BOTH void accept() { now_ = 1 - now_; }

  /// Writes multipliers and occupations of the current point, shape (modes,). Returns its log fugacity.
  LINDRIFT_BOTH double finish(double* lagrange_multiplier, double* occupation) {
    Point& point = current();
    balance_.set_log_moments(point.log_moment);
    // The number must be right even if the balance is not. Up to this excess one Newton step leaves its square.
    constexpr double accuracy = 1e-9;
    point.log_fugacity = std::fabs(point.excess) <= accuracy
                             ? point.log_fugacity - point.excess
                             : solve_log_fugacity(number_, modes_, point.log_fugacity, Fillings{*this, NAN, {}});
    balance_.state(point.log_fugacity, lagrange_multiplier, occupation);
    return point.log_fugacity;
  }

 private:
  static constexpr int rows = Most + 1;  ///< the fugacity's is the last

  struct Point {
    double log_moment[Most], image[Most], derivative[rows * rows];
    double log_fugacity = 0.0;
    double excess = 0.0;  ///< of log_fugacity, to first order: the number of particles is one of Newton's equations
    double size = 0.0;
  };

  /// Sums at a fugacity. `sums` holds those at `known`.
  struct Fillings {
    MomentNewton& self;
    double known;
    MomentBalance::Filling sums;
    LINDRIFT_BOTH MomentBalance::Filling operator()(double log_fugacity) const {
      return log_fugacity == known ? sums : self.balance_.filling(log_fugacity);
    }
  };

  LINDRIFT_BOTH int moments() const { return balance_.moments(); }
  LINDRIFT_BOTH Point& current() { return point_[now_]; }
  LINDRIFT_BOTH Point& trial() { return point_[1 - now_]; }

  /// Evaluates a point from its moments, at a fugacity near enough for Newton's method. Returns its size.
  LINDRIFT_BOTH double evaluate(Point& point, double guess) {
    balance_.set_log_moments(point.log_moment);
    const MomentBalance::Filling sums = respond(point, guess);
    double largest = std::fabs(point.excess);
    for (int k = 0; k < moments(); ++k) {
      const double change = std::fabs(point.image[k] - point.log_moment[k]);
      if (!(change <= largest) && !std::isnan(largest)) largest = change;
    }
    return point.size = std::isfinite(sums.max_multiplier) ? largest / (1.0 + sums.max_multiplier) : NAN;
  }

  /// Image and derivative at the moments that balance_ was set to.
  LINDRIFT_BOTH MomentBalance::Filling respond(Point& point, double guess) {
    // A smaller excess is left to Newton's method, which solves for moments and fugacity together.
    constexpr double near = 0.1;
    point.log_fugacity = guess;
    auto sums = balance_.response(guess, point.image, point.derivative);
    point.excess = log_fugacity_excess(sums, number_);
    if (std::fabs(point.excess) <= near) return sums;
    point.log_fugacity = solve_log_fugacity(number_, modes_, guess, Fillings{*this, guess, sums}, near);
    sums = balance_.response(point.log_fugacity, point.image, point.derivative);
    point.excess = log_fugacity_excess(sums, number_);
    return sums;
  }

  Balance& balance_;
  double modes_, number_;
  Point point_[2];
  int now_ = 0;
  double direction_[rows];  ///< of the moments, and of the fugacity
};

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
