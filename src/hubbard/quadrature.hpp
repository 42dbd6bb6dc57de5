#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace lindrift {

/// Nodes and weights for int_0^T f(t) dt with f(t) = sum_i c_i e^{i y_i t} and all y in a rectangle, and a bound of the
/// error.
struct Quadrature {
  std::vector<double> node, weight;
  double error = 0.0;
};

/// Region of the exponents: |Re y| <= frequency, slowest <= Im y <= fastest. `bound(t)` bounds sum_i |c_i| e^{-Im y_i
/// t}.
struct Exponents {
  double frequency = 0.0, slowest = 0.0, fastest = 0.0;
  std::function<double(double)> bound;
};

/// Gauss-Legendre panels (docs/physics.md, Eq. 73), with as few nodes as the bound of their error allows.
/// @param tolerance  absolute
Quadrature legendre_panels(const Exponents& exponents, double end, double tolerance);

/// Approximate number of their nodes, without computing them.
double legendre_panel_count(const Exponents& exponents, double end);

/// Nodes and weights on [-1, 1].
struct LegendreRule {
  std::vector<double> node, weight;
};
LegendreRule legendre_rule(std::size_t points);

/// Trapezoidal rule with end corrections (Eq. 74): int_0^inf f = step * sum_j weight(j) f(j step) over
/// j = -corrections .. nodes-1.
class CorrectedTrapezoid {
 public:
  static constexpr int corrections = 10;
  /// Chooses the longest step that keeps the error below the tolerance (absolute).
  CorrectedTrapezoid(const Exponents& exponents, double end, double tolerance);

  double step() const { return step_; }
  std::size_t nodes() const { return nodes_; }  ///< at times >= 0
  double error() const { return error_; }
  /// Weight without the factor of the step.
  static double weight(std::ptrdiff_t j);

 private:
  double step_, error_;
  std::size_t nodes_;
};

}  // namespace lindrift
