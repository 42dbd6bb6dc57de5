#include "bench/crossovers.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>

#include "bench/ceiling.hpp"
#include "bench/models.hpp"
#include "bench/workloads.hpp"
#include "engine/side_by_side.hpp"
#include "engine/threads.hpp"
#include "hatsugai_kohmoto/mixed.hpp"
#include "lindrift/error.hpp"
#include "lindrift/hatsugai_kohmoto/green.hpp"
#include "lindrift/hubbard/green.hpp"
#include "lindrift/lattice/tight_binding.hpp"
#include "lindrift/tgge/steady_state.hpp"
#include "tgge/point_batch.hpp"

namespace lindrift::benchmarks {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

Execution on(Backend backend, Execution execution) {
  execution.backend = backend;
  return execution;
}

/// @param work  nothing: what the workload counts
Comparison comparison_of(std::string_view name, std::int64_t size, const Execution& execution,
                         std::optional<double> work = {}) {
  const Workload& each = workload(name);
  const Case cpu = each.make(size, on(Backend::cpu, execution)), device = each.make(size, on(Backend::cuda, execution));
  return {work.value_or(cpu.work.items), cpu.run, device.run};
}

Comparison pair_sums(std::int64_t size, const Execution& execution) {
  return comparison_of("pair_sum", size, execution, static_cast<double>(size));
}
Comparison self_energy_terms(std::int64_t size, const Execution& execution) {
  return comparison_of("hubbard_direct", size, execution);
}
/// The way by time is chosen by the seconds that it takes on the CPU.
Comparison self_energy_seconds(std::int64_t size, const Execution& execution) {
  return comparison_of("hubbard_fft", size, execution, 0.0);
}

/// The thresholds in use, but for one.
DeviceThresholds with(double DeviceThresholds::*threshold, double value) {
  DeviceThresholds thresholds = device_thresholds();
  thresholds.*threshold = value;
  return thresholds;
}

/// Runs a calculation on a device with another threshold.
std::function<void()> under(const DeviceThresholds& thresholds, const std::function<void()>& run) {
  return [thresholds, run] {
    struct Restore {
      DeviceThresholds before = device_thresholds();
      ~Restore() { use_device_thresholds(before); }
    } const restore;
    use_device_thresholds(thresholds);
    run();
  };
}

/// A steady state of a chain, by Newton's method that the host or the device runs.
Comparison newton(std::int64_t size, const Execution& execution) {
  const auto model = std::make_shared<TggeModel>(chain(size, Spectrum::lorentzian));
  const auto run = [model, own = on(Backend::cuda, execution)] {
    if (!steady_state(make_rate_equation(*model, own), 0.5).converged) throw Error("a steady state did not converge");
  };
  return {static_cast<double>(size), under(with(&DeviceThresholds::newton_modes, infinity), run),
          under(with(&DeviceThresholds::newton_modes, 0.0), run)};
}

/// Steady states of chains of 128 sites at so many points: each on a thread of the CPU, or in a thread block.
Comparison batches(std::int64_t size, const Execution& execution) {
  constexpr std::int64_t sites = 128;
  constexpr double filling = 0.5;
  const auto points = static_cast<std::size_t>(size);
  const auto model_of = [points](std::size_t i) {
    TggeChain one = chain(sites, Spectrum::lorentzian);
    const double place = (static_cast<double>(i) + 0.5) / static_cast<double>(points);
    one.bath.nonequilibrium_fraction = place;
    one.bath.inverse_temperature = 0.5 + 2.0 * place;
    return TggeModel(one);
  };
  const auto require = [](bool converged) {
    if (!converged) throw Error("a steady state did not converge");
  };
  Execution on_thread = on(Backend::cpu, execution);
  on_thread.threads = 1;
  Execution in_blocks = on_thread;  // as the program makes them ready
  in_blocks.backend = Backend::cuda;
  return {static_cast<double>(size * sites),
          [=] {
            const Calculation calculation(threads_of(execution));
            side_by_side(points, [&](std::size_t i) {
              require(steady_state(make_rate_equation(model_of(i), on_thread), filling).converged);
            });
          },
          [=] {
            const Calculation calculation(threads_of(execution));
            const auto entries = made_side_by_side(points, [&](std::size_t i) {
              return PointBatchEntry{.ingredients = ingredients_for_a_block(model_of(i), in_blocks),
                                     .number = filling * sites};
            });
            for (const auto& state : steady_states_in_blocks(entries, in_blocks)) require(state.has_value());
          }};
}

/// Bands of two orbitals on a square lattice of size * size cells.
Comparison bands(std::int64_t size, const Execution& execution) {
  TightBinding model{.orbitals = 2,
                     .hopping_terms = {{{0, 0}, 0, 1, {1.0, 0.2}}, {{1, 0}, 0, 0, 0.7}, {{0, 1}, 1, 0, {0.4, 0.3}}}};
  add_hermitian_conjugates(model.hopping_terms);
  const Lattice lattice({size, size});
  const auto way = [model, lattice](const Execution& own) {
    return [model, lattice, own] { make_bands(model, lattice, own); };
  };
  return {2.0 * static_cast<double>(lattice.size()), way(on(Backend::cpu, execution)),
          under(with(&DeviceThresholds::band_modes, 0.0), way(on(Backend::cuda, execution)))};
}

Comparison green_elements(std::int64_t size, const Execution& execution) {
  constexpr std::size_t count = 64;
  const HatsugaiKohmoto model = driven_hatsugai_kohmoto(size);
  const std::vector<double> times = times_until_fronts_meet(size, count);
  const auto way = [model, times](const Execution& own) {
    return [model, times, own] { green(model, times, {}, own); };
  };
  return {static_cast<double>(size) * static_cast<double>(count), way(on(Backend::cpu, execution)),
          way(on(Backend::cuda, execution))};
}

/// Pairs of momenta that mix.
Comparison clusters(std::int64_t size, const Execution& execution) {
  HatsugaiKohmoto model = driven_hatsugai_kohmoto(size);
  model.cluster = 2;
  const std::vector<double> times = times_until_fronts_meet(64, 8);
  const auto way = [model, times](const Execution& own) {
    return [model, times, own] { green(model, times, {}, own); };
  };
  const MixedRequest request{
      .momenta = static_cast<std::size_t>(size), .times = times.size(), .last_time = times.back()};
  return {plan_mixed(model, request, on(Backend::cpu, execution)).operations, way(on(Backend::cpu, execution)),
          way(on(Backend::cuda, execution))};
}

/// Some 1000 steps.
Comparison propagators(std::int64_t size, const Execution& execution) {
  const HubbardChain model = driven_chain(size);
  const std::vector<double> times = {5.0, 10.0, 20.0};
  const auto way = [model, times](const Execution& own) {
    return [model, times, own] { green(model, times, {.tolerance = 1e-8}, own); };
  };
  return {static_cast<double>(size), way(on(Backend::cpu, execution)), way(on(Backend::cuda, execution))};
}

std::vector<std::int64_t> doubled(std::int64_t first, std::int64_t last, std::int64_t factor = 2) {
  std::vector<std::int64_t> sizes;
  for (; first <= last; first *= factor) sizes.push_back(first);
  return sizes;
}

/// Median of several runs by the wall clock, after one that makes plans and fills caches. Of long runs one is enough.
double seconds_of(const std::function<void()>& run, double max_seconds) {
  run();
  std::vector<double> seconds;
  double sum = 0.0;
  while (seconds.size() < 3 || (seconds.size() < 15 && sum < 0.05)) {
    if (sum > max_seconds) break;
    constexpr int wall_clock = 2;
    const Stopwatch watch(wall_clock);
    run();
    seconds.push_back(watch.seconds());
    sum += seconds.back();
  }
  std::sort(seconds.begin(), seconds.end());
  return seconds[seconds.size() / 2];
}

}  // namespace

