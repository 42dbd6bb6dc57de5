#include "lindrift/hubbard/exact.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include "clusters/cost.hpp"
#include "clusters/mixed_momenta.hpp"
#include "engine/machine_memory.hpp"
#include "engine/short_text.hpp"
#include "engine/threads.hpp"
#include "hubbard/rings.hpp"
#include "hubbard/validate.hpp"
#include "lindrift/error.hpp"
#include "open_chain/green_rows.hpp"

namespace lindrift {

namespace {

using Complex = std::complex<double>;

constexpr double accepted_residual = 1e-12;

void fill_times(const clusters::MixedStates& states, const Lattice& lattice, std::span<const double> times,
                const Execution& execution, HubbardExact& result) {
  result.green_retarded_momentum.resize(times.size() * lattice.size());
  states.at_times(times, execution, result.green_retarded_momentum);
  store(green_rows(result.green_retarded_momentum, TransformOrder(lattice), true), result);
}

void fill_frequencies(const clusters::MixedStates& states, std::span<const double> frequencies, double broadening,
                      const Execution& execution, HubbardExact& result) {
  const std::size_t sites = states.problem().momenta();
  std::vector<std::size_t> all(sites);
  for (std::size_t k = 0; k < sites; ++k) all[k] = k;
  result.green_retarded_frequency.resize(sites * frequencies.size());
  result.residual = std::max(result.residual,
                             states.spectral(all, frequencies, broadening, execution, result.green_retarded_frequency));
  const std::span green(result.green_retarded_frequency);
  for (std::size_t k = 0; k < sites; ++k)
    add_spectrum_row(green.subspan(k * frequencies.size(), frequencies.size()), states.problem().energy[0][k],
                     frequencies, broadening, result);
}

void fill_steady_state(const clusters::MixedStates& states, const HubbardChain& chain, HubbardExact& result) {
  for (const Spin spin : {Spin::up, Spin::down})
    add_spin(chain, spin, states.occupation(static_cast<int>(spin)), result);
  result.residual = states.largest_residual();
}

/// Result of a calculation that was stopped: every value missing.
HubbardExact nothing(const Lattice& lattice, std::size_t times, std::size_t frequencies) {
  const std::size_t sites = lattice.size();
  const auto directions = static_cast<std::size_t>(lattice.dimensions());
  constexpr double missing = std::numeric_limits<double>::quiet_NaN();
  const Complex missing_complex(missing, missing);
  HubbardExact result;
  result.stopped = true;
  result.converged = false;
  result.residual = missing;
  result.occupation_spin.assign(2 * sites, missing);
  result.current_spin.assign(2 * directions, missing);
  for (auto* values : {&result.drift, &result.drift_symmetric}) values->assign(times * directions, missing);
  result.norm.assign(times, missing);
  result.spectral_function.assign(sites * frequencies, missing);
  for (auto* values : {&result.green_retarded, &result.green_retarded_momentum})
    values->assign(times * sites, missing_complex);
  for (auto* values : {&result.self_energy, &result.green_retarded_frequency})
    values->assign(sites * frequencies, missing_complex);
  return result;
}

}  // namespace

HubbardChain exact_chain(const HubbardChain& whole, const HubbardExactOptions& options) {
  validate_fields(whole);
  validate_fields(options);
  if (options.cluster) require_ring(whole, "model.cluster");
  HubbardChain chain = options.cluster ? resized(whole, {*options.cluster}) : whole;
  validate_lattice(chain);
  if (const std::size_t size = chain.size(); size > clusters::max_orbitals) {
    const std::size_t sites = std::min<std::size_t>(size, 200);  // 1e120 bytes
    const auto gigabytes = [sites](bool up_empty) {
      return short_text(1e-9 * clusters::green_cost(sites, up_empty, sites).memory_bytes) + " GB";
    };
    throw ParameterError(options.cluster   ? "model.cluster"
                         : chain.is_ring() ? "model.sites"
                                           : "model.cells",
                         std::to_string(size) + " is not allowed with task.kind = exact: at most " +
                             std::to_string(clusters::max_orbitals) + " sites; these would take " + gigabytes(true) +
                             " with an empty probe, " + gigabytes(false) +
                             " with both spins driven; this machine has " + bytes_text(machine_memory()));
  }
  validate_interaction(chain);
  const clusters::MixedMomenta problem = all_momenta(chain);
  for (std::size_t s = problem.up_empty() ? 1 : 0; s < 2; ++s)
    require_rates(problem.rates[s], chain.lattice(), s == 0 ? "bath.up" : "bath.down");
  return chain;
}

std::vector<Coordinate> exact_coordinates(const OpenLattice& lattice, const HubbardExactOptions& options) {
  std::vector<Coordinate> all = steady_state_coordinates(lattice);
  if (options.times) {
    all.push_back(time_coordinate(*options.times));
    for (const Coordinate& site : site_coordinates(lattice))
      if (site.name != "direction") all.push_back(site);
  }
  if (options.frequencies) all.push_back(frequency_coordinate(*options.frequencies));
  return all;
}

HubbardExactPlan plan_exact(const HubbardChain& whole, const HubbardExactOptions& options, const Execution& execution) {
  const HubbardChain chain = exact_chain(whole, options);
  const std::size_t frequencies = options.frequencies ? options.frequencies->size() : 0;
  const std::size_t times = options.times ? options.times->size() : 0;
  const bool green = frequencies + times > 0;
  const clusters::MixedCost cost = mixed_cost(all_momenta(chain), green ? chain.size() : 0, frequencies, times,
                                              times > 0 ? options.times->back() : 0.0, threads_of(execution));
  return {green ? cost.green_operators : 0.0, cost.state_operators, cost.operations, cost.memory_bytes, cost.seconds};
}

HubbardExact exact(const HubbardChain& whole, const HubbardExactOptions& options, const Execution& execution) {
  const HubbardChain chain = exact_chain(whole, options);
  only_on_cpu(execution.backend, "exact rings and lattices run");
  if (options.times) check_list("task.times", times_parameter(), *options.times);
  if (options.frequencies) check_list("task.frequencies", frequencies_parameter(), *options.frequencies);
  const Calculation calculation(execution, options.monitor);
  HubbardExact result;
  try {
    const clusters::MixedStates states(all_momenta(chain));
    fill_steady_state(states, chain, result);
    if (options.times) fill_times(states, chain.lattice(), *options.times, execution, result);
    if (options.frequencies) fill_frequencies(states, *options.frequencies, options.broadening, execution, result);
    result.converged = result.residual <= accepted_residual;
  } catch (const Interruption&) {
    return nothing(chain.lattice(), options.times ? options.times->size() : 0,
                   options.frequencies ? options.frequencies->size() : 0);
  }
  return result;
}

}  // namespace lindrift
