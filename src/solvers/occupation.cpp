#include "solvers/occupation.hpp"

#include <limits>

#include "parallel.hpp"

namespace lindrift {

double log_fugacity_at(std::span<const double> exponent, double filling, double guess) {
  const std::size_t modes = exponent.size();
  const double logit = std::log(filling) - std::log1p(-filling);
  constexpr double infinity = std::numeric_limits<double>::infinity();
  double low = logit - parallel_maximum(modes, -infinity, [&](std::size_t s) { return -exponent[s]; });
  double high = logit + parallel_maximum(modes, -infinity, [&](std::size_t s) { return exponent[s]; });
  double log_fugacity = guess > low && guess < high ? guess : low + 0.5 * (high - low);
  for (int iteration = 0; iteration < 200 && low < high; ++iteration) {
    // With x = e^{-|lambda|}: n is 1/(1+x) or x/(1+x), and n (1-n) = x/(1+x)^2.
    const auto [number, slope] = parallel_sums<2>(modes, [&](std::size_t s) {
      const double lambda = exponent[s] - log_fugacity, x = std::exp(-std::fabs(lambda)), larger = 1.0 / (1.0 + x);
      return std::array<double, 2>{lambda > 0.0 ? x * larger : larger, x * larger * larger};
    });
    const double excess = number - filling * static_cast<double>(modes);
    if (excess == 0.0) break;
    (excess < 0.0 ? low : high) = log_fugacity;
    double next = log_fugacity - excess / slope;
    // Outside the bracket (or not a number, where every chi underflows) bisection takes over.
    const bool newton = next > low && next < high;
    if (!newton) next = low + 0.5 * (high - low);
    const double change = std::fabs(next - log_fugacity);
    log_fugacity = next;
    if (change <= 1e-16 * (1.0 + std::fabs(log_fugacity)) || next == low || next == high) break;
    // |f''/f'| <= 1 here, so a Newton step leaves at most the square of its size: below rounding.
    if (newton && change <= 1e-9) break;
  }
  return log_fugacity;
}

}  // namespace lindrift
