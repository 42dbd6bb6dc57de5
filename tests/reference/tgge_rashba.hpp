#pragma once

#include <array>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "reference/tgge_chain.hpp"

/// One and two bands with general jump operators, as plain loops in extended precision, written from the equations and
/// not from the code; includes nothing from the library.
///
/// Hop weights are traces of projectors, w(s,s') = sum_c Tr[ P_s D_c P_s' D_c^+ ], which are independent of the gauge,
/// whereas the library multiplies spinors.
namespace lindrift::reference {

/// One term, amplitude c+_{j+to, to_spin} c_{j+from, from_spin}.
struct Term {
  std::int64_t to = 0;
  int to_spin = 0;
  std::int64_t from = 0;
  int from_spin = 0;
  Complex amplitude;
};

/// e^{beta x/2} sigma(x) for the energy x that a hop releases.
enum class ThermalSpectrum { exponential, lorentzian, ohmic };

struct Lattice {
  std::int64_t sites = 1;
  int bands = 1;
  Real hopping = 1.0L, zeeman_field = 0.0L, rashba_y = 0.0L, rashba_z = 0.0L;
  Real inverse_temperature = 2.0L, coupling = 0.05L, gamma_eq = 1.0L, gamma_neq = 0.0L;
  ThermalSpectrum spectrum = ThermalSpectrum::exponential;
  Real width = 1.0L;
  std::vector<std::vector<Term>> channels;
};

/// e^{2 pi i m / L}, exactly real at m = 0 and L/2: the bands touch there without a field, and a sine of 1e-19 would
/// select one side.
inline Complex phase(std::int64_t m, std::int64_t sites) {
  m = ((m % sites) + sites) % sites;
  if (m == 0) return 1.0L;
  if (2 * m == sites) return -1.0L;
  return std::polar(1.0L, 2.0L * std::numbers::pi_v<Real> * static_cast<Real>(m) / static_cast<Real>(sites));
}

struct Mode {
  std::int64_t m = 0;  ///< k = 2 pi m / L
  Real energy = 0.0L, velocity = 0.0L;
  std::array<Real, 2> spin_velocity{};
  std::array<std::array<Complex, 2>, 2> projector{};
};

/// Two bands: + first, then -; ascending m in each.
inline std::vector<Mode> modes_of(const Lattice& lattice) {
  std::vector<Mode> modes;
  for (int band = 0; band < lattice.bands; ++band)
    for (std::int64_t i = 0; i < lattice.sites; ++i) {
      Mode mode;
      mode.m = i - lattice.sites / 2;
      const Real cosine = phase(mode.m, lattice.sites).real(), sine = phase(mode.m, lattice.sites).imag();
      mode.energy = -2.0L * lattice.hopping * cosine;
      mode.velocity = 2.0L * lattice.hopping * sine;
      mode.projector[0][0] = 1.0L;
      if (lattice.bands == 2) {
        const Real nu = band == 0 ? 1.0L : -1.0L;
        const Real a = 2.0L * lattice.rashba_y * sine + lattice.zeeman_field, b = 2.0L * lattice.rashba_z * sine;
        const Real radius = std::hypot(a, b);
        const Real z = radius > 0.0L ? a / radius : 1.0L, y = radius > 0.0L ? b / radius : 0.0L;
        mode.energy += nu * radius;
        // dE/dk with da/dk = 2 rashba_y cos k and db/dk = 2 rashba_z cos k.
        mode.velocity += nu * 2.0L * cosine * (lattice.rashba_y * z + lattice.rashba_z * y);
        // (1 + nu (z sigma_z - y sigma_y)) / 2
        mode.projector = {{{0.5L * (1.0L + nu * z), Complex(0.0L, 0.5L * nu * y)},
                           {Complex(0.0L, -0.5L * nu * y), 0.5L * (1.0L - nu * z)}}};
        for (const int spin : {0, 1}) {
          const Real sigma = spin == 0 ? 1.0L : -1.0L;
          mode.spin_velocity[static_cast<std::size_t>(spin)] =
              (lattice.hopping * sine + sigma * lattice.rashba_y * cosine) * (1.0L + sigma * nu * z) +
              nu * lattice.rashba_z * cosine * y;
        }
      }
      modes.push_back(mode);
    }
  return modes;
}

inline Real thermal_rate(const Lattice& lattice, Real released) {
  const Real x = released, beta = lattice.inverse_temperature;
  switch (lattice.spectrum) {
    case ThermalSpectrum::exponential:
      break;
    case ThermalSpectrum::lorentzian:
      return std::exp(beta * x / 2.0L) / (1.0L + x * x / (lattice.width * lattice.width));
    case ThermalSpectrum::ohmic:
      if (x == 0.0L) return 1.0L / beta;
      return std::fabs(x) * std::exp(-std::fabs(x) / lattice.width) / std::fabs(std::expm1(-beta * x));
  }
  return std::exp(beta * x / 2.0L);
}

inline Problem problem_of(const Lattice& lattice) {
  Problem problem;
  const std::vector<Mode> modes = modes_of(lattice);
  problem.size = modes.size();
  problem.bands = static_cast<std::size_t>(lattice.bands);
  problem.scale = lattice.coupling * lattice.hopping;
  problem.inverse_temperature = lattice.inverse_temperature;
  problem.gamma_eq = lattice.gamma_eq;
  problem.gamma_neq = lattice.gamma_neq;
  for (const Mode& mode : modes) {
    problem.energy.push_back(mode.energy);
    problem.velocity.push_back(mode.velocity);
  }
  problem.weight.assign(problem.size * problem.size, 0.0L);
  for (const auto& channel : lattice.channels) {
    // A e^{-iqa} and e^{ikb} of each term at each momentum.
    std::vector<std::vector<Complex>> into(problem.size), out_of(problem.size);
    for (std::size_t s = 0; s < problem.size; ++s)
      for (const Term& term : channel) {
        into[s].push_back(term.amplitude * phase(-modes[s].m * (term.to % lattice.sites), lattice.sites));
        out_of[s].push_back(phase(modes[s].m * (term.from % lattice.sites), lattice.sites));
      }
    for (std::size_t to = 0; to < problem.size; ++to)
      for (std::size_t from = 0; from < problem.size; ++from) {
        std::array<std::array<Complex, 2>, 2> d{};
        for (std::size_t t = 0; t < channel.size(); ++t)
          d[static_cast<std::size_t>(channel[t].to_spin)][static_cast<std::size_t>(channel[t].from_spin)] +=
              into[to][t] * out_of[from][t];
        Complex trace = 0.0L;
        const auto& p = modes[to].projector;
        const auto& r = modes[from].projector;
        for (std::size_t a = 0; a < 2; ++a)
          for (std::size_t b = 0; b < 2; ++b)
            for (std::size_t c = 0; c < 2; ++c)
              for (std::size_t e = 0; e < 2; ++e) trace += p[a][b] * d[b][c] * r[c][e] * std::conj(d[a][e]);
        problem.weight[to * problem.size + from] += trace.real();
      }
  }
  for (const Mode& to : modes)
    for (const Mode& from : modes) problem.thermal.push_back(thermal_rate(lattice, from.energy - to.energy));
  return problem;
}

}  // namespace lindrift::reference
