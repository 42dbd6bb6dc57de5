#include "hubbard/frequency_nodes.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>

#include "lindrift/error.hpp"

namespace lindrift {

namespace {

constexpr double max_nodes = 1e6;
constexpr std::size_t max_lines = 256;

/// Covers lines by few: those whose energies lie in the same small interval become one, as narrow as the narrowest.
class Cover {
 public:
  Cover(double low, double high) : low_(low), per_energy_(max_lines / std::max(high - low, tiny)), bins_(max_lines) {}

  void add(const Line& line) {
    const double at = (0.5 * (line.low + line.high) - low_) * per_energy_;
    Line& bin = bins_[std::min(max_lines - 1, static_cast<std::size_t>(std::max(at, 0.0)))];
    bin = {std::min(bin.low, line.low), std::max(bin.high, line.high), std::min(bin.width, line.width)};
  }

  std::vector<Line> lines() const {
    std::vector<Line> filled;
    for (const Line& bin : bins_)
      if (bin.low <= bin.high) filled.push_back(bin);
    return filled;
  }

 private:
  static constexpr double infinity = std::numeric_limits<double>::infinity(), tiny = std::numeric_limits<double>::min();
  struct Empty : Line {
    Empty() : Line{infinity, -infinity, infinity} {}
  };
  double low_, per_energy_;
  std::vector<Empty> bins_;
};

/// Minimum of a function with a single one between two bounds, within 1e-5 of their distance.
template <class Function>
double golden_section(double low, double high, const Function& function) {
  constexpr double ratio = 1.0 / std::numbers::phi;
  double left = high - ratio * (high - low), right = low + ratio * (high - low);
  double at_left = function(left), at_right = function(right);
  for (int step = 0; step < 24; ++step)
    if (at_left <= at_right) {
      high = right, right = left, at_right = at_left;
      left = high - ratio * (high - low);
      at_left = function(left);
    } else {
      low = left, left = right, at_left = at_right;
      right = low + ratio * (high - low);
      at_right = function(right);
    }
  return at_left <= at_right ? left : right;
}

/// cosh d, where d is the hyperbolic distance from E_0 + i R to the farthest pole E + i g in the upper half plane. That
/// pole is artanh(1 / cosh d) away from the real axis of x, closer than the others.
double cosh_of(const Line& line, double centre, double scale) {
  const double away = std::max(std::fabs(line.low - centre), std::fabs(line.high - centre));
  return (scale * scale + line.width * line.width + away * away) / (2.0 * line.width * scale);
}
double largest_cosh(const std::vector<Line>& lines, double centre, double scale) {
  double largest = 1.0;
  for (const Line& line : lines) largest = std::max(largest, cosh_of(line, centre, scale));
  return largest;
}

}  // namespace

std::vector<Line> lines_of(std::span<const double> energies, std::span<const double> widths) {
  const auto [low, high] = std::minmax_element(energies.begin(), energies.end());
  Cover cover(*low, *high);
  for (std::size_t k = 0; k < energies.size(); ++k) cover.add({energies[k], energies[k], 0.5 * widths[k]});
  return cover.lines();
}

std::vector<Line> lines_of_pairs(const std::vector<Line>& one, const std::vector<Line>& other, double sign) {
  const auto pair = [&](const Line& a, const Line& b) {
    return sign < 0.0 ? Line{a.low - b.high, a.high - b.low, a.width + b.width}
                      : Line{a.low + b.low, a.high + b.high, a.width + b.width};
  };
  // Lines of a species ascend.
  const double low = pair(one.front(), sign < 0.0 ? other.back() : other.front()).low,
               high = pair(one.back(), sign < 0.0 ? other.front() : other.back()).high;
  Cover cover(low, high);
  for (const Line& a : one)
    for (const Line& b : other) cover.add(pair(a, b));
  return cover.lines();
}

FrequencyNodes frequency_nodes(const std::vector<Line>& lines, double factor) {
  double low = lines.front().low, high = lines.front().high, narrowest = lines.front().width, widest = narrowest;
  for (const Line& line : lines) {
    low = std::min(low, line.low), high = std::max(high, line.high);
    narrowest = std::min(narrowest, line.width), widest = std::max(widest, line.width);
  }
  // The best E_0 + i R is the centre of the smallest hyperbolic circle around the poles, whose hull contains it. The
  // radius is convex in both. A few lines decide: the farthest of all is added until it is one of them.
  constexpr double rounding = 1e-9;
  std::vector<Line> decisive;
  double scale = widest + (high - low), centre = 0.5 * (low + high), decided = 0.0;
  while (largest_cosh(lines, centre, scale) > (1.0 + rounding) * decided) {
    decisive.push_back(*std::max_element(lines.begin(), lines.end(), [&](const Line& one, const Line& other) {
      return cosh_of(one, centre, scale) < cosh_of(other, centre, scale);
    }));
    const auto best_centre = [&](double radius) {
      return golden_section(low, high, [&](double at) { return largest_cosh(decisive, at, radius); });
    };
    scale = std::exp(golden_section(std::log(narrowest), std::log(widest + (high - low)), [&](double exponent) {
      return largest_cosh(decisive, best_centre(std::exp(exponent)), std::exp(exponent));
    }));
    centre = best_centre(scale);
    decided = largest_cosh(decisive, centre, scale);
  }
  // e^{-36} is below the last bit.
  const double wanted = factor * (36.0 / std::atanh(1.0 / largest_cosh(lines, centre, scale)) + 32.0);
  if (!(wanted <= max_nodes))
    throw ParameterError("bath", "a pair of momenta decays so slowly, at " + std::to_string(narrowest) +
                                     ", that its collisions need " + std::to_string(wanted) +
                                     " frequencies, more than 1e6");
  const std::size_t count = 2 * static_cast<std::size_t>(0.5 * wanted + 0.5);
  FrequencyNodes nodes;
  for (std::size_t j = 0; j < count; ++j) {
    const double x = (2.0 * static_cast<double>(j) + 1.0) / static_cast<double>(count) - 1.0;  // in units of pi
    const double cosine = std::cos(0.5 * std::numbers::pi * x);
    nodes.frequency.push_back(centre + scale * std::tan(0.5 * std::numbers::pi * x));
    nodes.weight.push_back(scale / (2.0 * cosine * cosine * static_cast<double>(count)));
  }
  return nodes;
}

}  // namespace lindrift
