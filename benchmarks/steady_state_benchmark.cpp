// From end to end, as in a program that uses the library: from parameters to observables, including the solvers.
#include <cmath>
#include <complex>

#include "bench/ceiling.hpp"
#include "bench/models.hpp"
#include "benchmarks/google_main.hpp"
#include "lindrift/tgge/continuation.hpp"
#include "lindrift/tgge/lattice_model.hpp"
#include "lindrift/tgge/relax.hpp"
#include "lindrift/tgge/steady_state.hpp"

namespace lindrift::benchmarks {
namespace {

Execution execution(Algorithm algorithm) { return {.backend = Backend::cpu, .algorithm = algorithm, .threads = 1}; }

/// examples/fig3b.toml: 51 steady states of L = 100 sites, gamma_neq = 0 .. 1.
void sweep(benchmark::State& state, Algorithm algorithm) {
  constexpr int points = 51;
  TggeChain model = chain(100);
  std::int64_t steps = 0;
  const Stopwatch watch(1);
  for (auto _ : state) {
    steps = 0;
    for (int point = 0; point < points; ++point) {
      model.bath.nonequilibrium_fraction = static_cast<double>(point) / (points - 1);
      const SteadyState result = steady_state(make_rate_equation(model, execution(algorithm)), 0.5);
      if (!result.converged) state.SkipWithError("a steady state did not converge");
      steps += result.steps;
      benchmark::DoNotOptimize(result.current);
    }
  }
  state.counters["solver_seconds"] = watch.seconds() / static_cast<double>(state.iterations());
  state.counters["points"] = points;
  state.counters["steps"] = static_cast<double>(steps);
}
BENCHMARK_CAPTURE(sweep, separable, Algorithm::separable)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(sweep, direct, Algorithm::direct)->Unit(benchmark::kMillisecond);

TggeChain plain_chain(std::int64_t sites) { return chain(sites); }

template <class Model>
void steady(benchmark::State& state, Model (*make)(std::int64_t)) {
  const auto sites = state.range(0);
  const int threads = state.range(1) > 0 ? static_cast<int>(state.range(1)) : all_threads();
  const Stopwatch model_watch(threads);
  const RateEquation equation =
      make_rate_equation(make(sites), {.backend = Backend::cpu, .algorithm = Algorithm::separable, .threads = threads});
  const double model_seconds = model_watch.seconds();
  std::int64_t steps = 0;
  double residual = 0.0;
  steady_state(equation, 0.5);  // the time to get new pages from the system is not the solver's
  const Stopwatch watch(threads);
  for (auto _ : state) {
    const SteadyState result = steady_state(equation, 0.5);
    if (!result.converged) state.SkipWithError("the steady state did not converge");
    steps = result.steps;
    residual = result.residual;
  }
  const double seconds = watch.seconds() / static_cast<double>(state.iterations());
  state.counters["solver_seconds"] = seconds;
  state.counters["model_seconds"] = model_seconds;
  state.counters["ns_per_mode"] = 1e9 * seconds / static_cast<double>(sites);
  state.counters["steps"] = static_cast<double>(steps);
  state.counters["residual"] = residual;
}
void sizes(benchmark::internal::Benchmark* all) {
  all->ArgNames({"L", "threads"})
      ->ArgsProduct({{1000, 10000, 100000, 1000000, 10000000}, {1, 0}})
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
}
BENCHMARK_CAPTURE(steady, one_band, plain_chain)->Apply(sizes);
BENCHMARK_CAPTURE(steady, two_bands, rashba)->Apply(sizes);

/// A square lattice whose particles enter across bonds along one direction and leave across those along the other.
TggeLattice square_lattice(std::int64_t along, Spectrum spectrum) {
  const std::complex<double> delta(1.0, 1.0), delta_prime(1.0, 0.5);
  TggeLattice lattice;
  lattice.preset = LatticePreset::square;
  lattice.cells = {along, along};
  lattice.bath.nonequilibrium_fraction = 0.5;
  lattice.bath.spectrum = spectrum;
  lattice.jump = JumpOperators{{{{{}, 0, {}, 0, 1.0},
                                 {{}, 0, {0, 1}, 0, -delta_prime},
                                 {{1, 0}, 0, {}, 0, delta},
                                 {{1, 0}, 0, {0, 1}, 0, -delta * delta_prime}}}};
  return lattice;
}

/// Two orbitals: a layer with Rashba coupling in a magnetic field, spin up dephased.
TggeLattice rashba_zeeman_layer(std::int64_t along) {
  TggeLattice lattice;
  lattice.preset = LatticePreset::rashba_zeeman;
  lattice.cells = {along, along};
  lattice.rashba = 0.8;
  lattice.zeeman_x = std::sqrt(0.75);
  lattice.zeeman_y = 0.5;
  lattice.zeeman_z = 0.7;
  lattice.bath.nonequilibrium_fraction = 0.5;
  lattice.jump = JumpOperators{{{{{}, 0, {}, 0, 1.0}}}};
  return lattice;
}

/// From hopping terms and jump operators to currents: bands, hop weights and the solver. L counts cells.
void lattice(benchmark::State& state, TggeLattice (*make)(std::int64_t)) {
  const auto along = static_cast<std::int64_t>(std::lround(std::sqrt(static_cast<double>(state.range(0)))));
  const int threads = state.range(1) > 0 ? static_cast<int>(state.range(1)) : all_threads();
  double model_seconds = 0.0, solver_seconds = 0.0;
  std::int64_t steps = 0;
  for (auto _ : state) {
    const Stopwatch model_watch(threads);
    const RateEquation equation = make_rate_equation(make(along), {.backend = Backend::cpu, .threads = threads});
    model_seconds += model_watch.seconds();
    const Stopwatch watch(threads);
    const SteadyState result = steady_state(equation, 0.5);
    solver_seconds += watch.seconds();
    if (!result.converged) state.SkipWithError("the steady state did not converge");
    steps = result.steps;
  }
  const auto runs = static_cast<double>(state.iterations());
  state.counters["solver_seconds"] = solver_seconds / runs;
  state.counters["model_seconds"] = model_seconds / runs;
  state.counters["steps"] = static_cast<double>(steps);
}
void square_sizes(benchmark::internal::Benchmark* all) {
  all->ArgNames({"L", "threads"})
      ->ArgsProduct({{128 * 128, 1024 * 1024}, {1, 0}})
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
}
TggeLattice square_exponential(std::int64_t along) { return square_lattice(along, Spectrum::exponential); }
TggeLattice square_lorentzian(std::int64_t along) { return square_lattice(along, Spectrum::lorentzian); }
BENCHMARK_CAPTURE(lattice, square_exponential, square_exponential)->Apply(square_sizes);
BENCHMARK_CAPTURE(lattice, square_lorentzian, square_lorentzian)->Apply(square_sizes);
BENCHMARK_CAPTURE(lattice, two_orbitals, rashba_zeeman_layer)->Apply(square_sizes);

TggeChain lorentzian_chain(std::int64_t sites, double parameter) {
  TggeChain model = chain(sites, Spectrum::lorentzian);
  model.bath.inverse_temperature = 0.5 + 7.5 * parameter;
  return model;
}
TggeRashba lorentzian_rashba(std::int64_t sites, double parameter) {
  TggeRashba model = rashba(sites);
  model.bath.spectrum = Spectrum::lorentzian;
  model.zeeman_field = 0.1 + 1.9 * parameter;
  return model;
}
TggeChain separable_chain(std::int64_t sites, double parameter) {
  TggeChain model = chain(sites);
  model.bath.inverse_temperature = 0.5 + 7.5 * parameter;
  return model;
}

/// A dense sweep in chains of ten points that start from each other (`solver.chain = 10`), compared with cold starts
/// for the same points. The time to make the equations, which is the same for both, is not counted.
template <class Model>
void chained(benchmark::State& state, Model (*make)(std::int64_t, double)) {
  constexpr int points = 40, length = 10;
  struct Cost {
    double seconds = 0.0, steps = 0.0;
  } cold, warm;
  for (auto _ : state) {
    Continuation line;
    for (int point = 0; point < points; ++point) {
      const RateEquation equation = make_rate_equation(make(state.range(0), static_cast<double>(point) / (points - 1)),
                                                       execution(Algorithm::automatic));
      const auto solve = [&](bool chain, Cost& cost) {
        const Stopwatch watch(1);
        if (point % length == 0) line.forget();
        const SteadyState result =
            chain ? steady_state(equation, 0.5, {.start = line.start(point)}) : steady_state(equation, 0.5);
        if (chain) line.add(point, result);
        cost.seconds += watch.seconds();
        cost.steps += static_cast<double>(result.steps);
        if (!result.converged) state.SkipWithError("a steady state did not converge");
      };
      Cost first;  // touches the memory
      solve(false, first);
      solve(false, cold);
      solve(true, warm);
    }
  }
  const double solved = points * static_cast<double>(state.iterations());
  state.counters["cold_seconds_per_point"] = cold.seconds / solved;
  state.counters["seconds_per_point"] = warm.seconds / solved;
  state.counters["times_faster_than_cold"] = cold.seconds / warm.seconds;
  state.counters["cold_steps"] = cold.steps / solved;
  state.counters["steps"] = warm.steps / solved;
}
BENCHMARK_CAPTURE(chained, lorentzian_one_band, lorentzian_chain)
    ->ArgName("L")
    ->Arg(1000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(chained, lorentzian_two_bands, lorentzian_rashba)
    ->ArgName("L")
    ->Arg(500)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(chained, separable_one_band, separable_chain)
    ->ArgName("L")
    ->Arg(100000)
    ->Unit(benchmark::kMillisecond);

/// examples/fig2.toml: L = 20, from infinite temperature, 161 output times up to 320.
void relaxation(benchmark::State& state) {
  TggeChain model = chain(20);
  model.bath.nonequilibrium_fraction = 0.0;
  const RateEquation equation = make_rate_equation(model, execution(Algorithm::separable));
  const std::vector<double> start(equation.modes(), 0.0);
  std::vector<double> times;
  for (int i = 0; i <= 160; ++i) times.push_back(2.0 * i);
  std::int64_t steps = 0, evaluations = 0;
  const Stopwatch watch(1);
  for (auto _ : state) {
    const RelaxResult result = relax(equation, start, times);
    if (!result.converged) state.SkipWithError("the relaxation did not reach its last time");
    steps = result.steps;
    evaluations = result.rate_evaluations;
  }
  state.counters["solver_seconds"] = watch.seconds() / static_cast<double>(state.iterations());
  state.counters["steps"] = static_cast<double>(steps);
  state.counters["rate_evaluations"] = static_cast<double>(evaluations);
}
BENCHMARK(relaxation)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace lindrift::benchmarks

int main(int argc, char** argv) { return lindrift::benchmarks::run(argc, argv); }
