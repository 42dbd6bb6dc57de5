#include "lindrift/tgge/initial.hpp"

#include <algorithm>
#include <cmath>

#include "lindrift/error.hpp"

namespace lindrift {

namespace {

constexpr double largest_multiplier = 700.0;

double clamped(double multiplier) { return std::clamp(multiplier, -largest_multiplier, largest_multiplier); }

/// Solves sum_s 1/(1 + e^{b_s - x}) = number for x by bisection; the sum grows with x.
double log_fugacity(const std::vector<double>& exponent, double number) {
  const auto [lowest, highest] = std::minmax_element(exponent.begin(), exponent.end());
  double low = *lowest - 40.0, high = *highest + 40.0;
  const auto excess = [&](double x) {
    double sum = 0.0;
    for (const double b : exponent) sum += 1.0 / (1.0 + std::exp(b - x));
    return sum - number;
  };
  while (excess(low) > 0.0) low -= high - low;
  while (excess(high) < 0.0) high += high - low;
  for (;;) {
    const double middle = 0.5 * (low + high);
    if (middle <= low || middle >= high) return middle;
    (excess(middle) < 0.0 ? low : high) = middle;
  }
}

std::vector<double> thermal_multipliers(const InitialState& state, const Bands& bands, double filling) {
  std::vector<double> exponent(bands.modes());
  for (std::size_t s = 0; s < bands.modes(); ++s) {
    LatticeVector from = bands.lattice.momentum(bands.momentum_of(s));
    from[0] -= state.momentum_shift % bands.lattice.cells(0);
    exponent[s] = state.inverse_temperature * bands.energy[bands.mode(bands.band_of(s), bands.lattice.index_of(from))];
    if (!std::isfinite(exponent[s]))
      throw ParameterError("initial.inverse_temperature", "its product with the energies overflows");
  }
  const double fugacity = log_fugacity(exponent, filling * static_cast<double>(bands.modes()));
  for (double& value : exponent) value = clamped(value - fugacity);
  return exponent;
}

}  // namespace

std::vector<double> multipliers_of(const InitialState& state, const Bands& bands, double filling) {
  if (state.kind == InitialKind::thermal) return thermal_multipliers(state, bands, filling);
  if (state.kind == InitialKind::uniform)
    return std::vector<double>(bands.modes(), std::log1p(-filling) - std::log(filling));
  // All other modes together hold less than the rounding error of one particle.
  constexpr double log_rounding = 37.0;
  const double empty = log_rounding + std::log(static_cast<double>(bands.modes()));
  std::vector<double> multipliers(bands.modes(), empty);
  const std::size_t k = bands.lattice.index_of({state.momentum % bands.lattice.cells(0), 0, 0});
  std::size_t lowest = bands.mode(0, k);
  for (std::size_t band = 1; band < static_cast<std::size_t>(bands.orbitals); ++band)
    if (bands.energy[bands.mode(band, k)] < bands.energy[lowest]) lowest = bands.mode(band, k);
  multipliers[lowest] = -empty;
  return multipliers;
}

}  // namespace lindrift
