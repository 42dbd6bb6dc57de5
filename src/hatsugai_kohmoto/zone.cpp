#include "hatsugai_kohmoto/zone.hpp"

#include <cmath>
#include <numbers>

namespace lindrift {

namespace {

using Complex = std::complex<double>;

double dot(const LatticeVector& displacement, const Momentum& k) {
  double sum = 0.0;
  for (std::size_t i = 0; i < k.size(); ++i)
    if (displacement[i] != 0) sum += static_cast<double>(displacement[i]) * k[i];
  return sum;
}

/// Interpolates a table over the momenta of a lattice.
Slope interpolated(const std::vector<double>& table, const Lattice& lattice, const Momentum& k) {
  const auto directions = static_cast<std::size_t>(lattice.dimensions());
  LatticeVector corner{};
  std::array<double, 3> fraction{}, spacing{};
  for (std::size_t i = 0; i < directions; ++i) {
    spacing[i] = 2.0 * std::numbers::pi / static_cast<double>(lattice.cells(static_cast<int>(i)));
    const double place = k[i] / spacing[i], whole = std::floor(place);
    corner[i] = static_cast<std::int64_t>(whole);
    fraction[i] = place - whole;
  }
  Slope sum;
  for (std::size_t corners = 0; corners < (std::size_t{1} << directions); ++corners) {
    LatticeVector m = corner;
    double weight = 1.0;
    std::array<double, 3> slope{1.0, 1.0, 1.0};
    for (std::size_t i = 0; i < directions; ++i) {
      const bool upper = corners >> i & 1U;
      if (upper) ++m[i];
      const double factor = upper ? fraction[i] : 1.0 - fraction[i];
      weight *= factor;
      for (std::size_t d = 0; d < directions; ++d) slope[d] *= d == i ? (upper ? 1.0 : -1.0) / spacing[i] : factor;
    }
    const double value = table[lattice.index_of(m)];
    sum.value += weight * value;
    for (std::size_t d = 0; d < directions; ++d) sum.derivative[d] += slope[d] * value;
  }
  return sum;
}

}  // namespace

Slope& Slope::operator+=(const Slope& other) {
  value += other.value;
  for (std::size_t i = 0; i < derivative.size(); ++i) derivative[i] += other.derivative[i];
  return *this;
}

Zone::Zone(const HatsugaiKohmoto& model)
    : lattice_(model.lattice()),
      hopping_(model.terms(Spin::up)),
      interaction_(model.interaction),
      up_gain_(rates_of(model.up, BathOperatorKind::gain)),
      up_loss_(rates_of(model.up, BathOperatorKind::loss)),
      gain_(rates_of(model.down, BathOperatorKind::gain)),
      loss_(rates_of(model.down, BathOperatorKind::loss)) {}

Zone::Rates Zone::rates_of(const OpenBath& bath, BathOperatorKind kind) {
  const bool loss = kind == BathOperatorKind::loss;
  Rates rates{loss ? bath.loss : bath.gain, {}, loss ? bath.loss_table : bath.gain_table};
  const double sign = loss ? 1.0 : -1.0;
  if (const double bonds = loss ? bath.two_site_loss : bath.two_site_gain; bonds != 0.0) {
    const double phase = loss ? bath.two_site_loss_phase : bath.two_site_gain_phase;
    rates.channels.push_back({{{{0}, std::sqrt(bonds)}, {{1}, std::polar(std::sqrt(bonds), phase)}}, sign});
  }
  for (const BathOperator& channel : bath.operators)
    if (channel.kind == kind) rates.channels.push_back({channel.terms, sign});
  return rates;
}

void Zone::add(const Rates& rates, const Momentum& k, Slope& sum) const {
  sum.value += rates.constant;
  for (const Channel& channel : rates.channels) {
    Complex amplitude = 0.0;
    std::array<Complex, 3> derivative{};
    for (const LatticeTerm& term : channel.terms) {
      const Complex one = term.amplitude * std::polar(1.0, channel.sign * dot(term.displacement, k));
      amplitude += one;
      for (std::size_t i = 0; i < derivative.size(); ++i)
        derivative[i] += Complex(0.0, channel.sign * static_cast<double>(term.displacement[i])) * one;
    }
    sum.value += std::norm(amplitude);
    for (std::size_t i = 0; i < derivative.size(); ++i)
      sum.derivative[i] += 2.0 * (std::conj(amplitude) * derivative[i]).real();
  }
  if (!rates.table.empty()) sum += interpolated(rates.table, lattice_, k);
}

ZoneMode Zone::at(const Momentum& k) const {
  ZoneMode mode;
  for (const LatticeTerm& term : hopping_) {
    const Complex one = term.amplitude * std::polar(1.0, dot(term.displacement, k));
    mode.energy.value += 2.0 * one.real();
    for (std::size_t i = 0; i < k.size(); ++i)
      mode.energy.derivative[i] -= 2.0 * static_cast<double>(term.displacement[i]) * one.imag();
  }
  add(up_gain_, k, mode.up_rate);
  add(up_loss_, k, mode.up_rate);
  add(gain_, k, mode.gain);
  add(loss_, k, mode.loss);
  return mode;
}

double Zone::table_slope(const std::vector<double>& table, int direction) const {
  double step = 0.0;
  for (std::size_t k = 0; k < table.size(); ++k) {
    LatticeVector m = lattice_.momentum(k);
    ++m[static_cast<std::size_t>(direction)];
    step = std::max(step, std::fabs(table[lattice_.index_of(m)] - table[k]));
  }
  return step * static_cast<double>(lattice_.cells(direction)) / (2.0 * std::numbers::pi);
}

ZoneMode Zone::table_slope(int direction) const {
  ZoneMode bound;
  bound.up_rate.value = table_slope(up_gain_.table, direction) + table_slope(up_loss_.table, direction);
  bound.gain.value = table_slope(gain_.table, direction);
  bound.loss.value = table_slope(loss_.table, direction);
  return bound;
}

ZoneMode Zone::curvature(int direction) const {
  // Sums of |amplitude| |R|^n along the direction, n = 0, 1, 2.
  const auto moments = [&](const std::vector<LatticeTerm>& terms) {
    std::array<double, 3> sum{};
    for (const LatticeTerm& term : terms) {
      const double along = std::fabs(static_cast<double>(term.displacement[static_cast<std::size_t>(direction)]));
      for (std::size_t n = 0; n < 3; ++n) sum[n] += std::abs(term.amplitude) * std::pow(along, static_cast<double>(n));
    }
    return sum;
  };
  const auto of_rates = [&](const Rates& rates) {
    double sum = 0.0;
    for (const Channel& channel : rates.channels) {
      const auto [size, slope, curvature] = moments(channel.terms);
      sum += 2.0 * (size * curvature + slope * slope);
    }
    return sum;
  };
  ZoneMode bound;
  bound.energy.value = 2.0 * moments(hopping_)[2];
  bound.up_rate.value = of_rates(up_gain_) + of_rates(up_loss_);
  bound.gain.value = of_rates(gain_);
  bound.loss.value = of_rates(loss_);
  return bound;
}

Zone::Splitting Zone::splitting(const ZoneMode& mode) const {
  const double rate = mode.gain.value + mode.loss.value, u = interaction_;
  Splitting result{{(rate - u) * (rate + u), 2.0 * u * (mode.loss.value - mode.gain.value)}, {}};
  for (std::size_t i = 0; i < result.derivative.size(); ++i)
    result.derivative[i] = {2.0 * rate * (mode.gain.derivative[i] + mode.loss.derivative[i]),
                            2.0 * u * (mode.loss.derivative[i] - mode.gain.derivative[i])};
  return result;
}

}  // namespace lindrift
