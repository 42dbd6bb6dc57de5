#include "lindrift/baths/open_bath.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "check_energy.hpp"
#include "engine/parallel.hpp"
#include "lindrift/error.hpp"

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

  // Zeros lie where phase = pi - k, which is on the grid for the phases pi p / (2 L); these are treated as exact
  // fractions. A phase computed by a user, such as pi - k, deviates by roundings of pi.
  const double step = std::numbers::pi / (2.0 * static_cast<double>(sites));
  const double p = std::nearbyint(phase / step);
  const double rounding = 4.0 * std::numeric_limits<double>::epsilon() * std::max(std::fabs(phase), std::numbers::pi);
  if (std::fabs(p) < 1e15 && std::fabs(std::fma(-p, step, phase)) <= rounding) {
    const auto quarters = static_cast<std::int64_t>(p) % (8 * sites);
    for (std::int64_t i = 0; i < sites; ++i) add(i, cos_pi(4 * (first + i) + quarters, 4 * sites));
    return;
  }
  // cos(k/2) and sin(k/2) are accurate to a rounding, and so is the sum in extended precision.
  const long double half = 0.5L * static_cast<long double>(phase), cosine = std::cos(half), sine = std::sin(half);
  const long double pi = std::numbers::pi_v<long double>;
  for (std::int64_t i = 0; i < sites; ++i) {
    const long double half_momentum = pi * static_cast<long double>(first + i) / static_cast<long double>(sites);
    add(i, static_cast<double>(std::cos(half_momentum) * cosine - std::sin(half_momentum) * sine));
  }
}

/// Adds |sum_R a_R e^{+-ik.R}|^2, with the minus sign for gain.
void add_operator(std::vector<double>& rates, const BathOperator& channel, const Lattice& lattice) {
  const double direction = channel.kind == BathOperatorKind::loss ? 1.0 : -1.0;
  parallel_for(lattice.size(), [&](std::size_t k) {
    double re = 0.0, im = 0.0;
    for (const LatticeTerm& term : channel.terms) {
      const Phase phase = lattice.phase(k, term.displacement);
      const double a = term.amplitude.real(), b = term.amplitude.imag(), sine = direction * phase.sine;
      re += a * phase.cosine - b * sine;
      im += a * sine + b * phase.cosine;
    }
    rates[k] += re * re + im * im;
  });
}

/// The rates of gain, or of loss.
std::vector<double> rates_of(const OpenBath& bath, BathOperatorKind kind, const Lattice& lattice) {
  const bool loss = kind == BathOperatorKind::loss;
  std::vector<double> rates(lattice.size(), loss ? bath.loss : bath.gain);
  add_bonds(rates, loss ? bath.two_site_loss : bath.two_site_gain,
            loss ? bath.two_site_loss_phase : -bath.two_site_gain_phase);
  const std::vector<double>& table = loss ? bath.loss_table : bath.gain_table;
  for (std::size_t i = 0; i < table.size(); ++i) rates[i] += table[i];
  for (const BathOperator& channel : bath.operators)
    if (channel.kind == kind) add_operator(rates, channel, lattice);
  return rates;
}

}  // namespace

bool has_no_gain(const OpenBath& bath) {
  const auto none = [](double rate) { return rate == 0.0; };
  return none(bath.gain) && none(bath.two_site_gain) &&
         std::all_of(bath.gain_table.begin(), bath.gain_table.end(), none) &&
         std::none_of(bath.operators.begin(), bath.operators.end(),
                      [](const BathOperator& one) { return one.kind == BathOperatorKind::gain; });
}

void validate(const OpenBath& bath, const Lattice& lattice, const std::string& section) {
  validate_fields(bath, section);
  for (const auto& [name, table] : {std::pair(".gain_table", &bath.gain_table), {".loss_table", &bath.loss_table}})
    if (!table->empty() && table->size() != lattice.size())
      throw ParameterError(section + name, std::to_string(table->size()) +
                                               " rates were given; it must have one per momentum, " +
                                               std::to_string(lattice.size()));
  for (const auto& [name, table] : {std::pair(".gain_table", &bath.gain_table), {".loss_table", &bath.loss_table}})
    for (std::size_t i = 0; i < table->size(); ++i)
      if ((*table)[i] > energy_limit) check_energy(section + name + "[" + std::to_string(i) + "]", (*table)[i]);
  if (lattice.dimensions() > 1)
    for (const auto& [name, rate] :
         {std::pair(".two_site_gain", bath.two_site_gain), {".two_site_loss", bath.two_site_loss}})
      if (rate != 0.0)
        throw ParameterError(section + name,
                             std::to_string(rate) +
                                 " is not allowed on a lattice of several directions, which has bonds of "
                                 "many kinds: use " +
                                 section + ".operator");
  for (std::size_t i = 0; i < bath.operators.size(); ++i) {
    const std::string name = section + ".operator[" + std::to_string(i) + "]";
    if (bath.operators[i].terms.empty()) throw ParameterError(name + ".terms", "must not be empty");
    validate(bath.operators[i].terms, lattice, name + ".terms");
    check_rate(name + ".terms", bath.operators[i].terms);
  }
}

BathRates bath_rates(const OpenBath& bath, const Lattice& lattice, const std::string& section) {
  validate(bath, lattice, section);
  return {rates_of(bath, BathOperatorKind::gain, lattice), rates_of(bath, BathOperatorKind::loss, lattice)};
}

}  // namespace lindrift
