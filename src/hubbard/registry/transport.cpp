#include "hubbard/registry/transport.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "config/read.hpp"
#include "engine/short_text.hpp"
#include "hubbard/registry/rings.hpp"
#include "lindrift/lindrift.hpp"
#include "open_chain/registry/propagator.hpp"
#include "registry/cpu_task.hpp"

namespace lindrift {

namespace {

using config::Point;
using config::read;

const Method method{"kinetic", "a matrix of scattering rates, by products of matrices over frequencies"};

Coordinates coordinates_of(const Point& point) { return transport_coordinates(lattice_of(point)); }

io::Result empty_result(const Point& point) {
  return empty_result_of<Transport>(coordinates_of(point), point.texts("output.fields"));
}

Footprint footprint_of(const Point& point, const Execution& execution) {
  Footprint needed = open_chain_footprint<Transport>(point, coordinates_of(point));
  constexpr double pair_bytes = 40.0;
  needed.working = pair_bytes * size_of(point) * size_of(point);
  if (!needed.is_too_much())
    needed.working = plan_transport(read<HubbardChain>(point), read<TransportOptions>(point), execution).memory_bytes;
  return needed;
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
  plan.method = method;
  plan.work = "momenta of a pair";
  plan.rate_evaluations = static_cast<double>(chain.size());
  plan.operations = transport.operations / plan.rate_evaluations;
  plan.bytes_moved = 24.0 * plan.rate_evaluations * plan.rate_evaluations;
  plan.seconds_per_evaluation = transport.seconds / plan.rate_evaluations;
  plan.notes = warnings(chain, options);
  return plan;
}

io::Result run(const Point& point, const Execution& execution, const Monitor& monitor) {
  const auto chain = read<HubbardChain>(point);
  auto options = read<TransportOptions>(point);
  options.monitor = monitor;
  Transport particle = transport(chain, options, execution);
  io::Result result = cpu_result(point, coordinates_of(point), particle, method, collisions_on_the_cpu);
  add_to_message(result.message, particle.message);
  for (const std::string& note : warnings(chain, options)) add_to_message(result.message, note);
  return result;
}

void verify(Verification& verification) {
  const auto *distribution = verification.reals("particle_distribution"), *drift = verification.reals("drift_velocity");
  if (distribution == nullptr) return;
  constexpr double allowed = 1e-12;
  verification.note("probabilities add up to 1",
                    std::fabs(std::accumulate(distribution->begin(), distribution->end(), 0.0) - 1.0), allowed);
  if (drift != nullptr)
    for (std::size_t i = 0; i < drift->size(); ++i)
      verification.note(
          "drift velocity from the probabilities",
          std::fabs((*drift)[i] - plain_flow(verification.point, Spin::up, static_cast<int>(i), *distribution)),
          allowed);
  const auto *spread = verification.reals("diffusion_constant"), *exact = verification.reals("diffusion_exact");
  for (const auto* tensor : {spread, exact}) {
    if (tensor == nullptr || std::isnan(tensor->front())) continue;  // nothing is solved exactly
    const std::size_t directions = tensor->size() == 1 ? 1 : tensor->size() == 4 ? 2 : 3;
    for (std::size_t i = 0; i < directions; ++i)
      for (std::size_t j = 0; j < i; ++j)
        verification.note("diffusion tensor is symmetric",
                          std::fabs((*tensor)[i * directions + j] - (*tensor)[j * directions + i]), 0.0);
    for (std::size_t i = 0; tensor == exact && i < directions; ++i)
      verification.note("exact diffusion constant >= 0", std::max(0.0, -(*exact)[i * (directions + 1)]), allowed);
  }
}

}  // namespace

void validate_transport_point(const Point& point) {
  refuse_approximations(read<HubbardChain>(point), "transport", order_decides, mean_field_moves_all);
}

TaskEntry hubbard_transport_task() {
  const Coordinates every{momentum_coordinate(1)};
  return cpu_task<Transport>(
      "transport", "drift velocity and diffusion constant of one spin-up particle among driven spin-down ones",
      config::keys_of<TransportOptions>(), every, {footprint_of, empty_result, plan_point, run, verify});
}

}  // namespace lindrift
