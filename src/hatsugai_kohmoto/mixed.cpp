#include "hatsugai_kohmoto/mixed.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "clusters/cost.hpp"
#include "clusters/mixed_momenta.hpp"
#include "engine/threads.hpp"
#include "engine/validate.hpp"
#include "lindrift/error.hpp"
#include "lindrift/lattice/lattice.hpp"
#include "open_chain/green_rows.hpp"

namespace lindrift {

namespace {

using Complex = std::complex<double>;

constexpr double missing = std::numeric_limits<double>::quiet_NaN();
constexpr const char* on_the_cpu = "momenta that mix are solved on the CPU";

clusters::MixedMomenta problem_of(const HatsugaiKohmotoModes& modes, std::int64_t cluster) {
  const auto n = static_cast<std::size_t>(cluster);
  return {n, {modes.energy, modes.energy}, {modes.up, modes.down}, std::vector<Complex>(n, modes.interaction)};
}

/// Rejects options that only the closed form of a momentum supports, not a cluster.
void require_steady(const Execution& execution, bool down_occupation) {
  only_on_cpu(execution.backend, "model.cluster > 1 runs");
  if (down_occupation)
    throw ParameterError("initial.down_occupation", "only the steady state is known with model.cluster > 1");
}

}  // namespace

MixedPlan size_mixed(const HatsugaiKohmoto& model, double momenta, const Execution& execution) {
  const auto cluster = static_cast<std::size_t>(model.cluster);
  const bool up_empty = has_no_gain(model.up);
  const double groups = static_cast<double>(model.sites) / static_cast<double>(cluster);
  return {.operators = clusters::green_cost(cluster, up_empty, cluster).operators,
          .memory_bytes = clusters::mixed_bytes(cluster, up_empty, groups, momenta, threads_of(execution))};
}

MixedPlan plan_mixed(const HatsugaiKohmoto& model, std::size_t momenta, std::size_t values, double last_time,
                     const Execution& execution) {
  const bool times = last_time >= 0.0;
  const clusters::MixedCost cost = mixed_cost(problem_of(modes_of(model), model.cluster), momenta, times ? 0 : values,
                                              times ? values : 0, std::max(0.0, last_time), threads_of(execution));
  return {cost.green_operators, cost.operations, cost.memory_bytes, cost.seconds};
}

GreenResult mixed_green(const HatsugaiKohmoto& model, std::span<const double> times, const GreenOptions& options,
                        const Execution& execution) {
  const HatsugaiKohmotoModes modes = modes_of(model);
  require_steady(execution, !options.down_occupation.empty());
  const Calculation calculation(execution, options.monitor);
  const std::size_t sites = modes.energy.size(), elements = times.size() * sites;
  GreenResult result;
  result.times.assign(times.begin(), times.end());
  result.backend_reason = on_the_cpu;
  std::vector<Complex> momenta(elements);
  try {
    clusters::MixedStates(problem_of(modes, model.cluster)).at_times(times, execution, momenta);
  } catch (const Interruption&) {
    result.converged = false;
    momenta.assign(elements, Complex(missing, missing));
  }
  store(green_rows(momenta, TransformOrder(modes.lattice), options.keep_sites), result);
  if (options.keep_momenta) result.green_retarded_momentum = std::move(momenta);
  return result;
}

SpectralResult mixed_spectral(const HatsugaiKohmoto& model, std::span<const double> frequencies,
                              const SpectralOptions& options, const Execution& execution) {
  const HatsugaiKohmotoModes modes = modes_of(model);
  require_steady(execution, !options.conserved_occupation.empty());
  const std::vector<std::size_t> indices = select_momenta(options.momenta, model);
  const Calculation calculation(execution, options.monitor);
  SpectralResult result;
  result.frequencies.assign(frequencies.begin(), frequencies.end());
  result.backend_reason = on_the_cpu;
  result.momenta = momenta_of(indices, modes.lattice);
  const std::size_t elements = indices.size() * frequencies.size();
  result.green_retarded.resize(elements);
  try {
    clusters::MixedStates(problem_of(modes, model.cluster))
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
