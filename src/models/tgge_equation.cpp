#include "models/tgge_equation.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <map>
#include <memory>
#include <string>

#include "lindrift/error.hpp"
#include "models/energy_levels.hpp"
#include "models/hop_weights.hpp"
#include "models/rate_generator.hpp"

namespace lindrift {

namespace {

using Complex = std::complex<double>;

/// Sites and spins that the jump operators may touch together: beyond, the small matrices are no longer small.
constexpr std::size_t max_dimension = 256;

struct Choice {
  Algorithm algorithm;
  std::string reason;
};

Choice choose_algorithm(const RateEquation& equation, const HopWeights& weights, const TggeBath& bath,
                        Algorithm asked) {
  std::string obstacle;
  if (bath.spectrum != Spectrum::exponential && bath.effective_equilibrium_fraction() > 0.0)
    obstacle = "only the exponential spectrum separates";
  else if (weights.kind == kernels::WeightKind::table)
    obstacle = "a table of hop weights has no known rank";
  if (asked == Algorithm::separable) {
    if (!obstacle.empty())
      throw UnsupportedError("solver.algorithm = separable is impossible: " + obstacle + "; use direct or auto");
    return {asked, "as asked"};
  }
  if (asked == Algorithm::direct) return {asked, "as asked"};
  if (asked == Algorithm::fft)
    throw UnsupportedError(
        "solver.algorithm = fft is impossible: rate equations have no such form; use direct or auto");
  if (!obstacle.empty()) return {Algorithm::direct, obstacle};
  const std::size_t modes = equation.modes();
  if (weights.kind == kernels::WeightKind::operators && static_cast<std::size_t>(weights.dimension) >= modes)
    return {Algorithm::direct, "the jump operators reach as far as the chain: their weights have full rank"};
  return {Algorithm::separable, "the hop weights have rank " + std::to_string(equation.rank) +
                                    " and the exponential spectrum rank 1: a few moments replace the sum over pairs"};
}

/// Modes from which a pair sum on a device outweighs the copies that each evaluation makes. An estimate from the
/// operation counts; `backend = cuda` overrules it.
constexpr std::size_t device_modes = 4096;

/// Backend for a problem: `automatic` keeps on the CPU what a device could not speed up.
Backend choose_backend(Backend asked, Algorithm algorithm, std::size_t modes, std::string& reason) {
  const Backend possible = resolve_backend(asked, &reason);
  if (asked != Backend::automatic || possible == Backend::cpu) return possible;
  if (algorithm == Algorithm::direct && modes >= device_modes) return Backend::cuda;
  reason = algorithm == Algorithm::separable
               ? "moments are as fast on the CPU as copies to a device; cuda can be asked for"
               : std::to_string(modes) + " modes are too few to gain from a device; cuda can be asked for";
  return Backend::cpu;
}

void validate_jump(const RamanJump& jump, std::int64_t, int) {
  for (const auto& [quantity, value] : {std::pair{"bath.delta", jump.delta}, {"bath.delta_prime", jump.delta_prime}})
    require(std::isfinite(value.real()) && std::isfinite(value.imag()), quantity, std::abs(value), "finite");
}

void validate_jump(const DephasingJump& jump, std::int64_t, int) {
  require(std::isfinite(jump.dephasing_up) && jump.dephasing_up >= 0.0, "bath.dephasing_up", jump.dephasing_up, ">= 0");
  if (!jump.dephasing_down && jump.down() < 0.0)
    throw ParameterError("bath.dephasing_down", "1 - bath.dephasing_up = " + std::to_string(jump.down()) +
                                                    " is not allowed: must be >= 0; give bath.dephasing_down");
  require(std::isfinite(jump.down()) && jump.down() >= 0.0, "bath.dephasing_down", jump.down(), ">= 0");
}

void validate_jump(const OperatorJump& jump, std::int64_t sites, int bands) {
  const char* quantity = "bath.jump_operator";
  if (jump.channels.empty()) throw ParameterError(quantity, "at least one channel is needed");
  for (const auto& channel : jump.channels) {
    if (channel.empty()) throw ParameterError(quantity, "a channel has no terms");
    for (const JumpTerm& term : channel) {
      for (const int spin : {term.to_spin, term.from_spin})
        if (spin < 0 || spin >= bands)
          throw ParameterError(quantity, "spin " + std::to_string(spin) + " is not allowed: must be " +
                                             (bands == 1 ? "0 for one band" : "0 (up) or 1 (down)"));
      require(std::isfinite(term.amplitude.real()) && std::isfinite(term.amplitude.imag()), quantity,
              std::abs(term.amplitude), "finite");
    }
  }
  const std::size_t dimension = offsets_of(jump, sites).size() * (bands == 1 ? 1 : 2);
  if (dimension > max_dimension)
    throw ParameterError(quantity, "the operators touch " + std::to_string(dimension) + " sites and spins; at most " +
                                       std::to_string(max_dimension) +
                                       " are allowed: give the hop weights as a table instead");
}

void validate_jump(const TableJump& jump, std::int64_t sites, int bands) {
  const auto modes = static_cast<std::size_t>(sites) * static_cast<std::size_t>(bands);
  if (jump.weights().size() != modes * modes)
    throw ParameterError("bath.table", "it holds " + std::to_string(jump.weights().size()) + " weights; it must be " +
                                           std::to_string(modes) + " x " + std::to_string(modes));
}

}  // namespace

TableJump::TableJump(std::vector<double> weights) {
  const auto bad =
      std::find_if(weights.begin(), weights.end(), [](double w) { return !(std::isfinite(w) && w >= 0.0); });
  if (bad != weights.end()) {
    const auto at = static_cast<std::size_t>(bad - weights.begin());
    const auto modes = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(weights.size()))));
    throw ParameterError("bath.table", "weight (" + std::to_string(at / modes) + ", " + std::to_string(at % modes) +
                                           ") = " + std::to_string(*bad) + " is not allowed: must be finite and >= 0");
  }
  weights_ = std::make_shared<const std::vector<double>>(std::move(weights));
}

