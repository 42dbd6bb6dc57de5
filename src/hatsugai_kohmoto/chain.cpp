#include "lindrift/hatsugai_kohmoto/chain.hpp"

#include <cmath>
#include <string>

#include "lindrift/error.hpp"
#include "lindrift/lattice/lattice.hpp"

namespace lindrift {

void validate(const HatsugaiKohmoto& model) {
  validate_fields(model);
  if (model.sites % model.cluster != 0)
    throw ParameterError(
        "model.cluster",
        std::to_string(model.cluster) + " is not allowed: it must divide model.sites, " + std::to_string(model.sites));
  validate(model.up, model.sites, "bath.up");
  validate(model.down, model.sites, "bath.down");
}

HatsugaiKohmotoModes modes_of(const HatsugaiKohmoto& model) {
  validate(model);
  HatsugaiKohmotoModes modes;
  modes.up = bath_rates(model.up, model.sites, "bath.up");
  modes.down = bath_rates(model.down, model.sites, "bath.down");
  modes.interaction = model.interaction;
  modes.energy.resize(static_cast<std::size_t>(model.sites));
  const std::int64_t first = first_momentum_index(model.sites);
  for (std::int64_t i = 0; i < model.sites; ++i)
    modes.energy[static_cast<std::size_t>(i)] = -2.0 * model.hopping * cos_pi(2 * (first + i), model.sites);
  return modes;
}

std::vector<double> steady_occupation(const BathRates& rates, std::span<const double> conserved) {
  const std::size_t sites = rates.gain.size();
  if (!conserved.empty() && conserved.size() != sites)
    throw ShapeError("conserved occupations: " + std::to_string(conserved.size()) + " were given for " +
                     std::to_string(sites) + " momenta");
  std::vector<double> occupation(sites);
  for (std::size_t i = 0; i < sites; ++i) {
    const double rate = rates.gain[i] + rates.loss[i];
    if (rate > 0.0) {
      occupation[i] = rates.gain[i] / rate;
    } else if (!conserved.empty()) {
      if (!(conserved[i] >= 0.0 && conserved[i] <= 1.0))
        throw ParameterError("initial.down_occupation[" + std::to_string(i) + "]",
                             std::to_string(conserved[i]) + " is not allowed: must be in [0, 1]");
      occupation[i] = conserved[i];
    }
  }
  return occupation;
}

}  // namespace lindrift
