#include "lindrift/tgge/rashba.hpp"

#include <cmath>
#include <string>
#include <utility>

#include "engine/parallel.hpp"
#include "lindrift/error.hpp"
#include "tgge/model.hpp"

namespace lindrift {

namespace {

/// Eigenvectors in the gauge u_up >= 0, u_down = -i times a real number (docs/physics.md, section 2).
Bands bands_of(const TggeRashba& chain) {
  Bands bands{.lattice = Lattice({chain.sites}), .orbitals = 2, .names = {"+", "-"}};
  const std::vector<double> zero(bands.modes());
  bands.energy = zero;
  bands.velocity = {zero};
  bands.orbital_velocity = {{zero, zero}};
  bands.eigenvector.assign(2, std::vector<std::complex<double>>(bands.modes()));
  parallel_for(bands.lattice.size(), [&](std::size_t k) {
    const auto [cosine, sine] = bands.lattice.phase(k, {1});
    const double a = 2.0 * chain.rashba_y * sine + chain.zeeman_field, b = 2.0 * chain.rashba_z * sine;
    const double radius = std::hypot(a, b);
    // Where the bands touch, the limit of a vanishing Zeeman field: each band carries one spin.
    const double a_over = radius > 0.0 ? a / radius : 1.0, b_over = radius > 0.0 ? b / radius : 0.0;
    // The smaller spin weight from b, where 1 - |a|/R would cancel.
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
  std::visit([&](const auto& jump) { validate_jump(jump, Lattice({chain.sites}), 2); }, chain.jump);
}

std::vector<Coordinate> coordinates(const TggeRashba& chain) {
  const auto words = [](const char* name, std::vector<std::string> values) {
    return Coordinate{name, "1", name, values.size(), [values] { return values; }};
  };
  return {momentum_coordinate(chain.sites), words("band", {"+", "-"}), words("spin", {"up", "down"})};
}

TggeRashba::operator TggeModel() const {
  validate(*this);
  Bands bands = bands_of(*this);
  TggeJump weights = std::visit([&](const auto& kind) { return weights_of(kind, bands); }, jump);
  return {std::move(bands), hopping, bath, std::move(weights)};
}

}  // namespace lindrift
