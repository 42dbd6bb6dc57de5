#include "lindrift/models/tgge_chain.hpp"

#include <cmath>
#include <string>
#include <utility>

#include "lindrift/error.hpp"
#include "lindrift/lattice.hpp"
#include "models/hop_weights.hpp"
#include "models/tgge_equation.hpp"
#include "parallel.hpp"

namespace lindrift {

TggeJump any_jump(const TggeChain& chain) {
  return std::visit([](const auto& jump) { return TggeJump(jump); }, chain.jump);
}

void validate(const TggeChain& chain) {
  if (chain.sites < 1)
    throw ParameterError("model.sites", std::to_string(chain.sites) + " is not allowed: must be >= 1");
  require(std::isfinite(chain.hopping) && chain.hopping > 0.0, "model.hopping", chain.hopping, "> 0");
  validate_baths(chain.bath, any_jump(chain), chain.sites, 1);
}

BareEquation bare_equation(const TggeChain& chain) {
  BareEquation bare;
  RateEquation& equation = bare.equation;
  equation.sites = chain.sites;
  equation.bands = 1;
  const auto modes = static_cast<std::size_t>(chain.sites);
  equation.energy.resize(modes);
  equation.velocity.resize(modes);
  parallel_for(modes, [&](std::size_t s) {
    const std::int64_t m = first_momentum_index(chain.sites) + static_cast<std::int64_t>(s);
    equation.energy[s] = -2.0 * chain.hopping * cos_pi(2 * m, chain.sites);
    equation.velocity[s] = 2.0 * chain.hopping * sin_pi(2 * m, chain.sites);
  });
  return bare;
}

RateEquation make_rate_equation(const TggeChain& chain, const Execution& execution) {
  validate(chain);
  BareEquation bare = bare_equation(chain);
  attach_baths(bare.equation, chain.hopping, make_hop_weights(bare, any_jump(chain)), chain.bath, execution);
  return std::move(bare.equation);
}

}  // namespace lindrift
