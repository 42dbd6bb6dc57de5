#include "tgge/chain_rule.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "engine/parallel.hpp"
#include "lindrift/error.hpp"
#include "lindrift/tgge/gradient.hpp"

namespace lindrift {

namespace {

using Complex = std::complex<double>;

/// Gaps below this share of the bandwidth count as none.
constexpr double touching = 1e-9;

void clear(std::vector<double>& values) { std::fill(values.begin(), values.end(), 0.0); }
void clear(std::vector<Complex>& values) { std::fill(values.begin(), values.end(), 0.0); }
template <class Item>
void clear(std::vector<std::vector<Item>>& values) {
  for (auto& row : values) clear(row);
}

void clear(ProductJump& jump) {
  clear(jump.in);
  clear(jump.out);
}
void clear(JumpOperators& jump) {
  for (auto& channel : jump.channels)
    for (JumpTerm& term : channel) term.amplitude = 0.0;
}
void clear(TableJump&) {}

}  // namespace

TggeModel zeros_like(const TggeModel& model) {
  TggeModel zeros = model;
  zeros.rate_unit = 0.0;
  clear(zeros.bands.energy);
  clear(zeros.bands.velocity);
  clear(zeros.bands.orbital_velocity);
  clear(zeros.bands.eigenvector);
  zeros.bath.coupling = zeros.bath.inverse_temperature = zeros.bath.nonequilibrium_fraction = 0.0;
  zeros.bath.equilibrium_fraction = zeros.bath.spectrum_width = 0.0;
  std::visit([](auto& jump) { clear(jump); }, zeros.jump);
  return zeros;
}

void require_separate_bands(const Bands& bands) {
  const auto count = static_cast<std::size_t>(bands.orbitals);
  if (count == 1) return;
  const auto [low, high] = std::minmax_element(bands.energy.begin(), bands.energy.end());
  const double least = touching * (*high - *low);
  for (std::size_t k = 0; k < bands.lattice.size(); ++k)
    for (std::size_t a = 0; a < count; ++a)
      for (std::size_t b = 0; b < a; ++b)
        if (!(std::fabs(bands.energy[bands.mode(a, k)] - bands.energy[bands.mode(b, k)]) > least)) {
          const LatticeVector m = bands.lattice.momentum(k);
          std::string place = "m = (" + std::to_string(m[0]);
          for (int i = 1; i < bands.lattice.dimensions(); ++i)
            place += ", " + std::to_string(m[static_cast<std::size_t>(i)]);
          throw UnsupportedError("the steady state has no derivatives where bands touch: bands " + std::to_string(b) +
                                 " and " + std::to_string(a) + " do at momentum " + place +
                                 "), in units of 2 pi / cells");
        }
}

namespace {

/// Derivative of a flow by the Hamiltonian of one momentum, dI = tr(direct dh) + sum_i tr(by_slope_i d(dh/dk_i)), with
/// Hermitian matrices of the orbitals in C order.
struct MomentumGradient {
  std::vector<Complex> direct, by_slope;
};

class HamiltonianGradient {
 public:
  HamiltonianGradient(const TggeModel& model, const Gradient<TggeModel>& gradient, std::span<const HoppingTerm> terms)
      : bands_(model.bands),
        by_(gradient.model.bands),
        terms_(terms),
        n_(static_cast<std::size_t>(bands_.orbitals)),
        directions_(static_cast<std::size_t>(bands_.lattice.dimensions())) {}

  MomentumGradient at(std::size_t k) const {
    MomentumGradient result{std::vector<Complex>(n_ * n_, 0.0), std::vector<Complex>(directions_ * n_ * n_, 0.0)};
    const std::vector<Complex> slope = n_ > 1 ? slopes(k) : std::vector<Complex>();
    for (std::size_t nu = 0; nu < n_; ++nu) {
      const std::size_t s = bands_.mode(nu, k);
      for (std::size_t a = 0; a < n_; ++a)
        for (std::size_t b = 0; b < n_; ++b) {
          const Complex projector = component(a, s) * std::conj(component(b, s));
          result.direct[a * n_ + b] += by_.energy[s] * projector;
          for (std::size_t i = 0; i < directions_; ++i)
            result.by_slope[(i * n_ + a) * n_ + b] += by_.velocity[i][s] * projector;
        }
      if (n_ > 1) add_eigenvector(k, nu, slope, result.direct);
    }
    return result;
  }

 private:
  Complex component(std::size_t orbital, std::size_t s) const {
    return bands_.eigenvector.empty() ? Complex(1.0) : bands_.eigenvector[orbital][s];
  }

