#include "open_chain/registry/verify_sites.hpp"

#include <numbers>

#include "open_chain/registry/propagator.hpp"

namespace lindrift {

namespace {

using Complex = std::complex<double>;

/// sum_k e^{i k j} G(k) / L at one site; momenta ascending, row of one time.
Complex at_site(const Complex* row, std::int64_t sites, std::int64_t site) {
  std::complex<long double> sum = 0.0L;
  for (std::int64_t i = 0; i < sites; ++i) {
    const std::int64_t turns = ((i + first_momentum_index(sites)) * site) % sites;
    const long double angle =
        2.0L * std::numbers::pi_v<long double> * static_cast<long double>(turns) / static_cast<long double>(sites);
    sum += std::complex<long double>(row[i]) * std::polar(1.0L, angle);
  }
  return Complex(sum / static_cast<long double>(sites));
}

}  // namespace

void verify_propagator_rows(Verification& verification, double allowed) {
  const auto sites = static_cast<std::int64_t>(sites_of(verification.point));
  const auto length = static_cast<std::size_t>(sites);
  const std::size_t times = verification.point.reals("task.times").size();
  const auto *by_site = verification.complex("green_retarded"),
             *by_momentum = verification.complex("green_retarded_momentum");
  const auto *norm = verification.reals("norm"), *drift = verification.reals("drift");
  if (by_site == nullptr) return;
  for (const std::size_t t : verification.some_of(times)) {
    const Complex* row = by_site->data() + t * length;
    if (std::isnan(row[0].real())) continue;  // a time that was not reached
    long double sum = 0.0L, moment = 0.0L;
    for (std::size_t j = 0; j < length; ++j) {
      const long double weight = std::norm(row[j]);
      sum += weight;
      moment += weight * static_cast<long double>(static_cast<std::int64_t>(j) + first_momentum_index(sites));
    }
    if (norm != nullptr)
      verification.note("norm from the sites", static_cast<double>(std::fabs((*norm)[t] - sum)), allowed);
    // Below, squares lose their digits before they vanish.
    if (drift != nullptr && sum > 1e-250L)
      verification.note("drift from the sites", static_cast<double>(std::fabs((*drift)[t] - moment / sum)),
                        allowed * static_cast<double>(sites));
    if (by_momentum == nullptr) continue;
    for (const std::size_t j : verification.some_of(length))
      verification.note("sites from momenta, by a plain Fourier sum",
                        std::abs(row[j] - at_site(by_momentum->data() + t * length, sites,
                                                  static_cast<std::int64_t>(j) + first_momentum_index(sites))),
                        allowed);
  }
}

void verify_spectral_entries(Verification& verification, double allowed) {
  const auto* spectral = verification.reals("spectral_function");
  const auto *self = verification.complex("self_energy"), *green = verification.complex("green_retarded_frequency");
  if (spectral == nullptr) return;
  const config::Point& point = verification.point;
  const auto& frequencies = point.reals("task.frequencies");
  const auto chosen = point.integers("task.momenta");
  const std::int64_t sites = point.integer("model.sites");
  const double scale = largest_of(*spectral), self_scale = self != nullptr ? largest_of(*self) : 0.0;
  for (std::size_t i = 0; i < spectral->size(); ++i) {
    if (!std::isfinite((*spectral)[i])) continue;  // a delta peak
    verification.note("spectral function >= 0", std::max(0.0, -(*spectral)[i]), 0.0);
    if (green != nullptr)
      verification.note("A = -2 Im G", std::fabs((*spectral)[i] + 2.0 * (*green)[i].imag()), allowed * scale);
    if (green == nullptr || self == nullptr) continue;
    const std::size_t m = i / frequencies.size();
    const std::int64_t number = chosen.empty() ? static_cast<std::int64_t>(m) + first_momentum_index(sites) : chosen[m];
    const double energy = -2.0 * point.real("model.hopping") * cos_pi(2 * number, sites);
    const Complex inverse =
        Complex(frequencies[i % frequencies.size()] - energy, point.real("task.broadening")) - (*self)[i];
    // |G| d(1/G) |G| is the error of G.
    verification.note("G = 1/(w + i eta - e - Sigma)", std::abs((*green)[i] * inverse - 1.0),
                      allowed * (1.0 + scale * self_scale));
  }
}

}  // namespace lindrift
