#include "tgge/chain_rule.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "engine/parallel.hpp"
#include "lattice/phase_walk.hpp"
#include "lindrift/error.hpp"
#include "lindrift/tgge/gradient.hpp"

namespace lindrift {

namespace {

using Complex = std::complex<double>;

/// Bands touch where their gap is below this fraction of the bandwidth.
constexpr double touching = 1e-9;

template <class Item>
std::vector<Item> zeros(const std::vector<Item>& like) {
  return std::vector<Item>(like.size());
}
template <class Item>
std::vector<std::vector<Item>> zeros(const std::vector<std::vector<Item>>& like) {
  std::vector<std::vector<Item>> result;
  for (const auto& row : like) result.push_back(zeros(row));
  return result;
}

TggeJump zeros(const ProductJump& like) { return ProductJump{like.rank, zeros(like.in), zeros(like.out)}; }
TggeJump zeros(JumpOperators jump) {
  for (auto& channel : jump.channels)
    for (JumpTerm& term : channel) term.amplitude = 0.0;
  return jump;
}
TggeJump zeros(const TableJump& like) { return like; }

}  // namespace

TggeModel zeros_like(const TggeModel& model) {
  const Bands& bands = model.bands;
  TggeModel result{.bands = {.lattice = bands.lattice,
                             .orbitals = bands.orbitals,
                             .energy = zeros(bands.energy),
                             .velocity = zeros(bands.velocity),
                             .orbital_velocity = zeros(bands.orbital_velocity),
                             .eigenvector = zeros(bands.eigenvector),
                             .names = bands.names,
                             .degeneracy_tolerance = bands.degeneracy_tolerance},
                   .rate_unit = 0.0,
                   .bath = model.bath,
                   .jump = std::visit([](const auto& jump) { return zeros(jump); }, model.jump),
                   .thermal_operators = model.thermal_operators};
  result.bath.coupling = result.bath.inverse_temperature = result.bath.nonequilibrium_fraction = 0.0;
  result.bath.equilibrium_fraction = result.bath.spectrum_width = 0.0;
  return result;
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

/// Derivative of a flow with respect to the Hamiltonian at each momentum, dI = tr(direct dh) + sum_i tr(by_slope_i
/// d(dh/dk_i)), with Hermitian matrices over the orbitals in C order, and the sums of these matrices times e^{-ik.R}
/// over momenta.
/// @tparam Orbitals  number of orbitals; 0: any number
template <std::size_t Orbitals>
class HamiltonianGradient {
 public:
  HamiltonianGradient(const Bands& bands, const Bands& by, std::span<const HoppingTerm> terms)
      : bands_(bands),
        by_(by),
        terms_(terms),
        orbitals_(static_cast<std::size_t>(bands_.orbitals)),
        directions_(static_cast<std::size_t>(bands_.lattice.dimensions())),
        direct_(square()),
        by_slope_(directions_ * square()),
        slope_(directions_ * square()),
        u_(square()),
        by_vector_(n()) {
    std::map<LatticeVector, std::size_t> found;
    for (const HoppingTerm& term : terms) {
      const auto [place, fresh] = found.try_emplace(term.displacement, displacements_.size());
      if (fresh) displacements_.push_back(term.displacement);
      displacement_of_.push_back(place->second);
    }
    for (const LatticeVector& one : displacements_) {
      walks_.emplace_back(bands_.lattice, one);
      // The sums for -R are the adjoints of those for R.
      const auto opposite = found.find({-one[0], -one[1], -one[2]});
      partner_.push_back(opposite != found.end() ? opposite->second : displacements_.size());
    }
    phases_.resize(displacements_.size());
    sums_.resize(displacements_.size() * values());
  }

  /// Adds the contribution of one momentum. The first one is a multiple of 64; the others follow in order.
  void add(std::size_t k) {
    for (std::size_t d = 0; d < displacements_.size(); ++d)
      phases_[d] = partner_[d] < d ? std::conj(phases_[partner_[d]]) : walks_[d](k);
    collect(k);
    for (std::size_t d = 0; d < displacements_.size(); ++d) {
      if (partner_[d] < d) continue;
      Complex* const sum = sums_.data() + d * values();
      const Complex phase = std::conj(phases_[d]);
      for (std::size_t e = 0; e < square(); ++e) sum[e] += product(direct_[e], phase);
      for (std::size_t e = 0; e < directions_ * square(); ++e) sum[square() + e] += product(by_slope_[e], phase);
    }
  }

  /// Writes the derivatives with respect to the amplitudes of the terms.
  void finish(Complex* by_term) const {
    for (std::size_t t = 0; t < terms_.size(); ++t) {
      const auto a = static_cast<std::size_t>(terms_[t].to_orbital),
                 b = static_cast<std::size_t>(terms_[t].from_orbital);
      const std::size_t d = displacement_of_[t];
      const bool adjoint = partner_[d] < d;
      const Complex* const sum = sums_.data() + (adjoint ? partner_[d] : d) * values();
      const auto value = [&](std::size_t matrix) {
        return adjoint ? std::conj(sum[matrix * square() + b * n() + a]) : sum[matrix * square() + a * n() + b];
      };
      by_term[t] = value(0);
      for (std::size_t i = 0; i < directions_; ++i)
        by_term[t] += times_i(-static_cast<double>(terms_[t].displacement[i]), value(1 + i));
    }
  }

 private:
  // The operators of std::complex check for infinities; these do not.
  static Complex product(Complex a, Complex b) {
    return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
  }
  static Complex times_i(double factor, Complex a) { return {-factor * a.imag(), factor * a.real()}; }

  std::size_t n() const { return Orbitals > 0 ? Orbitals : orbitals_; }
  std::size_t square() const { return n() * n(); }
  /// Number of sums per displacement.
  std::size_t values() const { return (1 + directions_) * square(); }
  std::size_t element(const HoppingTerm& term) const {
    return static_cast<std::size_t>(term.to_orbital) * n() + static_cast<std::size_t>(term.from_orbital);
  }

  void collect(std::size_t k) {
    std::fill(direct_.begin(), direct_.end(), 0.0);
    std::fill(by_slope_.begin(), by_slope_.end(), 0.0);
    for (std::size_t nu = 0; nu < n(); ++nu)
      for (std::size_t a = 0; a < n(); ++a)
        u_[nu * n() + a] = n() == 1 ? Complex(1.0) : bands_.eigenvector[a][bands_.mode(nu, k)];
    if (n() > 1) find_slope();
    for (std::size_t nu = 0; nu < n(); ++nu) {
      const std::size_t s = bands_.mode(nu, k);
      const Complex* u = u_.data() + nu * n();
      for (std::size_t a = 0; a < n(); ++a)
        for (std::size_t b = 0; b < n(); ++b) {
          const Complex projector = product(u[a], std::conj(u[b]));
          direct_[a * n() + b] += by_.energy[s] * projector;
          for (std::size_t i = 0; i < directions_; ++i)
            by_slope_[(i * n() + a) * n() + b] += by_.velocity[i][s] * projector;
        }
      if (n() > 1) add_eigenvector(k, nu);
    }
  }

  /// dh/dk_i, from the terms.
  void find_slope() {
    std::fill(slope_.begin(), slope_.end(), 0.0);
    for (std::size_t t = 0; t < terms_.size(); ++t) {
      const Complex hop = product(terms_[t].amplitude, phases_[displacement_of_[t]]);
      for (std::size_t i = 0; i < directions_; ++i)
        slope_[i * square() + element(terms_[t])] += times_i(static_cast<double>(terms_[t].displacement[i]), hop);
    }
  }

  /// The change of the eigenvector, du_nu = sum_mu u_mu (u_mu^+ dh u_nu) / (E_nu - E_mu) (Eq. 18f), affects the hop
  /// weights and the velocity u^+ (dh/dk) u.
  void add_eigenvector(std::size_t k, std::size_t nu) {
    const std::size_t s = bands_.mode(nu, k);
    const Complex* u = u_.data() + nu * n();
    for (std::size_t a = 0; a < n(); ++a) {
      by_vector_[a] = by_.eigenvector[a][s];
      for (std::size_t i = 0; i < directions_; ++i)
        for (std::size_t b = 0; b < n(); ++b)
          by_vector_[a] += 2.0 * by_.velocity[i][s] * product(slope_[(i * n() + a) * n() + b], u[b]);
    }
    for (std::size_t mu = 0; mu < n(); ++mu) {
      if (mu == nu) continue;
      const Complex* other = u_.data() + mu * n();
      Complex overlap = 0.0;
      for (std::size_t a = 0; a < n(); ++a) overlap += product(std::conj(by_vector_[a]), other[a]);
      overlap *= 0.5 / (bands_.energy[s] - bands_.energy[bands_.mode(mu, k)]);
      for (std::size_t a = 0; a < n(); ++a)
        for (std::size_t b = 0; b < n(); ++b) {
          const Complex turn = product(product(overlap, u[a]), std::conj(other[b]));
          direct_[a * n() + b] += turn;
          direct_[b * n() + a] += std::conj(turn);
        }
    }
  }

  const Bands& bands_;
  const Bands& by_;
  std::span<const HoppingTerm> terms_;
  std::size_t orbitals_, directions_;
  std::vector<LatticeVector> displacements_;  ///< without duplicates
  std::vector<std::size_t> displacement_of_;  ///< of each term
  std::vector<std::size_t> partner_;          ///< index of the displacement -R, or their number if there is none
  std::vector<PhaseWalk> walks_;
  std::vector<Complex> phases_;  ///< e^{ik.R} of the displacements
  std::vector<Complex> sums_;    ///< (displacements, 1 + directions, orbitals, orbitals); for R and -R only the first
  std::vector<Complex> direct_, by_slope_, slope_, u_, by_vector_;
};

/// Derivatives with respect to the amplitudes of all terms.
template <std::size_t Orbitals>
std::vector<Complex> sum_over_momenta(const Bands& bands, const Bands& by, std::span<const HoppingTerm> terms) {
  const std::size_t momenta = bands.lattice.size(), count = terms.size();
  // Blocks of fixed size make the order of the sums independent of the number of threads.
  constexpr std::size_t block = 1024;
  const std::size_t blocks = (momenta + block - 1) / block;
  std::vector<Complex> partial(blocks * count, 0.0);
  in_parts(Calculation::threads(), blocks, [&](std::size_t part, std::size_t last, std::size_t) {
    for (; part < last; ++part) {
      HamiltonianGradient<Orbitals> by_hamiltonian(bands, by, terms);
      for (std::size_t k = part * block; k < std::min((part + 1) * block, momenta); ++k) by_hamiltonian.add(k);
      by_hamiltonian.finish(partial.data() + part * count);
    }
  });
  std::vector<Complex> result(count, 0.0);
  for (std::size_t part = 0; part < blocks; ++part)
    for (std::size_t t = 0; t < count; ++t) result[t] += partial[part * count + t];
  return result;
}

}  // namespace

std::vector<Complex> hopping_gradient(const TggeModel& model, const Gradient<TggeModel>& gradient,
                                      std::span<const HoppingTerm> terms) {
  const Bands &bands = model.bands, &by = gradient.model.bands;
  require_separate_bands(bands);
  std::vector<Complex> result = bands.orbitals == 1   ? sum_over_momenta<1>(bands, by, terms)
                                : bands.orbitals == 2 ? sum_over_momenta<2>(bands, by, terms)
                                                      : sum_over_momenta<0>(bands, by, terms);
  for (std::size_t t = 0; t < terms.size(); ++t) {
    const bool on_site = terms[t].displacement == LatticeVector{} && terms[t].to_orbital == terms[t].from_orbital;
    result[t] = on_site ? Complex(result[t].real()) : 2.0 * result[t];
  }
  return result;
}

}  // namespace lindrift
