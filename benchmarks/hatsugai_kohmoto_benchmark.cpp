// The Hatsugai-Kohmoto chain from end to end: drift and norm of G(j,t), and the density of one particle, at the
// published rates and U = 4; src/bench/workloads.cpp counts the operations. About 100 bytes per site and time.
//
// Rates and tables are made once per run. Runs of two lengths separate their cost, `setup_seconds`, from the cost per
// time, `seconds_per_time`; `ns_per_site` is the cost of one site at one time.
#include <algorithm>
#include <vector>

#include "bench/workloads.hpp"
#include "benchmarks/google_main.hpp"
#include "lindrift/hatsugai_kohmoto/density.hpp"
#include "lindrift/hatsugai_kohmoto/green.hpp"

namespace lindrift::benchmarks {
namespace {

/// Runs `task` over few and over many times, alternately.
template <class Task>
void measure(benchmark::State& state, std::int64_t sites, int threads, std::size_t few, std::size_t many,
             const Task& task) {
  const auto seconds = [&](std::size_t count) {
    const auto grid = times_until_fronts_meet(sites, count);
    const Stopwatch watch(threads == 1 ? 1 : all_threads());
    task(grid);
    return watch.seconds();
  };
  double short_run = 0.0, long_run = 0.0;
  seconds(few);
  for (auto _ : state) {
    const double first = seconds(few), second = seconds(many);
    short_run += first;
    long_run += second;
    state.SetIterationTime(first + second);
  }
  const double per_time =
      (long_run - short_run) / static_cast<double>(state.iterations()) / static_cast<double>(many - few);
  state.counters["seconds_per_time"] = per_time;
  state.counters["setup_seconds"] =
      short_run / static_cast<double>(state.iterations()) - per_time * static_cast<double>(few);
  state.counters["ns_per_site"] = 1e9 * per_time / static_cast<double>(sites);
}

void green_sums(benchmark::State& state) {
  const std::int64_t sites = state.range(0);
  const Execution execution{.backend = Backend::cpu, .threads = static_cast<int>(state.range(1))};
  const HatsugaiKohmoto model = driven_hatsugai_kohmoto(sites);
  GreenOptions options;
  options.keep_sites = options.keep_momenta = false;
  const auto many = static_cast<std::size_t>(std::max<std::int64_t>(24, (std::int64_t{1} << 23) / sites));
  measure(state, sites, execution.threads, many / 8, many, [&](const std::vector<double>& grid) {
    benchmark::DoNotOptimize(green(model, grid, options, execution).drift.back());
  });
}
BENCHMARK(green_sums)
    ->ArgNames({"L", "threads"})
    ->ArgsProduct({{128, 512, 2048, 8192, 32768, 131072, 524288, 1048576}, {1, 0}})
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

void density_of_one_particle(benchmark::State& state) {
  const std::int64_t sites = state.range(0);
  const Execution execution{.backend = Backend::cpu, .threads = static_cast<int>(state.range(1))};
  const HatsugaiKohmoto model = driven_hatsugai_kohmoto(sites);
  measure(state, sites, execution.threads, 4, 36, [&](const std::vector<double>& grid) {
    benchmark::DoNotOptimize(density(model, UpSites{}, grid, {}, execution).density.back());
  });
}
BENCHMARK(density_of_one_particle)
    ->ArgNames({"L", "threads"})
    ->ArgsProduct({{131072}, {1, 0}})
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace lindrift::benchmarks

int main(int argc, char** argv) { return lindrift::benchmarks::run(argc, argv); }
