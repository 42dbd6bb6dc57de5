#include "lindrift/hubbard/steady_state.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <utility>

#include "engine/linear_algebra.hpp"
#include "engine/short_text.hpp"
#include "engine/threads.hpp"
#include "hubbard/anderson.hpp"
#include "hubbard/collisions.hpp"
#include "hubbard/rings.hpp"
#include "hubbard/validate.hpp"
#include "lindrift/error.hpp"
#include "open_chain/green_rows.hpp"

namespace lindrift {

namespace {

/// Operations per second of a core, and operations per pair and frequency, as measured.
constexpr double operations_per_second = 1.5e9, operations_per_term = 26.0;

/// Both spins with their baths.
struct Problem {
  CollisionModel collisions;
  std::array<BathRates, 2> baths;
};

Problem problem_of(const HubbardChain& chain) {
  validate_fields(chain);
  validate_lattice(chain);
  require_several_cells(chain);
  std::array<BathRates, 2> baths = rates_of_spins(chain);
  CollisionModel model = collision_model(chain, baths);
  for (std::size_t s = 0; s < 2; ++s)
    if (*std::max_element(model.width[s].begin(), model.width[s].end()) <= 0.0)
      throw ParameterError(s == 0 ? "bath.up" : "bath.down",
                           "gain and loss vanish at every momentum: collisions keep the number of particles of each "
                           "spin, which has no steady value then; task.kind = transport follows one particle");
  return {std::move(model), std::move(baths)};
}

/// n = (bath gain + gain) / (bath gain + loss + gain + loss) for every momentum.
/// @return number of occupations that left [0, 1], because of a ladder's negative rates
std::int64_t balance(const Problem& problem, const CollisionRates& rates, std::vector<double>& next) {
  std::int64_t clipped = 0;
  const std::size_t momenta = problem.collisions.lattice.size();
  for (std::size_t s = 0; s < 2; ++s)
    for (std::size_t k = 0; k < momenta; ++k) {
      const double gain = problem.baths[s].gain[k] + rates.gain[s][k],
                   loss = problem.baths[s].loss[k] + rates.loss[s][k];
      double& n = next[s * momenta + k];
      n = gain + loss > 0.0 ? gain / (gain + loss) : gain > loss ? 1.0 : 0.0;
      if (n >= 0.0 && n <= 1.0) continue;
      n = std::clamp(n, 0.0, 1.0);
      ++clipped;
    }
  return clipped;
}

/// Occupations without collisions; 1/2 where no bath acts.
std::vector<double> free_occupations(const Problem& problem) {
  std::vector<double> occupations;
  for (const BathRates& bath : problem.baths)
    for (std::size_t k = 0; k < bath.gain.size(); ++k) {
      const double rate = bath.gain[k] + bath.loss[k];
      occupations.push_back(rate > 0.0 ? bath.gain[k] / rate : 0.5);
    }
  return occupations;
}

void fill(const HubbardChain& chain, const std::vector<double>& occupations, HubbardSteadyState& result) {
  const std::size_t sites = occupations.size() / 2;
  for (const Spin spin : {Spin::up, Spin::down}) {
    const auto its = std::span(occupations).subspan(spin == Spin::up ? 0 : sites, sites);
    add_spin(chain, spin, its, result);
    result.density_spin.push_back(std::accumulate(its.begin(), its.end(), 0.0) / static_cast<double>(sites));
  }
}

/// G of spin up at the steady occupations (Eqs. 153, 154). The self-energy without mean field is evaluated at w - U
/// n_down.
void add_spectrum(const Problem& problem, const Collisions& collisions, std::span<const double> frequencies,
                  HubbardSteadyState& result) {
  const std::size_t sites = problem.collisions.lattice.size();
  const std::span<const double> all(result.occupation_spin);
  const double mean_field = problem.collisions.interaction * result.density_spin[1];
  std::vector<double> arguments;
  for (const double w : frequencies) arguments.push_back(w - mean_field);
  const auto self_energy = collisions.self_energy(all.first(sites), all.subspan(sites), arguments);
  std::vector<std::complex<double>> green(frequencies.size());
  for (std::size_t k = 0; k < sites; ++k) {
    const double energy = problem.collisions.energy[0][k];
    for (std::size_t w = 0; w < green.size(); ++w)
      green[w] = 1.0 / (std::complex(frequencies[w] - energy - mean_field, 0.5 * problem.collisions.width[0][k]) -
                        self_energy[k * green.size() + w]);
    add_spectrum_row(green, energy, frequencies, 0.0, result);
  }
}

/// Says what is wrong with a result, all of it.
void warn(double node_error, HubbardSteadyState& result) {
  add_to_message(result.message, unresolved_resonance(node_error));
  if (result.clipped > 0)
    add_to_message(result.message,
                   counted(static_cast<std::size_t>(result.clipped), "occupation left [0, 1] and was set to its bound",
                           "occupations left [0, 1] and were set to its bounds") +
                       ": the interaction is too strong for this order");
  if (!result.converged) add_to_message(result.message, "not converged after max_steps");
  add_to_message(result.message,
                 negative_values(result.spectral_function, 0.0, "the interaction is too strong for this order"));
}

}  // namespace

std::vector<Coordinate> steady_state_coordinates(const OpenLattice& lattice) {
  std::vector<Coordinate> all{spin_coordinate()};
  const std::vector<Coordinate> momenta = momentum_coordinates(lattice);
  all.insert(all.end(), momenta.begin(), momenta.end());
  if (lattice.cells.size() > 1) all.push_back(site_coordinates(lattice).back());
  return all;
}

HubbardSteadyStatePlan plan_steady_state(const HubbardChain& chain, const HubbardSteadyStateOptions& options,
                                         const Execution& execution) {
  const Collisions collisions(problem_of(chain).collisions, options.order);
  const auto sites = static_cast<double>(chain.size());
  HubbardSteadyStatePlan plan;
  plan.nodes = collisions.nodes();
  plan.operations = operations_per_term * sites * sites * static_cast<double>(plan.nodes);
  plan.memory_bytes = 8.0 * sites * sites * (options.order == CollisionOrder::both ? 6.0 : 4.0) +
                      60.0 * static_cast<double>(plan.nodes) * threads_of(execution) + 600.0 * sites;
  plan.seconds = plan.operations / operations_per_second / threads_of(execution);
  if (options.frequencies && !options.frequencies->empty()) {
    // Done once, after the steps: for each frequency and momentum of spin down, a product with the lines of all pairs.
    const auto nodes = static_cast<double>(collisions.self_energy_nodes(*options.frequencies));
    const double channels = options.order == CollisionOrder::both ? 2.0 : 1.0;
    const double products = 8.0 * channels * sites * sites * nodes * static_cast<double>(options.frequencies->size());
    plan.memory_bytes += 16.0 * sites * nodes + (256.0 * nodes + 512.0 * sites) * threads_of(execution);
    const double each = products / static_cast<double>(plan.expected_steps);
    plan.operations += each;
    if (const double speed = linear_algebra::library_speed(); speed > 0.0)
      plan.seconds += each / (speed * threads_of(execution));
  }
  return plan;
}

HubbardSteadyState steady_state(const HubbardChain& chain, const HubbardSteadyStateOptions& options,
                                const Execution& execution) {
  validate_fields(options);
  only_on_cpu(execution.backend, "collisions run");
  const Problem problem = problem_of(chain);
  Collisions collisions(problem.collisions, options.order);
  const std::size_t sites = problem.collisions.lattice.size();
  HubbardSteadyState result;
  std::vector<double> occupations = free_occupations(problem), next(2 * sites);
  AndersonMixing mixing(2 * sites);
  double node_error = 0.0;
  const Calculation calculation(execution, options.monitor);
  try {
    while (result.steps < options.max_steps && !result.converged) {
      const std::span<const double> all(occupations);
      const CollisionRates rates = collisions.rates(all.first(sites), all.subspan(sites));
      if (rates.error > Collisions::resolved && collisions.refine(rates.error)) continue;
      ++result.steps;
      node_error = rates.error;
      result.clipped = balance(problem, rates, next);
      result.residual = 0.0;
      for (std::size_t i = 0; i < next.size(); ++i)
        result.residual = std::max(result.residual, std::fabs(next[i] - occupations[i]));
      result.converged = result.residual <= options.tolerance;
      if (result.converged) break;
      mixing.step(next, occupations);
      for (double& n : occupations) n = std::clamp(n, 0.0, 1.0);
    }
  } catch (const Interruption&) {
    result.stopped = true;
    result.residual = std::numeric_limits<double>::quiet_NaN();
    occupations.assign(2 * sites, result.residual);
  }
  result.nodes = collisions.nodes();
  fill(chain, occupations, result);
  if (options.frequencies && !result.stopped) {
    try {
      add_spectrum(problem, collisions, *options.frequencies, result);
    } catch (const Interruption&) {
      result.stopped = true;
    }
  }
  if (result.stopped && options.frequencies) {
    constexpr double missing = std::numeric_limits<double>::quiet_NaN();
    result.spectral_function.assign(sites * options.frequencies->size(), missing);
    result.self_energy.assign(result.spectral_function.size(), {missing, missing});
  }
  if (!result.stopped) warn(node_error, result);
  return result;
}

}  // namespace lindrift
