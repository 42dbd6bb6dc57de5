#include "hubbard/validate.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/short_text.hpp"
#include "hubbard/modes.hpp"
#include "lindrift/error.hpp"

namespace lindrift {

namespace {

/// The probe is a single particle: no bath may add another of spin up.
void refuse_gain_of_probe(const OpenBath& up) {
  const std::string reason =
      "a gain of spin up is outside the theory, which follows one probe particle on an empty sector; task.kind = "
      "steady_state takes it, and task.frequencies of that the spectrum";
  for (const double gain : {up.gain, up.two_site_gain})
    if (gain != 0.0)
      throw ParameterError(gain == up.gain ? "bath.up.gain" : "bath.up.two_site_gain",
                           std::to_string(gain) + " is not allowed: " + reason);
  if (std::any_of(up.gain_table.begin(), up.gain_table.end(), [](double gain) { return gain != 0.0; }))
    throw ParameterError("bath.up.gain_table", reason);
  for (std::size_t i = 0; i < up.operators.size(); ++i)
    if (up.operators[i].kind == BathOperatorKind::gain)
      throw ParameterError("bath.up.operator[" + std::to_string(i) + "].kind", reason);
}

/// Requires that products of squares of rates and energies stay in the range of double precision.
void require_moderate_rates(const HubbardChain& chain, const Lattice& lattice, const BathRates& down) {
  const double unit = energy_unit_of(chain);
  for (std::size_t k = 0; k < lattice.size(); ++k) {
    const double rate = down.gain[k] + down.loss[k], ratio = rate / unit;
    if (!(ratio < largest_ratio && ratio > 1.0 / largest_ratio))
      throw ParameterError("bath.down", "the total rate " + std::to_string(rate) + " at " + momentum_text(lattice, k) +
                                            " and the hopping are more than a factor of 1e30 apart");
  }
  for (const double loss : bath_rates(chain.up, lattice, "bath.up").loss)
    if (!(loss < largest_ratio * unit))
      throw ParameterError(
          "bath.up", "the loss " + std::to_string(loss) + " and the hopping are more than a factor of 1e30 apart");
  for (const double v : chain.interaction)
    if (!(std::fabs(v) < largest_ratio * unit))
      throw ParameterError("model.interaction",
                           std::to_string(v) + " is not allowed: must be within 1e30 times the hopping");
}

}  // namespace

void validate_interaction(const HubbardChain& chain) {
  const Lattice lattice = chain.lattice();
  const std::size_t given = chain.interaction.size();
  if (given == 0) throw ParameterError("model.interaction", "an empty list: at least V_0 = U is needed");
  if (lattice.dimensions() > 1 && given > 1)
    throw ParameterError("model.interaction", std::to_string(given) +
                                                  " values V_r were given: on a lattice of several directions the "
                                                  "interaction is on site, a number U");
  if (given > lattice.size())
    throw ParameterError("model.interaction", std::to_string(given) + " values V_r were given, and a ring of " +
                                                  counted(lattice.size(), "site") +
                                                  " has only as many distances r = 0 .. " +
                                                  std::to_string(lattice.size() - 1));
}

void require_several_cells(const HubbardChain& chain) {
  if (chain.size() < 2) throw ParameterError("model.cells", "one cell alone: there must be at least 2");
}

void require_on_site(const HubbardChain& chain, const std::string& reason) {
  for (std::size_t r = 1; r < chain.interaction.size(); ++r)
    if (chain.interaction[r] != 0.0)
      throw ParameterError(
          "model.interaction",
          "V_" + std::to_string(r) + " = " + std::to_string(chain.interaction[r]) + " is not allowed: " + reason);
}

std::string momentum_text(const Lattice& lattice, std::size_t number) {
  const LatticeVector m = lattice.momentum(number);
  std::string k, integers;
  for (int i = 0; i < lattice.dimensions(); ++i) {
    const std::int64_t integer = m[static_cast<std::size_t>(i)];
    k += (i > 0 ? ", " : "") +
         std::to_string(2.0 * std::numbers::pi * static_cast<double>(integer) / static_cast<double>(lattice.cells(i)));
    integers += (i > 0 ? ", " : "") + std::to_string(integer);
  }
  return "k = " + k + " (m = " + integers + ")";
}

void require_rates(const BathRates& rates, const Lattice& lattice, const std::string& bath) {
  for (std::size_t k = 0; k < lattice.size(); ++k)
    if (!(rates.gain[k] + rates.loss[k] > 0.0))
      throw ParameterError(bath, "gain and loss both vanish at " + momentum_text(lattice, k) +
                                     ": the steady occupation there is not defined; every momentum needs one");
}

void validate(const HubbardChain& chain) {
  validate_fields(chain);
  validate_lattice(chain);
  const Lattice lattice = chain.lattice();
  validate_interaction(chain);
  if (chain.approximation == Approximation::ladder)
    require_on_site(chain,
                    "the ladder of model.approximation is known for an interaction on site only; use second_order");
  else
    require_several_cells(chain);  // of a single cell only the ladder is exact
  refuse_gain_of_probe(chain.up);
  validate(chain.up, lattice, "bath.up");
  const BathRates down = bath_rates(chain.down, lattice, "bath.down");
  require_rates(down, lattice, "bath.down");
  require_moderate_rates(chain, lattice, down);
}

}  // namespace lindrift
