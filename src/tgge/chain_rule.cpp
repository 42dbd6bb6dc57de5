#include "tgge/chain_rule.hpp"

#include <algorithm>
#include <cmath>
#include <map>
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

/// Derivative of a flow by the Hamiltonian of one momentum after the other, dI = tr(direct dh) + sum_i tr(by_slope_i
/// d(dh/dk_i)), with Hermitian matrices of the orbitals in C order.
class HamiltonianGradient {
 public:
  HamiltonianGradient(const Bands& bands, const Bands& by, std::span<const HoppingTerm> terms)
      : bands_(bands),
        by_(by),
        terms_(terms),
        n_(static_cast<std::size_t>(bands_.orbitals)),
        directions_(static_cast<std::size_t>(bands_.lattice.dimensions())),
        direct_(n_ * n_),
        by_slope_(directions_ * n_ * n_),
        slope_(directions_ * n_ * n_),
        u_(n_ * n_),
        by_vector_(n_) {
    std::map<LatticeVector, std::size_t> found;
    for (const HoppingTerm& term : terms) {
      const auto [place, fresh] = found.try_emplace(term.displacement, displacements_.size());
      if (fresh) displacements_.push_back(term.displacement);
      displacement_of_.push_back(place->second);
    }
    phases_.resize(displacements_.size());
  }

  /// Adds to the derivatives by the terms' amplitudes what one momentum contributes.
  void add(std::size_t k, Complex* by_term) {
    for (std::size_t d = 0; d < displacements_.size(); ++d) {
      const Phase phase = bands_.lattice.phase(k, displacements_[d]);
      phases_[d] = {phase.cosine, phase.sine};
    }
    collect(k);
    for (std::size_t t = 0; t < terms_.size(); ++t) {
      const std::size_t at = element(terms_[t]);
      Complex sum = direct_[at];
      for (std::size_t i = 0; i < directions_; ++i)
        sum += times_i(-static_cast<double>(terms_[t].displacement[i]), by_slope_[i * n_ * n_ + at]);
      by_term[t] += product(sum, std::conj(phases_[displacement_of_[t]]));
    }
  }

 private:
  // Without the checks for infinities that the operators of std::complex make.
  static Complex product(Complex a, Complex b) {
    return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
  }
  static Complex times_i(double factor, Complex a) { return {-factor * a.imag(), factor * a.real()}; }

  std::size_t element(const HoppingTerm& term) const {
    return static_cast<std::size_t>(term.to_orbital) * n_ + static_cast<std::size_t>(term.from_orbital);
  }

  void collect(std::size_t k) {
    std::fill(direct_.begin(), direct_.end(), 0.0);
    std::fill(by_slope_.begin(), by_slope_.end(), 0.0);
    for (std::size_t nu = 0; nu < n_; ++nu)
      for (std::size_t a = 0; a < n_; ++a)
        u_[nu * n_ + a] = n_ == 1 ? Complex(1.0) : bands_.eigenvector[a][bands_.mode(nu, k)];
    if (n_ > 1) find_slope();
    for (std::size_t nu = 0; nu < n_; ++nu) {
      const std::size_t s = bands_.mode(nu, k);
      const Complex* u = u_.data() + nu * n_;
      for (std::size_t a = 0; a < n_; ++a)
        for (std::size_t b = 0; b < n_; ++b) {
          const Complex projector = product(u[a], std::conj(u[b]));
          direct_[a * n_ + b] += by_.energy[s] * projector;
          for (std::size_t i = 0; i < directions_; ++i)
            by_slope_[(i * n_ + a) * n_ + b] += by_.velocity[i][s] * projector;
        }
      if (n_ > 1) add_eigenvector(k, nu);
    }
  }

  /// dh/dk_i, from the terms.
  void find_slope() {
    std::fill(slope_.begin(), slope_.end(), 0.0);
    for (std::size_t t = 0; t < terms_.size(); ++t) {
      const Complex hop = product(terms_[t].amplitude, phases_[displacement_of_[t]]);
      for (std::size_t i = 0; i < directions_; ++i)
        slope_[i * n_ * n_ + element(terms_[t])] += times_i(static_cast<double>(terms_[t].displacement[i]), hop);
    }
  }

  /// The eigenvector turns towards the others, du_nu = sum_mu u_mu (u_mu^+ dh u_nu) / (E_nu - E_mu) (Eq. 18f): it
  /// counts in the hop weights and in the velocity u^+ (dh/dk) u.
  void add_eigenvector(std::size_t k, std::size_t nu) {
    const std::size_t s = bands_.mode(nu, k);
    const Complex* u = u_.data() + nu * n_;
    for (std::size_t a = 0; a < n_; ++a) {
      by_vector_[a] = by_.eigenvector[a][s];
      for (std::size_t i = 0; i < directions_; ++i)
        for (std::size_t b = 0; b < n_; ++b)
          by_vector_[a] += 2.0 * by_.velocity[i][s] * product(slope_[(i * n_ + a) * n_ + b], u[b]);
    }
    for (std::size_t mu = 0; mu < n_; ++mu) {
      if (mu == nu) continue;
      const Complex* other = u_.data() + mu * n_;
      Complex overlap = 0.0;
      for (std::size_t a = 0; a < n_; ++a) overlap += product(std::conj(by_vector_[a]), other[a]);
      overlap *= 0.5 / (bands_.energy[s] - bands_.energy[bands_.mode(mu, k)]);
      for (std::size_t a = 0; a < n_; ++a)
        for (std::size_t b = 0; b < n_; ++b) {
          const Complex turn = product(product(overlap, u[a]), std::conj(other[b]));
          direct_[a * n_ + b] += turn;
          direct_[b * n_ + a] += std::conj(turn);
        }
    }
  }

  const Bands& bands_;
  const Bands& by_;
  std::span<const HoppingTerm> terms_;
  std::size_t n_, directions_;
  std::vector<LatticeVector> displacements_;  ///< different ones
  std::vector<std::size_t> displacement_of_;  ///< of each term
  std::vector<Complex> phases_;               ///< e^{ik.R} of the displacements
  std::vector<Complex> direct_, by_slope_, slope_, u_, by_vector_;
};

}  // namespace

std::vector<Complex> hopping_gradient(const TggeModel& model, const Gradient<TggeModel>& gradient,
                                      std::span<const HoppingTerm> terms) {
  const Bands& bands = model.bands;
  require_separate_bands(bands);
  const std::size_t momenta = bands.lattice.size(), count = terms.size();
  // Blocks of a fixed size, so that the sums have one order for any number of threads.
  constexpr std::size_t block = 1024;
  const std::size_t blocks = (momenta + block - 1) / block;
  std::vector<Complex> partial(blocks * count, 0.0);
  in_parts(Calculation::threads(), blocks, [&](std::size_t part, std::size_t last, std::size_t) {
    for (; part < last; ++part) {
      HamiltonianGradient by_hamiltonian(bands, gradient.model.bands, terms);
      for (std::size_t k = part * block; k < std::min((part + 1) * block, momenta); ++k)
        by_hamiltonian.add(k, partial.data() + part * count);
    }
  });
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
