#include "hatsugai_kohmoto/mixed.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "clusters/cost.hpp"
#include "clusters/mixed_momenta.hpp"
#include "engine/device_thresholds.hpp"
#include "engine/threads.hpp"
#include "engine/validate.hpp"
#include "lindrift/communicator.hpp"
#include "lindrift/error.hpp"
#include "lindrift/lattice/lattice.hpp"
#include "open_chain/coarse.hpp"
#include "open_chain/green_rows.hpp"

namespace lindrift {

namespace {

using Complex = std::complex<double>;

constexpr double missing = std::numeric_limits<double>::quiet_NaN();

clusters::MixedMomenta problem_of(const HatsugaiKohmotoModes& modes, std::int64_t cluster) {
  const auto n = static_cast<std::size_t>(cluster);
  return {n, {modes.energy, modes.energy}, {modes.up, modes.down}, std::vector<Complex>(n, modes.interaction)};
}

/// Rejects options that only the closed form of a momentum supports, not a cluster.
void require_steady(bool down_occupation) {
  if (down_occupation)
    throw ParameterError("initial.down_occupation", "only the steady state is known with model.cluster > 1");
}

/// The execution with the backend on which all ranks agree.
template <class Result>
Execution resolved(const HatsugaiKohmoto& model, const MixedRequest& request, const Execution& requested,
                   Result& result) {
  const MixedPlan plan = plan_mixed(model, request, requested);
  Execution execution = requested;
  execution.backend = agree_on_backend(requested.communicator, plan.backend, requested.backend == Backend::automatic);
  result.backend = execution.backend;
  result.backend_reason = plan.backend_reason;
  return execution;
}

}  // namespace

MixedPlan size_mixed(const HatsugaiKohmoto& model, double momenta, std::size_t frequencies, std::size_t times,
                     const Execution& execution) {
  const auto cluster = static_cast<std::size_t>(model.cluster);
  const bool up_empty = has_no_gain(model.up);
  const double groups = static_cast<double>(model.sites) / static_cast<double>(cluster);
  MixedPlan plan;
  plan.operators = clusters::green_cost(cluster, up_empty, cluster).operators;
  plan.memory_bytes = clusters::mixed_bytes(cluster, up_empty, groups, momenta, threads_of(execution));
  if (is_device(resolve_backend(execution.backend)))
    plan.memory_bytes += clusters::mixed_batch_bytes(cluster, up_empty, groups, momenta, frequencies, times);
  return plan;
}

MixedPlan plan_mixed(const HatsugaiKohmoto& model, const MixedRequest& request, const Execution& execution) {
  const HatsugaiKohmoto few = coarse(model);
  const clusters::MixedCost cost = mixed_cost(
      problem_of(modes_of(few), model.cluster), request.momenta, request.frequencies, request.times, request.last_time,
      threads_of(execution), static_cast<double>(model.size()) / static_cast<double>(few.size()));
  MixedPlan plan{cost.green_operators, cost.operations, cost.memory_bytes, cost.seconds, Backend::cpu, {}};
  const bool enough = device_thresholds().enough_for_clusters(cost.operations, static_cast<double>(request.momenta));
  plan.backend = choose_backend(execution.backend, enough, too_little_for_clusters, &plan.backend_reason);
  return plan;
}

double mixed_device_bytes(const HatsugaiKohmoto& model, const MixedRequest& request, const Execution& execution) {
  return mixed_device_bytes(problem_of(modes_of(model), model.cluster), request.momenta, request.frequencies,
                            request.times, execution);
}

GreenResult mixed_green(const HatsugaiKohmoto& model, std::span<const double> times, const GreenOptions& options,
                        const Execution& requested) {
  const HatsugaiKohmotoModes modes = modes_of(model);
  require_steady(!options.down_occupation.empty());
  const std::size_t sites = modes.energy.size(), elements = times.size() * sites;
  GreenResult result;
  result.times.assign(times.begin(), times.end());
  const double last_time = times.empty() ? 0.0 : times.back();
  const Execution execution =
      resolved(model, {.momenta = sites, .times = times.size(), .last_time = last_time}, requested, result);
  const Calculation calculation(execution, options.monitor);
  std::vector<Complex> momenta(elements);
  try {
    clusters::MixedStates(problem_of(modes, model.cluster), execution).at_times(times, execution, momenta);
  } catch (const Interruption&) {
    result.converged = false;
    momenta.assign(elements, Complex(missing, missing));
  }
  store(green_rows(momenta, TransformOrder(modes.lattice), options.keep_sites), result);
  if (options.keep_momenta) result.green_retarded_momentum = std::move(momenta);
  return result;
}

SpectralResult mixed_spectral(const HatsugaiKohmoto& model, std::span<const double> frequencies,
                              const SpectralOptions& options, const Execution& requested) {
  const HatsugaiKohmotoModes modes = modes_of(model);
  require_steady(!options.conserved_occupation.empty());
  const std::vector<std::size_t> indices = select_momenta(options.momenta, model);
  SpectralResult result;
  result.frequencies.assign(frequencies.begin(), frequencies.end());
  const Execution execution =
      resolved(model, {.momenta = indices.size(), .frequencies = frequencies.size()}, requested, result);
  const Calculation calculation(execution, options.monitor);
  result.momenta = momenta_of(indices, modes.lattice);
  const std::size_t elements = indices.size() * frequencies.size();
  result.green_retarded.resize(elements);
  try {
    clusters::MixedStates(problem_of(modes, model.cluster), execution)
        .spectral(indices, frequencies, options.broadening, execution, result.green_retarded);
  } catch (const Interruption&) {
    result.stopped = true;
    result.green_retarded.assign(elements, Complex(missing, missing));
  }
  const std::span green(result.green_retarded);
  for (std::size_t i = 0; i < indices.size(); ++i)
    add_spectrum_row(green.subspan(i * frequencies.size(), frequencies.size()), modes.energy[indices[i]], frequencies,
                     options.broadening, result);
  if (!options.keep_green) result.green_retarded.clear();
  return result;
}

}  // namespace lindrift
