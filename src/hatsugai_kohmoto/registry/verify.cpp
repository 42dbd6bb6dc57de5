#include "hatsugai_kohmoto/registry/verify.hpp"

#include <algorithm>
#include <array>

#include "config/read.hpp"
#include "engine/validate.hpp"
#include "lindrift/lindrift.hpp"
#include "open_chain/registry/propagator.hpp"
#include "open_chain/registry/verify_sites.hpp"

namespace lindrift {

namespace {

using config::Point;
using Real = long double;
using Complex = std::complex<Real>;

/// Accuracy promised by the tasks (docs/input.md): absolute for propagators and densities, relative for spectra.
constexpr double propagator_error = 1e-12, density_error = 1e-12, spectral_error = 1e-11;
/// Beyond this, the exponential below has no digits to compare with.
constexpr Real longest_exponent = 1e4L;

/// One momentum of the model.
struct Mode {
  Real energy, interaction;
  PlainMomentum::Rates up, down;
  Mode(const HatsugaiKohmoto& model, const PlainMomentum& momentum)
      : energy(momentum.energy(model, Spin::up)),
        interaction(model.interaction),
        up(momentum.rates(model.up)),
        down(momentum.rates(model.down)) {}

  /// First row of e^{D t} (Eq. 33), by the Taylor series of a small step and repeated squaring.
  std::array<Complex, 2> row(Real time) const {
    using Matrix = std::array<Complex, 4>;
    const Complex i(0.0L, 1.0L);
    const Matrix d = {-i * energy - 0.5L * up.total(), -i * interaction, Complex(down.gain),
                      -i * (energy + interaction) - 0.5L * up.total() - down.total()};
    const auto product = [](const Matrix& a, const Matrix& b) {
      return Matrix{a[0] * b[0] + a[1] * b[2], a[0] * b[1] + a[1] * b[3], a[2] * b[0] + a[3] * b[2],
                    a[2] * b[1] + a[3] * b[3]};
    };
    const int squarings = std::max(0, static_cast<int>(std::ceil(std::log2(size() * time + 1e-30L))) + 4);
    const Real step = std::ldexp(time, -squarings);
    Matrix sum = {1.0L, 0.0L, 0.0L, 1.0L}, term = sum;
    for (int n = 1; n <= 18; ++n) {
      term = product(term, d);
      for (Complex& one : term) one *= step / static_cast<Real>(n);
      for (std::size_t e = 0; e < 4; ++e) sum[e] += term[e];
    }
    for (int n = 0; n < squarings; ++n) sum = product(sum, sum);
    return {sum[0], sum[1]};
  }
  Real size() const {
    return std::fabs(energy) + 2.0L * std::fabs(interaction) + down.total() + down.gain + 0.5L * up.total();
  }
};

/// g_k of Eq. 35 for every momentum at one time; empty if the time is too long for a comparison.
std::vector<Complex> propagator_of(const Point& point, const HatsugaiKohmoto& model, Real time) {
  const Lattice lattice = model.lattice();
  const std::size_t sites = lattice.size();
  std::vector<double> given;
  if (point.has("initial.down_occupation")) given = point.reals("initial.down_occupation");
  std::vector<Complex> g(sites);
  for (std::size_t k = 0; k < sites; ++k) {
    const Mode mode(model, PlainMomentum(lattice, k));
    if (mode.size() * time > longest_exponent) return {};
    const Real occupation = given.empty() ? mode.down.occupation() : given.size() == 1 ? given[0] : given[k];
    const auto [u, v] = mode.row(time);
    g[k] = u + occupation * v;
  }
  return g;
}

}  // namespace

void verify_hatsugai_kohmoto_green(Verification& verification) {
  verify_propagator_rows(verification, propagator_error);
  verify_propagator_start(verification, propagator_error);
  const Point& point = verification.point;
  const auto model = config::read<HatsugaiKohmoto>(point);
  const auto& times = point.reals("task.times");
  const auto* by_momentum = verification.complex("green_retarded_momentum");
  const auto* norm = verification.reals("norm");
  if (model.cluster > 1) return;  // momenta that mix have no generator of their own
  for (const std::size_t t : verification.some_of(times.size())) {
    const auto g = propagator_of(point, model, times[t]);
    if (g.empty()) continue;
    Real sum = 0.0L;
    for (const Complex& one : g) sum += std::norm(one) / static_cast<Real>(g.size());
    if (norm != nullptr)
      verification.note("norm, by the exponential of the generator", static_cast<double>(std::fabs((*norm)[t] - sum)),
                        propagator_error);
    if (by_momentum == nullptr) continue;
    for (std::size_t k = 0; k < g.size(); ++k) {
      const Complex stored((*by_momentum)[t * g.size() + k]);
      verification.note("G(k,t), by the exponential of the generator",
                        static_cast<double>(std::abs(stored + Complex(0.0L, 1.0L) * g[k])), propagator_error);
    }
  }
}

void verify_hatsugai_kohmoto_density(Verification& verification) {
  const Point& point = verification.point;
  const auto model = config::read<HatsugaiKohmoto>(point);
  const Lattice lattice = model.lattice();
  const std::size_t sites = lattice.size();
  const auto& times = point.reals("task.times");
  const auto *density = verification.reals("density"), *number = verification.reals("particle_number");
  const bool plain = point.has("initial.up_sites") && !point.has("initial.down_sites");
  if (density == nullptr) return;
  for (const std::size_t t : verification.some_of(times.size())) {
    const double* row = density->data() + t * sites;
    if (std::isnan(row[0])) continue;  // this time was not reached
    Real sum = 0.0L;
    for (std::size_t j = 0; j < sites; ++j) {
      sum += row[j];
      verification.note("0 <= density <= 1", std::max({0.0, -row[j], row[j] - 1.0}), density_error);
    }
    if (number != nullptr)
      verification.note("particle_number from the sites", static_cast<double>(std::fabs((*number)[t] - sum)),
                        density_error * static_cast<double>(sites));
    if (!plain) continue;
    const auto g = propagator_of(point, model, times[t]);
    if (g.empty()) continue;
    // Eq. 49: |G(j - s)|^2 around every initial site, plus the uniform contribution of the populations (Eq. 51).
    const auto starts = numbers_of(integers_of(point, "initial.up_sites"), lattice, "initial.up_sites", "");
    Real coherent = 0.0L, total = 0.0L;
    for (std::size_t k = 0; k < sites; ++k) {
      const Mode mode(model, PlainMomentum(lattice, k));
      const Real steady = mode.up.occupation(), start = static_cast<Real>(starts.size()) / static_cast<Real>(sites);
      total += steady + (start - steady) * std::exp(-mode.up.total() * times[t]);
      coherent += static_cast<Real>(starts.size()) * std::norm(g[k]) / static_cast<Real>(sites);
    }
    for (const std::size_t j : verification.some_of(sites)) {
      Real value = (total - coherent) / static_cast<Real>(sites);
      for (const std::size_t start : starts) {
        const LatticeVector from = lattice.momentum(start), to = lattice.momentum(j);
        value += std::norm(plain_transform(g.data(), lattice, {to[0] - from[0], to[1] - from[1], to[2] - from[2]}));
      }
      verification.note("density, by plain sums", static_cast<double>(std::fabs(row[j] - value)), density_error);
    }
  }
}

void verify_hatsugai_kohmoto_spectral(Verification& verification) {
  verify_spectral_entries(verification, spectral_error);
  const Point& point = verification.point;
  const auto model = config::read<HatsugaiKohmoto>(point);
  if (model.cluster > 1) return;  // momenta that mix have no generator of their own
  const auto& frequencies = point.reals("task.frequencies");
  const Lattice lattice = model.lattice();
  const std::vector<std::size_t> chosen = select_momenta(integers_of(point, "task.momenta"), model);
  const auto* spectral = verification.reals("spectral_function");
  const auto* self = verification.complex("self_energy");
  const Real eta = point.real("task.broadening");
  const auto compare = [&](const char* what, const auto* stored, std::size_t i, auto value) {
    if (stored == nullptr || !std::isfinite(std::abs((*stored)[i]))) return;
    using Wide = decltype(value);
    verification.note(what, static_cast<double>(std::abs(Wide((*stored)[i]) - value)),
                      spectral_error * std::max(1e-3, largest_of(*stored)));
  };
  for (const std::size_t i : verification.some_of(chosen.size() * frequencies.size())) {
    const Mode mode(model, PlainMomentum(lattice, chosen[i / frequencies.size()]));
    const Real n = mode.down.occupation(), h = mode.down.total() > 0.0L ? 1.0L - n : 1.0L, u = mode.interaction;
    const Complex i_unit(0.0L, 1.0L);
    const Real w = frequencies[i % frequencies.size()];
    const Complex x = w - mode.energy + i_unit * (0.5L * mode.up.total() + eta);
    const Complex sigma =
        -i_unit * 0.5L * mode.up.total() + u * n + u * u * n * h / (x - u * h + i_unit * mode.down.total());
    compare("self energy, Eq. 44", self, i, sigma);
    const Complex green = 1.0L / (w + i_unit * eta - mode.energy - sigma);
    compare("spectral function, Eq. 43", spectral, i, -2.0L * green.imag());
  }
}

}  // namespace lindrift
