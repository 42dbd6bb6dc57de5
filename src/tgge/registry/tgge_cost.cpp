#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <set>

#include "engine/device_memory.hpp"
#include "engine/short_text.hpp"
#include "lindrift/tgge/matrix_rate_equation.hpp"
#include "tgge/energy_levels.hpp"
#include "tgge/model.hpp"
#include "tgge/point_batch.hpp"
#include "tgge/registry/tgge_gradient.hpp"
#include "tgge/registry/tgge_point.hpp"

namespace lindrift {

using config::Point;
using config::read;

namespace {

/// Doubles per mode, as measured on the peaks of runs: of a generator with its bands, of a second band, and below of a
/// solver (Newton's method in the moments, or multistep vectors).
constexpr double generator_arrays = 10.0;
constexpr double band_arrays = 6.0;
constexpr double steady_state_arrays = 5.0;
constexpr double relax_arrays = 20.0;
/// More for the panels of a non-exponential thermal spectrum, and for Krylov vectors where there are no moments.
constexpr double panel_arrays = 24.0;
constexpr double krylov_arrays = 30.0;
/// For occupations that are matrices: their rates and Krylov vectors, and a second copy of the bands.
constexpr double matrix_arrays = 60.0;
/// Of a lattice with jump operators: for panels, and for a solver with a few Krylov vectors, or as many as it may keep
/// of long ones.
constexpr double lattice_panel_arrays = 14.0;
constexpr double moment_solver_arrays = 20.0;
constexpr double lattice_solver_arrays = 30.0;
/// For derivatives, and those by the parameters of several bands.
constexpr double adjoint_arrays = 10.0;
constexpr double band_adjoint_arrays = 20.0;

}  // namespace

double arrays_of(const Point& point) {
  const bool bands = orbitals_of(point) > 1;
  double arrays =
      generator_arrays + (bands ? band_arrays : 0.0) + (point.has("task.times") ? relax_arrays : steady_state_arrays);
  if (point.has("task.of")) arrays += adjoint_arrays + (bands ? band_adjoint_arrays : 0.0);
  return arrays;
}

/// Whether a steady state is found from a few moments of its occupations.
bool has_moments(const Point& point) {
  return point.text("bath.spectrum") == "exponential" && point.text("bath.jump") != "table";
}

namespace {

void resize(TggeChain& chain, std::int64_t sites);
void resize(TggeRashba& chain, std::int64_t sites);
void resize(TggeLattice& lattice, std::int64_t cells);

/// Whether the memory must hold occupations that are matrices, from a few cells: bands may also touch at momenta that
/// only a larger lattice has, and make_rate_equation() refuses those for which there is no memory.
bool may_need_matrices(const Point& point) {
  constexpr std::size_t many_orbitals = 16;
  constexpr std::int64_t few_cells = 1024;
  if (point.has("bath.thermal_operator") || orbitals_of(point) > many_orbitals) return true;
  try {
    return with_model(point, [&](auto model) {
      resize(model, std::min(few_cells, static_cast<std::int64_t>(cells_of(point))));
      return needs_matrices(model);
    });
  } catch (const Error&) {
    return false;  // it will be refused anyway
  }
}

/// Length of the vectors that the jump operators act on: displacements times orbitals.
double operator_dimension(const Point& point) {
  std::set<std::vector<std::int64_t>> offsets;
  for (const auto& channel : point.channels("bath.jump_operator"))
    for (const Term& term : channel) {
      // Each half of the indices is a displacement, followed by an orbital if there are several.
      const auto half = static_cast<std::ptrdiff_t>(term.indices.size() / 2),
                 length = std::max<std::ptrdiff_t>(1, half - 1);
      offsets.emplace(term.indices.begin(), term.indices.begin() + length);
      offsets.emplace(term.indices.begin() + half, term.indices.begin() + half + length);
    }
  return static_cast<double>(offsets.size() * orbitals_of(point));
}

/// Doubles per mode of a steady state of a lattice with jump operators, where occupations are numbers.
double lattice_arrays(const Point& point) {
  const auto orbitals = static_cast<double>(orbitals_of(point)),
             directions = static_cast<double>(point.integers("model.cells").size()),
             vectors = 2.0 * operator_dimension(point);
  const bool exponential = point.text("bath.spectrum") == "exponential";
  const double bands = 1.0 + directions + (orbitals > 1.0 ? 2.0 * orbitals : 0.0);
  const double kernel = 11.0 + vectors + (exponential ? 0.0 : lattice_panel_arrays);
  // While the kernel is made, its vectors and the panels are there a second time; then the solver takes their place.
  const double making = vectors + (exponential ? 0.0 : 7.0);
  return bands + kernel + std::max(making, exponential ? moment_solver_arrays : lattice_solver_arrays);
}

double working_memory(const Point& point) {
  const double modes = cells_of(point) * static_cast<double>(orbitals_of(point));
  const std::string& jump = point.text("bath.jump");
  const auto orbitals = static_cast<double>(orbitals_of(point));
  const bool operators = jump == "operators", matrices = operators && orbitals > 1.0 && may_need_matrices(point);
  if (operators && !matrices && is_lattice(point) && !point.has("task.times") && !point.has("task.of"))
    return lattice_arrays(point) * 8.0 * modes;
  double arrays = arrays_of(point);
  if (jump == "table") arrays += 3.0 * modes;  // as read, and in both orders
  if (point.text("bath.spectrum") != "exponential") arrays += panel_arrays;
  if (!point.has("task.times") && !has_moments(point)) arrays += krylov_arrays;
  // A lattice holds its bands, and another equation for its observables.
  if (is_lattice(point)) {
    const auto directions = static_cast<double>(point.integers("model.cells").size());
    arrays += 1.0 + directions + orbitals * (2.0 + directions) + generator_arrays;
  }
  if (operators) {
    arrays += 4.0 * operator_dimension(point);
    // Factorised matrices of blocks of all bands, and small matrices of each.
    if (matrices) arrays += matrix_arrays + orbitals * orbitals * orbitals + 22.0 * orbitals;
  }
  return arrays * 8.0 * modes;
}

/// Checks that the displacements of a key's terms have as many components as the lattice has directions.
void check_directions(const Point& point, const std::string& key, bool channels, std::size_t directions) {
  if (!point.has(key)) return;
  const auto& all = point.channels(key);
  for (std::size_t c = 0; c < all.size(); ++c)
    for (std::size_t i = 0; i < all[c].size(); ++i) {
      const std::size_t indices = all[c][i].indices.size(), given = channels ? indices / 2 - 1 : indices - 2;
      if (given == directions) continue;
      throw ParameterError(fmt::format("{}[{}]", key, channels ? c : i),
                           fmt::format("{}R has {}, and model.cells {}", channels ? fmt::format("terms[{}]: ", i) : "",
                                       counted(given, "number"), directions));
    }
}

}  // namespace

void check_lattice(const Point& point) {
  const std::size_t directions = point.integers("model.cells").size();
  if (directions > 3)
    throw ParameterError("model.cells", fmt::format("{} directions are not allowed: must be 1, 2 or 3", directions));
  check_directions(point, "model.hopping_terms", false, directions);
  check_directions(point, "bath.jump_operator", true, directions);
  check_directions(point, "bath.thermal_operator", true, directions);
}

Footprint footprint_of(const Point& point, const Execution& execution) {
  Footprint needed{.working = working_memory(point),
                   .key = is_lattice(point) ? "model.cells" : "model.sites",
                   .size = fmt::format("{} {}", cells_of(point), is_lattice(point) ? "cells" : "sites")};
  if (point.has("task.of") || needed.is_too_much()) return needed;  // a few numbers; tables are not read in vain
  const Coordinates coordinates = coordinates_of(point);
  const auto& wanted = point.texts("output.fields");
  if (point.has("task.times")) {
    add_result<RelaxResult>(needed, coordinates, wanted);
    needed.working += unkept_bytes<RelaxResult>(coordinates, wanted);
    if (is_device(execution.backend) && fits_a_block(point))  // the states as they come from the block
      needed.working += 8.0 * point.count("task.times") * (1.0 + static_cast<double>(modes_of(point)));
  } else {
    add_result<SteadyState>(needed, coordinates, wanted);
  }
  if (is_lattice(point)) add_result<LatticeObservables>(needed, coordinates, wanted);
  if (point.has("output.operators"))
    needed.results += 8.0 * static_cast<double>(std::get<NamedMatrices>(*point.find("output.operators")).size()) *
                      static_cast<double>(point.integers("model.cells").size()) *
                      std::max(1.0, point.count("task.times"));
  return needed;
}

namespace {

bool has_operators(const Point& point) { return point.text("bath.jump") == "operators"; }

/// Bands of a model with more than one band.
Bands bands_of(const Point& point) {
  if (!is_lattice(point)) return TggeModel(read<TggeRashba>(point)).bands;
  const auto lattice = read<TggeLattice>(point);
  return make_bands(lattice.tight_binding(), Lattice(lattice.cells));
}

DegenerateBlocks blocks_of(const Point& point) { return degenerate_blocks(bands_of(point)); }

/// Largest number of cells for which the bands are examined before a run.
constexpr double looked_at_cells = 65536.0;

/// Refuses what is impossible where bands are degenerate, and density matrices without jump operators.
void check_degenerate_bands(const Point& point) {
  const auto& wanted = point.texts("output.fields");
  if (std::find(wanted.begin(), wanted.end(), "density_matrix") != wanted.end()) {
    if (is_lattice(point) && orbitals_of(point) < 2)
      throw ParameterError("output.fields", "density_matrix needs two orbitals or more: of one it is the occupation");
    if (!is_lattice(point) && !has_operators(point))
      throw ParameterError("output.fields", "density_matrix needs bath.jump = \"operators\"");
  }
  if (orbitals_of(point) < 2 || cells_of(point) > looked_at_cells) return;
  if (!has_operators(point)) return;
  const Bands bands = bands_of(point);
  const DegenerateBlocks blocks = degenerate_blocks(bands);
  if (blocks.count() == 0) return;
  const auto bath = read<TggeBath>(point);
  const double thermal = bath.effective_equilibrium_fraction();
  if (thermal == 0.0 && !point.has("task.times"))
    throw ParameterError("bath.equilibrium_fraction",
                         "0 is not allowed in a steady state of degenerate bands: make it small, or use task relax");
  const auto [lowest, highest] = std::minmax_element(bands.energy.begin(), bands.energy.end());
  if (thermal > 0.0 && bath.inverse_temperature * (*highest - *lowest) > coldest_degenerate_bath)
    throw ParameterError(
        "bath.inverse_temperature",
        fmt::format("{} is not allowed where bands are degenerate: its product with the bandwidth must "
                    "be <= {}",
                    bath.inverse_temperature, coldest_degenerate_bath));
  if (!point.has("task.times")) return;
  if (point.has("initial.lagrange_multiplier"))
    require_equal_in_blocks(bands, blocks, point.reals("initial.lagrange_multiplier"));
  else if (const auto state = read<InitialState>(point); state.kind != InitialKind::uniform)
    require_equal_in_blocks(bands, blocks, multipliers_of(state, bands, read<InitialOccupation>(point).filling),
                            "initial.state");
}

}  // namespace

void validate_point(const Point& point) {
  if (is_lattice(point)) check_lattice(point);
  if (point.text("bath.jump") == "table") check_shape(point);
  if (point.has("task.of")) check_gradient(point);
  with_model(point, [](const auto& model) {
    validate(model);
    return 0;
  });
  validate(read<InitialState>(point),
           is_lattice(point) ? Lattice(point.integers("model.cells")) : Lattice({point.integer("model.sites")}));
  check_degenerate_bands(point);
  if (point.text("solver.algorithm") == "separable") {
    if (point.text("bath.jump") == "table")
      throw ParameterError("solver.algorithm",
                           "separable is impossible: a table of hop weights has no known rank; use direct or auto");
  }
  if (point.has("initial.lagrange_multiplier")) {
    const std::size_t given = point.reals("initial.lagrange_multiplier").size();
    if (given != modes_of(point))
      throw ParameterError("initial.lagrange_multiplier",
                           fmt::format("{}; it must have one per mode, {}",
                                       counted(given, "entry was given", "entries were given"), modes_of(point)));
  }
}

namespace {

/// Operations and bytes of one evaluation of the right-hand side, as counted in docs/physics.md, section 5.
constexpr double pair_operations = 8.0;
constexpr double mode_operations = 30.0;
constexpr double mode_bytes = 17.0 * 8.0;

/// Sites of the chain on which a point is examined and timed: enough to show its structure, few enough to be fast. A
/// table exists for one size only.
std::int64_t probe_sites(const Point& point, bool direct) {
  const auto sites = static_cast<std::int64_t>(cells_of(point));
  if (point.text("bath.jump") == "table") return sites;
  return std::min(sites, direct ? std::int64_t{4096} : std::int64_t{1} << 18);
}

void resize(TggeChain& chain, std::int64_t sites) { chain.sites = sites; }
void resize(TggeRashba& chain, std::int64_t sites) { chain.sites = sites; }
/// Halves the longest direction until there are at most `cells` cells. Keeps the parity of each direction.
void resize(TggeLattice& lattice, std::int64_t cells) {
  const auto product = [&] {
    double all = 1.0;
    for (const std::int64_t along : lattice.cells) all *= static_cast<double>(along);
    return all;
  };
  while (product() > static_cast<double>(cells)) {
    std::int64_t& longest = *std::max_element(lattice.cells.begin(), lattice.cells.end());
    if (longest < 4) break;
    const std::int64_t half = longest / 2;
    longest = half + (half % 2 == longest % 2 ? 0 : 1);
  }
}

/// Calls `use` with the model of a point, on fewer cells if there are more than it takes to see its structure.
template <class Use>
auto with_examined_model(const Point& point, const Use& use) {
  return with_model(point, [&](auto model) {
    resize(model, probe_sites(point, false));
    return use(TggeModel(model));
  });
}

RateEquation probe(const Point& point, std::int64_t sites, const Execution& execution) {
  return with_model(point, [&](auto model) {
    resize(model, sites);
    return make_rate_equation(model, execution);
  });
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// The shortest of several measurements: other programs make single ones long.
template <class Run>
double shortest(const Run& run) {
  constexpr int measurements = 4;
  constexpr double enough = 0.05;
  double best = std::numeric_limits<double>::infinity(), sum = 0.0;
  for (int i = 0; i < measurements && sum < enough; ++i) {
    const double seconds = run();
    best = std::min(best, seconds);
    sum += seconds;
  }
  return best;
}

double seconds_per_evaluation(const RateEquation& equation) {
  const std::vector<double> half(equation.modes(), 0.5);
  std::vector<double> rate(equation.modes());
  equation.generator->occupation_rate(half, half, rate);
  return shortest([&] {
    const auto start = std::chrono::steady_clock::now();
    int evaluations = 0;
    do {
      equation.generator->occupation_rate(half, half, rate);
      ++evaluations;
    } while (seconds_since(start) < 0.005);
    return seconds_since(start) / evaluations;
  });
}

/// Largest gain + loss at half filling; infinite where the Boltzmann factors exceed the range of double precision.
double fastest_rate_of(const RateEquation& equation) {
  const std::vector<double> half(equation.modes(), 0.5);
  std::vector<double> rate(equation.modes());
  equation.generator->relaxation_rate(half, half, rate);
  double fastest = 0.0;
  for (const double r : rate) {
    if (!std::isfinite(r)) return std::numeric_limits<double>::infinity();
    fastest = std::max(fastest, r);
  }
  return fastest;
}

struct Integration {
  double evaluations;        ///< of the rates
  double seconds_of_solver;  ///< all else: vectors, and the linear equations of implicit steps
};

/// Each output time costs a start, measured for 11 to 3001 times: 30 to 80 evaluations, and about 20 once the state
/// hardly changes. Between them, the fastest rate sets the number of steps, at orders 5 to 12. If it is too fast, the
/// implicit method takes over: its number of steps grows as the logarithm, with one band up to a bound, with several
/// more slowly beyond it, and with the number of modes, which relax one after the other; each step needs seven sums.
/// Measured from 10 to 1000 modes, and from beta = 1 to 100, with two bands to 500.
Integration expected_integration(double fastest_rate, const std::vector<double>& times, double modes, bool one_band) {
  constexpr double evaluations_of_start = 60.0, late_evaluations = 25.0, decays = 50.0;
  double starts = evaluations_of_start;
  for (std::size_t i = 1; i < times.size(); ++i)
    starts += fastest_rate * times[i - 1] > decays ? late_evaluations : evaluations_of_start;
  const double explicit_steps = 3.0 * fastest_rate * times.back();
  if (explicit_steps < 15000.0) {
    const double evaluations = starts + explicit_steps;
    return {evaluations, evaluations * (2e-6 + 5e-9 * modes)};
  }
  constexpr double bound = 2e4, growth = 0.42;
  double steps = 200.0 * std::log(std::min(explicit_steps, std::numeric_limits<double>::max()));
  if (steps > bound) steps = one_band ? bound : bound * std::pow(steps / bound, growth);
  steps *= std::pow(modes / 40.0, 0.35);
  return {starts + 7.0 * steps, steps * (6e-6 + 3e-7 * modes)};
}

/// Sites of the chain on which the costs of points are compared.
constexpr std::int64_t compared_sites = 64;

}  // namespace

double relative_cost(const Point& point) {
  if (!point.has("task.times") || point.text("bath.jump") == "table") return 1.0;
  Execution execution;
  execution.backend = Backend::cpu;
  try {
    const RateEquation equation = probe(point, std::min(static_cast<std::int64_t>(cells_of(point)), compared_sites),
                                        with_algorithm(point, execution));
    const double modes = static_cast<double>(modes_of(point));
    return modes * expected_integration(fastest_rate_of(equation), point.reals("task.times"), modes,
                                        equation.bands.orbitals == 1)
                       .evaluations;
  } catch (const Error&) {
    return 0.0;  // the point will fail, and quickly
  }
}

namespace {

/// Evaluations per steady state: about six Newton steps of two residuals and seven products each.
constexpr double steady_state_evaluations = 55.0;
/// Sites for timing a whole steady state.
constexpr std::int64_t timed_sites_direct = 1024, timed_sites_separable = 1 << 14;

/// Sites of the chain on which the parity of a bath is measured. The measures depend on the size only through the grid
/// of momenta, which must resolve the harmonics of the weights; this size resolves operators of any reasonable range.
constexpr std::int64_t parity_sites = 64;
/// Upper limit for operators of longer range; more sites would take seconds.
constexpr std::int64_t max_parity_sites = 512;
/// Violations below this are rounding errors.
constexpr double parity_zero = 1e-12;

/// Largest distance between two sites from which the terms of a jump operator take a particle, or between two to which
/// they move it.
std::int64_t range_of(const Channels& channels) {
  std::int64_t range = 0;
  for (const auto& channel : channels)
    for (const Term& one : channel)
      for (const Term& other : channel)
        for (const std::size_t i : {std::size_t{0}, one.indices.size() / 2})
          range = std::max(range, one.indices[i] - other.indices[i]);
  return range;
}

/// The equation on a smaller lattice, with enough cells along each direction to resolve its operators.
RateEquation coarse_lattice(const Point& point, const Execution& execution) {
  auto model = read<TggeLattice>(point);
  constexpr std::int64_t least[] = {64, 8, 4}, most[] = {512, 22, 8};
  const std::size_t directions = model.cells.size();
  for (std::size_t i = 0; i < directions && point.has("bath.jump_operator"); ++i) {
    std::int64_t range = 0;
    for (const auto& channel : point.channels("bath.jump_operator"))
      for (const Term& one : channel)
        for (const Term& other : channel)
          for (const std::size_t half : {std::size_t{0}, one.indices.size() / 2})
            range = std::max(range, one.indices[half + i] - other.indices[half + i]);
    const std::int64_t fine = std::clamp(2 * range + 2, least[directions - 1], most[directions - 1]);
    if (model.cells[i] > fine) model.cells[i] = fine + model.cells[i] % 2;
  }
  return make_rate_equation(model, execution);
}

ParityMeasures parity_of(const Point& point) {
  if (is_lattice(point)) {
    Execution execution;
    execution.backend = Backend::cpu;
    execution.algorithm = Algorithm::direct;
    return parity_measures(coarse_lattice(point, execution));
  }
  const std::int64_t sites = point.integer("model.sites");
  const std::string& jump = point.text("bath.jump");
  std::int64_t fine = parity_sites;
  if (jump == "operators")
    fine = std::clamp(2 * range_of(point.channels("bath.jump_operator")) + 2, fine, max_parity_sites);
  const std::int64_t looked_at = jump == "table" || sites <= fine ? sites : fine + sites % 2;
  Execution execution;
  execution.backend = Backend::cpu;
  execution.algorithm = Algorithm::direct;
  return parity_measures(probe(point, looked_at, execution));
}

}  // namespace

std::vector<std::pair<std::string, io::Attribute>> diagnostics_of(const Point& point) {
  const ParityMeasures parity = parity_of(point);
  std::vector<std::pair<std::string, io::Attribute>> found = {{"parity_joint", parity.joint},
                                                              {"parity_paper14", parity.paper14},
                                                              {"parity_particle_hole", parity.particle_hole}};
  if (is_lattice(point) || has_two_bands(point)) {
    DegenerateBlocks blocks{.first = {0}, .member = {}, .smallest_gap = std::numeric_limits<double>::infinity()};
    if (orbitals_of(point) > 1) blocks = blocks_of(point);
    found.emplace_back("degenerate_blocks",
                       has_operators(point) ? static_cast<std::int64_t>(blocks.count()) : std::int64_t{0});
    found.emplace_back("smallest_gap", blocks.smallest_gap);
  }
  return found;
}

namespace {

/// Largest difference between the energies at k and -k.
double unevenness(const Bands& bands) {
  double largest = 0.0;
  for (std::size_t s = 0; s < bands.modes(); ++s) {
    const LatticeVector m = bands.lattice.momentum(bands.momentum_of(s));
    const std::size_t mirrored = bands.mode(bands.band_of(s), bands.lattice.index_of({-m[0], -m[1], -m[2]}));
    largest = std::max(largest, std::fabs(bands.energy[s] - bands.energy[mirrored]));
  }
  return largest;
}

std::vector<std::string> lattice_notes(const Point& point) {
  Execution execution;
  execution.backend = Backend::cpu;
  execution.algorithm = Algorithm::direct;
  const RateEquation equation = coarse_lattice(point, execution);
  const ParityMeasures parity = parity_measures(equation);
  std::vector<std::string> notes = {
      fmt::format("parity of the bath: joint {:.3g}, paper14 {:.3g}, particle_hole {:.3g}", parity.joint,
                  parity.paper14, parity.particle_hole)};
  if (point.has("model.hamiltonian"))
    notes.push_back(fmt::format("{} was made Hermitian: elements changed by up to {:.3g} of the largest one",
                                point.text("model.hamiltonian"),
                                read_wannier90(point.text("model.hamiltonian")).largest_change));
  // Where bands are degenerate, the weights of single modes depend on the eigenvectors that a library happens to
  // choose.
  if (!equation.matrix && parity.joint < parity_zero && unevenness(equation.bands) < parity_zero)
    notes.emplace_back("this bath cannot rectify: its hop weights and the bands do not change under k -> -k");
  return notes;
}

/// Smallest ratio of the gap to the fastest rate for which coherences between the bands can be neglected.
constexpr double safe_gap = 10.0;

void note_degenerate_bands(const Point& point, const RateEquation& probed, std::vector<std::string>& notes) {
  if (orbitals_of(point) < 2 || cells_of(point) > looked_at_cells) return;
  const DegenerateBlocks blocks = blocks_of(point);
  if (has_operators(point) && blocks.count() > 0)
    notes.push_back(counted(blocks.count(), "momentum has degenerate bands: its occupations are a matrix",
                            "momenta have degenerate bands: their occupations are matrices") +
                    ", dataset density_matrix");
  const double ratio = blocks.smallest_gap / fastest_rate_of(probed);
  if (ratio >= safe_gap) return;
  const double coupling = point.real("bath.coupling");
  if (point.has("task.times"))
    notes.push_back(fmt::format(
        "warning: bands come as close as {:.3g}, {:.3g} times the fastest rate: coherences between them, which are "
        "neglected, are not small there",
        blocks.smallest_gap, ratio));
  else  // independent of the coupling, because the steady state is that of weak coupling
    notes.push_back(fmt::format(
        "bands come as close as {:.3g}, and coherences between them are neglected: this steady state is that of a "
        "bath.coupling well below {:.2g}",
        blocks.smallest_gap, ratio * coupling));
}

std::vector<std::string> notes_on(const Point& point) {
  if (is_lattice(point)) return lattice_notes(point);
  const ParityMeasures parity = parity_of(point);
  std::vector<std::string> notes = {
      fmt::format("parity of the bath: joint {:.3g}, paper14 {:.3g}, particle_hole {:.3g}", parity.joint,
                  parity.paper14, parity.particle_hole)};
  const bool even_bands =
      !has_two_bands(point) || point.real("model.rashba_y") == 0.0 || point.real("model.zeeman_field") == 0.0;
  if (parity.joint < parity_zero && even_bands)
    notes.emplace_back("this bath cannot rectify: its hop weights and the bands do not change under k -> -k");
  else if (parity.particle_hole < parity_zero &&
           (!point.has("initial.filling") || point.real("initial.filling") == 0.5))
    notes.emplace_back(
        "this bath cannot rectify at half filling: particles and holes at k and pi - k move alike, w(s,s') = "
        "w(Ps',Ps)");
  return notes;
}

}  // namespace

namespace {

/// The latest output time at which hardly any particles and holes may be left, whose multipliers are then uncertain
/// (docs/physics.md, section 5, Limits); 0 if there is none. Multipliers were seen to be
/// wrong until e^{-beta |E| / 2} / (epsilon J), for one band at beta J = 60 to 120; below an exponent of 30 none was.
double uncertain_until(const Point& point) {
  constexpr double least_exponent = 30.0, margin = 10.0;
  const double beta = point.real("bath.inverse_temperature");
  return with_examined_model(point, [&](const TggeModel& model) {
    double largest = 0.0;
    for (const double energy : model.bands.energy) largest = std::max(largest, std::fabs(energy));
    const double exponent = 0.5 * beta * largest, rate = model.bath.coupling * model.rate_unit;
    if (!(exponent > least_exponent && rate > 0.0 && model.bath.effective_equilibrium_fraction() > 0.0)) return 0.0;
    const double end = margin * std::exp(-exponent) / rate;
    double latest = 0.0;
    for (const double time : point.reals("task.times"))
      if (time <= end) latest = std::max(latest, time);
    return latest;
  });
}

}  // namespace

std::vector<std::string> remarks_on(const config::Document& document) {
  std::vector<std::string> remarks;
  if (is_zero_everywhere(document, "bath.nonequilibrium_fraction"))
    remarks.emplace_back(
        "bath.nonequilibrium_fraction = 0: the steady state is the Gibbs state of the thermal bath, which carries no "
        "current");
  if (is_zero_everywhere(document, "bath.coupling"))
    remarks.emplace_back("bath.coupling = 0: no rate is left, and nothing changes in time");
  if (document.base.has("task.times")) {
    constexpr std::size_t looked_at = 16;
    double latest = 0.0;
    for (const std::size_t i : document.sweep.sample(looked_at)) try {
        latest = std::max(latest, uncertain_until(document.point(i)));
      } catch (const Error&) {  // the run says so of this point
      }
    if (latest > 0.0)
      remarks.push_back(
          fmt::format("in so cold a bath hardly any particles and holes are left at times up to {:.2g}: there "
                      "lagrange_multiplier may be wrong, occupation is not (docs/physics.md, Limits)",
                      latest));
  }
  return remarks;
}

namespace {

/// The algorithm for the whole system; which one is faster depends on the size.
Algorithm algorithm_of(const Point& point, const Execution& execution) {
  const RateEquation equation = probe(point, probe_sites(point, true), execution);
  if (execution.algorithm != Algorithm::automatic || point.text("bath.jump") == "table") return equation.algorithm;
  const auto bath = read<TggeBath>(point);
  const double panels = panels_of(equation.bands.energy, bath);
  if (panels == 0.0) return equation.algorithm;
  const double share =
      static_cast<double>(energy_levels(equation.bands.energy).size()) / static_cast<double>(equation.modes());
  const auto levels = static_cast<std::size_t>(share * static_cast<double>(modes_of(point)));
  return panels_pay(levels, panels, bath.spectrum) ? Algorithm::separable : Algorithm::direct;
}

}  // namespace

double bands_device_bytes_of(const Point& point, const Execution& execution) {
  if (!is_lattice(point)) return 0.0;
  const auto lattice = read<TggeLattice>(point);
  return bands_device_bytes(lattice.tight_binding(), Lattice(lattice.cells), execution);
}

bool seems_to_need_matrices(const Point& point) {
  if (!has_operators(point)) return false;
  if (point.has("bath.thermal_operator")) return true;
  return orbitals_of(point) > 1 &&
         with_examined_model(point, [](const TggeModel& model) { return needs_matrices(model); });
}

Backend backend_of(const Point& point, const Execution& requested) {
  const Execution execution = with_algorithm(point, requested);
  const std::size_t modes = modes_of(point);
  // Moments and few pairs are for the CPU, so that most points need no probe.
  if (!is_device(rate_backend(execution.backend, Algorithm::direct, modes))) return Backend::cpu;
  if (seems_to_need_matrices(point)) return matrix_backend(execution.backend);
  Execution on_cpu = execution;
  on_cpu.backend = Backend::cpu;
  return rate_backend(execution.backend, algorithm_of(point, on_cpu), modes);
}

Plan plan_point(const Point& point, const Execution& requested) {
  Execution execution = with_algorithm(point, requested);
  Plan plan;
  plan.measured = true;
  const auto modes = static_cast<double>(modes_of(point));
  const double sites = cells_of(point);
  Execution on_cpu = execution;  // a probe may not fit on the device if the point does not
  on_cpu.backend = Backend::cpu;
  const bool in_a_block =
      is_device(execution.backend) && !point.has("task.of") && fits_a_block(point) &&
      with_model(point, [&](const TggeModel& model) { return goes_to_a_block(point, model, execution); });
  const Algorithm algorithm = in_a_block ? Algorithm::separable : algorithm_of(point, on_cpu);
  const bool direct = algorithm == Algorithm::direct;
  const bool matrices = seems_to_need_matrices(point);
  plan.backend = matrices ? matrix_backend(execution.backend, &plan.backend_reason)
                          : rate_backend(execution.backend, algorithm, modes_of(point), &plan.backend_reason);
  plan_device(plan, requested, [&] {
    double in_block = 0.0;
    if (in_a_block)
      in_block = with_model(point, [&](const TggeModel& model) {
        return point_batch_device_bytes(model, 1, 1, 1, static_cast<std::size_t>(point.count("task.times")), execution);
      });
    if (in_a_block && !point.has("task.times")) return std::max(in_block, bands_device_bytes_of(point, execution));
    // A relaxation may turn out to be stiff, and is then integrated as on the host.
    return with_examined_model(point, [&](const TggeModel& model) {
      const bool whole = model.bands.modes() == modes_of(point);
      // The observables of a lattice take another equation with sums over pairs, if there is a thermal bath
      // (LatticeObserver).
      const bool more =
          is_lattice(point) && algorithm == Algorithm::direct && model.bath.effective_equilibrium_fraction() > 0.0;
      Execution chosen = execution;
      chosen.algorithm = algorithm;
      const auto bytes_of = [&](bool steady) {
        return rate_device_bytes(model, whole ? execution : chosen, steady, modes_of(point));
      };
      const double bytes = bytes_of(!point.has("task.times")) + (more ? bytes_of(false) : 0.0);
      if (more) require_device_memory(bytes, execution);
      return std::max({bytes, in_block, bands_device_bytes_of(point, execution)});
    });
  });
  execution.backend = plan.device_bytes > 0.0 ? Backend::cuda : Backend::cpu;
  if (in_a_block) execution.algorithm = algorithm;
  const RateEquation equation = probe(point, probe_sites(point, direct), execution);
  plan.method = {std::string(name(algorithm)),
                 in_a_block ? "a thread block of the device replaces sums over pairs by moments" : equation.reason};
  plan.operations = direct ? pair_operations * modes * modes : mode_operations * modes;
  plan.bytes_moved = mode_bytes * modes;
  const auto probed = static_cast<std::int64_t>(equation.bands.lattice.size());
  double ratio = sites / static_cast<double>(probed);
  if (point.has("task.times")) {
    const double fastest = fastest_rate_of(equation);
    const Integration integration =
        expected_integration(fastest, point.reals("task.times"), modes, equation.bands.orbitals == 1);
    plan.rate_evaluations = integration.evaluations;
    plan.seconds_per_evaluation = seconds_per_evaluation(equation) * (direct ? ratio * ratio : ratio) +
                                  integration.seconds_of_solver / integration.evaluations;
    if (!std::isfinite(fastest) && point.text("solver.integrator") == "adams")
      plan.notes.emplace_back(
          "warning: the rates exceed the range of double precision: adams would stop at once, bdf takes any "
          "temperature");
  } else {
    // In Newton's method a rate evaluation works with logarithms, and GMRES adds vector operations: one evaluation
    // alone would be too fast, so time a whole steady state.
    const bool table = point.text("bath.jump") == "table";
    const std::int64_t timed = table ? probed : std::min(probed, direct ? timed_sites_direct : timed_sites_separable);
    execution.algorithm = algorithm;  // at this size too
    const double seconds = shortest([&] {
      const auto start = std::chrono::steady_clock::now();
      steady_state(probe(point, timed, execution), 0.5);
      return seconds_since(start);
    });
    ratio = sites / static_cast<double>(timed);
    plan.seconds_per_evaluation = seconds * (direct ? ratio * ratio : ratio) / steady_state_evaluations;
    plan.rate_evaluations = steady_state_evaluations;
  }
  for (std::string& note : notes_on(point)) plan.notes.push_back(std::move(note));
  note_degenerate_bands(point, equation, plan.notes);
  return plan;
}

}  // namespace lindrift
