#include "lindrift/hubbard/transport.hpp"

#include <algorithm>
#include <limits>

#include "clusters/cost.hpp"
#include "engine/linear_algebra.hpp"
#include "engine/short_text.hpp"
#include "engine/threads.hpp"
#include "hubbard/collisions.hpp"
#include "hubbard/rings.hpp"
#include "hubbard/validate.hpp"
#include "lindrift/error.hpp"

namespace lindrift {

namespace {

/// Operations per second on one core in matrix products, a conservative estimate.
constexpr double operations_per_second = 1e10;

struct Problem {
  CollisionModel collisions;
  std::vector<double> occupation;  ///< of spin down
};

Problem problem_of(const HubbardChain& chain) {
  validate_fields(chain);
  validate_lattice(chain);
  require_several_cells(chain);
  const std::array<BathRates, 2> baths = rates_of_spins(chain);
  Problem problem{collision_model(chain, baths), {}};
  for (const double width : problem.collisions.width[0])
    if (width != 0.0)
      throw ParameterError("bath.up",
                           "no gain and no loss are allowed: the particle would not stay alone; "
                           "task.kind = steady_state has both spins driven");
  if (problem.collisions.interaction == 0.0)
    throw ParameterError("model.interaction", "0 is not allowed: a particle that meets nothing keeps its momentum");
  require_rates(baths[1], problem.collisions.lattice, "bath.down");
  for (std::size_t k = 0; k < baths[1].gain.size(); ++k)
    problem.occupation.push_back(baths[1].gain[k] / problem.collisions.width[1][k]);
  const auto [fewest, most] = std::minmax_element(problem.occupation.begin(), problem.occupation.end());
  if (*most == 0.0 || *fewest == 1.0)
    throw ParameterError("bath.down", *most == 0.0 ? "without any gain there is nothing that the particle could meet"
                                                   : "without any loss spin down is full, and nothing can scatter");
  return problem;
}

/// D_ij of spreads that need not be symmetric, shape (directions, directions).
std::vector<double> symmetric(const std::vector<double>& spread, std::size_t directions) {
  std::vector<double> result;
  for (std::size_t i = 0; i < directions; ++i)
    for (std::size_t j = 0; j < directions; ++j)
      result.push_back(0.5 * (spread[i * directions + j] + spread[j * directions + i]));
  return result;
}

/// P and v from M P = 0, and D from M x_i = (v_{k,i} - v_i) P for every direction (Eq. 147). M is singular: its last
/// row, which follows from the others, is replaced by the sum.
void solve(const HubbardChain& chain, const std::vector<double>& scattering, Transport& result) {
  const Lattice lattice = chain.lattice();
  const auto n = lattice.size(), directions = static_cast<std::size_t>(lattice.dimensions());
  std::vector<double> generator = scattering;
  for (std::size_t k = 0; k < n; ++k) {
    double out = 0.0;
    for (std::size_t to = 0; to < n; ++to) out += scattering[to * n + k];
    generator[k * n + k] -= out;
  }
  std::fill(generator.end() - static_cast<std::ptrdiff_t>(n), generator.end(), 1.0);
  std::vector<double> factors = generator, distribution(n);
  distribution.back() = 1.0;
  linear_algebra::solve(n, factors.data(), distribution.data());
  std::vector<double> spread(directions * directions);
  result.drift_velocity.clear();
  for (std::size_t i = 0; i < directions; ++i) {
    const auto along = static_cast<int>(i);
    const double drift = velocity_sum(chain, Spin::up, distribution, along);
    const std::vector<double> velocity = hopping_velocities(chain.terms(Spin::up), lattice, along);
    std::vector<double> response(n);
    for (std::size_t k = 0; k + 1 < n; ++k) response[k] = (velocity[k] - drift) * distribution[k];
    factors = generator;
    linear_algebra::solve(n, factors.data(), response.data());
    for (std::size_t j = 0; j < directions; ++j)
      spread[j * directions + i] -= velocity_sum(chain, Spin::up, response, static_cast<int>(j));
    result.drift_velocity.push_back(drift);
  }
  result.diffusion_constant = symmetric(spread, directions);
  result.occupation = std::move(distribution);
}

/// Every number NaN.
Transport empty_transport(const HubbardChain& chain) {
  constexpr double missing = std::numeric_limits<double>::quiet_NaN();
  const Lattice lattice = chain.lattice();
  const auto directions = static_cast<std::size_t>(lattice.dimensions());
  Transport result;
  for (auto* drift : {&result.drift_velocity, &result.drift_velocity_exact, &result.drift_velocity_ring})
    drift->assign(directions, missing);
  for (auto* spread : {&result.diffusion_constant, &result.diffusion_exact, &result.diffusion_ring})
    spread->assign(directions * directions, missing);
  result.occupation.assign(lattice.size(), missing);
  return result;
}

/// Rates between the momenta of the particle.
/// @param[out] message  says so if a resonance is left unresolved
std::vector<double> scattering(const Problem& problem, CollisionOrder order, std::string& message) {
  Collisions collisions(problem.collisions, order);
  const std::vector<double> no_particle(problem.occupation.size());
  message = unresolved_resonance(collisions.resolve(no_particle, problem.occupation));
  return collisions.scattering(problem.occupation);
}

/// v and D of few sites from their Lindbladian: d<x>/dt = sum_k v_k <n_k> for any density-density interaction, and the
/// same sum over the response to a counting field in each direction (Eq. 155).
void solve_exactly(const HubbardChain& small, Transport& result) {
  const std::size_t sites = small.size();
  const clusters::ClusterState state = clusters::one_particle_state(all_momenta(small).group(0));
  const auto directions = static_cast<std::size_t>(small.lattice().dimensions());
  const auto flow = [&](std::span<const std::complex<double>> elements, std::size_t direction) {
    const std::vector<std::complex<double>> correlations = one_body(state.sector, elements, 0);
    std::vector<double> distribution(sites);
    for (std::size_t k = 0; k < sites; ++k) distribution[k] = correlations[k * (sites + 1)].real();
    return velocity_sum(small, Spin::up, distribution, static_cast<int>(direction));
  };
  result.drift_velocity_exact.clear();
  std::vector<double> spread(directions * directions);
  for (std::size_t j = 0; j < directions; ++j) {
    result.drift_velocity_exact.push_back(flow(state.density, j));
    const std::vector<std::complex<double>> response = clusters::counting_response(
        state, hopping_velocities(small.terms(Spin::up), small.lattice(), static_cast<int>(j)));
    for (std::size_t i = 0; i < directions; ++i) spread[i * directions + j] -= flow(response, i);
  }
  result.diffusion_exact = symmetric(spread, directions);
}

/// Cells along each direction of what is solved exactly: those of the lattice as far as the sites allow, as many in
/// each direction as in the others; none if that is a single site, or if tables of rates are for other momenta.
std::vector<std::int64_t> exact_cells(const HubbardChain& chain, const TransportOptions& options) {
  const Lattice lattice = chain.lattice();
  const auto directions = static_cast<std::size_t>(lattice.dimensions());
  std::vector<std::int64_t> cells(directions, 1);
  std::int64_t sites = 1;
  while (true) {
    std::size_t shortest = directions;
    for (std::size_t i = 0; i < directions; ++i)
      if (cells[i] < lattice.cells(static_cast<int>(i)) && sites + sites / cells[i] <= options.exact_sites &&
          (shortest == directions || cells[i] < cells[shortest]))
        shortest = i;
    if (shortest == directions) break;
    sites += sites / cells[shortest];
    ++cells[shortest];
  }
  const bool tables = !chain.down.gain_table.empty() || !chain.down.loss_table.empty();
  if (sites < 2 || (tables && sites != static_cast<std::int64_t>(chain.size()))) cells.clear();
  return cells;
}

}  // namespace

std::vector<Coordinate> transport_coordinates(const OpenLattice& lattice) {
  std::vector<Coordinate> all = momentum_coordinates(lattice);
  if (lattice.cells.size() > 1)
    for (const char* name : {"direction", "direction_2"}) {
      all.push_back(site_coordinates(lattice).back());
      all.back().name = name;
    }
  return all;
}

TransportPlan plan_transport(const HubbardChain& chain, const TransportOptions& options, const Execution& execution) {
  const Collisions collisions(problem_of(chain).collisions, options.order);
  const auto sites = static_cast<double>(chain.size()), nodes = static_cast<double>(collisions.nodes());
  TransportPlan plan;
  plan.operations = 2.0 * sites * sites * sites * nodes;
  plan.memory_bytes = 8.0 * (5.0 * sites * sites + 2.0 * sites * nodes) + 600.0 * sites;
  plan.seconds = plan.operations / operations_per_second / threads_of(execution);
  if (const std::vector<std::int64_t> cells = exact_cells(chain, options); !cells.empty()) {
    const clusters::SectorCost exact = clusters::one_particle_cost(resized(chain, cells).size());
    const auto solutions = 1.0 + static_cast<double>(cells.size());  // the state, and its responses
    plan.operations += solutions * exact.operations;
    plan.memory_bytes += exact.memory_bytes;
    plan.seconds += solutions * exact.operations / clusters::operations_per_second;
  }
  return plan;
}

Transport transport(const HubbardChain& chain, const TransportOptions& options, const Execution& execution) {
  validate_fields(options);
  only_on_cpu(execution.backend, "collisions run");
  const Problem problem = problem_of(chain);
  Transport result = empty_transport(chain);
  const Calculation calculation(execution, options.monitor);
  try {
    solve(chain, scattering(problem, options.order, result.message), result);
    if (const std::vector<std::int64_t> cells = exact_cells(chain, options); !cells.empty()) {
      const HubbardChain small = resized(chain, cells);
      solve_exactly(small, result);
      Transport approximate;
      solve(small, scattering(problem_of(small), options.order, approximate.message), approximate);
      if (!approximate.message.empty()) add_to_message(result.message, "small ring or lattice: " + approximate.message);
      result.drift_velocity_ring = std::move(approximate.drift_velocity);
      result.diffusion_ring = std::move(approximate.diffusion_constant);
    }
  } catch (const Interruption&) {
    result = empty_transport(chain);
    result.stopped = true;
  }
  return result;
}

}  // namespace lindrift