const std::vector<ComparisonSeries>& comparisons() {
  static const std::vector<ComparisonSeries> all = {
      {"pair_modes", "dn/dt of a chain by every pair", doubled(128, 65536), pair_sums},
      {"batch_modes", "steady states of chains of 128 sites with a lorentzian bath", doubled(4, 4096), batches},
      {"newton_modes", "a steady state with a lorentzian bath", doubled(256, 262144), newton},
      {"band_modes", "bands of two orbitals on a square lattice", doubled(16, 1024), bands},
      {"green_elements", "G(j,t) of the Hatsugai-Kohmoto chain at 64 times", doubled(1024, 1048576, 4), green_elements},
      {"cluster_operations", "G(j,t) of pairs of momenta that mix", doubled(16, 4096), clusters},
      {"self_energy_terms", "self-energy of the Hubbard chain by the double sum", doubled(32, 1024), self_energy_terms},
      {"self_energy_seconds", "self-energy of the Hubbard chain by time", doubled(64, 4096), self_energy_seconds},
      {"propagator_momenta", "propagator of the Hubbard chain to J t = 20", doubled(64, 65536, 4), propagators}};
  return all;
}

double crossover_of(const std::vector<ComparisonTimes>& times) {
  const auto advantage = [](const ComparisonTimes& each) { return std::log(each.without_device / each.with_device); };
  std::size_t first = times.size();  // the device wins from here on
  while (first > 0 && advantage(times[first - 1]) > 0.0) --first;
  if (first == times.size()) return infinity;
  if (first == 0) return times.front().work;
  const ComparisonTimes &loss = times[first - 1], &win = times[first];
  const double part = -advantage(loss) / (advantage(win) - advantage(loss));
  return loss.work * std::pow(win.work / loss.work, part);
}

Crossover measure(const ComparisonSeries& series, const Execution& execution, double max_seconds) {
  Crossover result;
  int wins = 0;
  const auto times_at = [&](std::int64_t size) {
    const Comparison comparison = series.make(size, execution);
    ComparisonTimes times{comparison.work, seconds_of(comparison.without_device, max_seconds),
                          seconds_of(comparison.with_device, max_seconds)};
    if (times.work == 0.0) times.work = times.without_device;
    return times;
  };
  for (const std::int64_t size : series.sizes) {
    try {
      result.times.push_back(times_at(size));
    } catch (const DeviceMemoryError&) {
      if (result.times.empty()) throw;
      break;  // others use the device too
    }
    const ComparisonTimes& times = result.times.back();
    wins = times.with_device < times.without_device ? wins + 1 : 0;
    if (wins == 2 || times.with_device > max_seconds || times.without_device > max_seconds) break;
  }
  result.work = crossover_of(result.times);
  return result;
}

}  // namespace lindrift::benchmarks
