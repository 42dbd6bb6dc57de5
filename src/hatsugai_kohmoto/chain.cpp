#include "lindrift/hatsugai_kohmoto/chain.hpp"

#include <cmath>
#include <string>

#include "engine/short_text.hpp"
#include "lindrift/error.hpp"

namespace lindrift {

void validate(const HatsugaiKohmoto& model) {
  validate_fields(model);
  validate_lattice(model);
  const Lattice lattice = model.lattice();
  validate(model.up, lattice, "bath.up");
  validate(model.down, lattice, "bath.down");
  if (model.cluster != 1) require_ring(model, "model.cluster > 1");
  if (model.sites % model.cluster != 0)
    throw ParameterError(
        "model.cluster",
        std::to_string(model.cluster) + " is not allowed: it must divide model.sites, " + std::to_string(model.sites));
}

HatsugaiKohmotoModes modes_of(const HatsugaiKohmoto& model) {
  validate(model);
  HatsugaiKohmotoModes modes;
  modes.lattice = model.lattice();
  modes.up = bath_rates(model.up, modes.lattice, "bath.up");
  modes.down = bath_rates(model.down, modes.lattice, "bath.down");
  modes.interaction = model.interaction;
  modes.energy = hopping_energies(model.terms(Spin::up), modes.lattice);
  return modes;
}

std::vector<double> steady_occupation(const BathRates& rates, std::span<const double> conserved) {
  const std::size_t sites = rates.gain.size();
  if (!conserved.empty() && conserved.size() != sites)
    throw ShapeError("conserved occupations: " + counted(conserved.size(), "was given", "were given") + " for " +
                     counted(sites, "momentum", "momenta"));
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
