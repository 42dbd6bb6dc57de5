// Open models beyond the chain to second order: lattices, the ladder and two driven spins.
//
// lattice_kernel: K(k,t) of all momenta of a square lattice of L x L cells at 625 times, as many as 1e-10 takes at W
// = 8. green: the Green's function of a chain at 11 times up to 10/J, planning and halving of the step included, to
// second order and by the ladder; `times_second_order` is the ratio of both in the same repetition. two_driven_spins:
// one evaluation of the collisions of both ladders of a chain.
#include <cmath>
#include <complex>
#include <vector>

#include "bench/workloads.hpp"
#include "benchmarks/google_main.hpp"
#include "engine/threads.hpp"
#include "hubbard/collisions.hpp"
#include "hubbard/memory_kernel.hpp"
#include "lindrift/hubbard/green.hpp"

namespace lindrift::benchmarks {
namespace {

int threads_of(const benchmark::State& state) {
  return state.range(1) > 0 ? static_cast<int>(state.range(1)) : all_threads();
}

/// e_k = -2 cos k_1 - 2 cos k_2, gain 0.2, losses 4 (1 - sin k_1) + (1 - sin k_2), U = 2.
HubbardChain square_lattice(std::int64_t cells) {
  HubbardChain model;
  model.cells = {cells, cells};
  model.hopping_terms = {{{1, 0}, -1.0}, {{0, 1}, -1.0}};
  model.interaction = {2.0};
  model.down.gain = 0.2;
  const auto along = [](const LatticeVector& bond, double rate) {
    return BathOperator{BathOperatorKind::loss,
                        {{{0, 0}, std::sqrt(rate)}, {bond, std::complex<double>(0.0, std::sqrt(rate))}}};
  };
  model.down.operators = {along({1, 0}, 2.0), along({0, 1}, 0.5)};
  return model;
}

void lattice_kernel(benchmark::State& state) {
  constexpr std::size_t times = 625, batch = 25;
  const int threads = threads_of(state);
  const MemoryKernel kernel(hubbard_modes(square_lattice(state.range(0))));
  const std::vector<double> all = even_frequencies(0.0, 20.0, times);
  std::vector<std::complex<double>> rows(batch * kernel.modes().sites);
  const Stopwatch watch(threads);
  for (auto _ : state)
    for (std::size_t first = 0; first < times; first += batch) {
      kernel.evaluate(std::span(all).subspan(first, batch), rows.data(), {.threads = threads});
      benchmark::ClobberMemory();
    }
  const double seconds = watch.seconds() / static_cast<double>(state.iterations());
  state.counters["seconds"] = seconds;
  state.counters["ns_per_momentum_and_time"] = 1e9 * seconds / static_cast<double>(kernel.modes().sites * times);
}
BENCHMARK(lattice_kernel)->ArgNames({"L", "threads"})->ArgsProduct({{64, 128, 256}, {1, 0}})->UseRealTime();

double seconds_of_green(std::int64_t sites, Approximation approximation) {
  const HubbardChain chain = driven_chain(sites, approximation);
  const Stopwatch watch(1);
  benchmark::DoNotOptimize(
      green(chain, even_frequencies(0.0, 10.0, 11), HubbardGreenOptions{}, {.backend = Backend::cpu, .threads = 1})
          .norm.back());
  return watch.seconds();
}

void ladder_green(benchmark::State& state) {
  double ladder = 0.0, second = 0.0;
  for (auto _ : state) {
    second += seconds_of_green(state.range(0), Approximation::second_order);
    ladder += seconds_of_green(state.range(0), Approximation::ladder);
  }
  state.counters["seconds"] = ladder / static_cast<double>(state.iterations());
  state.counters["times_second_order"] = ladder / second;
}
BENCHMARK(ladder_green)->ArgNames({"L", "threads"})->ArgsProduct({{128, 1024}, {1}})->UseRealTime();

void two_driven_spins(benchmark::State& state) {
  HubbardChain chain = driven_chain(state.range(0));
  chain.interaction = {1.0};
  chain.up.gain = 0.02;
  chain.up.loss = 0.08;
  const std::array baths{bath_rates(chain.up, chain.lattice()), bath_rates(chain.down, chain.lattice())};
  const Collisions collisions(collision_model(chain, baths), CollisionOrder::both);
  std::array<std::vector<double>, 2> occupation;
  for (std::size_t s = 0; s < 2; ++s)
    for (std::size_t k = 0; k < baths[s].gain.size(); ++k)
      occupation[s].push_back(baths[s].gain[k] / (baths[s].gain[k] + baths[s].loss[k]));
  const int threads = threads_of(state);
  const Calculation calculation({.threads = threads}, {});
  const Stopwatch watch(threads);
  for (auto _ : state) benchmark::DoNotOptimize(collisions.rates(occupation[0], occupation[1]).gain[0][0]);
  state.counters["seconds"] = watch.seconds() / static_cast<double>(state.iterations());
  state.counters["frequencies"] = static_cast<double>(collisions.nodes());
}
BENCHMARK(two_driven_spins)->ArgNames({"L", "threads"})->ArgsProduct({{64, 128, 256}, {1, 2}})->UseRealTime();

}  // namespace
}  // namespace lindrift::benchmarks

int main(int argc, char** argv) { return lindrift::benchmarks::run(argc, argv); }
