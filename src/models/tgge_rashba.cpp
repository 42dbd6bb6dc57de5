#include "lindrift/models/tgge_rashba.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "lindrift/error.hpp"
#include "lindrift/lattice.hpp"
#include "models/hop_weights.hpp"
#include "models/tgge_equation.hpp"
#include "parallel.hpp"

namespace lindrift {

TggeJump any_jump(const TggeRashba& chain) {
  return std::visit([](const auto& jump) { return TggeJump(jump); }, chain.jump);
}

void validate(const TggeRashba& chain) {
  // 2 L modes, and offsets times momenta, must fit the integers.
  if (chain.sites < 1)
    throw ParameterError("model.sites", std::to_string(chain.sites) + " is not allowed: must be >= 1");
  require(std::isfinite(chain.hopping) && chain.hopping > 0.0, "model.hopping", chain.hopping, "> 0");
  require(std::isfinite(chain.zeeman_field), "model.zeeman_field", chain.zeeman_field, "finite");
  require(std::isfinite(chain.rashba_y), "model.rashba_y", chain.rashba_y, "finite");
  require(std::isfinite(chain.rashba_z), "model.rashba_z", chain.rashba_z, "finite");
  validate_baths(chain.bath, any_jump(chain), chain.sites, 2);
}

BareEquation bare_equation(const TggeRashba& chain) {
  BareEquation bare;
  RateEquation& equation = bare.equation;
  Spinors& spinors = bare.spinors;
  equation.sites = chain.sites;
  equation.bands = 2;
  const auto sites = static_cast<std::size_t>(chain.sites);
  for (auto* values : {&equation.energy, &equation.velocity, &equation.spin_velocity[0], &equation.spin_velocity[1]})
    values->resize(2 * sites);
  spinors.up.resize(2 * sites);
  spinors.down.resize(2 * sites);
  parallel_for(sites, [&](std::size_t i) {
    const std::int64_t m = first_momentum_index(chain.sites) + static_cast<std::int64_t>(i);
    const double cosine = cos_pi(2 * m, chain.sites), sine = sin_pi(2 * m, chain.sites);
    const double a = 2.0 * chain.rashba_y * sine + chain.zeeman_field, b = 2.0 * chain.rashba_z * sine;
    const double radius = std::hypot(a, b);
    // Where the bands touch, the limit of a vanishing Zeeman field: each band carries one spin.
    const double a_over = radius > 0.0 ? a / radius : 1.0, b_over = radius > 0.0 ? b / radius : 0.0;
    // The smaller spin weight from b, where 1 - |a|/R would cancel.
    const double smaller = b_over * b_over / (2.0 * (1.0 + std::fabs(a_over))),
                 larger = 0.5 * (1.0 + std::fabs(a_over));
    for (const int band : {0, 1}) {
      const double nu = band == 0 ? 1.0 : -1.0;
      const std::size_t s = static_cast<std::size_t>(band) * sites + i;
      equation.energy[s] = -2.0 * chain.hopping * cosine + nu * radius;
      equation.velocity[s] =
          2.0 * chain.hopping * sine + nu * 2.0 * cosine * (chain.rashba_y * a_over + chain.rashba_z * b_over);
      const bool mostly_up = nu * a_over >= 0.0;
      spinors.up[s] = std::sqrt(mostly_up ? larger : smaller);
      spinors.down[s] = std::copysign(std::sqrt(mostly_up ? smaller : larger), nu * b_over);
      for (const int spin : {0, 1}) {
        const double sigma = spin == 0 ? 1.0 : -1.0;
        equation.spin_velocity[static_cast<std::size_t>(spin)][s] =
            (chain.hopping * sine + sigma * chain.rashba_y * cosine) * (1.0 + sigma * nu * a_over) +
            nu * chain.rashba_z * cosine * b_over;
      }
    }
  });
  return bare;
}

RateEquation make_rate_equation(const TggeRashba& chain, const Execution& execution) {
  validate(chain);
  BareEquation bare = bare_equation(chain);
  attach_baths(bare.equation, chain.hopping, make_hop_weights(bare, any_jump(chain)), chain.bath, execution);
  return std::move(bare.equation);
}

}  // namespace lindrift
