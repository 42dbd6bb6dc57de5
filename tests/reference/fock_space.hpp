#pragma once

#include <bit>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <vector>

#include "reference/tgge_rashba.hpp"

/// The master equation itself in the Fock space of a few sites: jump operators as matrices between configurations of
/// fermions on sites, traced with the Gaussian state. Uses no rate, no hop weight and no sum in momentum space, so it
/// tests the rate equation itself and not only its transcription. Of the other references it uses only the description
/// of a lattice.
namespace lindrift::reference {

class FockSpace {
 public:
  using Scalar = std::complex<double>;
  /// Row-major square matrix.
  using Matrix = std::vector<Scalar>;

  explicit FockSpace(const Lattice& lattice)
      : lattice_(lattice),
        orbitals_(static_cast<std::size_t>(lattice.sites * lattice.bands)),
        dimension_(std::size_t{1} << orbitals_) {
    for (std::size_t p = 0; p < orbitals_; ++p) {
      Matrix c(dimension_ * dimension_);
      for (std::size_t state = 0; state < dimension_; ++state) {
        if (!(state >> p & 1U)) continue;
        const int before = std::popcount(state & ((std::size_t{1} << p) - 1));
        c[(state ^ (std::size_t{1} << p)) * dimension_ + state] = before % 2 == 0 ? 1.0 : -1.0;
      }
      annihilate_.push_back(c);
      create_.push_back(adjoint(c));
    }
    make_modes();
  }

  std::size_t dimension() const { return dimension_; }
  std::size_t modes() const { return orbitals_; }

  /// H0 in real space: sum_j c+_{j+1} T c_j + h.c. + h c+_j sigma_z c_j with T = -J - rashba_z i sigma_y + rashba_y i
  /// sigma_z.
  Matrix hamiltonian() const {
    Matrix h = one_body_matrix();
    return second_quantised(h);
  }

  /// Particles per unit time from site j to j+1, averaged over j: -i (c+_{j+1} T c_j - h.c.), from the continuity
  /// equation. spin < 0: all particles; otherwise the symmetric share {v, P_spin}/2 of that spin.
  Matrix current(int spin = -1) const {
    Matrix v(orbitals_ * orbitals_);
    const auto hop = hopping_matrix();
    for (std::size_t i = 0; i < orbitals_; ++i)
      for (std::size_t j = 0; j < orbitals_; ++j)
        v[i * orbitals_ + j] = Scalar(0.0, -1.0) * (hop[i * orbitals_ + j] - std::conj(hop[j * orbitals_ + i])) /
                               static_cast<double>(lattice_.sites);
    if (spin >= 0)
      for (std::size_t i = 0; i < orbitals_; ++i)
        for (std::size_t j = 0; j < orbitals_; ++j)
          v[i * orbitals_ + j] *= 0.5 * ((i % 2 == static_cast<std::size_t>(spin) ? 1.0 : 0.0) +
                                         (j % 2 == static_cast<std::size_t>(spin) ? 1.0 : 0.0));
    return second_quantised(v);
  }

  /// Product over modes of n_s I_s + (1-n_s) (1-I_s).
  Matrix gaussian_state(const std::vector<double>& lambda) const {
    Matrix rho = identity();
    for (std::size_t s = 0; s < orbitals_; ++s) {
      const double n = 1.0 / (1.0 + std::exp(lambda[s])), h = 1.0 / (1.0 + std::exp(-lambda[s]));
      Matrix factor = identity();
      for (std::size_t i = 0; i < factor.size(); ++i) factor[i] = h * factor[i] + (n - h) * number_[s][i];
      rho = product(factor, rho);
    }
    return rho;
  }

  /// Tr[I_s D(rho)] of the driving bath, with one jump operator per channel and site.
  std::vector<double> driven_rate(const Matrix& rho) const {
    Dissipator d(*this);
    const std::int64_t sites = lattice_.sites;
    for (const auto& channel : lattice_.channels)
      for (std::int64_t j = 0; j < sites; ++j) {
        Matrix jump(dimension_ * dimension_);
        for (const Term& term : channel) {
          const Matrix hop =
              product(create_[orbital(j + term.to, term.to_spin)], annihilate_[orbital(j + term.from, term.from_spin)]);
          const Scalar amplitude = std::sqrt(static_cast<double>(lattice_.hopping)) * Scalar(term.amplitude);
          for (std::size_t i = 0; i < jump.size(); ++i) jump[i] += amplitude * hop[i];
        }
        d.add(jump, rho);
      }
    return d.rate(rho);
  }

