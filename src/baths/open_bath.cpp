#include "lindrift/baths/open_bath.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "lindrift/error.hpp"
#include "lindrift/lattice/lattice.hpp"

namespace lindrift {

namespace {

/// Adds 4 rate cos^2((k + phase)/2) to the rates of all momenta.
void add_bonds(std::vector<double>& rates, double rate, double phase) {
  if (rate == 0.0) return;
  const auto sites = static_cast<std::int64_t>(rates.size());
  const std::int64_t first = first_momentum_index(sites);
  const auto add = [&](std::int64_t i, double cosine) {
    rates[static_cast<std::size_t>(i)] += 4.0 * rate * cosine * cosine;
  };

  // Zeros lie where phase = pi - k, on the grid for the phases pi p / (2 L): those are taken as the fractions that they
  // stand for. A phase that a user computed, such as pi - k, is off by roundings of pi.
  const double step = std::numbers::pi / (2.0 * static_cast<double>(sites));
  const double p = std::nearbyint(phase / step);
  const double rounding = 4.0 * std::numeric_limits<double>::epsilon() * std::max(std::fabs(phase), std::numbers::pi);
  if (std::fabs(p) < 1e15 && std::fabs(std::fma(-p, step, phase)) <= rounding) {
    const auto quarters = static_cast<std::int64_t>(p) % (8 * sites);
    for (std::int64_t i = 0; i < sites; ++i) add(i, cos_pi(4 * (first + i) + quarters, 4 * sites));
    return;
  }
  // cos(k/2) and sin(k/2) are exact to a rounding, and so is the sum in extended precision.
  const long double half = 0.5L * static_cast<long double>(phase), cosine = std::cos(half), sine = std::sin(half);
  const long double pi = std::numbers::pi_v<long double>;
  for (std::int64_t i = 0; i < sites; ++i) {
    const long double half_momentum = pi * static_cast<long double>(first + i) / static_cast<long double>(sites);
    add(i, static_cast<double>(std::cos(half_momentum) * cosine - std::sin(half_momentum) * sine));
  }
}

std::vector<double> rates_of(std::int64_t sites, double local, double bonds, double phase,
                             const std::vector<double>& table) {
  std::vector<double> rates(static_cast<std::size_t>(sites), local);
  add_bonds(rates, bonds, phase);
  for (std::size_t i = 0; i < table.size(); ++i) rates[i] += table[i];
  return rates;
}

}  // namespace

void validate(const OpenBath& bath, std::int64_t sites, const std::string& section) {
  if (sites < 1) throw ParameterError("model.sites", std::to_string(sites) + " is not allowed: must be >= 1");
  validate_fields(bath, section);
  for (const auto& [name, table] : {std::pair(".gain_table", &bath.gain_table), {".loss_table", &bath.loss_table}})
    if (!table->empty() && static_cast<std::int64_t>(table->size()) != sites)
      throw ParameterError(
          section + name,
          std::to_string(table->size()) + " rates were given; it must have one per momentum, " + std::to_string(sites));
}

BathRates bath_rates(const OpenBath& bath, std::int64_t sites, const std::string& section) {
  validate(bath, sites, section);
  return {rates_of(sites, bath.gain, bath.two_site_gain, -bath.two_site_gain_phase, bath.gain_table),
          rates_of(sites, bath.loss, bath.two_site_loss, bath.two_site_loss_phase, bath.loss_table)};
}

}  // namespace lindrift
