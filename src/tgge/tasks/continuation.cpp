#include "lindrift/tgge/continuation.hpp"

#include <algorithm>
#include <cmath>

namespace lindrift {

std::vector<double> Continuation::start(std::complex<double> parameter) const {
  const auto& [last, before, first] = found_;
  std::vector<double> start = last.lagrange_multiplier;
  // Parameters relative to the last one, in units of the last step.
  const std::complex<double> step = last.parameter - before.parameter;
  const auto position = [&](std::complex<double> value) { return (value - last.parameter) / step; };
  const double along = position(parameter).real();
  if (start.size() != before.lagrange_multiplier.size() || !std::isfinite(along)) return start;
  // Long extrapolations are not reliable. A step back ends between two known states or just outside.
  const double r = std::clamp(along, -1.0, 2.0);
  double of_last = 1.0 + r, of_before = -r, of_first = 0.0;
  // A parabola needs three states that lie nearly on a line at comparable distances.
  const double t = position(first.parameter).real(), aside = std::fabs(position(first.parameter).imag());
  if (first.lagrange_multiplier.size() == start.size() && t <= -1.5 && t >= -3.0 && aside < 0.1 && r > 0.0 &&
      r <= 1.5) {
    of_last = (r + 1.0) * (r - t) / -t;
    of_before = r * (r - t) / (1.0 + t);
    of_first = r * (r + 1.0) / (t * (t + 1.0));
  }
  for (std::size_t s = 0; s < start.size(); ++s) {
    start[s] = of_last * start[s] + of_before * before.lagrange_multiplier[s];
    if (of_first != 0.0) start[s] += of_first * first.lagrange_multiplier[s];
  }
  return start;
}

void Continuation::add(std::complex<double> parameter, const SteadyState& state) {
  const auto& multiplier = state.lagrange_multiplier;
  if (!state.converged || !std::all_of(multiplier.begin(), multiplier.end(), [](double x) { return std::isfinite(x); }))
    return forget();
  std::rotate(found_.begin(), found_.end() - 1, found_.end());
  found_.front() = {parameter, multiplier};
}

void Continuation::forget() { found_ = {}; }

}  // namespace lindrift
