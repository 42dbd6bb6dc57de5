// Operation counts leave out additions that need no multiplier, tables that are made once, and everything of lower
// order: they are a floor, not an estimate.
#include "bench/workloads.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <memory>

#include "engine/fourier.hpp"
#include "engine/parallel.hpp"
#include "hubbard/direct.hpp"
#include "hubbard/fft.hpp"
#include "hubbard/ladder.hpp"
#include "hubbard/volterra.hpp"
#include "kernels/table.hpp"
#include "kernels/tgge/panel_tables.hpp"
#include "lindrift/error.hpp"
#include "lindrift/hatsugai_kohmoto/green.hpp"
#include "lindrift/tgge/matrix_rate_equation.hpp"
#include "tgge/displacement_sums.hpp"

namespace lindrift::benchmarks {

Ceilings device_ceilings(int device) {
  const kernels::DeviceCeilings measured = kernels::device_kernels().measure_ceilings(device);
  return {.multiplications = measured.multiply_adds,
          .product_operations = measured.product_operations,
          // Devices do not read the lines that they write; Work counts that read.
          .memory = {measured.read_bytes, 4.0 / 3.0 * measured.triad_bytes}};
}

double floor_seconds(const Work& work, const Ceilings& ceilings) {
  double arithmetic = work.multiplications / ceilings.multiplications;
  if (work.product_operations > 0.0) arithmetic += work.product_operations / ceilings.product_operations;
  const double memory =
      work.footprint > 0.0 ? work.read_bytes / ceilings.memory.read + work.update_bytes / ceilings.memory.triad : 0.0;
  return std::max(arithmetic, memory);
}

HatsugaiKohmoto driven_hatsugai_kohmoto(std::int64_t sites) {
  HatsugaiKohmoto model;
  model.sites = sites;
  model.interaction = 4.0;
  model.down.gain = 1.5;
  model.down.two_site_loss = 0.5;
  return model;
}

std::vector<double> times_until_fronts_meet(std::int64_t sites, std::size_t count) {
  std::vector<double> times(count);
  for (std::size_t i = 0; i < count; ++i)
    times[i] = 0.25 * static_cast<double>(sites) * static_cast<double>(i + 1) / static_cast<double>(count);
  return times;
}

HubbardChain driven_chain(std::int64_t sites, Approximation approximation) {
  HubbardChain chain;
  chain.sites = sites;
  chain.interaction = {2.0};
  chain.approximation = approximation;
  chain.down.gain = 0.2;
  chain.down.two_site_loss = 2.0;
  return chain;
}

HubbardModes driven_hubbard(std::int64_t sites, Approximation approximation) {
  return hubbard_modes(driven_chain(sites, approximation));
}

std::vector<double> even_frequencies(double first, double last, std::size_t count) {
  std::vector<double> grid(count);
  for (std::size_t i = 0; i < count; ++i)
    grid[i] = first + (last - first) * static_cast<double>(i) / static_cast<double>(count - 1);
  return grid;
}

namespace {

using Complex = std::complex<double>;

/// Multiplications in transforms of `length` complex numbers: 5 n log2 n operations, two per multiply-add.
double transform_multiplications(double count, double length) {
  return 2.5 * count * length * std::log2(std::max(2.0, length));
}

/// dn/dt of a model, or its transition sums.
Case rates(const TggeModel& model, Algorithm algorithm, const Execution& execution, bool sums_alone = false) {
  struct State {
    RateEquation equation;
    Occupation occupation;
    std::vector<double> first, second;
  };
  Execution own = execution;
  own.algorithm = algorithm;
  const auto state = std::make_shared<State>();
  state->equation = make_rate_equation(model, own);
  const std::size_t modes = state->equation.modes();
  state->occupation = random_occupation(modes);
  state->first.resize(modes);
  state->second.resize(modes);
  return {[state, sums_alone] {
            Generator& generator = *state->equation.generator;
            const auto& [particles, holes] = state->occupation;
            if (sums_alone)
              generator.transition_sums(particles, holes, state->first, state->second);
            else
              generator.occupation_rate(particles, holes, state->first);
          },
          {}};
}

/// dn/dt of the chain through its moments, O(L). Per mode, the reduction reads 6 arrays (e^{+-beta E/2}, n, 1 - n, in,
/// out) for 4 multiply-adds; the map reads 6 (in, out, e^{+-beta E/2}, n, 1 - n) and writes 1 for 14 operations: 22
/// operations, 48 + 56 bytes, and 8 more for reading the lines that are written. For arrays beyond the caches, memory
/// is the ceiling.
Case moments(std::int64_t sites, const Execution& execution) {
  Case made = rates(chain(sites), Algorithm::separable, execution);
  const auto modes = static_cast<double>(sites);
  made.work = {.items = modes,
               .multiplications = 10.0 * modes,
               .read_bytes = 48.0 * modes,
               .update_bytes = 64.0 * modes,
               .footprint = 56.0 * modes};
  return made;
}

/// dn/dt of the chain by every pair, O(L^2). Per pair (kernels/tgge/pair_sums.hpp, PlainSource and ProductWeight<1>),
/// gain += in_s (out_s' n_s') and loss += out_s (in_s' h_s') take two fused multiply-adds, and the products in brackets
/// are made once for the 6 rows of a tile: 14 multiplications or multiply-adds for 6 pairs. 4 columns of 8 bytes per 6
/// rows come from the nearest caches.
Case pair_sum(std::int64_t sites, const Execution& execution) {
  Case made = rates(chain(sites), Algorithm::direct, execution);
  const double pairs = static_cast<double>(sites) * static_cast<double>(sites);
  made.work = {.items = pairs, .multiplications = 14.0 / 6.0 * pairs};
  return made;
}

/// The same with two bands and ProductWeight<2>: one more multiply-add per weight.
Case pair_sum_dephasing(std::int64_t sites, const Execution& execution) {
  Case made = rates(rashba(sites), Algorithm::direct, execution);
  const double pairs = 4.0 * static_cast<double>(sites) * static_cast<double>(sites);
  made.work = {.items = pairs, .multiplications = 28.0 / 6.0 * pairs};
  return made;
}

/// With a Lorentzian spectrum only the thermal sums run over pairs (PairThermal), the others through their moments, and
/// only over the L/2 + 1 levels that k and -k share: a quarter of the pairs, all of which are counted. Per 8 columns of
/// 6 rows: 6 vsubpd, 6 + 12 vfmadd, 9 vmulpd, 2 more for the columns and 3 vdivpd, one division per two rows. A vdivpd
/// occupies a multiplier too, for how long depends on the processor; that is left out here.
Case pair_sum_lorentzian(std::int64_t sites, const Execution& execution) {
  Case made = rates(chain(sites, Spectrum::lorentzian), Algorithm::direct, execution);
  const auto levels = static_cast<double>(sites / 2 + 1);
  made.work = {.items = static_cast<double>(sites) * static_cast<double>(sites),
               .multiplications = 29.0 / 6.0 * levels * levels};
  return made;
}

constexpr double order = kernels::panel_order;
/// T_2, T_3, ... at one position.
constexpr double polynomials = order - 2.0;

/// Per level of kernels/tgge/panel_scan.hpp: polynomials and moments of particles and holes, polynomials again and the
/// two sums over them. Boxes of panels, whose number does not grow with the levels, are left out.
Case panel_scan_lorentzian(std::int64_t levels, const Execution& execution) {
  Case made = rates(random_levels(levels, Spectrum::lorentzian), Algorithm::separable, execution, true);
  made.work = {.items = static_cast<double>(levels),
               .multiplications = 2.0 * (polynomials + 2.0 * order) * static_cast<double>(levels)};
  return made;
}

/// With a cusp there are four sets of moments, preceded by a division and 4 products, and an upward and a downward
/// scan. Each scan has the polynomials, a division, 4 products, and for each order the coefficient of the core, two
/// moments and two products for each of two sums.
Case panel_scan_ohmic(std::int64_t levels, const Execution& execution) {
  Case made = rates(random_levels(levels, Spectrum::ohmic), Algorithm::separable, execution, true);
  const double sets = polynomials + 5.0 + 4.0 * order, scan = polynomials + 5.0 + order * (order + 2.0 + 4.0);
  made.work = {.items = static_cast<double>(levels),
               .multiplications = (sets + 2.0 * scan) * static_cast<double>(levels)};
  return made;
}

/// dn/dt of two bands that are degenerate at every momentum. For each of D displacements, a momentum adds two matrices
/// to moments and sums up three; particles and holes are transformed to the basis of the orbitals, and the three sums
/// back from it. A complex product is four multiplications.
Case matrix_rates(std::int64_t sites, const Execution& execution) {
  struct State {
    std::unique_ptr<MatrixRateEquation> equation;
    BlockMatrices particles;
    std::vector<double> rate;
  };
  TggeRashba chain;
  chain.sites = sites;
  chain.bath.nonequilibrium_fraction = 0.5;
  const JumpOperators jump{
      {{{{1}, 0, {0}, 0, 1.0}, {{2}, 1, {0}, 0, {0.0, 0.5}}}, {{{0}, 1, {0}, 1, 0.3}, {{0}, 0, {1}, 1, 0.7}}}};
  chain.jump = jump;
  const TggeModel model = chain;
  const auto state = std::make_shared<State>();
  DegenerateBlocks blocks = degenerate_blocks(model.bands);
  if (2 * blocks.count() != model.bands.modes()) throw Error("the bands are not degenerate everywhere");
  const double displacements =
      static_cast<double>(DisplacementSums(jump, model.bands.lattice, model.bands.orbitals).displacements());
  state->equation = std::make_unique<MatrixRateEquation>(model, std::move(blocks), execution);
  state->particles = state->equation->diagonal(0.4);
  state->rate.resize(state->equation->size());
  const double modes = 2.0 * static_cast<double>(sites);
  const auto orbitals = 2.0, square = orbitals * orbitals;
  return {[state, threads = threads_of(execution)] {
            const Calculation calculation(threads);
            state->equation->occupation_rate(state->particles, state->rate);
          },
          {.items = modes,
           .multiplications = 4.0 * modes / orbitals * 5.0 * (displacements * square + 2.0 * square * orbitals)}};
}

/// Multiplications in kernels/elementary.hpp: e^x, the extra cost of e^x - 1, and sine and cosine of one argument.
constexpr double exponential = 19.0, minus_one = 1.0, sine_cosine = 23.0;

/// Drift and norm of G(j,t) of the Hatsugai-Kohmoto chain at the published rates, until the fronts meet. Per site and
/// time, amplitude() in kernels/hatsugai_kohmoto/propagator.hpp takes two exponentials, two pairs of circular functions
/// and 20 other multiplications; a transform and the two sums follow.
Case hatsugai_kohmoto(std::int64_t sites, const Execution& execution) {
  const HatsugaiKohmoto model = driven_hatsugai_kohmoto(sites);
  const auto count = static_cast<std::size_t>(std::max<std::int64_t>(24, (std::int64_t{1} << 21) / sites));
  const std::vector<double> times = times_until_fronts_meet(sites, count);
  const auto rows = static_cast<double>(count), length = static_cast<double>(sites);
  return {[model, times, execution] {
            GreenOptions options;
            options.keep_sites = options.keep_momenta = false;
            if (!(green(model, times, options, execution).norm.back() >= 0.0)) throw Error("no norm was computed");
          },
          {.items = rows * length,
           .multiplications = rows * length * (2.0 * exponential + minus_one + 2.0 * sine_cosine + 20.0 + 3.0) +
                              transform_multiplications(rows, length)}};
}

/// Values of all momenta on a grid, and pointers to the rows.
struct Map {
  Map(std::size_t sites, std::size_t frequencies) : values(sites * frequencies), rows(sites) {
    for (std::size_t m = 0; m < sites; ++m) rows[m] = values.data() + m * frequencies;
  }
  std::vector<Complex> values;
  std::vector<Complex*> rows;
};

/// The self-energy of all momenta at 64 frequencies without symmetry. A term (kernels/hubbard/self_energy_rows.hpp,
/// four over one denominator) takes 7.25 multiplications, additions or fused multiply-adds and a quarter of a division.
/// Terms are counted after merging, which halves the terms of Eq. 64 for the published bath; folding k and -k halves
/// them again.
Case hubbard_direct(std::int64_t sites, const Execution& execution) {
  const auto momenta = static_cast<std::size_t>(sites);
  Execution own = execution;
  own.algorithm = Algorithm::direct;
  const auto grid = even_frequencies(-4.0, 3.7, hubbard_direct_frequencies);
  const auto direct = std::make_shared<DirectSelfEnergy>(driven_hubbard(sites), own);
  const auto map = std::make_shared<Map>(momenta, grid.size());
  const double terms = direct->terms(momenta, grid);
  return {[direct, map, grid] { direct->add_grid(map->rows, grid, 0.0); },
          {.items = terms, .multiplications = 7.25 * terms}};
}

/// All momenta at 4096 frequencies, |w| <= 8 J, to 1e-12 of the largest self-energy, by way of time. Includes planning.
Case hubbard_fft(std::int64_t sites, const Execution& execution) {
  constexpr double largest_self_energy = 0.283;
  const auto grid = even_frequencies(-8.0, 8.0, 4096);
  const auto momenta = static_cast<std::size_t>(sites);
  const HubbardModes modes = driven_hubbard(sites);
  const auto map = std::make_shared<Map>(momenta, grid.size());
  Execution own = execution;
  own.algorithm = Algorithm::fft;
  const auto make = [modes, grid, own] { return FftSelfEnergy(modes, grid, 0.0, 1e-12 * largest_self_energy, own); };
  const FftPlan plan = make().plan();
  return {[make, map] { make().add_grid(map->rows); },
          {.items = static_cast<double>(map->values.size()),
           .multiplications = 0.5 * plan.transform_operations,
           .product_operations = plan.product_operations}};
}

/// G(k,t) of 64 momenta over `size` steps of 0.02/J and over half as many, from a known kernel.
Case volterra(std::int64_t size, const Execution& execution) {
  constexpr std::size_t sites = 64, group = VolterraSolver::group;
  constexpr double step = 0.02;
  struct State {
    explicit State(std::size_t steps)
        : at{step * static_cast<double>(steps)},
          equation(driven_hubbard(sites), at, steps, step),
          solver(equation.fine, equation.rough),
          green(sites),
          differences(sites) {}
    std::vector<double> at;
    VolterraEquation equation;
    VolterraSolver solver;
    std::vector<Complex> rows, circles, green;
    std::vector<double> differences;
    std::vector<VolterraSolver::Workspace> workspaces;
  };
  const auto steps = static_cast<std::size_t>(size);
  const auto state = std::make_shared<State>(steps);
  const MemoryKernel kernel(driven_hubbard(sites));
  const std::vector<double> grid = state->equation.grid();
  state->rows.resize(grid.size() * sites + group);
  state->circles.resize(2 * kernels::VolterraTables::circle_points * sites + group);
  kernel.evaluate(state->equation.circles(), state->circles.data());
  kernel.evaluate(grid, state->rows.data(), execution);
  const int threads = threads_of(execution);
  state->workspaces.resize(static_cast<std::size_t>(threads));
  const double items = static_cast<double>(sites) * static_cast<double>(steps);
  return {[state, threads] {
            in_parts(threads, sites / group, [&](std::size_t g, std::size_t last, std::size_t thread) {
              for (; g < last; ++g)
                state->solver.solve(g * group, state->rows.data(), state->rows.data(), state->circles.data(),
                                    state->workspaces[thread], state->green.data(),
                                    state->differences.data() + g * group);
            });
          },
          {.items = items, .multiplications = 0.5 * items * VolterraSolver::operations(static_cast<double>(steps))}};
}

/// The kernel of the ladder at 64 momenta over `size` times. Each time takes 3 transforms of its lines twice, one to
/// pairs and two back; each momentum takes a march over the times.
Case ladder(std::int64_t size, const Execution& execution) {
  constexpr std::size_t sites = 64;
  const HubbardModes modes = driven_hubbard(sites, Approximation::ladder);
  const auto kernel = std::make_shared<LadderKernel>(modes);
  const double step = ladder_step(modes, 1e-12), count = static_cast<double>(size);
  return {[kernel, step, size, execution] {
            if (kernel->evaluate(step, static_cast<std::size_t>(size), execution).rows.empty())
              throw Error("no kernel was computed");
          },
          {.items = sites * count,
           .multiplications =
               transform_multiplications(9.0 * count, sites) + 0.5 * sites * count * VolterraMarch::operations(count)}};
}

/// In-place transforms of 256 rows. Zeros take as long as other numbers.
Case fourier(std::int64_t length, const Execution& execution) {
  constexpr std::size_t rows = 256;
  const auto size = static_cast<std::size_t>(length);
  const auto plan = std::make_shared<Fourier>(size);
  const auto values = std::make_shared<std::vector<Complex>>(rows * size);
  return {[plan, values, threads = threads_of(execution)] { plan->forward(values->data(), rows, threads); },
          {.items = static_cast<double>(values->size()),
           .multiplications = transform_multiplications(static_cast<double>(rows), static_cast<double>(size))}};
}

}  // namespace

const std::vector<Workload>& workloads() {
  static const std::vector<Workload> all = {
      {"moments", "mode", "dn/dt of the chain through moments, exponential spectrum", 4000000, 100000, true, moments},
      {"pair_sum", "pair", "dn/dt of the chain (raman) by every pair", 4096, 1024, true, pair_sum},
      {"pair_sum_dephasing", "pair", "dn/dt of two bands (dephasing) by every pair", 2048, 512, true,
       pair_sum_dephasing},
      {"pair_sum_lorentzian", "pair", "dn/dt of the chain by every pair of levels, lorentzian spectrum", 4096, 1024,
       true, pair_sum_lorentzian},
      {"panel_scan_lorentzian", "level", "transition sums of random levels, lorentzian spectrum", 200000, 20000, true,
       panel_scan_lorentzian},
      {"panel_scan_ohmic", "level", "transition sums of random levels, ohmic spectrum", 200000, 20000, true,
       panel_scan_ohmic},
      {"matrix_rates", "mode", "dn/dt of two bands that are degenerate everywhere", 16384, 1024, false, matrix_rates},
      {"hatsugai_kohmoto", "site and time", "G(j,t) of the Hatsugai-Kohmoto chain", 8192, 1024, true, hatsugai_kohmoto},
      {"hubbard_direct", "term", "self-energy of the Hubbard chain by the double sum", 256, 64, true, hubbard_direct},
      {"hubbard_fft", "entry", "self-energy of the Hubbard chain by time", 1024, 128, true, hubbard_fft},
      {"volterra", "momentum and step", "propagator of the Hubbard chain, L steps", 2048, 512, false, volterra},
      {"ladder", "momentum and step", "kernel of the Hubbard chain's ladder, L steps", 2048, 512, false, ladder},
      {"fourier", "element", "Fourier transforms of length L", 4096, 512, false, fourier},
  };
  return all;
}

const Workload& workload(std::string_view name) {
  for (const Workload& each : workloads())
    if (each.name == name) return each;
  throw Error("no workload is called " + std::string(name));
}

}  // namespace lindrift::benchmarks