void require(bool condition, const char* quantity, double value, const char* allowed) {
  if (!condition) throw ParameterError(quantity, std::to_string(value) + " is not allowed: must be " + allowed);
}

void validate_baths(const TggeBath& bath, const TggeJump& jump, std::int64_t sites, int bands) {
  require(std::isfinite(bath.coupling) && bath.coupling >= 0.0, "bath.coupling", bath.coupling, ">= 0");
  require(std::isfinite(bath.inverse_temperature) && bath.inverse_temperature >= 0.0, "bath.inverse_temperature",
          bath.inverse_temperature, ">= 0");
  require(bath.nonequilibrium_fraction >= 0.0 && bath.nonequilibrium_fraction <= 1.0, "bath.nonequilibrium_fraction",
          bath.nonequilibrium_fraction, "in [0, 1]");
  require(std::isfinite(bath.effective_equilibrium_fraction()) && bath.effective_equilibrium_fraction() >= 0.0,
          "bath.equilibrium_fraction", bath.effective_equilibrium_fraction(), ">= 0");
  if (bath.effective_equilibrium_fraction() == 0.0 && bath.nonequilibrium_fraction == 0.0)
    throw ParameterError("bath.equilibrium_fraction",
                         "0 is not allowed with bath.nonequilibrium_fraction = 0: no bath would be left");
  require(std::isfinite(bath.spectrum_width) && bath.spectrum_width > 0.0, "bath.spectrum_width", bath.spectrum_width,
          "> 0");
  if (bath.spectrum == Spectrum::ohmic)
    require(bath.inverse_temperature > 0.0, "bath.inverse_temperature", bath.inverse_temperature,
            "> 0 for an ohmic spectrum");
  std::visit([&](const auto& kind) { validate_jump(kind, sites, bands); }, jump);
}

void attach_baths(RateEquation& equation, double hopping, const std::shared_ptr<const HopWeights>& weights,
                  const TggeBath& bath, const Execution& execution, kernels::ExternalPairSum* products) {
  equation.rate_scale = bath.coupling * hopping;
  equation.inverse_temperature = bath.inverse_temperature;
  equation.thermal = bath.effective_equilibrium_fraction() > 0.0;
  equation.rank = weights->numerical_rank;
  const Choice choice = choose_algorithm(equation, *weights, bath, execution.algorithm);
  equation.algorithm = choice.algorithm;
  equation.reason = choice.reason;
  equation.backend = choose_backend(execution.backend, choice.algorithm, equation.modes(), equation.backend_reason);
  equation.hop_weight = [weights](std::size_t to, std::size_t from) { return (*weights)(to, from); };

  kernels::RateTables tables;
  tables.modes = static_cast<std::int64_t>(equation.modes());
  tables.over_sites = 1.0 / static_cast<double>(equation.sites);
  tables.scale = equation.rate_scale;
  tables.inverse_temperature = bath.inverse_temperature;
  tables.equilibrium_fraction = bath.effective_equilibrium_fraction();
  tables.nonequilibrium_fraction = bath.nonequilibrium_fraction;
  tables.energy = equation.energy.data();
  // Without a thermal bath its spectrum does not matter, and moments need the exponential one.
  if (equation.thermal) tables.spectrum = kernel_spectrum(bath.spectrum);
  tables.spectrum_width = bath.spectrum_width;
  weights->point(tables);
  tables.products = products;
  EnergyLevels levels;
  if (products == nullptr && tables.spectrum != kernels::SpectrumKind::exponential) {
    levels = energy_levels(equation.energy);
    levels.point(tables);
  }
  Execution resolved = execution;
  // With products the kernel itself runs on the CPU, wherever the matrices are multiplied.
  resolved.backend = products != nullptr ? Backend::cpu : equation.backend;
  resolved.algorithm = equation.algorithm;
  equation.generator = make_rate_generator(tables, resolved);
}

kernels::SpectrumKind kernel_spectrum(Spectrum spectrum) {
  switch (spectrum) {
    case Spectrum::lorentzian:
      return kernels::SpectrumKind::lorentzian;
    case Spectrum::ohmic:
      return kernels::SpectrumKind::ohmic;
    case Spectrum::exponential:
      break;
  }
  return kernels::SpectrumKind::exponential;
}

}  // namespace lindrift
