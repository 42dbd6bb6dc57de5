#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <vector>

/// The open models on a lattice as plain sums in extended precision, written from the equations and not from the code;
/// includes nothing from the library. Momenta and sites are numbered in C order of their integers m = 0 .. cells-1.
namespace lindrift::reference::open_lattice {

using Real = long double;
using Complex = std::complex<long double>;
using Vector = std::vector<std::int64_t>;

struct Term {
  Vector displacement;
  Complex amplitude;
};
using Terms = std::vector<Term>;

struct Model {
  Vector cells;
  Terms hop_up, hop_down;
  std::vector<Terms> loss_up, loss_down, gain_down;
  Real interaction = 0.0L;
  std::vector<Terms> gain_up{};

  std::size_t size() const {
    std::int64_t all = 1;
    for (const std::int64_t n : cells) all *= n;
    return static_cast<std::size_t>(all);
  }
  Vector integers(std::size_t number) const {
    Vector m(cells.size());
    auto rest = static_cast<std::int64_t>(number);
    for (std::size_t i = cells.size(); i-- > 0; rest /= cells[i]) m[i] = rest % cells[i];
    return m;
  }
  std::size_t number(const Vector& m) const {
    std::int64_t all = 0;
    for (std::size_t i = 0; i < cells.size(); ++i) all = all * cells[i] + ((m[i] % cells[i]) + cells[i]) % cells[i];
    return static_cast<std::size_t>(all);
  }
  std::size_t sum(std::size_t a, std::size_t b, int sign = 1) const {
    Vector m = integers(a);
    const Vector n = integers(b);
    for (std::size_t i = 0; i < m.size(); ++i) m[i] += sign * n[i];
    return number(m);
  }
  Complex wave(std::size_t k, const Vector& displacement, int sign = 1) const {
    const Vector m = integers(k);
    Real turns = 0.0L;
    for (std::size_t i = 0; i < m.size(); ++i)
      turns += static_cast<Real>(m[i] * displacement[i] % cells[i]) / static_cast<Real>(cells[i]);
    return std::polar(1.0L, static_cast<Real>(sign) * 2.0L * std::numbers::pi_v<Real> * turns);
  }
  /// e_k = sum_R x_R e^{ik.R} plus its complex conjugate.
  Real energy(const Terms& terms, std::size_t k) const {
    Complex sum_of_both = 0.0L;
    for (const Term& term : terms) {
      const Complex one = term.amplitude * wave(k, term.displacement);
      sum_of_both += one + std::conj(one);
    }
    return sum_of_both.real();
  }
  /// de_k/dk along a direction: i R x e^{ik.R} and its conjugate.
  Real velocity(const Terms& terms, std::size_t k, std::size_t direction) const {
    Complex sum_of_both = 0.0L;
    for (const Term& term : terms) {
      const Complex one =
          Complex(0.0L, static_cast<Real>(term.displacement[direction])) * term.amplitude * wave(k, term.displacement);
      sum_of_both += one + std::conj(one);
    }
    return sum_of_both.real();
  }
  Real rate(const std::vector<Terms>& channels, std::size_t k, int sign) const {
    Real all = 0.0L;
    for (const Terms& channel : channels) {
      Complex amplitude = 0.0L;
      for (const Term& term : channel) amplitude += term.amplitude * wave(k, term.displacement, sign);
      all += std::norm(amplitude);
    }
    return all;
  }
  Real gain(std::size_t k) const { return rate(gain_down, k, -1); }
  Real loss(std::size_t k) const { return rate(loss_down, k, 1); }
  Real probe_loss(std::size_t k) const { return rate(loss_up, k, 1); }
  Real probe_gain(std::size_t k) const { return rate(gain_up, k, -1); }
};

/// Energies, rates and occupations of every momentum.
struct Modes {
  std::vector<Real> up, down, rate, occupation, hole, probe_loss;
  explicit Modes(const Model& model) {
    for (std::size_t k = 0; k < model.size(); ++k) {
      up.push_back(model.energy(model.hop_up, k));
      down.push_back(model.energy(model.hop_down, k));
      rate.push_back(model.gain(k) + model.loss(k));
      occupation.push_back(model.gain(k) / rate.back());
      hole.push_back(model.loss(k) / rate.back());
      probe_loss.push_back(model.probe_loss(k));
    }
  }
};

/// Sigma(k,w) to second order, over all q and p (Eq. 64), without the mean field.
inline Complex second_order(const Model& model, const Modes& modes, std::size_t k, Complex w) {
  const std::size_t size = model.size();
  Complex sigma = 0.0L;
  for (std::size_t q = 0; q < size; ++q)
    for (std::size_t p = 0; p < size; ++p) {
      const std::size_t up = model.sum(k, q), other = model.sum(p, q, -1);
      const Complex pole(modes.up[up] - modes.down[p] + modes.down[other],
                         -0.5L * (modes.rate[p] + modes.rate[other] + modes.probe_loss[up]));
      sigma += modes.occupation[p] * modes.hole[other] / (w - pole);
    }
  return model.interaction * model.interaction * sigma / static_cast<Real>(size * size);
}

/// Sigma(k,w) from all collisions with one particle (Eq. 87), without the mean field.
inline Complex particle_ladder(const Model& model, const Modes& modes, std::size_t k, Complex w) {
  const auto over = 1.0L / static_cast<Real>(model.size());
  Complex sigma = 0.0L;
  for (std::size_t p = 0; p < model.size(); ++p) {
    const std::size_t total = model.sum(k, p);
    const Complex x = w + Complex(modes.down[p], 0.5L * modes.rate[p]);
    Complex pairs = 0.0L;
    for (std::size_t s = 0; s < model.size(); ++s) {
      const std::size_t other = model.sum(total, s, -1);
      pairs += modes.hole[s] /
               (x - Complex(modes.down[s] + modes.up[other], -0.5L * (modes.rate[s] + modes.probe_loss[other])));
    }
    const Complex t = model.interaction / (1.0L - model.interaction * over * pairs);
    sigma += modes.occupation[p] * (t - model.interaction);
  }
  return over * sigma;
}

/// Occupations, or their rates of change, of both spins.
struct Pairwise {
  std::vector<Real> up, down;
};

/// dn/dt from single collisions, over all q, k and p (Eq. 140).
inline Pairwise single_collisions(const Model& model, const Modes& modes, const Pairwise& n) {
  const std::size_t size = model.size();
  Pairwise change{std::vector<Real>(size), std::vector<Real>(size)};
  const Real factor = model.interaction * model.interaction / static_cast<Real>(size * size);
  for (std::size_t q = 0; q < size; ++q)
    for (std::size_t k = 0; k < size; ++k)
      for (std::size_t p = 0; p < size; ++p) {
        const std::size_t to = model.sum(k, q), other = model.sum(p, q, -1);
        const Real delta = modes.up[to] + modes.down[other] - modes.down[p] - modes.up[k];
        const Real g = 0.5L * (model.probe_gain(to) + modes.probe_loss[to] + modes.rate[other] + modes.rate[p] +
                               model.probe_gain(k) + modes.probe_loss[k]);
        const Real term = factor * 2.0L * g / (delta * delta + g * g) *
                          (n.up[to] * n.down[other] * (1.0L - n.down[p]) * (1.0L - n.up[k]) -
                           (1.0L - n.up[to]) * (1.0L - n.down[other]) * n.down[p] * n.up[k]);
        change.up[k] += term;
        change.down[p] += term;
      }
  return change;
}

/// Rates W(k, k') of a single particle of spin up from k' to k by single collisions, without a bath of its own
/// (Eq. 146 with T = U, integrated over the frequency), row k.
inline std::vector<Real> single_scattering(const Model& model, const Modes& modes) {
  const std::size_t size = model.size();
  const Real factor = model.interaction * model.interaction / static_cast<Real>(size * size);
  std::vector<Real> rates(size * size);
  for (std::size_t from = 0; from < size; ++from)
    for (std::size_t q = 0; q < size; ++q)
      for (std::size_t p = 0; p < size; ++p) {
        const std::size_t to = model.sum(from, q), other = model.sum(p, q, -1);
        const Real delta = modes.up[to] + modes.down[other] - modes.down[p] - modes.up[from];
        const Real g = 0.5L * (modes.rate[other] + modes.rate[p]);
        rates[to * size + from] +=
            factor * 2.0L * g / (delta * delta + g * g) * modes.occupation[p] * modes.hole[other];
      }
  return rates;
}

/// Flow into every pair (k, p) from all its collisions (Eqs. 141 and 142), row k.
/// @param hole  pairs of a particle of spin up with a hole of spin down
inline std::vector<Real> pair_flow(const Model& model, const Modes& modes, const Pairwise& n, bool hole) {
  constexpr std::size_t nodes = 1500;  // of frequencies w = 3 tan(x/2): twice as many change the last digits only
  const std::size_t size = model.size();
  const Real over = 1.0L / static_cast<Real>(size), sign = hole ? -1.0L : 1.0L, pi = std::numbers::pi_v<Real>;
  std::vector<Real> flow(size * size);
  for (std::size_t total = 0; total < size; ++total)
    for (std::size_t j = 0; j < nodes; ++j) {
      const Real x = pi * ((2.0L * static_cast<Real>(j) + 1.0L) / static_cast<Real>(nodes) - 1.0L);
      const Real w = 3.0L * std::tan(0.5L * x),
                 weight = 3.0L / (2.0L * std::cos(0.5L * x) * std::cos(0.5L * x) * static_cast<Real>(nodes));
      Complex pairs = 0.0L;
      Real filled = 0.0L, empty = 0.0L;
      std::vector<Real> peak(size), full(size), bare(size);
      for (std::size_t k = 0; k < size; ++k) {
        const std::size_t p = hole ? model.sum(k, total, -1) : model.sum(total, k, -1);
        const Real e = modes.up[k] + sign * modes.down[p], partner = hole ? 1.0L - n.down[p] : n.down[p];
        const Real g = 0.5L * (model.probe_gain(k) + modes.probe_loss[k] + modes.rate[p]);
        peak[k] = 2.0L * g / ((w - e) * (w - e) + g * g);
        full[k] = n.up[k] * partner;
        bare[k] = (1.0L - n.up[k]) * (1.0L - partner);
        filled += over * full[k] * peak[k];
        empty += over * bare[k] * peak[k];
        pairs += over * (bare[k] - full[k]) / Complex(w - e, g);
      }
      const Complex t = model.interaction / (1.0L - sign * model.interaction * pairs);
      for (std::size_t k = 0; k < size; ++k) {
        const std::size_t p = hole ? model.sum(k, total, -1) : model.sum(total, k, -1);
        flow[k * size + p] += over * weight * std::norm(t) * peak[k] * (filled * bare[k] - empty * full[k]);
      }
    }
  return flow;
}

/// dn/dt from both ladders (Eq. 143).
inline Pairwise all_collisions(const Model& model, const Modes& modes, const Pairwise& n) {
  const std::size_t size = model.size();
  const std::vector<Real> particles = pair_flow(model, modes, n, false), holes = pair_flow(model, modes, n, true);
  Pairwise change = single_collisions(model, modes, n);
  for (auto* spin : {&change.up, &change.down})
    for (Real& one : *spin) one = -one;
  for (std::size_t k = 0; k < size; ++k)
    for (std::size_t p = 0; p < size; ++p) {
      change.up[k] += particles[k * size + p] + holes[k * size + p];
      change.down[p] += particles[k * size + p] - holes[k * size + p];
    }
  return change;
}

}  // namespace lindrift::reference::open_lattice
