// Gain and loss of random levels with a lorentzian or ohmic thermal bath, O(levels), compared with the sum over every
// pair.
//
// In the order of the modes that solvers take. The model is that of src/bench/models.hpp: the product weights are all
// one: their moments cost nothing beside the scan.
#include <string>

#include "bench/ceiling.hpp"
#include "bench/models.hpp"
#include "benchmarks/google_main.hpp"
#include "lindrift/tgge/model.hpp"
#include "lindrift/tgge/rate_equation.hpp"

namespace lindrift::benchmarks {
namespace {

void panels(benchmark::State& state, Spectrum spectrum, Algorithm algorithm) {
  const auto levels = state.range(0);
  const int threads = state.range(1) > 0 ? static_cast<int>(state.range(1)) : all_threads();
  const RateEquation equation = make_rate_equation(
      random_levels(levels, spectrum), {.backend = Backend::cpu, .algorithm = algorithm, .threads = threads});
  const Occupation occupation = random_occupation(equation.modes());
  std::vector<double> gain(equation.modes()), loss(equation.modes());
  Generator& generator = equation.generator->reordered().generator;
  const auto evaluate = [&] {
    generator.transition_sums(occupation.particles, occupation.holes, gain, loss);
    benchmark::ClobberMemory();
  };

  evaluate();
  const Stopwatch watch(threads);
  for (auto _ : state) evaluate();
  state.counters["ns_per_mode"] =
      1e9 * watch.seconds() / (static_cast<double>(levels) * static_cast<double>(state.iterations()));
}

const std::vector<std::int64_t> sizes = {128, 512, 2048, 10000, 100000, 1 << 20, 10000000};

void register_all() {
  for (const Spectrum spectrum : {Spectrum::lorentzian, Spectrum::ohmic})
    for (const bool direct : {false, true}) {
      auto* const benchmark = ::benchmark::RegisterBenchmark(
          (std::string(spectrum == Spectrum::ohmic ? "ohmic" : "lorentzian") + (direct ? "_pairs" : "_panels")).c_str(),
          panels, spectrum, direct ? Algorithm::direct : Algorithm::separable);
      benchmark->ArgNames({"L", "threads"})->UseRealTime()->Unit(benchmark::kMillisecond);
      for (const std::int64_t levels : sizes)
        if (!direct || levels <= 10000)
          for (const std::int64_t threads : {1, 0}) benchmark->Args({levels, threads});
    }
}

}  // namespace
}  // namespace lindrift::benchmarks

int main(int argc, char** argv) {
  lindrift::benchmarks::register_all();
  return lindrift::benchmarks::run(argc, argv);
}
