#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/functor.hpp"

/// Newton's method for a fixed-point equation, and the small linear systems of its steps: the same on the host and in a
/// thread block of a device.

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {

/// The result of newton().
struct NewtonRun {
  std::int64_t steps = 0;
  double size = INFINITY;  ///< of the residual at the end
  bool finite = true;      ///< false: no step, of Newton or of the fixed point, led to a finite residual
};

/// Halves steps where they overshoot, and takes a fixed-point step where that does not help.
/// @param system   as BalanceSystem (src/solvers/newton.hpp)
/// @param run      with the steps that were taken before, which count
/// @param look_up  called before every step
template <class System, class LookUp>
LINDRIFT_BOTH NewtonRun newton(System& system, std::int64_t max_steps, const LookUp& look_up, NewtonRun run = {}) {
  constexpr int max_halvings = 6;
  // Below this size the residual is rounding, and a step that does not reduce it ends the iteration.
  constexpr double rounding_level = 1e-11;
  constexpr double target = 2e-16;
  // From below this size one full Newton step, solved to its own accuracy, ends at rounding.
  constexpr double quadratic_level = 1e-9;
  constexpr double most_accurate = 1e-14, least_accurate = 1e-3;

  while (run.steps < max_steps && system.size() > target) {
    look_up();
    ++run.steps;
    const double before = system.size();
    system.solve(before < most_accurate ? most_accurate : before > least_accurate ? least_accurate : before);

    double best = INFINITY, step = 1.0;
    for (int halving = 0; halving <= max_halvings; ++halving, step *= 0.5) {
      best = system.try_step(step);
      if (best < before || before <= rounding_level) break;
    }
    if (!(best < before)) {
      if (before <= rounding_level) break;
      best = system.try_fixed_point();
      run.finite = std::isfinite(best);
      if (!run.finite) break;
    }
    system.accept();
    // Newton squares the error: from here the next step would only move the last bits.
    if (before <= quadratic_level && best <= rounding_level) break;
  }
  run.size = system.size();
  return run;
}

/// Solves the n x n system in place of its right-hand side, by elimination with row pivots; not finite if singular.
/// Overwrites the matrix.
LINDRIFT_BOTH inline void solve_dense(double* matrix, double* right, int n) {
  const auto swap = [](double& a, double& b) {
    const double kept = a;
    a = b;
    b = kept;
  };
  LINDRIFT_ROLLED
  for (int step = 0; step < n; ++step) {
    int pivot = step;
    LINDRIFT_ROLLED
    for (int i = step + 1; i < n; ++i)
      if (std::fabs(matrix[i * n + step]) > std::fabs(matrix[pivot * n + step])) pivot = i;
    LINDRIFT_ROLLED
    for (int j = 0; j < n; ++j) swap(matrix[step * n + j], matrix[pivot * n + j]);
    swap(right[step], right[pivot]);
    LINDRIFT_ROLLED
    for (int i = step + 1; i < n; ++i) {
      const double factor = matrix[i * n + step] / matrix[step * n + step];
      LINDRIFT_ROLLED
      for (int j = step; j < n; ++j) matrix[i * n + j] -= factor * matrix[step * n + j];
      right[i] -= factor * right[step];
    }
  }
  LINDRIFT_ROLLED
  for (int i = n; i-- > 0;) {
    LINDRIFT_ROLLED
    for (int j = i + 1; j < n; ++j) right[i] -= matrix[i * n + j] * right[j];
    right[i] /= matrix[i * n + i];
  }
}

}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
