#include "lindrift/tasks/continuation.hpp"

#include <algorithm>
#include <cmath>

namespace lindrift {

std::vector<double> Continuation::start(std::complex<double> parameter) const {
  std::vector<double> start = last_.lagrange_multiplier;
  const std::vector<double>& before = before_.lagrange_multiplier;
  const std::complex<double> step = last_.parameter - before_.parameter;
  const double ratio = ((parameter - last_.parameter) * std::conj(step)).real() / std::norm(step);
  if (start.size() != before.size() || !std::isfinite(ratio)) return start;
  // A long step beyond what is known is not to be trusted; a step back lies between two states, or just outside.
  const double bounded = std::clamp(ratio, -1.0, 2.0);
  for (std::size_t s = 0; s < start.size(); ++s) start[s] += bounded * (start[s] - before[s]);
  return start;
}

void Continuation::add(std::complex<double> parameter, const SteadyState& state) {
  const auto& found = state.lagrange_multiplier;
  if (!state.converged || !std::all_of(found.begin(), found.end(), [](double x) { return std::isfinite(x); }))
    return forget();
  before_ = std::move(last_);
  last_ = {parameter, found};
}

void Continuation::forget() { last_ = before_ = {}; }

}  // namespace lindrift
