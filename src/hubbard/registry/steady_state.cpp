#include "hubbard/registry/steady_state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "config/read.hpp"
#include "hubbard/registry/spins.hpp"
#include "lindrift/lindrift.hpp"
#include "open_chain/registry/propagator.hpp"
#include "registry/memory.hpp"
#include "registry/results.hpp"

namespace lindrift {

namespace {

using config::Point;
using config::read;

constexpr const char* on_the_cpu = "collisions are computed on the CPU";

/// |U|/J up to which the orders were compared with exact rings and agreed to some percent.
constexpr double trusted_interaction = 0.5;

Coordinates coordinates_of(const Point& point) {
  return {spin_coordinate(), momentum_coordinate(point.integer("model.sites"))};
}

io::Result outline(const Point& point) {
  return outline_of<HubbardSteadyState>(coordinates_of(point), point.texts("output.fields"));
}

Plan plan_point(const Point& point, const Execution& execution) {
  const auto chain = read<HubbardChain>(point);
  const HubbardSteadyStatePlan steady = plan_steady_state(chain, read<HubbardSteadyStateOptions>(point), execution);
  Plan plan;
  plan.backend = Backend::cpu;
  plan.backend_reason = on_the_cpu;
  plan.reason = "sums over frequencies for every pair of momenta, and Anderson's mixing of the steps";
  plan.work = "evaluations of the collisions";
  plan.rate_evaluations = steady.expected_steps;
  plan.operations = steady.operations;
  plan.bytes_moved = 100.0 * static_cast<double>(steady.nodes);
  plan.seconds_per_evaluation = steady.seconds;
  plan.memory_bytes = steady.memory_bytes;
  if (const double strength = std::fabs(chain.interaction.front() / chain.hopping); strength > trusted_interaction)
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
  if (state.stopped) throw Interruption();
  const auto steps = static_cast<double>(state.steps);
  io::Result result = collect(coordinates_of(point), point.texts("output.fields"), state);
  result.summary.emplace_back("steps", steps);
  result.algorithm = "kinetic";
  result.algorithm_reason = "sums over frequencies for every pair of momenta";
  result.backend = name(Backend::cpu);
  result.backend_reason = on_the_cpu;
  result.converged = state.converged;
  result.message = state.message;
  return result;
}

void verify(Verification& verification) {
  const auto *occupation = verification.reals("occupation_spin"), *current = verification.reals("current_spin"),
             *density = verification.reals("density_spin");
  if (occupation == nullptr) return;
  constexpr double allowed = 1e-14;
  for (const double n : *occupation) verification.note("0 <= n <= 1", std::max({0.0, -n, n - 1.0}), 0.0);
  const std::int64_t sites = verification.point.integer("model.sites"), first = first_momentum_index(sites);
  for (std::size_t s = 0; s < 2; ++s) {
    double flow = 0.0, sum = 0.0;
    for (std::int64_t i = 0; i < sites; ++i) {
      const double n = (*occupation)[s * static_cast<std::size_t>(sites) + static_cast<std::size_t>(i)];
      flow += 2.0 * verification.point.real("model.hopping") * sin_pi(2 * (first + i), sites) * n;
      sum += n;
    }
    if (current != nullptr)
      verification.note("current from the occupations", std::fabs((*current)[s] - flow / static_cast<double>(sites)),
                        allowed);
    if (density != nullptr)
      verification.note("density from the occupations", std::fabs((*density)[s] - sum / static_cast<double>(sites)),
                        allowed);
  }
}

}  // namespace

void validate_steady_state_point(const Point& point) {
  require_ring(read<OpenLattice>(point), "task.kind = steady_state");
  const auto chain = read<HubbardChain>(point);
  const auto refuse_memory = [&](double needed) {
    if (needed > machine_memory())
      throw ParameterError("model.sites", fmt::format("{} sites need {} of memory for their pairs of momenta; this "
                                                      "machine has {}",
                                                      chain.sites, bytes_text(needed), bytes_text(machine_memory())));
  };
  // Before anything of length L.
  refuse_memory(32.0 * static_cast<double>(chain.sites) * static_cast<double>(chain.sites));
  if (chain.approximation != Approximation::second_order)
    throw ParameterError("model.approximation", "ladder belongs to the probe: task.order says which collisions count");
  if (chain.hartree != Hartree::none)
    throw ParameterError("model.hartree", fmt::format("{} has no meaning with task.kind = steady_state: a mean field "
                                                      "moves all momenta alike",
                                                      name(chain.hartree)));
  refuse_memory(plan_steady_state(chain, read<HubbardSteadyStateOptions>(point)).memory_bytes);
}

TaskEntry hubbard_steady_state_task() {
  const Coordinates every{spin_coordinate(), momentum_coordinate(1)};
  return {.kind = "steady_state",
          .description = "steady occupations and currents of both spins where both are driven, from their collisions",
          .keys = config::keys_of<HubbardSteadyStateOptions>(),
          .fields = observable_names<HubbardSteadyState>(every),
          .sizeless_fields = sizeless_names<HubbardSteadyState>(every),
          .outline = outline,
          .plan = plan_point,
          .run = run,
          .diagnostics = {},
          .remarks = open_chain_remarks,
          .verify = verify,
          .shares_a_point = false,
          .cpu_only = true};
}

}  // namespace lindrift
