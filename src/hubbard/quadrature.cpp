#include "hubbard/quadrature.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <map>
#include <numbers>
#include <utility>

namespace lindrift {

namespace {

using Complex = std::complex<double>;

/// Phase that a long panel spans: so large that the nodes beyond one per pi of phase are few in comparison.
constexpr double panel_phase = 200.0;
/// Decay of the fastest exponent over the first panel.
constexpr double first_decay = 16.0;
/// Points at which bounds are evaluated on each edge of the rectangle. The bounds are smooth and do not oscillate.
constexpr int edge_points = 8;

/// Logarithm of a bound of |J_n(z)|, for every complex z (Kapteyn; DLMF 10.14.8).
double log_bessel_bound(double n, Complex z) {
  const Complex ratio = z / n, root = std::sqrt(1.0 - ratio * ratio);
  return n * std::log(std::abs(ratio * std::exp(root) / (1.0 + root)));
}

/// Calls look(y) at points of the rectangle's border with Re y >= 0; the other half is its mirror image. A function
/// that is analytic inside is largest on the border.
template <class Look>
void each_border_point(const Exponents& exponents, const Look& look) {
  for (int i = 0; i <= edge_points; ++i) {
    const double share = static_cast<double>(i) / edge_points;
    look(Complex(share * exponents.frequency, exponents.slowest));
    look(Complex(share * exponents.frequency, exponents.fastest));
    look(Complex(exponents.frequency, exponents.slowest + share * (exponents.fastest - exponents.slowest)));
  }
}

/// Bounds the error of Gauss-Legendre with `points` nodes on [t0, t0 + length] for e^{iyt}, times about e^{-slowest t0
/// / 2}. The Chebyshev coefficients of the exponential are 2 i^n J_n(y length/2); the rule is exact up to degree 2
/// points - 1, and its error for a Chebyshev polynomial of higher degree is below 2.1 (2/(n^2-1) from the integral and
/// 2 from the weights).
/// @param damping  t0 / 2: half of the time in which each exponential has decayed before the panel; see
///                 legendre_panels()
double panel_error(const Exponents& exponents, double length, double points, double damping) {
  double largest = -1e300;
  each_border_point(exponents, [&](Complex y) {
    const Complex z = 0.5 * length * y;
    const double first = log_bessel_bound(2.0 * points, z), second = log_bessel_bound(2.0 * points + 2.0, z);
    const double ratio = std::exp(second - first);
    if (!(ratio < 1.0)) {
      largest = 1e300;
      return;
    }
    // Later terms fall faster than the ratio of the first two.
    largest = std::max(largest, first - std::log1p(-ratio) - y.imag() * (0.5 * length + damping));
  });
  return 0.5 * length * 2.0 * 2.1 * std::exp(largest);
}

struct Panel {
  double begin, length;
};

std::vector<Panel> panels_of(const Exponents& exponents, double end) {
  const double whole = std::min(end, panel_phase / std::max(exponents.frequency, 1e-300));
  const auto count = static_cast<std::size_t>(std::ceil(end / whole));
  const double length = end / static_cast<double>(count);
  std::vector<double> first = {length};
  while (exponents.fastest * first.front() > first_decay) {
    const double half = 0.5 * first.front();
    first.front() = half;
    first.insert(first.begin(), half);
  }
  std::vector<Panel> panels;
  double begin = 0.0;
  for (const double l : first) {
    panels.push_back({begin, l});
    begin += l;
  }
  for (std::size_t i = 1; i < count; ++i) panels.push_back({static_cast<double>(i) * length, length});
  return panels;
}

}  // namespace

LegendreRule legendre_rule(std::size_t points) {
  LegendreRule rule{std::vector<double>(points), std::vector<double>(points)};
  const auto n = static_cast<double>(points);
  for (std::size_t i = 0; i < (points + 1) / 2; ++i) {
    double x = std::cos(std::numbers::pi * (static_cast<double>(i) + 0.75) / (n + 0.5)), derivative = 1.0;
    for (int step = 0; step < 8; ++step) {
      double p = 1.0, before = 0.0;
      for (std::size_t j = 0; j < points; ++j) {
        const auto k = static_cast<double>(j);
        const double next = ((2.0 * k + 1.0) * x * p - k * before) / (k + 1.0);
        before = p;
        p = next;
      }
      derivative = n * (x * p - before) / (x * x - 1.0);
      const double move = p / derivative;
      x -= move;
      if (std::fabs(move) < 1e-16) break;
    }
    rule.node[i] = -x;
    rule.node[points - 1 - i] = x;
    rule.weight[i] = rule.weight[points - 1 - i] = 2.0 / ((1.0 - x * x) * derivative * derivative);
  }
  if (points % 2 == 1) rule.node[points / 2] = 0.0;
  return rule;
}

double legendre_panel_count(const Exponents& exponents, double end) {
  const double panels = std::max(1.0, std::ceil(end * exponents.frequency / panel_phase));
  const auto nodes = [&](double length) {
    const double phase = 0.5 * length * exponents.frequency;
    return 0.5 * (phase + 4.0 * std::cbrt(phase) + 16.0);
  };
  double length = end / panels, sum = (panels - 1.0) * nodes(length);
  while (exponents.fastest * length > first_decay) {
    length *= 0.5;
    sum += nodes(length);
  }
  return sum + nodes(length);
}

Quadrature legendre_panels(const Exponents& exponents, double end, double tolerance) {
  Quadrature result;
  std::map<std::size_t, LegendreRule> rules;
  const std::vector<Panel> panels = panels_of(exponents, end);
  for (const Panel& panel : panels) {
    // At the start of the panel the weights of the exponents are bounded by bound(begin), or, if half of the decay is
    // left to the exponentials, by bound(begin / 2) and what the fast ones have lost by then.
    const double full = exponents.bound(panel.begin), half = exponents.bound(0.5 * panel.begin);
    const auto error = [&](std::size_t points) {
      const auto p = static_cast<double>(points);
      return std::min(full * panel_error(exponents, panel.length, p, 0.0),
                      half * panel_error(exponents, panel.length, p, 0.5 * panel.begin));
    };
    const double allowed = tolerance * panel.length / end;
    std::size_t low = 2, high = 4;
    constexpr std::size_t most = 4096;
    while (high < most && error(high) > allowed) {
      low = high;
      high *= 2;
    }
    while (low + 1 < high) {
      const std::size_t middle = (low + high) / 2;
      (error(middle) > allowed ? low : high) = middle;
    }
    result.error += error(high);
    auto& rule = rules[high];
    if (rule.node.empty()) rule = legendre_rule(high);
    for (std::size_t i = 0; i < high; ++i) {
      result.node.push_back(panel.begin + 0.5 * panel.length * (1.0 + rule.node[i]));
      result.weight.push_back(0.5 * panel.length * rule.weight[i]);
    }
  }
  return result;
}

namespace {

/// c_j of sum_j 2 j^{2i-1} c_j = B_{2i}/(2i), i = 1 .. 10.
constexpr double correction[CorrectedTrapezoid::corrections] = {
    0.08036566134581083,   -0.03261397807027541,   0.01365243887004996,  -0.005160102022805384,
    0.001657567565141616,  -0.0004325816968527443, 8.73576956723557e-05, -1.275061020655204e-05,
    1.193747238089644e-06, -5.374153101848776e-08};

/// Largest relative error for one exponential: h |1/th - cot(th/2)/2 - 2 sum_j c_j sin(j th)|, th = h y.
double trapezoid_error(const Exponents& exponents, double step) {
  double largest = 0.0;
  // The error does not oscillate in any direction, but grows towards the corners: the border is enough.
  each_border_point(exponents, [&](Complex y) {
    const Complex theta = step * y;
    // Taylor series where the two poles would cancel.
    Complex error = std::abs(theta) < 0.1 ? theta / 12.0 * (1.0 + theta * theta / 60.0 * (1.0 + theta * theta / 42.0))
                                          : 1.0 / theta - 0.5 * std::cos(0.5 * theta) / std::sin(0.5 * theta);
    const Complex twice_cosine = 2.0 * std::cos(theta);
    Complex sine = std::sin(theta), before = 0.0;  // of j theta
    for (int j = 1; j <= CorrectedTrapezoid::corrections; ++j) {
      error -= 2.0 * correction[j - 1] * sine;
      before = std::exchange(sine, twice_cosine * sine - before);
    }
    largest = std::max(largest, std::abs(error));
  });
  return step * largest;
}

}  // namespace

double CorrectedTrapezoid::weight(std::ptrdiff_t j) {
  if (j == 0) return 0.5;
  const double c = std::abs(j) <= corrections ? correction[std::abs(j) - 1] : 0.0;
  return j < 0 ? -c : 1.0 + c;
}

CorrectedTrapezoid::CorrectedTrapezoid(const Exponents& exponents, double end, double tolerance) {
  const double radius = std::hypot(exponents.frequency, exponents.fastest), scale = exponents.bound(0.0);
  const double longest = std::min(2.0 / radius, end / 4.0);
  const auto reduced = [longest](int times) { return longest * std::pow(0.95, times); };
  // Below a phase of 0.3 per step only rounding remains of the error.
  int high = 0;
  while (reduced(high) * radius >= 0.3) ++high;
  for (int low = 0; low < high;) {
    const int middle = (low + high) / 2;
    if (scale * trapezoid_error(exponents, reduced(middle)) <= tolerance)
      high = middle;
    else
      low = middle + 1;
  }
  step_ = reduced(high);
  error_ = scale * trapezoid_error(exponents, step_);
  nodes_ = static_cast<std::size_t>(std::ceil(end / step_)) + 1;
}

}  // namespace lindrift
