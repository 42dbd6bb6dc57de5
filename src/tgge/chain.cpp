#include "lindrift/tgge/chain.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "engine/parallel.hpp"
#include "lindrift/error.hpp"
#include "lindrift/tgge/gradient.hpp"
#include "tgge/hop_weights.hpp"
#include "tgge/model.hpp"

namespace lindrift {

// This chain and that of rashba.cpp are lattices, too (preset chain; hopping terms, or one row of preset
// rashba_zeeman); tests hold both forms together to 1e-13. They keep formulas of their own because their hop weights
// are one or two products of a function of s and one of s', where a lattice has squared moduli of operators: steady
// states then follow from a few moments, without Krylov vectors. Measured on one thread at L = 16, 100, 1000, 10^5, the
// lattice takes 11, 9, 13, 20 times as long for this chain and 12, 9, 18, 22 times for two bands, the model included;
// solvers alone, 27 to 86 times. Both agree to rounding, also at beta J = 300, unless spins are nearly decoupled; see
// there.

namespace {

Bands bands_of(const TggeChain& chain) {
  Bands bands{.lattice = ring_lattice(chain.sites)};
  bands.energy.resize(bands.modes());
  bands.velocity.assign(1, std::vector<double>(bands.modes()));
  parallel_for(bands.modes(), [&](std::size_t k) {
    const auto [cosine, sine] = bands.lattice.phase(k, {1});
    bands.energy[k] = -2.0 * chain.hopping * cosine;
    bands.velocity[0][k] = 2.0 * chain.hopping * sine;
  });
  return bands;
}

/// |1 + z e^{-ik}|^2 as a sum of squares: never negative, and exactly zero where it vanishes.
double squared_modulus(std::complex<double> z, double cosine, double sine) {
  const double real = 1.0 + z.real() * cosine + z.imag() * sine;
  const double imaginary = z.imag() * cosine - z.real() * sine;
  return real * real + imaginary * imaginary;
}

void clear_rounded_zeros(std::vector<double>& weight) {
  const double threshold = rounding_of_zero * *std::max_element(weight.begin(), weight.end());
  for (double& w : weight)
    if (w < threshold) w = 0.0;
}

TggeJump weights_of(const RamanJump& jump, const Lattice& lattice) {
  ProductJump weights{1, std::vector<double>(lattice.size()), std::vector<double>(lattice.size())};
  parallel_for(lattice.size(), [&](std::size_t k) {
    const auto [cosine, sine] = lattice.phase(k, {1});
    weights.in[k] = squared_modulus(jump.delta, cosine, sine);           // |1 + delta e^{-iq}|^2
    weights.out[k] = squared_modulus(-jump.delta_prime, cosine, -sine);  // |1 - delta' e^{ik}|^2
  });
  clear_rounded_zeros(weights.in);
  clear_rounded_zeros(weights.out);
  return weights;
}
TggeJump weights_of(const JumpOperators& jump, const Lattice&) { return jump; }
TggeJump weights_of(const TableJump& jump, const Lattice&) { return jump; }

}  // namespace

void validate(const TggeChain& chain) {
  validate_fields(chain);
  validate_bath(chain.bath);
  std::visit([&](const auto& jump) { validate_jump(jump, ring_lattice(chain.sites), 1); }, chain.jump);
}

std::vector<Coordinate> coordinates(const TggeChain& chain) { return {momentum_coordinate(chain.sites)}; }

TggeChain::operator TggeModel() const {
  validate(*this);
  Bands bands = bands_of(*this);
  TggeJump weights = std::visit([&](const auto& kind) { return weights_of(kind, bands.lattice); }, jump);
  return {std::move(bands), hopping, bath, std::move(weights)};
}

namespace {

/// cos k and sin k of a mode, from its energy -2J cos k and its velocity 2J sin k.
struct Phases {
  const Bands& bands;
  double over;
  Phases(const TggeChain& chain, const Bands& of) : bands(of), over(0.5 / chain.hopping) {}
  Phase operator()(std::size_t k) const { return {-over * bands.energy[k], over * bands.velocity[0][k]}; }
};

/// The weights are |1 + delta e^{-iq}|^2 and |1 - delta' e^{ik}|^2, and d/dRe z + i d/dIm z of |1 + z e^{-ik}|^2 is
/// 2 (z + e^{ik}).
void apply(RamanJump& slope, const TggeJump& by, const Phases& phase, const RamanJump& jump) {
  const auto& weights = std::get<ProductJump>(by);
  const auto sums = parallel_sums<6>(phase.bands.modes(), [&](std::size_t k) {
    const auto [cosine, sine] = phase(k);
    const double in = weights.in[k], out = weights.out[k];
    return std::array<double, 6>{in, in * cosine, in * sine, out, out * cosine, out * sine};
  });
  slope.delta = 2.0 * (jump.delta * sums[0] + std::complex<double>(sums[1], sums[2]));
  slope.delta_prime = 2.0 * (jump.delta_prime * sums[3] - std::complex<double>(sums[4], -sums[5]));
}
void apply(JumpOperators& slope, const TggeJump& by, const Phases&, const JumpOperators&) {
  slope = std::get<JumpOperators>(by);
}
void apply(TableJump&, const TggeJump&, const Phases&, const TableJump&) {}

}  // namespace

Gradient<TggeChain> chain_rule(const TggeChain& chain, const TggeModel& model, const Gradient<TggeModel>& gradient,
                               const GradientScope& scope) {
  Gradient<TggeChain> result{gradient.value, chain, gradient.filling};
  result.model.bath = gradient.model.bath;
  // Energies and velocities are proportional to the hopping. As the unit of all rates it drops out.
  const Phases phase(chain, model.bands);
  const Bands& by = gradient.model.bands;
  result.model.hopping = 0.0;
  if (scope.bands)
    result.model.hopping = parallel_sum(model.bands.modes(), [&](std::size_t k) {
      const auto [cosine, sine] = phase(k);
      return 2.0 * (by.velocity[0][k] * sine - by.energy[k] * cosine);
    });
  std::visit(
      [&](auto& slope) {
        apply(slope, gradient.model.jump, phase, std::get<std::decay_t<decltype(slope)>>(chain.jump));
      },
      result.model.jump);
  return result;
}

}  // namespace lindrift
