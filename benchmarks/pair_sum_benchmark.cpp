// The verb pair_sum, through the public interface: dn/dt of the chain by every pair, O(L^2).
//
// src/bench/workloads.cpp has the models and counts the operations. Flops as in the equation: 6 per pair for the
// weighted sums and 4 for the thermal ones, 10 in all.
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>

#include "bench/workloads.hpp"
#include "benchmarks/google_main.hpp"

namespace lindrift::benchmarks {
namespace {

constexpr double flops_per_pair = 10.0, cache_bytes_per_pair = 8.0;

TggeChain plain(std::int64_t sites) { return chain(sites); }
TggeChain lorentzian(std::int64_t sites) { return chain(sites, Spectrum::lorentzian); }

void pair_sum(benchmark::State& state, const char* name) {
  const int threads = state.range(1) > 0 ? static_cast<int>(state.range(1)) : all_threads();
  const Case sums = workload(name).make(state.range(0), {.backend = Backend::cpu, .threads = threads});
  const double ceiling = multiplication_rate(threads);
  const Stopwatch watch(threads);
  for (auto _ : state) {
    sums.run();
    benchmark::ClobberMemory();
  }
  const double seconds = watch.seconds() / (sums.work.items * static_cast<double>(state.iterations()));
  const double floor = floor_seconds(sums.work, {.multiplications = ceiling}) / sums.work.items;
  state.counters["ns_per_pair"] = 1e9 * seconds;
  state.counters["pairs_per_second"] = 1.0 / seconds;
  state.counters["flops_per_pair"] = flops_per_pair;
  state.counters["cache_bytes_per_pair"] = cache_bytes_per_pair;
  state.counters["floor_ns_per_pair"] = 1e9 * floor;
  state.counters["fraction_of_floor"] = floor / seconds;
  state.counters["multiply_add_per_second"] = ceiling;
}

void register_all() {
  const auto with = [](const char* name) {
    return ::benchmark::RegisterBenchmark(name, pair_sum, name)->ArgNames({"L", "threads"})->UseRealTime();
  };
  with("pair_sum_lorentzian")->ArgsProduct({{1024, 4096}, {1}});
  with("pair_sum")->ArgsProduct({{1024, 4096, 16384}, {1, 0}});
}

/// Writes the inputs and the result of one evaluation as raw doubles (n, 1 - n, dn/dt), so that rivals can compare
/// theirs.
bool write_rates(const std::string& folder, const std::string& name, TggeChain (*make)(std::int64_t)) {
  for (const std::int64_t sites : {1024, 4096, 16384}) {
    const RateEquation equation =
        make_rate_equation(make(sites), {.backend = Backend::cpu, .algorithm = Algorithm::direct, .threads = 1});
    const Occupation occupation = random_occupation(equation.modes());
    std::vector<double> rate(equation.modes());
    equation.generator->occupation_rate(occupation.particles, occupation.holes, rate);
    std::ofstream file(folder + "/" + name + "_" + std::to_string(sites) + ".bin", std::ios::binary);
    for (const auto& values : {occupation.particles, occupation.holes, rate})
      file.write(reinterpret_cast<const char*>(values.data()),
                 static_cast<std::streamsize>(values.size() * sizeof(double)));
    if (!file.flush()) return false;
  }
  return true;
}

}  // namespace
}  // namespace lindrift::benchmarks

int main(int argc, char** argv) {
  if (argc == 3 && std::strcmp(argv[1], "--write-rates") == 0) {
    using namespace lindrift::benchmarks;
    if (write_rates(argv[2], "rates", plain) && write_rates(argv[2], "lorentzian_rates", lorentzian)) return 0;
    std::fprintf(stderr, "cannot write into %s\n", argv[2]);
    return 1;
  }
  lindrift::benchmarks::register_all();
  return lindrift::benchmarks::run(argc, argv);
}
