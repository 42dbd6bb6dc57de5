#include "hubbard/registry/hubbard.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "config/read.hpp"
#include "engine/machine_memory.hpp"
#include "engine/threads.hpp"
#include "engine/validate.hpp"
#include "hubbard/coarse_chain.hpp"
#include "hubbard/registry/exact.hpp"
#include "hubbard/registry/rings.hpp"
#include "hubbard/registry/steady_state.hpp"
#include "hubbard/registry/transport.hpp"
#include "hubbard/registry/verify.hpp"
#include "lindrift/lindrift.hpp"
#include "open_chain/registry/propagator.hpp"

namespace lindrift {

/// Limits the number of times at which the kernel of a spectral function is evaluated.
struct KernelLimit {
  std::int64_t max_steps = default_max_steps;
};

template <>
auto description<KernelLimit>() {
  return std::tuple(field(&KernelLimit::max_steps, max_steps_parameter()));
}

namespace {

using config::Point;
using config::read;

const Method volterra{"volterra", "the integral equation of the propagator, its kernel by transforms at every step"};

/// |U|/J up to which second order was compared with exact results, and up to which it was right to one percent.
constexpr double compared_interaction = 2.0, precise_interaction = 0.5;

bool is_spectral(const Point& point) { return point.text("task.kind") == "spectral"; }

HubbardSpectralOptions spectral_options(const Point& point) {
  auto options = read<HubbardSpectralOptions>(point);
  options.keep_green = wanted(point, "green_retarded_frequency");
  return options;
}

// --- checks and plans ---

HubbardGreenPlan green_plan(const Point& point, const Execution& execution) {
  return plan_green(read<HubbardChain>(point), point.reals("task.times"), point.real("solver.tolerance"), execution);
}

HubbardSpectralPlan spectral_plan_of(const Point& point, const HubbardChain& chain, Execution execution) {
  execution.backend = Backend::cpu;
  execution.threads = threads_of(execution);
  return plan_spectral(chain, point.reals("task.frequencies"), spectral_options(point),
                       with_algorithm(point, execution));
}

/// Tables of the momenta. The footprints of both tasks also refuse what takes more steps than solver.max_steps: their
/// plans, which are costly in sweeps of many points, are made for it anyway.
constexpr double mode_bytes = 400.0;

Footprint green_footprint(const Point& point, const Execution& execution) {
  Footprint needed = open_chain_footprint<HubbardGreen>(point, open_chain_coordinates(point));
  needed.working = mode_bytes * size_of(point);
  if (needed.is_too_much() || !point.has_values()) return needed;
  const HubbardGreenPlan plan = green_plan(point, {.backend = Backend::cpu, .threads = execution.threads});
  if (static_cast<double>(plan.steps) > static_cast<double>(point.integer("solver.max_steps")))
    throw ParameterError("task.times",
                         fmt::format("up to t = {:.6g} there are {} steps, more than solver.max_steps = "
                                     "{}",
                                     point.reals("task.times").back(), plan.steps, point.integer("solver.max_steps")));
  needed.working += plan.memory_bytes;
  needed.growth = 8.0;  // the step may be halved three times
  if (needed.is_too_much()) {
    needed.key = "task.times";
    needed.size += fmt::format(" with {} steps up to t = {:.6g}", plan.steps, point.reals("task.times").back());
  }
  return needed;
}

void require_nodes(const Point& point, const HubbardSpectralPlan& plan) {
  const std::int64_t most = point.integer("solver.max_steps");
  if (plan.nodes > static_cast<double>(most))
    throw ParameterError("task.frequencies",
                         fmt::format("frequencies up to {:.6g} need the kernel at {:.3g} times, more than "
                                     "solver.max_steps = {}; solver.algorithm = \"direct\" needs none",
                                     std::max(std::fabs(point.reals("task.frequencies").front()),
                                              std::fabs(point.reals("task.frequencies").back())),
                                     plan.nodes, most));
}

Footprint spectral_footprint(const Point& point, const Execution& execution) {
  Footprint needed = open_chain_footprint<HubbardSpectrum>(point, open_chain_coordinates(point));
  needed.working = mode_bytes * size_of(point);
  if (needed.is_too_much() || !point.has_values()) return needed;
  const HubbardSpectralPlan plan = spectral_plan_of(point, read<HubbardChain>(point), execution);
  require_nodes(point, plan);
  needed.working += plan.memory_bytes;
  if (needed.is_too_much()) {
    needed.key = "task.frequencies";
    needed.size += fmt::format(" with a memory of {:.0f} times", plan.nodes);
  }
  return needed;
}

void validate_point(const Point& point) {
  if (point.text("task.kind") == "exact") return validate_exact_point(point);
  if (point.text("task.kind") == "steady_state") return validate_steady_state_point(point);
  if (point.text("task.kind") == "transport") return validate_transport_point(point);
  const HubbardChain chain = read<HubbardChain>(point);
  with_coarse_chain(chain, [](const HubbardChain& few) { validate(few); });
  if (is_spectral(point))
    numbers_of(integers_of(point, "task.momenta"), chain.lattice(), "task.momenta", "m must be in");
}

/// Warnings about what a result does not show by itself.
std::vector<std::string> warnings(const Point& point) {
  const HubbardChain chain = read<HubbardChain>(point);
  std::vector<std::string> notes;
  const double strongest = interaction_strength(chain);
  if (chain.approximation == Approximation::ladder) {
    if (chain.ladder == Ladder::both && strongest >= compared_interaction)
      notes.push_back(
          fmt::format("ladder = both is exact through the third order, but its spectral function may be "
                      "negative at an interaction of {:.3g} J",
                      strongest));
  } else if (strongest > compared_interaction)
    notes.push_back(
        fmt::format("the interaction is {:.3g} J: the second order has been compared with exact results up to "
                    "{} J only, where it is right in sign and trend but not in size; model.approximation = "
                    "\"ladder\" goes beyond",
                    strongest, compared_interaction));
  if (!is_spectral(point)) {
    const auto wrapped = wrapping_notes(chain, point.reals("task.times").back());
    notes.insert(notes.end(), wrapped.begin(), wrapped.end());
    return notes;
  }
  const HubbardChain few = coarse(chain);
  const BathRates rates = bath_rates(few.down, few.lattice(), "bath.down");
  double slowest = INFINITY;
  for (std::size_t i = 0; i < rates.gain.size(); ++i) slowest = std::min(slowest, rates.gain[i] + rates.loss[i]);
  slowest += point.real("task.broadening");
  const auto& frequencies = point.reals("task.frequencies");
  double widest = 0.0;
  for (std::size_t i = 1; i < frequencies.size(); ++i) widest = std::max(widest, frequencies[i] - frequencies[i - 1]);
  if (widest > slowest)
    notes.push_back(
        fmt::format("the slowest momentum decays at {:.3g}, and the self energy may have features of that width, "
                    "which steps of {:.3g} between frequencies do not resolve",
                    slowest, widest));
  return notes;
}

Plan plan_point(const Point& point, const Execution& requested) {
  Plan plan;
  const HubbardChain chain = read<HubbardChain>(point);
  plan.notes = warnings(point);
  const double strongest = interaction_strength(chain);
  if (chain.approximation == Approximation::second_order && strongest > precise_interaction &&
      strongest <= compared_interaction)
    plan.notes.push_back(
        fmt::format("the interaction is {:.3g} J: up to about {} J the second order is right within a "
                    "percent, up to {} J in sign and trend; model.approximation = \"ladder\" goes beyond",
                    strongest, precise_interaction, compared_interaction));
  Execution execution = with_algorithm(point, requested);
  execution.threads = threads_of(execution);
  const auto sites = static_cast<double>(chain.size());
  if (!is_spectral(point)) {
    const HubbardGreenPlan green = green_plan(point, execution);
    const auto steps = static_cast<double>(green.steps);
    plan.work = "steps of the integral equation";
    plan.method = volterra;
    plan.backend = green.backend;
    plan.backend_reason = green.backend_reason;
    plan_device(plan, requested, [&] {
      return green_device_bytes(chain, point.reals("task.times"), read<HubbardGreenOptions>(point), execution);
    });
    plan.rate_evaluations = steps;
    plan.operations = green.operations / steps;
    plan.bytes_moved = 32.0 * sites;
    plan.seconds_per_evaluation = green.seconds / steps;
    return plan;
  }
  const HubbardSpectralPlan spectral_plan =
      plan_spectral(chain, point.reals("task.frequencies"), spectral_options(point), execution);
  plan.method = {std::string(name(spectral_plan.algorithm)), spectral_plan.algorithm_reason};
  plan.backend = spectral_plan.backend;
  plan.backend_reason = spectral_plan.backend_reason;
  const bool fft = spectral_plan.algorithm == Algorithm::fft;
  plan.work = fft ? "times" : "rows of the double sum";
  plan.rate_evaluations = fft ? std::max(1.0, spectral_plan.nodes) : sites;
  plan.operations = spectral_plan.operations / plan.rate_evaluations;
  plan.bytes_moved = 64.0 * sites;
  plan.seconds_per_evaluation = spectral_plan.seconds / plan.rate_evaluations;
  plan.notes.push_back(spectral_plan.symmetries.empty()
                           ? "rates and frequencies have no symmetry that saves work"
                           : fmt::format("symmetries found: {}", fmt::join(spectral_plan.symmetries, "; ")));
  plan_device(plan, requested, [&] {
    return spectral_device_bytes(chain, point.reals("task.frequencies"), spectral_options(point), execution);
  });
  return plan;
}

// --- runs ---

std::string joined(std::string message, const std::vector<std::string>& notes) {
  for (const std::string& note : notes) message += (message.empty() ? "" : "; ") + note;
  return message;
}

io::Result run_spectral(const Point& point, const Execution& requested, const Monitor& monitor) {
  HubbardSpectralOptions options = spectral_options(point);
  options.certify = requested.certify;
  options.monitor = monitor;
  options.monitor.stop = {};  // the end of a stage is never far, and leaves a checkpoint
  HubbardSpectrum spectrum =
      spectral(read<HubbardChain>(point), point.reals("task.frequencies"), options, with_algorithm(point, requested));

  io::Result result = spectrum.stopped ? empty_open_chain_result<HubbardSpectrum>(point) : io::Result();
  if (!spectrum.stopped) {
    auto summary = spectral_peak(spectrum);
    summary.emplace_back("mean_occupation", spectrum.mean_occupation);
    summary.emplace_back("hartree_shift", spectrum.hartree_shift);
    result = open_chain_result(point, spectrum);
    result.summary.insert(result.summary.begin(), summary.begin(), summary.end());
    if (options.certify > 0) result.summary.emplace_back("certificate", spectrum.certificate);
  }
  result.algorithm = name(spectrum.algorithm);
  result.algorithm_reason = spectrum.algorithm_reason;
  result.backend = name(spectrum.backend);
  result.backend_reason = spectrum.backend_reason;
  result.converged = !spectrum.stopped;
  result.stopped = spectrum.stopped;
  result.message = spectrum.stopped ? spectrum.message : joined(spectrum.message, warnings(point));
  return result;
}

io::Result run_green(const Point& point, const Execution& execution, const Monitor& monitor) {
  auto options = read<HubbardGreenOptions>(point);
  options.keep_sites = wanted(point, "green_retarded");
  options.keep_momenta = wanted(point, "green_retarded_momentum");
  const Footprint needed = open_chain_footprint<HubbardGreen>(point, open_chain_coordinates(point));
  options.max_bytes = machine_memory() - needed.total();
  options.monitor = monitor;
  HubbardGreen propagator =
      green(read<HubbardChain>(point), point.reals("task.times"), options, with_algorithm(point, execution));

  io::Result result = open_chain_result(point, propagator);
  // Before the error, which comes last.
  result.summary.insert(result.summary.end() - 1, {"steps", static_cast<double>(propagator.steps)});
  result.algorithm = volterra.algorithm;
  result.algorithm_reason = volterra.reason;
  result.backend = name(propagator.backend);
  result.backend_reason = propagator.backend_reason;
  result.converged = propagator.converged;
  result.stopped = propagator.stopped;
  result.message = joined(propagator.message, warnings(point));
  return result;
}

void require_device_work(const Point& point) {
  Execution execution = with_algorithm(point, {.backend = Backend::cuda});
  execution.threads = threads_of(execution);
  if (is_spectral(point))
    plan_spectral(read<HubbardChain>(point), point.reals("task.frequencies"), spectral_options(point), execution);
  else
    green_plan(point, execution);
}

}  // namespace

ModelEntry hubbard_entry() {
  ModelEntry model;
  model.kind = "hubbard";
  model.description =
      "Hubbard model on a ring or a lattice with driven spin-down particles and one spin-up probe, to second order or "
      "in the ladder approximation";
  model.algorithms = {Algorithm::direct, Algorithm::fft};
  model.keys = config::keys_of<HubbardChain>();
  model.validate = validate_point;
  model.tasks = {
      {.kind = "green",
       .description = "propagator of the probe between sites, its norm and its drift",
       .keys = config::keys_of<OutputTimes, HubbardGreenOptions>(),
       .fields = open_chain_fields<HubbardGreen>(),
       .sizeless_fields = open_chain_sizeless_fields<HubbardGreen>(),
       .footprint = green_footprint,
       .empty_result = empty_open_chain_result<HubbardGreen>,
       .plan = plan_point,
       .run = run_green,
       .diagnostics = {},
       .remarks = open_chain_remarks,
       .verify = verify_hubbard_green,
       .shares_a_point = true,
       .require_device_work = require_device_work},
      {.kind = "spectral",
       .description = "spectral function, self energy and Green's function of the probe over momentum and frequency",
       .keys = config::keys_of<OutputFrequencies, HubbardSpectralOptions, KernelLimit>(),
       .fields = open_chain_fields<HubbardSpectrum>(),
       .sizeless_fields = open_chain_sizeless_fields<HubbardSpectrum>(),
       .footprint = spectral_footprint,
       .empty_result = empty_open_chain_result<HubbardSpectrum>,
       .plan = plan_point,
       .run = run_spectral,
       .diagnostics = {},
       .remarks = open_chain_remarks,
       .verify = verify_hubbard_spectral,
       .shares_a_point = true,
       .require_device_work = require_device_work,
       .certifies = true},
      hubbard_steady_state_task(),
      hubbard_transport_task(),
      hubbard_exact_task()};
  return model;
}

}  // namespace lindrift
