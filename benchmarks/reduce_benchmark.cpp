// The verbs reduce and map, through the public interface: dn/dt of the chain through its moments, O(L).
//
// Operation count of a mode: the reduction reads 6 arrays (e^{+-beta E/2}, n, 1 - n, in, out) for 4 multiply-adds, the
// map reads 6 (in, out, e^{+-beta E/2}, n, 1 - n) and writes 1 for 14 operations: 22 flops, 48 + 56 bytes, and 8 more
// for reading the lines that are written. Beyond the caches memory is the ceiling: the floor is 48 bytes at the
// measured rate of reading plus 64 bytes at that of a triad.
#include "benchmarks/ceiling.hpp"
#include "benchmarks/google_main.hpp"
#include "benchmarks/support.hpp"

namespace lindrift::benchmarks {
namespace {

constexpr double flops_per_mode = 22.0, read_bytes_per_mode = 48.0, map_bytes_per_mode = 64.0;

void separable(benchmark::State& state) {
  const auto sites = state.range(0);
  const int threads = state.range(1) > 0 ? static_cast<int>(state.range(1)) : all_threads();
  const RateEquation equation = make_rate_equation(
      chain(sites), {.backend = Backend::cpu, .algorithm = Algorithm::separable, .threads = threads});
  const Occupation occupation = random_occupation(equation.modes());
  std::vector<double> rate(equation.modes());
  const auto evaluate = [&] {
    equation.generator->occupation_rate(occupation.particles, occupation.holes, rate);
    benchmark::ClobberMemory();
  };

  evaluate();
  const Stopwatch watch(threads);
  for (auto _ : state) evaluate();
  const double modes = static_cast<double>(sites) * static_cast<double>(state.iterations());
  const double seconds = watch.seconds() / modes;
  const Bandwidth memory = bandwidth(threads);
  const double floor = read_bytes_per_mode / memory.read + map_bytes_per_mode / memory.triad;
  state.counters["ns_per_mode"] = 1e9 * seconds;
  state.counters["flops_per_mode"] = flops_per_mode;
  state.counters["bytes_per_mode"] = read_bytes_per_mode + map_bytes_per_mode;
  state.counters["bytes_per_second"] = (read_bytes_per_mode + map_bytes_per_mode) / seconds;
  state.counters["memory_floor_ns_per_mode"] = 1e9 * floor;
  // Smaller arrays live in a cache, at least in part.
  if (sites >= 10000000) state.counters["fraction_of_floor"] = floor / seconds;
}
BENCHMARK(separable)
    ->ArgNames({"L", "threads"})
    ->ArgsProduct({{1000, 10000, 100000, 1000000, 10000000}, {1, 0}})
    ->Args({30000000, 1})  // a second size that no cache touches
    ->UseRealTime();

}  // namespace
}  // namespace lindrift::benchmarks

int main(int argc, char** argv) { return lindrift::benchmarks::run(argc, argv); }
