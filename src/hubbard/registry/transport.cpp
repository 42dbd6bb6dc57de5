#include "hubbard/registry/transport.hpp"

#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "config/read.hpp"
#include "hubbard/registry/rings.hpp"
#include "lindrift/lindrift.hpp"
#include "registry/cpu_task.hpp"

namespace lindrift {

namespace {

using config::Point;
using config::read;

Coordinates coordinates_of(const Point& point) { return {momentum_coordinate(point.integer("model.sites"))}; }

io::Result outline(const Point& point) {
  return outline_of<Transport>(coordinates_of(point), point.texts("output.fields"));
}

std::vector<std::string> warnings(const HubbardChain& chain, const TransportOptions& options) {
  std::vector<std::string> notes;
  const double strength = interaction_strength(chain);
  if (options.order == CollisionOrder::second)
    notes.emplace_back("order = second gives the limit of a weak interaction, whatever the interaction is");
  else if (strength > trusted_interaction)
    notes.push_back(
        fmt::format("the interaction is {:.3g} J: sizes were right up to about {} J; compare "
                    "drift_velocity_exact with drift_velocity_ring",
                    strength, trusted_interaction));
  return notes;
}

Plan plan_point(const Point& point, const Execution& execution) {
  const auto chain = read<HubbardChain>(point);
  const auto options = read<TransportOptions>(point);
  const TransportPlan transport = plan_transport(chain, options, execution);
  Plan plan;
  plan.backend = Backend::cpu;
  plan.backend_reason = collisions_on_the_cpu;
  plan.reason = "a matrix of scattering rates, by products of matrices over frequencies";
  plan.work = "momenta of a pair";
  plan.rate_evaluations = static_cast<double>(chain.sites);
  plan.operations = transport.operations / plan.rate_evaluations;
  plan.bytes_moved = 24.0 * plan.rate_evaluations * plan.rate_evaluations;
  plan.seconds_per_evaluation = transport.seconds / plan.rate_evaluations;
  plan.memory_bytes = transport.memory_bytes;
  plan.notes = warnings(chain, options);
  return plan;
}

io::Result run(const Point& point, const Execution& execution, const Monitor& monitor) {
  const auto chain = read<HubbardChain>(point);
  auto options = read<TransportOptions>(point);
  options.monitor = monitor;
  Transport particle = transport(chain, options, execution);
  io::Result result = cpu_result(point, coordinates_of(point), particle, "kinetic", "a matrix of scattering rates",
                                 collisions_on_the_cpu);
  for (const std::string& note : warnings(chain, options))
    result.message += (result.message.empty() ? "" : "; ") + note;
  return result;
}

void verify(Verification& verification) {
  const auto *distribution = verification.reals("particle_distribution"), *drift = verification.reals("drift_velocity");
  if (distribution == nullptr) return;
  constexpr double allowed = 1e-12;
  verification.note("probabilities add up to 1",
                    std::fabs(std::accumulate(distribution->begin(), distribution->end(), 0.0) - 1.0), allowed);
  if (drift != nullptr)
    verification.note("drift velocity from the probabilities",
                      std::fabs((*drift)[0] - plain_flow(verification.point, *distribution)), allowed);
}

}  // namespace

void validate_transport_point(const Point& point) {
  constexpr double pair_bytes = 40.0;
  const HubbardChain chain = read_ring(point, pair_bytes);
  refuse_approximations(chain, "transport", order_decides, mean_field_moves_all);
  require_pair_memory(chain.sites, plan_transport(chain, read<TransportOptions>(point)).memory_bytes);
}

TaskEntry hubbard_transport_task() {
  const Coordinates every{momentum_coordinate(1)};
  TaskEntry task = cpu_task<Transport>(
      "transport", "drift velocity and diffusion constant of one spin-up particle among driven spin-down ones", every);
  task.keys = config::keys_of<TransportOptions>();
  task.outline = outline;
  task.plan = plan_point;
  task.run = run;
  task.verify = verify;
  return task;
}

}  // namespace lindrift
