#include "hubbard/registry/steady_state.hpp"

#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "config/read.hpp"
#include "hubbard/registry/rings.hpp"
#include "lindrift/lindrift.hpp"
#include "open_chain/registry/propagator.hpp"
#include "open_chain/registry/verify_sites.hpp"
#include "registry/cpu_task.hpp"

namespace lindrift {

namespace {

using config::Point;
using config::read;

const Method method{"kinetic", "sums over frequencies for every pair of momenta, and Anderson's mixing of the steps"};

Coordinates coordinates_of(const Point& point) {
  Coordinates all = steady_state_coordinates(lattice_of(point));
  if (point.has("task.frequencies"))
    all.push_back(counted(point, "task.frequencies", frequency_coordinate(point.reals("task.frequencies"))));
  return all;
}

io::Result empty_result(const Point& point) {
  return empty_result_of<HubbardSteadyState>(coordinates_of(point), point.texts("output.fields"));
}

Footprint footprint_of(const Point& point, const Execution& execution) {
  constexpr double pair_bytes = 32.0;
  const Coordinates coordinates = coordinates_of(point);
  Footprint needed = open_chain_footprint<HubbardSteadyState>(point, coordinates);
  const double unkept = unkept_bytes<HubbardSteadyState>(coordinates, point.texts("output.fields"));
  const auto options = read<HubbardSteadyStateOptions>(point);
  needed.working = unkept + pair_bytes * size_of(point) * size_of(point);
  if (!needed.is_too_much() && point.has_values())
    needed.working = unkept + plan_steady_state(read<HubbardChain>(point), options, execution).memory_bytes;
  return needed;
}

Plan plan_point(const Point& point, const Execution& execution) {
  const auto chain = read<HubbardChain>(point);
  const HubbardSteadyStatePlan steady = plan_steady_state(chain, read<HubbardSteadyStateOptions>(point), execution);
  Plan plan;
  plan.backend = Backend::cpu;
  plan.backend_reason = collisions_on_the_cpu;
  plan.method = method;
  plan.work = "evaluations of the collisions";
  plan.rate_evaluations = static_cast<double>(steady.expected_steps);
  plan.operations = steady.operations;
  plan.bytes_moved = 100.0 * static_cast<double>(steady.nodes);
  plan.seconds_per_evaluation = steady.seconds;
  if (const double strength = interaction_strength(chain); strength > trusted_interaction)
    plan.notes.push_back(
        fmt::format("the interaction is {:.3g} J: up to about {} J currents were right within some percent; "
                    "task.kind = \"exact\" tells on a small ring",
                    strength, trusted_interaction));
  return plan;
}

io::Result run(const Point& point, const Execution& execution, const Monitor& monitor) {
  auto options = read<HubbardSteadyStateOptions>(point);
  options.monitor = monitor;
  HubbardSteadyState state = steady_state(read<HubbardChain>(point), options, execution);
  io::Result result = cpu_result(point, coordinates_of(point), state, method, collisions_on_the_cpu);
  result.summary.emplace_back("steps", static_cast<double>(state.steps));
  result.converged = state.converged;
  result.message = state.message;
  return result;
}

/// Checks A = -2 Im 1/(w - e_k - Sigma) with the energies of a plain formula.
void verify_spectrum(Verification& verification) {
  const auto* spectral = verification.reals("spectral_function");
  const auto* self = verification.complex("self_energy");
  if (spectral == nullptr || self == nullptr) return;
  const auto& frequencies = verification.point.reals("task.frequencies");
  const auto chain = read<HubbardChain>(verification.point);
  const Lattice lattice = chain.lattice();
  const double scale = largest_of(*spectral);
  for (const std::size_t i : verification.some_of(spectral->size())) {
    const auto energy = static_cast<double>(PlainMomentum(lattice, i / frequencies.size()).energy(chain, Spin::up));
    const std::complex<double> green = 1.0 / (frequencies[i % frequencies.size()] - energy - (*self)[i]);
    verification.note("A = -2 Im 1/(w - e - Sigma)", std::fabs((*spectral)[i] + 2.0 * green.imag()),
                      1e-11 * scale * (1.0 + scale));
  }
}

void verify(Verification& verification) {
  constexpr double allowed = 1e-14;
  verify_currents(verification, 0.0, allowed);
  verify_spectrum(verification);
  const auto *occupation = verification.reals("occupation_spin"), *density = verification.reals("density_spin");
  if (occupation == nullptr || density == nullptr) return;
  const auto sites = static_cast<std::ptrdiff_t>(occupation->size() / 2);
  for (std::ptrdiff_t s = 0; s < 2; ++s) {
    const auto first = occupation->begin() + s * sites;
    verification.note("density from the occupations",
                      std::fabs((*density)[static_cast<std::size_t>(s)] -
                                std::accumulate(first, first + sites, 0.0) / static_cast<double>(sites)),
                      allowed);
  }
}

}  // namespace

void validate_steady_state_point(const Point& point) {
  refuse_approximations(read<HubbardChain>(point), "steady_state", order_decides, mean_field_moves_all);
}

TaskEntry hubbard_steady_state_task() {
  const Coordinates every{spin_coordinate(), momentum_coordinate(1), frequency_coordinate({})};
  TaskEntry task = cpu_task<HubbardSteadyState>(
      "steady_state", "steady occupations and currents of both spins where both are driven, from their collisions",
      config::keys_of<HubbardSteadyStateOptions>(), every, {footprint_of, empty_result, plan_point, run, verify});
  task.remarks = open_chain_remarks;
  return task;
}

}  // namespace lindrift
