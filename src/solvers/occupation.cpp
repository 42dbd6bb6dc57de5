#include "solvers/occupation.hpp"

#include <algorithm>

#include "tree_sum.hpp"

namespace lindrift {

double log_fugacity_at(std::span<const double> exponent, double filling) {
  const auto [smallest, largest] = std::minmax_element(exponent.begin(), exponent.end());
  const double logit = std::log(filling) - std::log1p(-filling);
  double low = *smallest + logit, high = *largest + logit;
  const auto modes = static_cast<double>(exponent.size());
  double log_fugacity = low + 0.5 * (high - low);
  for (int iteration = 0; iteration < 200 && low < high; ++iteration) {
    const double excess =
        tree_sum(0, exponent.size(), [&](std::size_t s) { return occupation_of(exponent[s] - log_fugacity); }) -
        filling * modes;
    if (excess == 0.0) break;
    (excess < 0.0 ? low : high) = log_fugacity;
    const double slope = tree_sum(0, exponent.size(), [&](std::size_t s) {
      const double x = exponent[s] - log_fugacity;
      return occupation_of(x) * occupation_of(-x);
    });
    double next = log_fugacity - excess / slope;
    // Outside the bracket (or not a number, where every chi underflows) bisection takes over.
    if (!(next > low && next < high)) next = low + 0.5 * (high - low);
    const double change = std::fabs(next - log_fugacity);
    log_fugacity = next;
    if (change <= 1e-16 * (1.0 + std::fabs(log_fugacity)) || next == low || next == high) break;
  }
  return log_fugacity;
}

}  // namespace lindrift
