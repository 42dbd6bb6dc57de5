#include "lindrift/hubbard/transport.hpp"

#include <algorithm>
#include <limits>

#include "clusters/cost.hpp"
#include "engine/linear_algebra.hpp"
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
  require_ring(chain, "task.kind = transport");
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

/// P and v from M P = 0, and D from M x = (v_k - v) P (Eq. 147). M is singular: its last row, which follows from the
/// others, is replaced by the sum.
void solve(const HubbardChain& chain, const std::vector<double>& scattering, Transport& result) {
  const auto n = static_cast<std::size_t>(chain.sites);
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
  result.drift_velocity = velocity_sum(chain, distribution);
  const std::vector<double> velocity = hopping_velocities(chain.terms(Spin::up), chain.lattice());
  std::vector<double> response(n);
  for (std::size_t k = 0; k + 1 < n; ++k) response[k] = (velocity[k] - result.drift_velocity) * distribution[k];
  linear_algebra::solve(n, generator.data(), response.data());
  result.diffusion_constant = -velocity_sum(chain, response);
  result.occupation = std::move(distribution);
}

/// v of a small ring from its Lindbladian: d<x>/dt = sum_k v_k <n_k> for any density-density interaction.
double exact_velocity(const HubbardChain& ring) {
  const auto sites = static_cast<std::size_t>(ring.sites);
  const std::vector<std::complex<double>> correlations =
      one_body(clusters::one_particle_state(whole_ring(ring).group(0)), 0);
  std::vector<double> occupation;
  for (std::size_t k = 0; k < sites; ++k) occupation.push_back(correlations[k * (sites + 1)].real());
  return velocity_sum(ring, occupation);
}

/// Number of sites of the ring that is solved exactly; 0: none.
std::int64_t ring_sites(const HubbardChain& chain, const TransportOptions& options) {
  const std::int64_t sites = std::min(options.exact_sites, chain.sites);
  const bool tables = !chain.down.gain_table.empty() || !chain.down.loss_table.empty();
  return sites < 2 || (tables && sites != chain.sites) ? 0 : sites;
}

}  // namespace

TransportPlan plan_transport(const HubbardChain& chain, const TransportOptions& options, const Execution& execution) {
  const Collisions collisions(problem_of(chain).collisions, options.order);
  const auto sites = static_cast<double>(chain.sites), nodes = static_cast<double>(collisions.nodes());
  TransportPlan plan;
  plan.operations = 2.0 * sites * sites * sites * nodes;
  plan.memory_bytes = 8.0 * (5.0 * sites * sites + 2.0 * sites * nodes) + 600.0 * sites;
  plan.seconds = plan.operations / operations_per_second / threads_of(execution);
  if (const std::int64_t ring = ring_sites(chain, options); ring > 0) {
    const clusters::SectorCost exact = clusters::one_particle_cost(static_cast<std::size_t>(ring));
    plan.operations += exact.operations;
    plan.memory_bytes += exact.memory_bytes;
    plan.seconds += exact.operations / clusters::operations_per_second;
  }
  return plan;
}

Transport transport(const HubbardChain& chain, const TransportOptions& options, const Execution& execution) {
  validate_fields(options);
  only_on_cpu(execution.backend, "collisions run");
  const Problem problem = problem_of(chain);
  Transport result;
  const Calculation calculation(execution, options.monitor);
  try {
    solve(chain, Collisions(problem.collisions, options.order).scattering(problem.occupation), result);
    if (const std::int64_t sites = ring_sites(chain, options); sites > 0) {
      HubbardChain ring = chain;
      ring.sites = sites;
      result.drift_velocity_exact = exact_velocity(ring);
      const Problem small = problem_of(ring);
      Transport approximate;
      solve(ring, Collisions(small.collisions, options.order).scattering(small.occupation), approximate);
      result.drift_velocity_ring = approximate.drift_velocity;
    }
  } catch (const Interruption&) {
    constexpr double missing = std::numeric_limits<double>::quiet_NaN();
    result = {missing, missing, std::vector<double>(problem.occupation.size(), missing), missing, missing, true};
  }
  return result;
}

}  // namespace lindrift
