#include "lindrift/tgge/rashba.hpp"

#include <cmath>
#include <string>
#include <utility>

#include "engine/parallel.hpp"
#include "lindrift/error.hpp"
#include "lindrift/tgge/gradient.hpp"
#include "tgge/model.hpp"

namespace lindrift {

// Why this is not written as a lattice: chain.cpp. Products of spin weights also keep digits that sums of squares lose,
// which drop the square of a small weight once it is a rounding error of the largest. At beta J = 300, L = 20 and
// alpha_z = 0.01 J, the largest error of a Lagrange multiplier is 0.026 for the lattice and 1.5e-13 here (of an
// occupation, 1e-15 and 3e-17).

namespace {

/// Eigenvectors in the gauge u_up >= 0, u_down = -i times a real number (docs/physics.md, section 2).
Bands bands_of(const TggeRashba& chain) {
  Bands bands{.lattice = ring_lattice(chain.sites), .orbitals = 2, .names = {"+", "-"}};
  const std::vector<double> zero(bands.modes());
  bands.energy = zero;
  bands.velocity = {zero};
  bands.orbital_velocity = {{zero, zero}};
  bands.eigenvector.assign(2, std::vector<std::complex<double>>(bands.modes()));
  parallel_for(bands.lattice.size(), [&](std::size_t k) {
    const auto [cosine, sine] = bands.lattice.phase(k, {1});
    const double a = 2.0 * chain.rashba_y * sine + chain.zeeman_field, b = 2.0 * chain.rashba_z * sine;
    const double radius = std::hypot(a, b);
    // Where the bands touch, take the limit of a vanishing Zeeman field: each band carries one spin.
    const double a_over = radius > 0.0 ? a / radius : 1.0, b_over = radius > 0.0 ? b / radius : 0.0;
    // The smaller spin weight comes from b, because 1 - |a|/R would cancel.
    const double smaller = b_over * b_over / (2.0 * (1.0 + std::fabs(a_over))),
                 larger = 0.5 * (1.0 + std::fabs(a_over));
    for (const int band : {0, 1}) {
      const double nu = band == 0 ? 1.0 : -1.0;
      const std::size_t s = bands.mode(static_cast<std::size_t>(band), k);
      bands.energy[s] = -2.0 * chain.hopping * cosine + nu * radius;
      bands.velocity[0][s] =
          2.0 * chain.hopping * sine + nu * 2.0 * cosine * (chain.rashba_y * a_over + chain.rashba_z * b_over);
      const bool mostly_up = nu * a_over >= 0.0;
      bands.eigenvector[0][s] = std::sqrt(mostly_up ? larger : smaller);
      bands.eigenvector[1][s] = {0.0, -std::copysign(std::sqrt(mostly_up ? smaller : larger), nu * b_over)};
      for (const int spin : {0, 1}) {
        const double sigma = spin == 0 ? 1.0 : -1.0;
        bands.orbital_velocity[0][static_cast<std::size_t>(spin)][s] =
            (chain.hopping * sine + sigma * chain.rashba_y * cosine) * (1.0 + sigma * nu * a_over) +
            nu * chain.rashba_z * cosine * b_over;
      }
    }
  });
  // dh/dk of Eq. 19
  bands.hamiltonian_derivative = [lattice = bands.lattice, hopping = chain.hopping, y = chain.rashba_y,
                                  z = chain.rashba_z](std::size_t k, int, std::complex<double>* matrix) {
    const auto [cosine, sine] = lattice.phase(k, {1});
    matrix[0] = 2.0 * hopping * sine + 2.0 * y * cosine;
    matrix[3] = 2.0 * hopping * sine - 2.0 * y * cosine;
    matrix[1] = {0.0, 2.0 * z * cosine};  // -b' sigma_y
    matrix[2] = {0.0, -2.0 * z * cosine};
  };
  return bands;
}

TggeJump weights_of(const DephasingJump& jump, const Bands& bands) {
  const std::size_t modes = bands.modes();
  ProductJump weights{2, std::vector<double>(2 * modes), std::vector<double>(2 * modes)};
  parallel_for(modes, [&](std::size_t s) {
    const double up = std::norm(bands.eigenvector[0][s]), down = std::norm(bands.eigenvector[1][s]);
    weights.out[s] = up;
    weights.out[modes + s] = down;
    weights.in[s] = jump.dephasing_up * up;
    weights.in[modes + s] = jump.down() * down;
  });
  return weights;
}
TggeJump weights_of(const JumpOperators& jump, const Bands&) { return jump; }
TggeJump weights_of(const TableJump& jump, const Bands&) { return jump; }

}  // namespace

void validate(const TggeRashba& chain) {
  validate_fields(chain);
  validate_bath(chain.bath);
  std::visit([&](const auto& jump) { validate_jump(jump, ring_lattice(chain.sites), 2); }, chain.jump);
}

std::vector<Coordinate> coordinates(const TggeRashba& chain) {
  std::vector<Coordinate> all = {momentum_coordinate(chain.sites),
                                 {"band", "1", "band", 2,
                                  [] {
                                    return std::vector<std::string>{"+", "-"};
                                  }},
                                 spin_coordinate()};
  if (std::holds_alternative<JumpOperators>(chain.jump))  // the results then include density matrices
    for (const char* name : {"orbital", "orbital_2"})
      all.push_back(integer_coordinate(name, "orbital: 0 is spin up, 1 spin down", 2));
  return all;
}

TggeRashba::operator TggeModel() const {
  validate(*this);
  Bands bands = bands_of(*this);
  TggeJump weights = std::visit([&](const auto& kind) { return weights_of(kind, bands); }, jump);
  return {std::move(bands), hopping, bath, std::move(weights)};
}

namespace {

/// The Hamiltonian as hopping terms: those of c+_{j+1} T c_j with T = -J - alpha_z (i sigma_y) + alpha_y (i sigma_z),
/// then those of the Zeeman field, then the Hermitian partners of the first four.
std::vector<HoppingTerm> terms_of(const TggeRashba& chain) {
  using Complex = std::complex<double>;
  std::vector<HoppingTerm> terms = {{{-1}, 0, 0, Complex(-chain.hopping, chain.rashba_y)},
                                    {{-1}, 0, 1, -chain.rashba_z},
                                    {{-1}, 1, 0, chain.rashba_z},
                                    {{-1}, 1, 1, Complex(-chain.hopping, -chain.rashba_y)},
                                    {{0}, 0, 0, chain.zeeman_field},
                                    {{0}, 1, 1, -chain.zeeman_field}};
  for (std::size_t i = 0; i < 4; ++i)
    terms.push_back({{1}, terms[i].from_orbital, terms[i].to_orbital, std::conj(terms[i].amplitude)});
  return terms;
}

/// The spin weights |u_sigma|^2 appear in both factors of the products.
/// @param[in,out] eigenvector  derivatives with respect to the eigenvectors; empty if they are not requested
void apply(DephasingJump& slope, const TggeModel& model, const Gradient<TggeModel>& gradient, const DephasingJump& jump,
           std::vector<std::vector<std::complex<double>>>& eigenvector) {
  const auto& by = std::get<ProductJump>(gradient.model.jump);
  const std::size_t modes = model.bands.modes();
  double by_rate[2];
  for (const std::size_t spin : {0, 1}) {
    const auto& u = model.bands.eigenvector[spin];
    const double rate = spin == 0 ? jump.dephasing_up : jump.down();
    const double *in = by.in.data() + spin * modes, *out = by.out.data() + spin * modes;
    by_rate[spin] = parallel_sum(modes, [&](std::size_t s) { return std::norm(u[s]) * in[s]; });
    if (eigenvector.empty()) continue;
    auto& target = eigenvector[spin];
    parallel_for(modes, [&](std::size_t s) { target[s] += 2.0 * (rate * in[s] + out[s]) * u[s]; });
  }
  slope.dephasing_down = by_rate[1];
  slope.dephasing_up = by_rate[0] - (jump.dephasing_down ? 0.0 : by_rate[1]);
}
void apply(JumpOperators& slope, const TggeModel&, const Gradient<TggeModel>& gradient, const JumpOperators&,
           std::vector<std::vector<std::complex<double>>>&) {
  slope = std::get<JumpOperators>(gradient.model.jump);
}
void apply(TableJump&, const TggeModel&, const Gradient<TggeModel>&, const TableJump&,
           std::vector<std::vector<std::complex<double>>>&) {}

}  // namespace

Gradient<TggeRashba> chain_rule(const TggeRashba& chain, const TggeModel& model, const Gradient<TggeModel>& gradient,
                                const GradientScope& scope) {
  Gradient<TggeRashba> result{gradient.value, chain, gradient.filling};
  result.model.bath = gradient.model.bath;
  Gradient<TggeModel> by_modes;  // for the quantities that depend on the Hamiltonian
  Bands& by_bands = by_modes.model.bands;
  if (scope.bands) {
    by_bands.energy = gradient.model.bands.energy;
    by_bands.velocity = gradient.model.bands.velocity;
    by_bands.eigenvector = gradient.model.bands.eigenvector;
  }
  std::visit(
      [&](auto& slope) {
        apply(slope, model, gradient, std::get<std::decay_t<decltype(slope)>>(chain.jump), by_bands.eigenvector);
      },
      result.model.jump);
  result.model.hopping = result.model.rashba_y = result.model.rashba_z = result.model.zeeman_field = 0.0;
  if (!scope.bands) return result;
  const auto by = hopping_gradient(model, by_modes, terms_of(chain));
  result.model.hopping = -by[0].real() - by[3].real();
  result.model.rashba_y = by[0].imag() - by[3].imag();
  result.model.rashba_z = by[2].real() - by[1].real();
  result.model.zeeman_field = by[4].real() - by[5].real();
  return result;
}

}  // namespace lindrift
