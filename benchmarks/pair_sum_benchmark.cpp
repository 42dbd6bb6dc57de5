// The verb pair_sum, through the public interface: dn/dt of the chain by every pair, O(L^2).
//
// Operation count of a pair (kernels/tgge/pair_rate.hpp, PlainSource and ProductWeight<1>): gain += (in_s out_s') n_s'
// and loss += (in_s' out_s) h_s' are two multiplications and two fused multiply-adds. The two thermal sums, a fused
// multiply-add each, are the same for all rows of a tile, and the compiler computes them once. objdump -d of pair_tile
// for x86-64-v4 shows it: per 8 columns of 6 rows 12 vmulpd, 14 vfmadd and 6 loads, 48 pairs in 26 instructions for the
// multipliers, which nothing else keeps busy. Hence 26/6 doubles through a multiplier per pair, and the floor is that
// number over the measured doubles per second of multiply-adds on registers alone.
//
// With a Lorentzian spectrum only the thermal sums are taken over pairs (PairThermal), the others through their
// moments, and only over the L/2 + 1 levels that k and -k share: a quarter of the pairs, of which all are counted. Per
// 8 columns of 6 rows: 6 vsubpd, 6 + 12 vfmadd, 9 vmulpd, 2 more for the columns and 3 vdivpd, a division for two rows.
// A vdivpd keeps a multiplier busy as well, by how much depends on the processor; the floor here leaves it out: 29/6
// doubles through a multiplier for each pair of levels.
//
// Flops as the equation has them: 6 for the weighted sums, 4 for the thermal ones, 10 per pair. Bytes: 6 columns of 8
// bytes per 6 rows from the nearest caches, 8 per pair; from memory, O(1/L).
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>

#include "benchmarks/ceiling.hpp"
#include "benchmarks/google_main.hpp"
#include "benchmarks/support.hpp"

namespace lindrift::benchmarks {
namespace {

constexpr double multiplications_per_pair = 26.0 / 6.0;  // of one double
constexpr double multiplications_per_pair_of_levels = 29.0 / 6.0;
constexpr double flops_per_pair = 10.0, cache_bytes_per_pair = 8.0;

TggeChain lorentzian(std::int64_t sites) {
  TggeChain model = chain(sites);
  model.bath.spectrum = Spectrum::lorentzian;
  return model;
}

void pair_sum_lorentzian(benchmark::State& state) {
  const auto sites = state.range(0);
  const RateEquation equation =
      make_rate_equation(lorentzian(sites), {.backend = Backend::cpu, .algorithm = Algorithm::direct, .threads = 1});
  const Occupation occupation = random_occupation(equation.modes());
  std::vector<double> rate(equation.modes());
  const double ceiling = multiplication_rate(1);
  const Stopwatch watch(1);
  for (auto _ : state) {
    equation.generator->occupation_rate(occupation.particles, occupation.holes, rate);
    benchmark::ClobberMemory();
  }
  const double pairs =
      static_cast<double>(sites) * static_cast<double>(sites) * static_cast<double>(state.iterations());
  const double seconds = watch.seconds() / pairs;
  state.counters["ns_per_pair"] = 1e9 * seconds;
  const double levels = static_cast<double>(sites / 2 + 1);
  const double pairs_of_levels = levels * levels / (static_cast<double>(sites) * static_cast<double>(sites));
  state.counters["fraction_of_floor"] = multiplications_per_pair_of_levels * pairs_of_levels / ceiling / seconds;
}
BENCHMARK(pair_sum_lorentzian)->ArgName("L")->Arg(1024)->Arg(4096)->UseRealTime();

void pair_sum(benchmark::State& state) {
  const auto sites = state.range(0);
  const int threads = state.range(1) > 0 ? static_cast<int>(state.range(1)) : all_threads();
  const RateEquation equation =
      make_rate_equation(chain(sites), {.backend = Backend::cpu, .algorithm = Algorithm::direct, .threads = threads});
  const Occupation occupation = random_occupation(equation.modes());
  std::vector<double> rate(equation.modes());

  const double ceiling = multiplication_rate(threads);
  const Stopwatch watch(threads);
  for (auto _ : state) {
    equation.generator->occupation_rate(occupation.particles, occupation.holes, rate);
    benchmark::ClobberMemory();
  }
  const double pairs =
      static_cast<double>(sites) * static_cast<double>(sites) * static_cast<double>(state.iterations());
  const double seconds = watch.seconds() / pairs;
  const double floor = multiplications_per_pair / ceiling;
  state.counters["ns_per_pair"] = 1e9 * seconds;
  state.counters["pairs_per_second"] = 1.0 / seconds;
  state.counters["flops_per_pair"] = flops_per_pair;
  state.counters["cache_bytes_per_pair"] = cache_bytes_per_pair;
  state.counters["floor_ns_per_pair"] = 1e9 * floor;
  state.counters["fraction_of_floor"] = floor / seconds;
  state.counters["multiply_add_per_second"] = ceiling;
}
BENCHMARK(pair_sum)->ArgNames({"L", "threads"})->ArgsProduct({{1024, 4096, 16384}, {1, 0}})->UseRealTime();

/// Inputs and result of one evaluation as raw doubles (n, 1 - n, dn/dt), for a rival to compare itself with.
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
    if (write_rates(argv[2], "rates", chain) && write_rates(argv[2], "lorentzian_rates", lorentzian)) return 0;
    std::fprintf(stderr, "cannot write into %s\n", argv[2]);
    return 1;
  }
  return lindrift::benchmarks::run(argc, argv);
}
