#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <limits>
#include <span>
#include <vector>

#include "tgge/registry/tgge_point.hpp"

namespace lindrift {

using config::Point;
using config::read;

namespace {

using Real = long double;

/// S(x) for the released energy x, as written in docs/physics.md, with extended range.
Real thermal_rate(const TggeBath& bath, Real x) {
  const Real beta = bath.inverse_temperature, width = bath.spectrum_width;
  switch (bath.spectrum) {
    case Spectrum::exponential:
      return std::exp(0.5L * beta * x);
    case Spectrum::lorentzian:
      return std::exp(0.5L * beta * x) / (1.0L + (x / width) * (x / width));
    case Spectrum::ohmic:
      break;
  }
  if (x == 0.0L) return 1.0L / beta;
  return std::fabs(x) * std::exp(-std::fabs(x) / width) / std::fabs(std::expm1(-beta * x));
}

/// |gain (1-n) - loss n| / (gain (1-n) + loss n) of one mode, by plain sums over all modes.
Real imbalance(const TggeBath& bath, const RateEquation& equation, const double* multiplier, std::size_t s) {
  const Real thermal = bath.effective_equilibrium_fraction(), driven = bath.nonequilibrium_fraction;
  Real gain = 0.0L, loss = 0.0L;
  for (std::size_t other = 0; other < equation.modes(); ++other) {
    const Real released = static_cast<Real>(equation.bands.energy[other]) - equation.bands.energy[s];
    Real in = 0.0L, out = 0.0L;
    if (thermal > 0.0L) {
      in += thermal * thermal_rate(bath, released);
      out += thermal * thermal_rate(bath, -released);
    }
    if (driven > 0.0L) {
      in += driven * equation.hop_weight(s, other);
      out += driven * equation.hop_weight(other, s);
    }
    const Real lambda = multiplier[other];
    gain += in / (1.0L + std::exp(lambda));
    loss += out / (1.0L + std::exp(-lambda));
  }
  const Real lambda = multiplier[s];
  const Real up = gain / (1.0L + std::exp(-lambda)), down = loss / (1.0L + std::exp(lambda));
  return up + down > 0.0L ? std::fabs(up - down) / (up + down) : 0.0L;
}

/// Compares sums over the modes of one row with their stored values.
void check_sums(Verification& verification, const RateEquation& equation, const double* occupation, std::size_t row) {
  const Bands& bands = equation.bands;
  const auto cells = static_cast<double>(bands.lattice.size());
  Real number = 0.0L, energy = 0.0L, current = 0.0L, energy_scale = 0.0L, current_scale = 0.0L;
  for (std::size_t s = 0; s < equation.modes(); ++s) {
    const Real n = occupation[s], velocity = bands.velocity.front()[s];
    number += n;
    energy += bands.energy[s] * n;
    current += velocity * n;
    energy_scale += std::fabs(static_cast<Real>(bands.energy[s]));
    current_scale += std::fabs(velocity);
    verification.note("0 <= occupation <= 1", std::max({0.0, -occupation[s], occupation[s] - 1.0}), 0.0);
  }
  constexpr double rounding = 1e-13;  // of sums in a fixed tree, relative to the sum of magnitudes
  const auto compare = [&](const char* name, Real sum, Real scale, std::size_t per_row = 1) {
    if (const auto* stored = verification.reals(name))
      verification.note(std::string(name) + " from the occupations",
                        static_cast<double>(std::fabs((*stored)[row * per_row] - sum)),
                        rounding * static_cast<double>(scale));
  };
  compare("particle_number", number, static_cast<Real>(equation.modes()));
  compare("density_per_site", number / cells, 1.0L);
  compare("energy_per_site", energy / cells, energy_scale / cells);
  compare("density_per_cell", number / cells, static_cast<Real>(bands.orbitals));
  compare("energy_per_cell", energy / cells, energy_scale / cells);
  if (!equation.matrix)  // with matrices the current does not follow from the occupations of the modes alone
    compare("current", current / cells, current_scale / cells, bands.velocity.size());
}

/// The first component of the current in one row from its density matrices (Eq. 96).
void check_matrix_current(Verification& verification, const RateEquation& equation, std::size_t row) {
  const auto* matrices = verification.complex("density_matrix");
  const auto* stored = verification.reals("current");
  if (matrices == nullptr || stored == nullptr) return;
  const Bands& bands = equation.bands;
  if (!bands.hamiltonian_derivative) return;
  const auto n = static_cast<std::size_t>(bands.orbitals), cells = bands.lattice.size();
  std::vector<std::complex<double>> derivative(n * n);
  std::complex<Real> sum = 0.0L;
  Real scale = 0.0L;
  for (std::size_t k = 0; k < cells; ++k) {
    bands.hamiltonian_derivative(k, 0, derivative.data());
    const auto* matrix = matrices->data() + (row * cells + k) * n * n;
    for (std::size_t a = 0; a < n; ++a)
      for (std::size_t b = 0; b < n; ++b) {
        sum += std::complex<Real>(derivative[a * n + b]) * std::complex<Real>(matrix[b * n + a]);
        scale += std::abs(derivative[a * n + b]);
      }
  }
  verification.note(
      "current from the density matrices",
      static_cast<double>(std::fabs((*stored)[row * bands.velocity.size()] - sum.real() / static_cast<Real>(cells))),
      1e-13 * static_cast<double>(scale) / static_cast<double>(cells));
}

/// Whether the file says that the point converged; true if it does not say.
bool says_converged(const Verification& verification) {
  for (const io::Field& field : verification.fields())
    if (const auto* flags = std::get_if<std::vector<std::uint8_t>>(&field.data); flags && field.name == "converged")
      return flags->front() == 1;
  return true;
}

}  // namespace

void verify_occupations(Verification& verification) {
  const Point& point = verification.point;
  const RateEquation equation = equation_of(point, {.backend = Backend::cpu});
  const std::size_t modes = equation.modes();
  const double tolerance = point.real("solver.tolerance");
  const auto* multiplier = verification.reals("lagrange_multiplier");
  const auto* occupation = verification.reals("occupation");
  const std::size_t rows = point.has("task.times") ? point.reals("task.times").size() : 1;

  const auto initial = initial_multipliers(point, equation);
  Real number = 0.0L;
  for (const double lambda : initial) number += 1.0L / (1.0L + std::exp(static_cast<Real>(lambda)));
  if (const auto* stored = verification.reals("particle_number"))
    for (const double value : *stored)
      if (!std::isnan(value))
        verification.note("particle_number is conserved", std::fabs(value - static_cast<double>(number)),
                          tolerance * static_cast<double>(modes));
  for (const std::size_t row : verification.some_of(rows)) {
    if (occupation != nullptr && std::isnan((*occupation)[row * modes])) continue;  // this time was not reached
    if (occupation != nullptr) check_sums(verification, equation, occupation->data() + row * modes, row);
    check_matrix_current(verification, equation, row);
    if (occupation != nullptr && multiplier != nullptr)
      for (std::size_t s = row * modes; s < (row + 1) * modes; ++s)
        verification.note("occupation = 1/(1 + e^lambda)",
                          std::fabs((*occupation)[s] - 1.0 / (1.0 + std::exp((*multiplier)[s]))), 4e-16);
  }
  // Plain sums over modes do not apply to occupation matrices; these are compared with a second run over pairs of
  // momenta.
  if (multiplier == nullptr || equation.matrix) return;
  const auto* residual = verification.reals("residual");
  for (const std::size_t row : verification.some_of(rows)) {
    const std::span state(multiplier->data() + row * modes, modes);
    const double largest = largest_of(std::vector<double>(state.begin(), state.end()));
    if (std::any_of(state.begin(), state.end(), [](double lambda) { return std::isnan(lambda); })) continue;
    // Rates and multipliers are rounded, and a residual is the difference of logarithms as large as a multiplier.
    const double rounding = 1e-12 + 8.0 * std::numeric_limits<double>::epsilon() * largest;
    const double again = balance_residual(equation, state);
    if (residual != nullptr)
      verification.note("residual from the Lagrange multipliers", std::fabs((*residual)[row] - again),
                        rounding + 1e-6 * again);
    if (point.has("task.times")) continue;
    const auto bath = read<TggeBath>(point);
    for (const std::size_t s : verification.some_of(modes))
      verification.note("balance of a mode, by direct sums",
                        static_cast<double>(imbalance(bath, equation, multiplier->data(), s)),
                        (says_converged(verification) ? tolerance : again) + rounding);
  }
}

}  // namespace lindrift
