// The self-energy of the driven Hubbard chain at the published rates, by both algorithms.
//
// direct: 64 frequencies without symmetry at all momenta; src/bench/workloads.cpp counts the operations of a term. A
// term takes 10.25 operations, if a fused multiply-add counts as two and the division as one. `terms` counts terms
// after merging; `whole_sum_per_second` counts all terms.
//
// fft: all momenta at 4096 frequencies, |w| <= 8 J, to 1e-12, including planning but not the allocation of the result.
//
// propagator: G(k,t) of 64 momenta over a number of steps of 0.02/J and over half that number, including the kernel at
// every step. One block of steps is added term by term, with 4 multiplications each, everything before it by
// transforms.
#include <algorithm>
#include <cmath>
#include <complex>
#include <vector>

#include "bench/workloads.hpp"
#include "benchmarks/google_main.hpp"
#include "hubbard/direct.hpp"
#include "hubbard/fft.hpp"
#include "hubbard/volterra.hpp"

namespace lindrift::benchmarks {
namespace {

constexpr double operations_per_term = 10.25;

std::vector<std::complex<double>*> rows_of(std::vector<std::complex<double>>& values, std::size_t sites) {
  std::vector<std::complex<double>*> rows(sites);
  for (std::size_t m = 0; m < sites; ++m) rows[m] = values.data() + m * (values.size() / sites);
  return rows;
}

void hubbard_direct(benchmark::State& state) {
  const int threads = state.range(1) > 0 ? static_cast<int>(state.range(1)) : all_threads();
  const Case sums = workload("hubbard_direct").make(state.range(0), {.backend = Backend::cpu, .threads = threads});
  sums.run();
  const double ceiling = multiplication_rate(threads);
  const Stopwatch watch(threads);
  for (auto _ : state) {
    sums.run();
    benchmark::ClobberMemory();
  }
  const double seconds = watch.seconds() / static_cast<double>(state.iterations());
  const double terms = sums.work.items / seconds, cube = std::pow(static_cast<double>(state.range(0)), 3.0);
  state.counters["terms_per_second"] = terms;
  state.counters["whole_sum_per_second"] = cube * hubbard_direct_frequencies / seconds;
  state.counters["fraction_of_floor"] = floor_seconds(sums.work, {.multiplications = ceiling}) / seconds;
  state.counters["fraction_of_peak"] = terms * operations_per_term / (2.0 * ceiling);
  state.counters["seconds"] = seconds;
}
BENCHMARK(hubbard_direct)->ArgNames({"L", "threads"})->ArgsProduct({{64, 128, 256, 512}, {1, 0}})->UseRealTime();

/// All momenta at 4096 frequencies by the direct sum too, at sizes that do not take too long.
void hubbard_direct_whole(benchmark::State& state) {
  const auto sites = static_cast<std::size_t>(state.range(0));
  const auto grid = even_frequencies(-8.0, 8.0, 4096);
  std::vector<std::complex<double>> values(sites * grid.size());
  DirectSelfEnergy direct(driven_hubbard(state.range(0)), {Backend::cpu, Algorithm::direct, 1});
  const Stopwatch watch(1);
  for (auto _ : state) direct.add_grid(rows_of(values, sites), grid, 0.0);
  state.counters["seconds"] = watch.seconds() / static_cast<double>(state.iterations());
}
BENCHMARK(hubbard_direct_whole)
    ->ArgNames({"L", "threads"})
    ->ArgsProduct({{128, 256}, {1}})
    ->Iterations(1)
    ->UseRealTime();

void hubbard_fft(benchmark::State& state) {
  const auto sites = static_cast<std::size_t>(state.range(0));
  const int threads = state.range(1) > 0 ? static_cast<int>(state.range(1)) : all_threads();
  const auto grid = even_frequencies(-8.0, 8.0, 4096);
  constexpr double largest_self_energy = 0.283;
  std::vector<std::complex<double>> values(sites * grid.size());
  const HubbardModes chain = driven_hubbard(state.range(0));
  double bound = 0.0, memory = 0.0;
  const auto run = [&] {
    FftSelfEnergy fft(chain, grid, 0.0, 1e-12 * largest_self_energy, {Backend::cpu, Algorithm::fft, threads});
    bound = fft.add_grid(rows_of(values, sites)) / largest_self_energy;
    memory = fft.plan().memory_bytes;
  };
  if (sites <= 1024) run();
  const Stopwatch watch(threads);
  for (auto _ : state) {
    run();
    benchmark::ClobberMemory();
  }
  const double seconds = watch.seconds() / static_cast<double>(state.iterations());
  state.counters["seconds"] = seconds;
  state.counters["ns_per_entry"] = 1e9 * seconds / static_cast<double>(values.size());
  state.counters["error_bound"] = bound;
  state.counters["memory_bytes"] = memory;
}
BENCHMARK(hubbard_fft)->ArgNames({"L", "threads"})->ArgsProduct({{128, 256, 1024, 16384}, {1, 0}})->UseRealTime();
BENCHMARK(hubbard_fft)->ArgNames({"L", "threads"})->Args({131072, 0})->Iterations(1)->UseRealTime();

void hubbard_propagator(benchmark::State& state) {
  constexpr std::size_t sites = 64;
  const auto steps = static_cast<std::size_t>(state.range(0));
  const HubbardModes chain = driven_hubbard(sites);
  const std::vector<double> at = {0.02 * static_cast<double>(steps)};
  const VolterraEquation equation(chain, at, steps, 0.02);
  const MemoryKernel kernel(chain);
  const VolterraSolver solver(equation.fine, equation.rough);
  const std::vector<double> grid = equation.grid();
  std::vector<std::complex<double>> rows(grid.size() * sites + VolterraSolver::group), green(sites);
  std::vector<std::complex<double>> circles(2 * kernels::VolterraTables::circle_points * sites + VolterraSolver::group);
  std::vector<double> differences(sites);
  VolterraSolver::Workspace workspace;
  const Stopwatch watch(1);
  for (auto _ : state) {
    kernel.evaluate(equation.circles(), circles.data());
    kernel.evaluate(grid, rows.data(), {.threads = 1});
    for (std::size_t m = 0; m < sites; m += VolterraSolver::group)
      solver.solve(m, rows.data(), rows.data(), circles.data(), workspace, green.data(), differences.data() + m);
    benchmark::ClobberMemory();
  }
  const double seconds = watch.seconds() / static_cast<double>(state.iterations());
  state.counters["seconds"] = seconds;
  state.counters["ns_per_momentum_and_step"] = 1e9 * seconds / static_cast<double>(sites * steps);
}
BENCHMARK(hubbard_propagator)
    ->ArgNames({"steps", "threads"})
    ->ArgsProduct({{512, 2048, 8192, 32768}, {1}})
    ->UseRealTime();

}  // namespace
}  // namespace lindrift::benchmarks

int main(int argc, char** argv) { return lindrift::benchmarks::run(argc, argv); }
