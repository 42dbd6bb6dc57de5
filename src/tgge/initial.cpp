#include "lindrift/tgge/initial.hpp"

#include <algorithm>
#include <cmath>
#include <string>

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

/// The momentum in the zone that has these integers.
LatticeVector momentum_of(const std::vector<std::int64_t>& integers, const Lattice& lattice) {
  LatticeVector result{};
  for (std::size_t i = 0; i < integers.size(); ++i) result[i] = integers[i] % lattice.cells(static_cast<int>(i));
  return result;
}

std::vector<double> thermal_multipliers(const InitialState& state, const Bands& bands, double filling) {
  const LatticeVector shift = momentum_of(state.momentum_shift, bands.lattice);
  std::vector<double> exponent(bands.modes());
  for (std::size_t s = 0; s < bands.modes(); ++s) {
    LatticeVector from = bands.lattice.momentum(bands.momentum_of(s));
    for (std::size_t i = 0; i < from.size(); ++i) from[i] -= shift[i];
    exponent[s] = state.inverse_temperature * bands.energy[bands.mode(bands.band_of(s), bands.lattice.index_of(from))];
    if (!std::isfinite(exponent[s]))
      throw ParameterError("initial.inverse_temperature", "its product with the energies overflows");
  }
  const double fugacity = log_fugacity(exponent, filling * static_cast<double>(bands.modes()));
  for (double& value : exponent) value = clamped(value - fugacity);
  return exponent;
}

}  // namespace

void validate(const InitialState& state, const Lattice& lattice) {
  const auto check = [&](const char* key, const std::vector<std::int64_t>& integers) {
    const auto directions = static_cast<std::size_t>(lattice.dimensions());
    if (integers.size() == directions || integers == std::vector<std::int64_t>{0}) return;
    throw ParameterError(key, "the number of integers is " + std::to_string(integers.size()) +
                                  "; there must be one for each direction, " + std::to_string(directions));
  };
  check("initial.momentum_shift", state.momentum_shift);
  check("initial.momentum", state.momentum);
}

std::vector<double> multipliers_of(const InitialState& state, const Bands& bands, double filling) {
  validate(state, bands.lattice);
  if (state.kind == InitialKind::thermal) return thermal_multipliers(state, bands, filling);
  if (state.kind == InitialKind::uniform)
    return std::vector<double>(bands.modes(), std::log1p(-filling) - std::log(filling));
  // All other modes together hold less than the rounding error of one particle.
  constexpr double log_rounding = 37.0;
  const double empty = log_rounding + std::log(static_cast<double>(bands.modes()));
  std::vector<double> multipliers(bands.modes(), empty);
  const std::size_t k = bands.lattice.index_of(momentum_of(state.momentum, bands.lattice));
  std::size_t lowest = bands.mode(0, k);
  for (std::size_t band = 1; band < static_cast<std::size_t>(bands.orbitals); ++band)
    if (bands.energy[bands.mode(band, k)] < bands.energy[lowest]) lowest = bands.mode(band, k);
  multipliers[lowest] = -empty;
  return multipliers;
}

}  // namespace lindrift
