#pragma once

#include <memory>
#include <span>
#include <vector>

#include "lindrift/tgge/rate_equation.hpp"

namespace lindrift {

/// The transposed Jacobian of the rate equation at a steady state, bordered by the conservation of particles.
///
/// Divided by -(gain + loss), row by row, it is the identity minus averages over the modes that particles of a mode
/// come from and go to,
///   A y = y - p (W n y / gain) - q (W^T (1-n) y / loss),   p = gain / (gain + loss),   q = 1 - p,
/// whose weights are fractions at any temperature (docs/physics.md, Eq. 18b). Vectors have shape (modes,); rates are in
/// units of epsilon J.
class AdjointSystem {
 public:
  struct Solution {
    std::vector<double> y;  ///< zero mean
    double alpha = 0.0;     ///< Lagrange multiplier of the number of particles
  };
  /// Which hops to include: those of both baths, or those of the thermal bath alone at unit strength.
  enum class Hops { all, thermal };

  virtual ~AdjointSystem() = default;

  /// Solves Jac^T y + alpha = -weight.
  /// @throws Error if the solution is not accurate to about 1e-11
  virtual Solution solve(std::span<const double> weight) = 0;

  /// Averages of y over the modes that particles come from, W n y / gain, and go to, W^T (1-n) y / loss, for each mode.
  virtual void averages(Hops hops, std::span<const double> y, std::span<double> from, std::span<double> to) = 0;

  /// Particles that hop into and out of each mode, (1-n) gain and n loss.
  virtual void flows(Hops hops, std::span<double> in, std::span<double> out) = 0;

  /// in_s (from_s - y_s) + out_s (to_s - y_s) of the thermal bath alone, t of Eq. 18d; returns sum_s y_s (in_s -
  /// out_s).
  virtual double thermal_slopes(std::span<const double> y, std::span<double> slope);
};

/// Solves by GMRES on a generator's sums, for any rates.
/// @param equation  must outlive the system
/// @param thermal   the same thermal bath alone, at unit strength
/// @param lagrange_multiplier  finite; no rate may vanish
std::unique_ptr<AdjointSystem> make_generator_adjoint(const RateEquation& equation, RateEquation thermal,
                                                      std::span<const double> lagrange_multiplier);

/// By elimination in the space of moments, for the exponential spectrum and hop weights that are a short sum of
/// products: a few passes over the modes. Null where a product of Boltzmann factors and occupations may leave the range
/// of a double.
/// @param model  with a ProductJump
/// @param lagrange_multiplier, particles, holes  of the state; these and the model must outlive the system
std::unique_ptr<AdjointSystem> make_moment_adjoint(const TggeModel& model, std::span<const double> lagrange_multiplier,
                                                   std::span<const double> particles, std::span<const double> holes);

/// Solves an n x n system by Gaussian elimination with row pivoting; the solution overwrites `right` and is not finite
/// if the matrix is singular.
void solve_dense(std::vector<double> matrix, std::vector<double>& right);

}  // namespace lindrift
