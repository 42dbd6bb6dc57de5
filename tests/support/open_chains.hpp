#pragma once

#include <complex>
#include <span>
#include <vector>

#include "lattice/transform_order.hpp"
#include "lindrift/hatsugai_kohmoto/chain.hpp"
#include "reference/hatsugai_kohmoto.hpp"
#include "support/random.hpp"

namespace lindrift::testing {

/// Position in the order of the transforms of a ring's momentum or site, from its position in ascending order.
inline std::size_t ring_position(std::size_t ascending, std::size_t sites) {
  return TransformOrder(Lattice({static_cast<std::int64_t>(sites)})).position(ascending);
}

/// A generic bath: every kind of jump operator, and tables.
inline OpenBath random_bath(Random& random, std::int64_t sites, double size = 1.0) {
  OpenBath bath;
  bath.gain = random.uniform(0.0, size);
  bath.loss = random.uniform(0.0, size);
  bath.two_site_loss = random.uniform(0.0, size);
  bath.two_site_loss_phase = random.uniform(-4.0, 4.0);
  bath.two_site_gain = random.uniform(0.0, size);
  bath.two_site_gain_phase = random.uniform(-4.0, 4.0);
  bath.gain_table = random.vector(static_cast<std::size_t>(sites), 0.0, 0.3 * size);
  bath.loss_table = random.vector(static_cast<std::size_t>(sites), 0.0, 0.3 * size);
  return bath;
}

inline HatsugaiKohmoto random_hatsugai_kohmoto(Random& random, std::int64_t sites) {
  HatsugaiKohmoto model;
  model.sites = sites;
  model.hopping = random.uniform(0.5, 1.5) * (random.uniform(0.0, 1.0) < 0.5 ? -1.0 : 1.0);
  model.interaction = random.uniform(-6.0, 6.0);
  model.up = random_bath(random, sites, 0.2);
  model.down = random_bath(random, sites, 1.0);
  return model;
}

/// The paper's chain: gain of spin down on every site, loss 0.5 (c_j + i c_{j+1}), no bath for spin up.
inline HatsugaiKohmoto published_chain(std::int64_t sites, double interaction) {
  HatsugaiKohmoto model;
  model.sites = sites;
  model.interaction = interaction;
  model.down.gain = 1.5;
  model.down.two_site_loss = 0.5;
  return model;
}

/// The rates of the jump operators, computed from their definition in extended precision.
inline reference::hatsugai_kohmoto::Chain reference_of(const HatsugaiKohmoto& model) {
  using Real = reference::hatsugai_kohmoto::Real;
  reference::hatsugai_kohmoto::Chain chain;
  chain.sites = model.sites;
  chain.hopping = model.hopping;
  chain.interaction = model.interaction;
  const auto bonds = [&](Real rate, Real phase, std::size_t i) {
    const Real half = std::cos(0.5L * (chain.momentum(i) + phase));
    return 4.0L * rate * half * half;
  };
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const auto gain = [&](const OpenBath& bath) {
      return bath.gain + bonds(bath.two_site_gain, -bath.two_site_gain_phase, i) +
             (bath.gain_table.empty() ? 0.0L : bath.gain_table[i]);
    };
    const auto loss = [&](const OpenBath& bath) {
      return bath.loss + bonds(bath.two_site_loss, bath.two_site_loss_phase, i) +
             (bath.loss_table.empty() ? 0.0L : bath.loss_table[i]);
    };
    chain.up_gain.push_back(gain(model.up));
    chain.up_loss.push_back(loss(model.up));
    chain.gain.push_back(gain(model.down));
    chain.loss.push_back(loss(model.down));
  }
  return chain;
}

inline std::vector<reference::hatsugai_kohmoto::Real> extended_list(std::span<const double> values) {
  return {values.begin(), values.end()};
}

/// Largest |a - b| divided by the largest |b|; infinity if any value is NaN.
template <class A, class B>
double relative_difference(const A& a, const B& b) {
  long double largest = 0.0L, worst = 0.0L;
  if (std::size(a) != std::size(b)) return INFINITY;
  for (std::size_t i = 0; i < std::size(b); ++i) {
    const std::complex<long double> x(a[i]), y(b[i]);
    largest = std::max(largest, std::abs(y));
    const long double difference = std::abs(x - y);
    if (!(difference <= worst)) worst = difference;
  }
  if (worst == 0.0L) return 0.0;
  return std::isnan(worst) ? INFINITY : static_cast<double>(worst / largest);
}

}  // namespace lindrift::testing
