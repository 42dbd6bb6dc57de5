// The verbs reduce and map, through the public interface: dn/dt of the chain through its moments, O(L).
//
// src/bench/workloads.cpp has the model and counts operations and bytes. For arrays beyond the caches, memory is the
// ceiling.
#include <cmath>

#include "bench/workloads.hpp"
#include "benchmarks/google_main.hpp"

namespace lindrift::benchmarks {
namespace {

constexpr double flops_per_mode = 22.0;

void separable(benchmark::State& state) {
  const int threads = state.range(1) > 0 ? static_cast<int>(state.range(1)) : all_threads();
  const Case rates = workload("moments").make(state.range(0), {.backend = Backend::cpu, .threads = threads});
  rates.run();
  const Stopwatch watch(threads);
  for (auto _ : state) {
    rates.run();
    benchmark::ClobberMemory();
  }
  const double seconds = watch.seconds() / (rates.work.items * static_cast<double>(state.iterations()));
  const Bandwidth memory = bandwidth(threads);
  const double bytes = (rates.work.read_bytes + rates.work.update_bytes) / rates.work.items;
  const double floor = floor_seconds(rates.work, {.multiplications = INFINITY, .memory = memory}) / rates.work.items;
  state.counters["ns_per_mode"] = 1e9 * seconds;
  state.counters["flops_per_mode"] = flops_per_mode;
  state.counters["bytes_per_mode"] = bytes;
  state.counters["bytes_per_second"] = bytes / seconds;
  state.counters["memory_floor_ns_per_mode"] = 1e9 * floor;
  // Smaller arrays are in a cache, at least partly.
  if (rates.work.items >= 1e7) state.counters["fraction_of_floor"] = floor / seconds;
}
BENCHMARK(separable)
    ->ArgNames({"L", "threads"})
    ->ArgsProduct({{1000, 10000, 100000, 1000000, 10000000}, {1, 0}})
    ->Args({30000000, 1})  // a second size far beyond any cache
    ->UseRealTime();

}  // namespace
}  // namespace lindrift::benchmarks

int main(int argc, char** argv) { return lindrift::benchmarks::run(argc, argv); }
