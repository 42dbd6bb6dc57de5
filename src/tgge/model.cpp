#include "tgge/model.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>

#include "engine/device_memory.hpp"
#include "engine/device_thresholds.hpp"
#include "engine/machine_memory.hpp"
#include "engine/parallel.hpp"
#include "engine/short_text.hpp"
#include "engine/threads.hpp"
#include "lindrift/communicator.hpp"
#include "lindrift/error.hpp"
#include "lindrift/tgge/matrix_rate_equation.hpp"
#include "tgge/energy_levels.hpp"
#include "tgge/energy_panels.hpp"
#include "tgge/hop_weights.hpp"

namespace lindrift {

namespace {

using Complex = std::complex<double>;

/// Largest number of orbitals (at different displacements) in the jump operators: the order of dense matrices.
constexpr std::size_t max_dimension = 256;

struct Choice {
  Algorithm algorithm;
  std::string reason;
};

/// @param levels  number of distinct energies
/// @param panels  0 where no panels are needed
Choice choose_algorithm(const RateEquation& equation, const HopWeights& weights, const TggeBath& bath,
                        std::size_t levels, double panels, Algorithm asked) {
  std::string obstacle;
  if (weights.kind == kernels::WeightKind::table)
    obstacle = "a table of hop weights has no known rank";
  else if (panels > max_panels)
    obstacle = "the thermal spectrum is so narrow that its sums would take " + std::to_string(std::llround(panels)) +
               " panels of energies";
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
  const std::string rank = "the hop weights have rank " + std::to_string(equation.rank) + " and the ";
  if (panels == 0.0)
    return {Algorithm::separable, rank + "exponential spectrum rank 1: a few moments replace the sum over pairs"};
  if (!panels_pay(levels, panels, bath.spectrum))
    return {Algorithm::direct, "sums over the pairs of " + std::to_string(levels) + " energies are faster than over " +
                                   std::to_string(std::llround(panels)) + " panels of energies"};
  return {Algorithm::separable, rank + "thermal spectrum is smooth in " + std::to_string(std::llround(panels)) +
                                    " panels of energies: their moments replace the sum over pairs"};
}

}  // namespace

Backend rate_backend(Backend asked, Algorithm algorithm, std::size_t modes, std::string* reason) {
  return choose_backend(
      asked, algorithm == Algorithm::direct && static_cast<double>(modes) >= device_thresholds().pair_modes,
      algorithm == Algorithm::separable ? "moments are as fast on the CPU as copies to a device"
                                        : counted(modes, "mode is", "modes are") + " too few to gain from a device",
      reason);
}

Backend matrix_backend(Backend asked, std::string* reason) {
  if (is_device(asked))
    throw UnsupportedError(
        "backend = cuda is impossible: occupations that are matrices, of degenerate bands or with "
        "bath.thermal_operator, run on the CPU only; use cpu or auto");
  if (reason != nullptr) *reason = asked == Backend::cpu ? "as asked" : "matrix-valued occupations are for the CPU";
  return Backend::cpu;
}

namespace {

/// Weights are multiplied by occupations, spectra and each other, and summed over all modes.
constexpr double largest_weight = 1e150;

/// @param bound  upper bound on the hop weights that follow from the key's value
void require_representable(const char* quantity, double bound) {
  if (!(bound <= largest_weight))
    throw ParameterError(quantity, "its hop weights may reach " + short_text(bound) +
                                       ", and their sums overflow above " + short_text(largest_weight) +
                                       ": take the scale into bath.coupling");
}

}  // namespace

void validate_jump(const RamanJump& jump, const Lattice&, int) {
  const double out = 1.0 + std::abs(jump.delta_prime), in = 1.0 + std::abs(jump.delta);
  require_representable(in >= out ? "bath.delta" : "bath.delta_prime", in * in * out * out);
}

double panels_of(const std::vector<double>& energy, const TggeBath& bath) {
  const auto spectrum = PanelSpectrum::of(bath);
  if (!spectrum || !(bath.effective_equilibrium_fraction() > 0.0)) return 0.0;
  const auto [lowest, highest] = std::minmax_element(energy.begin(), energy.end());
  return EnergyPanels::count(*spectrum, *lowest, *highest);
}

bool panels_pay(std::size_t levels, double panels, Spectrum spectrum) {
  // A pair takes 0.1 ns for the lorentzian spectrum and 1.2 ns for the ohmic one; a panel takes 0.36 and 0.8
  // microseconds.
  const double pairs_per_panel = spectrum == Spectrum::ohmic ? 670.0 : 3600.0;
  return panels <= max_panels && static_cast<double>(levels) * static_cast<double>(levels) >= pairs_per_panel * panels;
}

void validate_jump(const DephasingJump& jump, const Lattice&, int) {
  require_representable("bath.dephasing_up", jump.dephasing_up);
  require_representable("bath.dephasing_down", jump.down());
  if (!jump.dephasing_down && jump.down() < 0.0)
    throw ParameterError("bath.dephasing_down", "1 - bath.dephasing_up = " + std::to_string(jump.down()) +
                                                    " is not allowed: must be >= 0; give bath.dephasing_down");
}

void validate_jump(const ProductJump& jump, const Lattice& lattice, int orbitals) {
  const std::size_t modes = lattice.size() * static_cast<std::size_t>(orbitals);
  if (jump.rank < 1 || jump.rank > 2)
    throw ParameterError("rank", std::to_string(jump.rank) + " is not allowed: must be 1 or 2");
  for (const auto* weights : {&jump.in, &jump.out})
    if (weights->size() != static_cast<std::size_t>(jump.rank) * modes)
      throw ShapeError("ProductJump: " + std::to_string(weights->size()) + " weights were given for " +
                       std::to_string(jump.rank) + " x " + std::to_string(modes));
}

namespace {

void validate_operators(const char* quantity, const JumpOperators& jump, const Lattice& lattice, int orbitals) {
  if (jump.channels.empty()) throw ParameterError(quantity, "at least one channel is needed");
  for (std::size_t c = 0; c < jump.channels.size(); ++c) {
    const auto& channel = jump.channels[c];
    if (channel.empty()) throw ParameterError(quantity, "a channel has no terms");
    for (std::size_t i = 0; i < channel.size(); ++i) {
      const JumpTerm& term = channel[i];
      const auto refuse = [&](const std::string& problem) {
        throw ParameterError(std::string(quantity) + "[" + std::to_string(c) + "]",
                             "terms[" + std::to_string(i) + "]: " + problem);
      };
      for (auto d = static_cast<std::size_t>(lattice.dimensions()); d < term.to.size(); ++d)
        if (term.to[d] != 0 || term.from[d] != 0)
          refuse("a displacement leaves the " + std::to_string(lattice.dimensions()) + " directions of the lattice");
      for (const int orbital : {term.to_orbital, term.from_orbital})
        if (orbital < 0 || orbital >= orbitals)
          refuse("orbital " + std::to_string(orbital) + " is not allowed: must be in 0 .. " +
                 std::to_string(orbitals - 1));
      check_finite(quantity, term.amplitude);
    }
  }
  double bound = 0.0, largest = 0.0;
  for (const auto& channel : jump.channels) {
    double amplitude = 0.0;
    for (const JumpTerm& term : channel) amplitude += std::abs(term.amplitude);
    bound += amplitude * amplitude;
    largest = std::max(largest, amplitude);
  }
  require_representable(quantity, bound);
  if (largest > 0.0 && bound < 1.0 / largest_weight)
    throw ParameterError(quantity, "its hop weights are at most " + short_text(bound) + ", and below " +
                                       short_text(1.0 / largest_weight) +
                                       " they vanish in sums: take the scale into bath.coupling");
  const std::size_t dimension = displacements_of(jump, lattice).size() * static_cast<std::size_t>(orbitals);
  if (dimension > max_dimension)
    throw ParameterError(quantity, "the operators touch " + std::to_string(dimension) + " orbitals; at most " +
                                       std::to_string(max_dimension) +
                                       " are allowed: give the hop weights as a table instead");
}

using TermPlace = std::tuple<LatticeVector, int, LatticeVector, int>;

/// The terms of a channel with equal ones added up, shifted so that displacements start at 0: all cells are equivalent.
std::map<TermPlace, std::complex<double>> collected(const std::vector<JumpTerm>& terms, const Lattice& lattice,
                                                    bool adjoint) {
  std::map<TermPlace, std::complex<double>> sum;
  for (const JumpTerm& term : terms) {
    if (adjoint)
      sum[{term.from, term.from_orbital, term.to, term.to_orbital}] += std::conj(term.amplitude);
    else
      sum[{term.to, term.to_orbital, term.from, term.from_orbital}] += term.amplitude;
  }
  std::erase_if(sum, [](const auto& term) { return term.second == 0.0; });
  std::map<TermPlace, std::complex<double>> moved;
  LatticeVector least{};
  for (std::size_t i = 0; i < least.size() && !sum.empty(); ++i) {
    least[i] = std::get<0>(sum.begin()->first)[i];
    for (const auto& [place, amplitude] : sum)
      least[i] = std::min({least[i], std::get<0>(place)[i], std::get<2>(place)[i]});
  }
  for (const auto& [place, amplitude] : sum) {
    auto [to, a, from, b] = place;
    for (std::size_t i = 0; i < least.size(); ++i) {
      to[i] -= least[i];
      from[i] -= least[i];
    }
    moved[{lattice.wrapped(to), a, lattice.wrapped(from), b}] += amplitude;
  }
  return moved;
}

/// Whether the set contains the adjoint of every operator, up to a phase.
bool is_closed(const JumpOperators& operators, const Lattice& lattice) {
  const auto alike = [](const auto& one, const auto& other) {
    if (one.size() != other.size() || one.empty()) return one.size() == other.size();
    std::complex<double> overlap = 0.0;
    double size = 0.0, other_size = 0.0;
    for (const auto& [place, amplitude] : one) {
      const auto found = other.find(place);
      if (found == other.end()) return false;
      overlap += std::conj(amplitude) * found->second;
      size += std::norm(amplitude);
      other_size += std::norm(found->second);
    }
    constexpr double rounding = 1e-12;
    return std::fabs(size - other_size) <= rounding * size && std::abs(overlap) >= (1.0 - rounding) * size;
  };
  for (const auto& channel : operators.channels) {
    const auto adjoint = collected(channel, lattice, true);
    if (std::none_of(operators.channels.begin(), operators.channels.end(),
                     [&](const auto& other) { return alike(adjoint, collected(other, lattice, false)); }))
      return false;
  }
  return true;
}

}  // namespace

void validate_jump(const JumpOperators& jump, const Lattice& lattice, int orbitals) {
  validate_operators("bath.jump_operator", jump, lattice, orbitals);
}

void validate_jump(const TableJump& jump, const Lattice& lattice, int orbitals) {
  const std::size_t modes = lattice.size() * static_cast<std::size_t>(orbitals);
  if (jump.weights().size() != modes * modes)
    throw ParameterError("bath.table", "it holds " + std::to_string(jump.weights().size()) + " weights; it must be " +
                                           std::to_string(modes) + " x " + std::to_string(modes));
  for (const double weight : jump.weights()) require_representable("bath.table", weight);
}

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

void validate_bath(const TggeBath& bath) {
  validate_fields(bath);
  if (bath.effective_equilibrium_fraction() == 0.0 && bath.nonequilibrium_fraction == 0.0)
    throw ParameterError("bath.equilibrium_fraction",
                         "0 is not allowed with bath.nonequilibrium_fraction = 0: no bath would be left");
  if (bath.spectrum == Spectrum::ohmic && bath.inverse_temperature == 0.0)
    throw ParameterError("bath.inverse_temperature", "0 is not allowed: must be > 0 for an ohmic spectrum");
}

void validate_thermal_operators(const JumpOperators& operators, const Lattice& lattice, int orbitals) {
  validate_operators("bath.thermal_operator", operators, lattice, orbitals);
  if (!is_closed(operators, lattice))
    throw ParameterError("bath.thermal_operator",
                         "the adjoint of every operator must be among them, or there is no detailed balance");
}

void validate(const TggeModel& model) {
  const Bands& bands = model.bands;
  const std::size_t modes = bands.modes(),
                    orbitals = bands.orbitals == 1 ? 0 : static_cast<std::size_t>(bands.orbitals),
                    directions = static_cast<std::size_t>(bands.lattice.dimensions());
  const auto check = [&](const char* what, std::size_t vectors, const auto& shape) {
    bool right = shape.size() == vectors;
    for (const auto& vector : shape) right = right && vector.size() == modes;
    if (!right)
      throw ShapeError("Bands::" + std::string(what) + " must hold " + std::to_string(vectors) + " vectors of length " +
                       std::to_string(modes));
  };
  check("energy", 1, std::array{std::span(bands.energy)});
  check("velocity", directions, bands.velocity);
  check("eigenvector", orbitals, bands.eigenvector);
  for (const auto& shares : bands.orbital_velocity) check("orbital_velocity[direction]", orbitals, shares);
  // Where there is a Hamiltonian, the shares of the orbitals are computed when they are needed.
  const bool given = !bands.orbital_velocity.empty() || !bands.hamiltonian_derivative;
  if (orbitals > 0 && given && bands.orbital_velocity.size() != directions)
    throw ShapeError("Bands::orbital_velocity must hold one entry for each of " + std::to_string(directions) +
                     " directions");
  if (!(std::isfinite(model.rate_unit) && model.rate_unit > 0.0))
    throw ParameterError("rate_unit", std::to_string(model.rate_unit) + " is not allowed: must be finite and > 0");
  validate_bath(model.bath);
  std::visit([&](const auto& jump) { validate_jump(jump, bands.lattice, bands.orbitals); }, model.jump);
  if (model.thermal_operators.channels.empty()) return;
  if (!std::holds_alternative<JumpOperators>(model.jump))
    throw ParameterError("bath.thermal_operator", "needs bath.jump = \"operators\"");
  validate_thermal_operators(model.thermal_operators, bands.lattice, bands.orbitals);
}

RateIngredients rate_ingredients(Bands bands, double rate_unit, const TggeBath& bath,
                                 const std::shared_ptr<const HopWeights>& weights, const Execution& execution,
                                 kernels::ExternalPairSum* pair_sum) {
  RateIngredients result;
  RateEquation& equation = result.equation;
  equation.bands = std::move(bands);
  equation.rate_scale = bath.coupling * rate_unit;
  equation.inverse_temperature = bath.inverse_temperature;
  equation.thermal = bath.effective_equilibrium_fraction() > 0.0;
  equation.rank = weights->numerical_rank;
  equation.threads = threads_of(execution);
  equation.shared = execution.communicator != nullptr && execution.communicator->size() > 1;
  const Calculation calculation(equation.threads);
  const double panel_count = pair_sum == nullptr ? panels_of(equation.bands.energy, bath) : 0.0;
  EnergyLevels& levels = result.levels;
  if (panel_count > 0.0) levels = energy_levels(equation.bands.energy);
  const Choice choice = choose_algorithm(equation, *weights, bath, levels.size(), panel_count, execution.algorithm);
  equation.algorithm = choice.algorithm;
  equation.reason = choice.reason;
  equation.backend = rate_backend(execution.backend, choice.algorithm, equation.modes(), &equation.backend_reason);
  equation.has_density_matrix = weights->kind != kernels::WeightKind::product && equation.bands.orbitals > 1;
  equation.hop_weight = [weights](std::size_t to, std::size_t from) { return (*weights)(to, from); };
  equation.representatives = [weights](const std::vector<std::size_t>& of) { return weights->representatives(of); };

  kernels::RateTables& tables = result.tables;
  tables.modes = static_cast<std::int64_t>(equation.modes());
  tables.over_cells = 1.0 / static_cast<double>(equation.bands.lattice.size());
  tables.scale = equation.rate_scale;
  tables.inverse_temperature = bath.inverse_temperature;
  tables.equilibrium_fraction = bath.effective_equilibrium_fraction();
  tables.nonequilibrium_fraction = bath.nonequilibrium_fraction;
  tables.energy = equation.bands.energy.data();
  // Without a thermal bath its spectrum does not matter; moments need the exponential one.
  static_assert(static_cast<int>(kernels::SpectrumKind::lorentzian) == static_cast<int>(Spectrum::lorentzian) &&
                static_cast<int>(kernels::SpectrumKind::ohmic) == static_cast<int>(Spectrum::ohmic));
  if (equation.thermal) tables.spectrum = static_cast<kernels::SpectrumKind>(bath.spectrum);
  tables.spectrum_width = bath.spectrum_width;
  weights->point(tables);
  tables.pair_sum = pair_sum;
  if (panel_count > 0.0 && equation.algorithm == Algorithm::separable) {
    result.panels.emplace(*PanelSpectrum::of(bath), levels);
    result.panel_tables = std::make_unique<kernels::PanelTables>(result.panels->tables());
    tables.panels = result.panel_tables.get();
  } else if (panel_count > 0.0) {
    levels.point(tables);
  }
  return result;
}

namespace {

/// Number of modes from which sources no longer fit in the inner caches. The sums over panels, which read them in the
/// order of the energies, then wait for memory.
constexpr std::size_t least_reordered_modes = 1 << 15;

bool by_energy(const RateIngredients& ingredients) {
  const RateEquation& equation = ingredients.equation;
  return ingredients.panels && !equation.shared && equation.backend == Backend::cpu &&
         equation.modes() >= least_reordered_modes;
}

/// A generator whose kernel has the modes in ascending order of energy.
/// @param weights  put into that order
std::unique_ptr<Generator> ordered_generator(RateIngredients& ingredients, HopWeights& weights,
                                             const Execution& execution) {
  std::vector<std::size_t> mode(ingredients.levels.member.begin(), ingredients.levels.member.end());
  ingredients.levels = {};
  ingredients.panels->reorder(mode);
  weights.reorder(mode);
  std::vector<double> energy(mode.size());
  parallel_for(energy.size(), [&](std::size_t i) { energy[i] = ingredients.equation.bands.energy[mode[i]]; });
  kernels::RateTables tables = ingredients.tables;
  tables.energy = energy.data();
  const kernels::PanelTables panels = ingredients.panels->tables();
  tables.panels = &panels;
  weights.point(tables);
  return in_other_order(make_generator(tables, execution), std::move(mode));
}

/// @param owned  the weights if nothing else needs their vectors, otherwise null
RateEquation equation_with(Bands bands, double rate_unit, const TggeBath& bath,
                           const std::shared_ptr<const HopWeights>& weights, HopWeights* owned,
                           const Execution& execution, kernels::ExternalPairSum* pair_sum) {
  RateIngredients ingredients = rate_ingredients(std::move(bands), rate_unit, bath, weights, execution, pair_sum);
  RateEquation& equation = ingredients.equation;
  Execution resolved = execution;
  // With an external pair sum the kernel itself runs on the CPU, wherever the matrix products run.
  resolved.backend = pair_sum != nullptr ? Backend::cpu : equation.backend;
  resolved.algorithm = equation.algorithm;
  if (pair_sum == nullptr && by_energy(ingredients)) {
    HopWeights copy;
    if (owned == nullptr) copy = *weights;
    equation.generator = ordered_generator(ingredients, owned != nullptr ? *owned : copy, resolved);
  } else {
    equation.generator = make_generator(ingredients.tables, resolved);
  }
  if (owned != nullptr) owned->release_vectors(equation.bands);
  return std::move(equation);
}

}  // namespace

RateEquation make_rate_equation(Bands bands, double rate_unit, const TggeBath& bath,
                                const std::shared_ptr<const HopWeights>& weights, const Execution& execution,
                                kernels::ExternalPairSum* pair_sum) {
  return equation_with(std::move(bands), rate_unit, bath, weights, nullptr, execution, pair_sum);
}

namespace {

/// Doubles per mode that equations and solvers of matrix-valued occupations take at least, as measured on the peaks of
/// runs.
constexpr double matrix_arrays = 60.0;

/// Bands may touch at a few momenta of a large lattice that no smaller one has, so nothing could be said earlier.
void require_memory_for_matrices(const Bands& bands, const DegenerateBlocks& blocks) {
  const double bytes = 8.0 * matrix_arrays * static_cast<double>(bands.modes());
  if (bytes <= machine_memory()) return;
  throw UnsupportedError(std::to_string(blocks.count()) +
                         " sets of bands touch, and their occupations are matrices: on " +
                         std::to_string(bands.lattice.size()) + " cells they need " + bytes_text(bytes) +
                         ", and this machine has " + bytes_text(machine_memory()) + "; take fewer cells");
}

}  // namespace

RateEquation make_rate_equation(TggeModel model, const Execution& execution) {
  validate(model);
  std::shared_ptr<const MatrixRateEquation> matrix;
  Execution host = execution;
  std::string backend_reason;
  double smallest_gap = std::numeric_limits<double>::infinity();
  if (std::holds_alternative<JumpOperators>(model.jump)) {
    DegenerateBlocks blocks = degenerate_blocks(model.bands);
    smallest_gap = blocks.smallest_gap;
    if (blocks.count() > 0 || !model.thermal_operators.channels.empty()) {
      require_memory_for_matrices(model.bands, blocks);
      host.backend = matrix_backend(execution.backend, &backend_reason);
      matrix = std::make_shared<MatrixRateEquation>(model, std::move(blocks), host);
    }
  }
  const auto weights = make_hop_weights(model.bands, std::move(model.jump));
  HopWeights* const owned = weights->kind == kernels::WeightKind::operators ? weights.get() : nullptr;
  RateEquation equation = equation_with(std::move(model.bands), model.rate_unit, model.bath, weights, owned,
                                        matrix ? host : execution, nullptr);
  equation.smallest_gap = smallest_gap;
  if (matrix) {
    equation.backend_reason = backend_reason;
    equation.algorithm = matrix->algorithm();
    equation.reason = matrix->blocks().count() > 0 ? std::to_string(matrix->blocks().count()) +
                                                         " sets of degenerate bands: their occupations are matrices"
                                                   : "the thermal bath has operators";
    equation.matrix = std::move(matrix);
  }
  return equation;
}

RateEquation thermal_bath_alone(const Bands& bands, std::vector<double> energy, TggeBath bath, Execution execution) {
  Bands plain{.lattice = bands.lattice, .orbitals = bands.orbitals, .energy = std::move(energy)};
  bath.nonequilibrium_fraction = 0.0;
  const std::vector<double> nothing(plain.modes());
  const auto weights = make_hop_weights(plain, ProductJump{1, nothing, nothing});
  execution.communicator = nullptr;
  return make_rate_equation(std::move(plain), 1.0, bath, weights, execution);
}

double rate_device_bytes(const TggeModel& model, const Execution& execution, bool steady, std::size_t modes) {
  validate(model);
  if (needs_matrices(model)) return 0.0;
  const auto weights = make_hop_weights(model.bands, model.jump);
  RateIngredients ingredients = rate_ingredients(model.bands, model.rate_unit, model.bath, weights, execution, nullptr);
  if (!is_device(ingredients.equation.backend)) return 0.0;
  Execution resolved = execution;
  resolved.algorithm = ingredients.equation.algorithm;
  // Of the arrays only their sizes count, except for the energies.
  kernels::RateTables tables = ingredients.tables;
  std::vector<double> energy;
  if (modes > model.bands.modes()) {
    const double growth = static_cast<double>(modes) / static_cast<double>(model.bands.modes());
    const auto grown = [&](std::int64_t size) {
      return static_cast<std::int64_t>(std::ceil(growth * static_cast<double>(size)));
    };
    tables.modes = static_cast<std::int64_t>(modes);
    tables.levels = grown(tables.levels);
    if (resolved.algorithm == Algorithm::direct) {
      energy.resize(modes, model.bands.energy.front());
      tables.energy = energy.data();
    }
    if (ingredients.panel_tables) {
      ingredients.panel_tables->slots = grown(ingredients.panel_tables->slots);
      ingredients.panel_tables->lanes =
          grown(ingredients.panel_tables->lanes / kernels::panel_lanes) * kernels::panel_lanes;
    }
  }
  const double bytes = generator_device_bytes(tables, resolved, steady);
  require_device_memory(bytes, resolved);
  return bytes;
}

}  // namespace lindrift
