#include "open_chain/registry/verify_sites.hpp"

#include <cmath>
#include <numbers>

#include "engine/validate.hpp"
#include "open_chain/registry/propagator.hpp"

namespace lindrift {

using Complex = std::complex<double>;
using Real = PlainMomentum::Real;

PlainMomentum::PlainMomentum(const Lattice& lattice, std::size_t number)
    : lattice_(lattice), number_(number), integers_(lattice.momentum(number)) {}

Real PlainMomentum::phase(const LatticeVector& displacement) const {
  Real sum = 0.0L;
  for (int i = 0; i < lattice_.dimensions(); ++i) {
    const auto d = static_cast<std::size_t>(i);
    const std::int64_t cells = lattice_.cells(i);
    sum += static_cast<Real>(integers_[d] * (displacement[d] % cells) % cells) / static_cast<Real>(cells);
  }
  return 2.0L * std::numbers::pi_v<Real> * sum;
}

Real PlainMomentum::energy(const OpenLattice& model, Spin spin) const {
  Real sum = 0.0L;
  for (const LatticeTerm& term : model.terms(spin))
    sum += 2.0L * (std::complex<Real>(term.amplitude) * std::polar(1.0L, phase(term.displacement))).real();
  return sum;
}

Real PlainMomentum::velocity(const OpenLattice& model, Spin spin, int direction) const {
  Real sum = 0.0L;
  for (const LatticeTerm& term : model.terms(spin))
    sum -= 2.0L * static_cast<Real>(term.displacement[static_cast<std::size_t>(direction)]) *
           (std::complex<Real>(term.amplitude) * std::polar(1.0L, phase(term.displacement))).imag();
  return sum;
}

PlainMomentum::Rates PlainMomentum::rates(const OpenBath& bath) const {
  const auto bonds = [this](Real rate, Real angle) {
    if (rate == 0.0L) return 0.0L;
    const Real cosine = std::cos(0.5L * (phase({1}) + angle));
    return 4.0L * rate * cosine * cosine;
  };
  Rates rates;
  rates.gain = bath.gain + bonds(bath.two_site_gain, -bath.two_site_gain_phase);
  rates.loss = bath.loss + bonds(bath.two_site_loss, bath.two_site_loss_phase);
  if (!bath.gain_table.empty()) rates.gain += bath.gain_table[number_];
  if (!bath.loss_table.empty()) rates.loss += bath.loss_table[number_];
  for (const BathOperator& channel : bath.operators) {
    const bool loss = channel.kind == BathOperatorKind::loss;
    std::complex<Real> sum = 0.0L;
    for (const LatticeTerm& term : channel.terms)
      sum += std::complex<Real>(term.amplitude) * std::polar(1.0L, (loss ? 1.0L : -1.0L) * phase(term.displacement));
    (loss ? rates.loss : rates.gain) += std::norm(sum);
  }
  return rates;
}

void verify_propagator_rows(Verification& verification, double allowed) {
  const OpenLattice model = lattice_of(verification.point);
  const Lattice lattice = model.lattice();
  const std::size_t length = lattice.size(), directions = static_cast<std::size_t>(lattice.dimensions());
  const std::size_t times = verification.point.reals("task.times").size();
  const auto *by_site = verification.complex("green_retarded"),
             *by_momentum = verification.complex("green_retarded_momentum");
  const auto *norm = verification.reals("norm"), *drift = verification.reals("drift");
  if (by_site == nullptr) return;
  for (const std::size_t t : verification.some_of(times)) {
    const Complex* row = by_site->data() + t * length;
    if (std::isnan(row[0].real())) continue;  // this time was not reached
    Real sum = 0.0L, moment[3] = {};
    for (std::size_t j = 0; j < length; ++j) {
      const Real weight = std::norm(row[j]);
      const LatticeVector site = lattice.momentum(j);  // labels are numbered like momenta
      sum += weight;
      for (std::size_t i = 0; i < directions; ++i) moment[i] += weight * static_cast<Real>(site[i]);
    }
    if (norm != nullptr)
      verification.note("norm from the sites", static_cast<double>(std::fabs((*norm)[t] - sum)), allowed);
    // Smaller squares lose digits before they vanish.
    if (drift != nullptr && sum > 1e-250L)
      for (std::size_t i = 0; i < directions; ++i)
        verification.note("drift from the sites",
                          static_cast<double>(std::fabs((*drift)[t * directions + i] - moment[i] / sum)),
                          allowed * static_cast<double>(lattice.cells(static_cast<int>(i))));
    if (by_momentum == nullptr) continue;
    for (const std::size_t j : verification.some_of(length))
      verification.note(
          "sites from momenta, by a plain Fourier sum",
          std::abs(row[j] - Complex(plain_transform(by_momentum->data() + t * length, lattice, lattice.momentum(j)))),
          allowed);
  }
}

void verify_propagator_start(Verification& verification, double allowed) {
  const auto* by_momentum = verification.complex("green_retarded_momentum");
  if (by_momentum == nullptr || verification.point.reals("task.times").front() != 0.0) return;
  const std::size_t sites = sites_of(verification.point);
  for (std::size_t k = 0; k < sites; ++k)
    verification.note("G(k,0) = -i", std::abs((*by_momentum)[k] + Complex(0.0, 1.0)), allowed);
}

void verify_spectral_entries(Verification& verification, double allowed) {
  const auto* spectral = verification.reals("spectral_function");
  const auto *self = verification.complex("self_energy"), *green = verification.complex("green_retarded_frequency");
  if (spectral == nullptr) return;
  const config::Point& point = verification.point;
  const auto& frequencies = point.reals("task.frequencies");
  const OpenLattice model = lattice_of(point);
  const Lattice lattice = model.lattice();
  const std::vector<std::size_t> chosen = select_momenta(integers_of(point, "task.momenta"), model);
  const double scale = largest_of(*spectral), self_scale = self != nullptr ? largest_of(*self) : 0.0;
  for (std::size_t i = 0; i < spectral->size(); ++i) {
    if (!std::isfinite((*spectral)[i])) continue;  // a delta peak
    verification.note("spectral function >= 0", std::max(0.0, -(*spectral)[i]), 0.0);
    if (green != nullptr)
      verification.note("A = -2 Im G", std::fabs((*spectral)[i] + 2.0 * (*green)[i].imag()), allowed * scale);
    if (green == nullptr || self == nullptr) continue;
    const auto energy =
        static_cast<double>(PlainMomentum(lattice, chosen[i / frequencies.size()]).energy(model, Spin::up));
    const Complex inverse =
        Complex(frequencies[i % frequencies.size()] - energy, point.real("task.broadening")) - (*self)[i];
    // |G| d(1/G) |G| is the error of G.
    verification.note("G = 1/(w + i eta - e - Sigma)", std::abs((*green)[i] * inverse - 1.0),
                      allowed * (1.0 + scale * self_scale));
  }
}

}  // namespace lindrift