  /// dh/dk_i, from the terms.
  std::vector<Complex> slopes(std::size_t k) const {
    std::vector<Complex> slope(directions_ * n_ * n_, 0.0);
    for (const HoppingTerm& term : terms_) {
      const Phase phase = bands_.lattice.phase(k, term.displacement);
      const Complex hop = term.amplitude * Complex(phase.cosine, phase.sine);
      for (std::size_t i = 0; i < directions_; ++i)
        slope[(i * n_ + static_cast<std::size_t>(term.to_orbital)) * n_ +
              static_cast<std::size_t>(term.from_orbital)] +=
            Complex(0.0, static_cast<double>(term.displacement[i])) * hop;
    }
    return slope;
  }

  /// The eigenvector turns towards the others, du_nu = sum_mu u_mu (u_mu^+ dh u_nu) / (E_nu - E_mu) (Eq. 18f): it
  /// counts in the hop weights and in the velocity u^+ (dh/dk) u.
  void add_eigenvector(std::size_t k, std::size_t nu, const std::vector<Complex>& slope,
                       std::vector<Complex>& direct) const {
    const std::size_t s = bands_.mode(nu, k);
    std::vector<Complex> by(n_);
    for (std::size_t a = 0; a < n_; ++a) {
      by[a] = by_.eigenvector[a][s];
      for (std::size_t i = 0; i < directions_; ++i)
        for (std::size_t b = 0; b < n_; ++b)
          by[a] += 2.0 * by_.velocity[i][s] * slope[(i * n_ + a) * n_ + b] * component(b, s);
    }
    for (std::size_t mu = 0; mu < n_; ++mu) {
      if (mu == nu) continue;
      const std::size_t other = bands_.mode(mu, k);
      Complex overlap = 0.0;
      for (std::size_t a = 0; a < n_; ++a) overlap += std::conj(by[a]) * component(a, other);
      overlap /= bands_.energy[s] - bands_.energy[other];
      for (std::size_t a = 0; a < n_; ++a)
        for (std::size_t b = 0; b < n_; ++b) {
          const Complex turn = 0.5 * overlap * component(a, s) * std::conj(component(b, other));
          direct[a * n_ + b] += turn;
          direct[b * n_ + a] += std::conj(turn);
        }
    }
  }

  const Bands& bands_;
  const Bands& by_;
  std::span<const HoppingTerm> terms_;
  std::size_t n_, directions_;
};

}  // namespace

std::vector<Complex> hopping_gradient(const TggeModel& model, const Gradient<TggeModel>& gradient,
                                      std::span<const HoppingTerm> terms) {
  const Bands& bands = model.bands;
  require_separate_bands(bands);
  const HamiltonianGradient by_hamiltonian(model, gradient, terms);
  const auto n = static_cast<std::size_t>(bands.orbitals);
  const auto directions = static_cast<std::size_t>(bands.lattice.dimensions());
  const std::size_t momenta = bands.lattice.size(), count = terms.size();
  // Blocks of a fixed size, so that the sums have one order for any number of threads.
  constexpr std::size_t block = 256;
  const std::size_t blocks = (momenta + block - 1) / block;
  std::vector<Complex> partial(blocks * count, 0.0);
#pragma omp parallel for schedule(static) if (momenta > block)
  for (std::size_t part = 0; part < blocks; ++part)
    for (std::size_t k = part * block; k < std::min((part + 1) * block, momenta); ++k) {
      const MomentumGradient by = by_hamiltonian.at(k);
      for (std::size_t t = 0; t < count; ++t) {
        const HoppingTerm& term = terms[t];
        const std::size_t at =
            static_cast<std::size_t>(term.to_orbital) * n + static_cast<std::size_t>(term.from_orbital);
        Complex sum = by.direct[at];
        for (std::size_t i = 0; i < directions; ++i)
          sum += Complex(0.0, -static_cast<double>(term.displacement[i])) * by.by_slope[i * n * n + at];
        const Phase phase = bands.lattice.phase(k, term.displacement);
        partial[part * count + t] += sum * Complex(phase.cosine, -phase.sine);
      }
    }
  std::vector<Complex> result(count, 0.0);
  for (std::size_t part = 0; part < blocks; ++part)
    for (std::size_t t = 0; t < count; ++t) result[t] += partial[part * count + t];
  for (std::size_t t = 0; t < count; ++t) {
    const bool on_site = terms[t].displacement == LatticeVector{} && terms[t].to_orbital == terms[t].from_orbital;
    result[t] = on_site ? Complex(result[t].real()) : 2.0 * result[t];
  }
  return result;
}

}  // namespace lindrift
