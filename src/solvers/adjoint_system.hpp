#pragma once

#include <memory>
#include <span>
#include <vector>

#include "lindrift/tgge/rate_equation.hpp"

namespace lindrift {

/// The transposed Jacobian of the rate equation at a steady state, bordered by the conservation of particles.
///
/// Divided by -(gain + loss) it is one minus an average over where a mode's particles come from and go to,
///   A y = y - p (W n y / gain) - q (W^T (1-n) y / loss),   p = gain / (gain + loss),   q = 1 - p,
/// whose numbers are fractions at any temperature (docs/physics.md, Eq. 18b). Vectors have shape (modes,); rates are in
/// units of epsilon J.
class AdjointSystem {
 public:
  struct Solution {
    std::vector<double> y;  ///< of zero mean
    double alpha = 0.0;     ///< multiplier of the number of particles
  };
  /// Which hops: of both baths, or of the thermal bath alone with unit strength.
  enum class Hops { all, thermal };

  virtual ~AdjointSystem() = default;

  /// Solves Jac^T y + alpha = -weight.
  /// @throws Error if the solution is not accurate to about 1e-11
  virtual Solution solve(std::span<const double> weight) = 0;

  /// Averages of y over the modes that particles of each mode come from, W n y / gain, and go to, W^T (1-n) y / loss.
  virtual void averages(Hops hops, std::span<const double> y, std::span<double> from, std::span<double> to) = 0;

  /// Particles that hop into and out of each mode, (1-n) gain and n loss.
  virtual void flows(Hops hops, std::span<double> in, std::span<double> out) = 0;

  /// in_s (from_s - y_s) + out_s (to_s - y_s) of the thermal bath alone, t of Eq. 18d; returns sum_s y_s (in_s -
  /// out_s).
  virtual double thermal_slopes(std::span<const double> y, std::span<double> slope);
};

/// By GMRES on sums of a generator, for any rates.
/// @param equation  must outlive the system
/// @param thermal   the same thermal bath alone, of unit strength
/// @param lagrange_multiplier  finite, and no rate vanishes
std::unique_ptr<AdjointSystem> make_generator_adjoint(const RateEquation& equation, RateEquation thermal,
                                                      std::span<const double> lagrange_multiplier);

/// By elimination in the space of moments, for the exponential spectrum and hop weights that are a short sum of
/// products: a few passes over the modes. Null where a product of Boltzmann factors and occupations may leave the range
/// of a double.
/// @param model  with a ProductJump
/// @param lagrange_multiplier, particles, holes  of the state; these and the model must outlive the system
std::unique_ptr<AdjointSystem> make_moment_adjoint(const TggeModel& model, std::span<const double> lagrange_multiplier,
                                                   std::span<const double> particles, std::span<const double> holes);

/// Solves the n x n system in place of its right-hand side, by elimination with row pivots; not finite if singular.
void solve_dense(std::vector<double> matrix, std::vector<double>& right);

}  // namespace lindrift