  /// The same for the thermal bath: sqrt(J S(E_s' - E_s) / L) eta+_s eta_s' for each ordered pair of modes.
  std::vector<double> thermal_rate(const Matrix& rho) const {
    Dissipator d(*this);
    for (std::size_t to = 0; to < orbitals_; ++to)
      for (std::size_t from = 0; from < orbitals_; ++from) {
        const double x = energy_[from] - energy_[to], beta = static_cast<double>(lattice_.inverse_temperature),
                     width = static_cast<double>(lattice_.width);
        double spectrum = std::exp(0.5 * beta * x);
        if (lattice_.spectrum == ThermalSpectrum::lorentzian) spectrum /= 1.0 + x / width * (x / width);
        if (lattice_.spectrum == ThermalSpectrum::ohmic)
          spectrum = std::fabs(x) < 1e-12
                         ? 1.0 / beta
                         : std::fabs(x) * std::exp(-std::fabs(x) / width) / std::fabs(1.0 - std::exp(-beta * x));
        Matrix jump = product(adjoint(mode_[to]), mode_[from]);
        for (Scalar& element : jump)
          element *= std::sqrt(static_cast<double>(lattice_.hopping) * spectrum / static_cast<double>(lattice_.sites));
        d.add(jump, rho);
      }
    return d.rate(rho);
  }

  double expectation(const Matrix& a, const Matrix& rho) const {
    Scalar trace = 0.0;
    for (std::size_t i = 0; i < dimension_; ++i)
      for (std::size_t j = 0; j < dimension_; ++j) trace += a[i * dimension_ + j] * rho[j * dimension_ + i];
    return trace.real();
  }

  /// sum_s weight_s I_s.
  Matrix sum_of_modes(const std::vector<double>& weight) const {
    Matrix sum(dimension_ * dimension_);
    for (std::size_t s = 0; s < orbitals_; ++s)
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += weight[s] * number_[s][i];
    return sum;
  }
  const std::vector<double>& energy() const { return energy_; }

 private:
  /// sum_m L_m rho L_m^+ and sum_m L_m^+ L_m.
  class Dissipator {
   public:
    explicit Dissipator(const FockSpace& space)
        : space_(space), gain_(space.dimension_ * space.dimension_), decay_(gain_) {}
    void add(const Matrix& jump, const Matrix& rho) {
      // L rho L^+ is Hermitian, and computed as L (L rho)^+ it needs the sparse matrix only on the left.
      const Matrix forward = space_.product(jump, space_.adjoint(space_.product(jump, rho)));
      const Matrix norm = space_.product(space_.adjoint(jump), jump);
      for (std::size_t i = 0; i < gain_.size(); ++i) {
        gain_[i] += forward[i];
        decay_[i] += norm[i];
      }
    }
    std::vector<double> rate(const Matrix& rho) const {
      const Matrix left = space_.product(decay_, rho), right = space_.product(rho, decay_);
      std::vector<double> result;
      for (std::size_t s = 0; s < space_.orbitals_; ++s)
        result.push_back(
            space_.expectation(space_.number_[s], gain_) -
            0.5 * (space_.expectation(space_.number_[s], left) + space_.expectation(space_.number_[s], right)));
      return result;
    }

   private:
    const FockSpace& space_;
    Matrix gain_, decay_;
  };

