#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lindrift/generator.hpp"
#include "lindrift/models/rate_equation.hpp"
#include "solvers/newton.hpp"

namespace lindrift {

/// A fixed-point equation u = Phi(u) as Newton's method sees it. There is a current point, and a trial point that may
/// become it. Sizes are those of the residual u - Phi(u), scaled so that rounding leaves about 1e-16; NaN where it is
/// not finite.
class BalanceSystem {
 public:
  virtual ~BalanceSystem() = default;

  /// Residual at the current point.
  virtual double size() const = 0;

  /// Solves for the Newton direction at the current point.
  /// @param accuracy  relative, for systems that solve by iteration
  virtual void solve(double accuracy) = 0;

  /// The trial point becomes the current one plus `step` times the direction. Returns its residual.
  virtual double try_step(double step) = 0;

  /// The trial point becomes Phi of the current one, which contracts everywhere. Returns its residual.
  virtual double try_fixed_point() = 0;

  /// The trial point becomes the current one.
  virtual void accept() = 0;

  /// The current point as multipliers and occupations, and the logarithm of the fugacity that is largest in size.
  virtual void read(BalanceSolution& solution) = 0;
};

/// The balance in the Lagrange multipliers (docs/physics.md, Eqs. 15-18), for any rates: linear systems by GMRES on the
/// generator's derivative.
class MultiplierSystem final : public BalanceSystem {
 public:
  /// Classifies the modes at `start` and counts the fixed ones in `solution`; obstacle() tells whether that went well.
  /// Spans and references must outlive the system.
  MultiplierSystem(Generator& generator, const Components& components, const InitialState& conserved,
                   std::vector<double> start, BalanceSolution& solution);
  ~MultiplierSystem() override;

  /// Why there is nothing to solve; empty if there is.
  const std::string& obstacle() const;

  double size() const override;
  void solve(double accuracy) override;
  double try_step(double step) override;
  double try_fixed_point() override;
  void accept() override;
  void read(BalanceSolution& solution) override;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

/// The balance in a few moments (docs/physics.md, Eqs. 17a-17c): the linear systems are as small as they are few.
class MomentSystem final : public BalanceSystem {
 public:
  /// @param number  of particles, strictly between 0 and modes
  /// @param start   Lagrange multipliers, shape (modes,); empty: the thermal state
  MomentSystem(MomentBalance& balance, std::size_t modes, double number, std::span<const double> start);

  double size() const override { return current_.size; }
  void solve(double accuracy) override;
  double try_step(double step) override;
  double try_fixed_point() override;
  void accept() override;
  void read(BalanceSolution& solution) override;

 private:
  struct Point {
    std::vector<double> log_moment, image, derivative;
    double log_fugacity = 0.0;
    double excess = 0.0;  ///< of log_fugacity, to first order: the number of particles is one of Newton's equations
    double size = 0.0;
  };
  /// Everything else of a point from its moments, with a fugacity near enough for Newton's method.
  double evaluate(Point& point, double guess);
  /// What balance_ was set to, at a fugacity near enough.
  MomentBalance::Filling respond(Point& point, double guess);

  MomentBalance& balance_;
  std::size_t modes_, moments_;
  double number_;
  Point current_, trial_;
  std::vector<double> direction_;  ///< of the moments, and of the fugacity
};

}  // namespace lindrift
