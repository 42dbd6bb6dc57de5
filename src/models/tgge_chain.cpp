#include "lindrift/models/tgge_chain.hpp"

#include <cmath>
#include <string>

#include "lindrift/error.hpp"
#include "lindrift/lattice.hpp"
#include "models/tgge_equation.hpp"

namespace lindrift {

namespace {

TggeJump any_jump(const TggeChain& chain) {
  return std::visit([](const auto& jump) { return TggeJump(jump); }, chain.jump);
}

}  // namespace

void validate(const TggeChain& chain) {
  if (chain.sites < 1)
    throw ParameterError("model.sites", std::to_string(chain.sites) + " is not allowed: must be >= 1");
  require(std::isfinite(chain.hopping) && chain.hopping > 0.0, "model.hopping", chain.hopping, "> 0");
  validate_baths(chain.bath, any_jump(chain), chain.sites, 1, 4.0 * chain.hopping);
}

RateEquation make_rate_equation(const TggeChain& chain, const Execution& execution) {
  validate(chain);
  RateEquation equation;
  equation.sites = chain.sites;
  equation.bands = 1;
  const auto modes = static_cast<std::size_t>(chain.sites);
  equation.energy.resize(modes);
  equation.velocity.resize(modes);
  for (std::size_t s = 0; s < modes; ++s) {
    const std::int64_t m = first_momentum_index(chain.sites) + static_cast<std::int64_t>(s);
    equation.energy[s] = -2.0 * chain.hopping * cos_pi(2 * m, chain.sites);
    equation.velocity[s] = 2.0 * chain.hopping * sin_pi(2 * m, chain.sites);
  }
  attach_baths(equation, chain.hopping, {}, chain.bath, any_jump(chain), execution);
  return equation;
}

}  // namespace lindrift