  std::size_t orbital(std::int64_t site, int spin) const {
    const std::int64_t wrapped = ((site % lattice_.sites) + lattice_.sites) % lattice_.sites;
    return static_cast<std::size_t>(wrapped * lattice_.bands + spin);
  }
  Matrix identity() const {
    Matrix one(dimension_ * dimension_);
    for (std::size_t i = 0; i < dimension_; ++i) one[i * dimension_ + i] = 1.0;
    return one;
  }
  Matrix adjoint(const Matrix& a) const {
    Matrix result(a.size());
    for (std::size_t i = 0; i < dimension_; ++i)
      for (std::size_t j = 0; j < dimension_; ++j) result[j * dimension_ + i] = std::conj(a[i * dimension_ + j]);
    return result;
  }
  Matrix product(const Matrix& a, const Matrix& b) const {
    Matrix result(a.size());
    for (std::size_t i = 0; i < dimension_; ++i)
      for (std::size_t k = 0; k < dimension_; ++k) {
        const double re = a[i * dimension_ + k].real(), im = a[i * dimension_ + k].imag();
        if (re == 0.0 && im == 0.0) continue;
        for (std::size_t j = 0; j < dimension_; ++j) {
          const Scalar x = b[k * dimension_ + j];
          result[i * dimension_ + j] += Scalar(re * x.real() - im * x.imag(), re * x.imag() + im * x.real());
        }
      }
    return result;
  }
  Matrix second_quantised(const Matrix& one_body) const {
    Matrix sum(dimension_ * dimension_);
    for (std::size_t i = 0; i < orbitals_; ++i)
      for (std::size_t j = 0; j < orbitals_; ++j) {
        if (one_body[i * orbitals_ + j] == 0.0) continue;
        const Matrix hop = product(create_[i], annihilate_[j]);
        for (std::size_t e = 0; e < sum.size(); ++e) sum[e] += one_body[i * orbitals_ + j] * hop[e];
      }
    return sum;
  }
  /// sum_j |j+1> T <j|.
  Matrix hopping_matrix() const {
    const double j = static_cast<double>(lattice_.hopping), y = static_cast<double>(lattice_.rashba_y),
                 z = static_cast<double>(lattice_.rashba_z);
    const Scalar t[2][2] = {{Scalar(-j, y), -z}, {z, Scalar(-j, -y)}};
    Matrix hop(orbitals_ * orbitals_);
    for (std::int64_t site = 0; site < lattice_.sites; ++site)
      for (int a = 0; a < lattice_.bands; ++a)
        for (int b = 0; b < lattice_.bands; ++b)
          hop[orbital(site + 1, a) * orbitals_ + orbital(site, b)] += lattice_.bands == 1 ? Scalar(-j) : t[a][b];
    return hop;
  }
  Matrix one_body_matrix() const {
    const Matrix hop = hopping_matrix();
    Matrix h(orbitals_ * orbitals_);
    for (std::size_t i = 0; i < orbitals_; ++i)
      for (std::size_t j = 0; j < orbitals_; ++j)
        h[i * orbitals_ + j] = hop[i * orbitals_ + j] + std::conj(hop[j * orbitals_ + i]);
    if (lattice_.bands == 2)
      for (std::size_t i = 0; i < orbitals_; ++i)
        h[i * orbitals_ + i] += (i % 2 == 0 ? 1.0 : -1.0) * static_cast<double>(lattice_.zeeman_field);
    return h;
  }
  /// eta_s = L^{-1/2} sum_{j sigma} conj(u_{sigma s}) e^{-ikj} c_{j sigma} with the spinors
  /// u_up = -i sqrt(w_up), u_down = -+ t sqrt(w_down), t = sign(b), +1 for b = 0.
  void make_modes() {
    const std::int64_t sites = lattice_.sites;
    for (int band = 0; band < lattice_.bands; ++band)
      for (std::int64_t i = 0; i < sites; ++i) {
        const std::int64_t m = i - sites / 2;
        const double k = 2.0 * std::numbers::pi * static_cast<double>(m) / static_cast<double>(sites);
        const double sine = m == 0 || 2 * m == -sites ? 0.0 : std::sin(k);
        double energy = -2.0 * static_cast<double>(lattice_.hopping) * std::cos(k);
        Scalar u[2] = {1.0, 0.0};
        if (lattice_.bands == 2) {
          const double a =
              2.0 * static_cast<double>(lattice_.rashba_y) * sine + static_cast<double>(lattice_.zeeman_field);
          const double b = 2.0 * static_cast<double>(lattice_.rashba_z) * sine, radius = std::hypot(a, b);
          const double nu = band == 0 ? 1.0 : -1.0, ratio = radius > 0.0 ? a / radius : 1.0;
          energy += nu * radius;
          u[0] = Scalar(0.0, -std::sqrt(0.5 * (1.0 + nu * ratio)));
          u[1] = -nu * (b < 0.0 ? -1.0 : 1.0) * std::sqrt(0.5 * (1.0 - nu * ratio));
        }
        Matrix eta(dimension_ * dimension_);
        for (std::int64_t j = 0; j < sites; ++j)
          for (int spin = 0; spin < lattice_.bands; ++spin) {
            const Scalar amplitude = std::conj(u[spin]) * std::polar(1.0, -k * static_cast<double>(j)) /
                                     std::sqrt(static_cast<double>(sites));
            const Matrix& c = annihilate_[orbital(j, spin)];
            for (std::size_t e = 0; e < eta.size(); ++e) eta[e] += amplitude * c[e];
          }
        energy_.push_back(energy);
        number_.push_back(product(adjoint(eta), eta));
        mode_.push_back(eta);
      }
  }

  Lattice lattice_;
  std::size_t orbitals_, dimension_;
  std::vector<Matrix> annihilate_, create_, mode_, number_;
  std::vector<double> energy_;
};

}  // namespace lindrift::reference
