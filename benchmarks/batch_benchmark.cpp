// Problems solved together, with their sums over pairs as matrix products, compared with the same sums one problem at a
// time and with a bare DGEMM of the same shapes.
//
// Operations of one evaluation of n places with M modes: 4 n M^2 for a table of hop weights, and 4 n N^2 for the
// spectrum between the N = M/2 + 1 levels that k and -k share. One problem at a time, an ohmic pair costs an
// exponential and an expm1, a pair of a table 16 bytes. Everything around the products is O(n M).
#include <algorithm>
#include <chrono>
#include <numeric>
#include <vector>

#include "bench/models.hpp"
#include "benchmarks/google_main.hpp"
#include "engine/linear_algebra.hpp"
#include "lindrift/error.hpp"
#include "lindrift/tgge/batch.hpp"
#include "lindrift/tgge/steady_state.hpp"

namespace lindrift::benchmarks {
namespace {

constexpr std::size_t places = 64;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

TggeChain ohmic(std::int64_t sites) { return chain(sites, Spectrum::ohmic); }
TggeChain table(std::int64_t sites) {
  TggeChain model = chain(sites);
  const auto modes = static_cast<std::size_t>(sites);
  std::vector<double> weights = random_occupation(modes * modes).particles;
  model.jump = TableJump{std::move(weights)};
  return model;
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

/// A matrix product that an evaluation makes.
struct Product {
  std::size_t rows;
  bool by_levels;
};

/// Seconds for the bare DGEMMs (rows, size) x (size, size) of one evaluation, each a single call by one thread.
double bare_products(const std::vector<Product>& products, std::size_t modes, int evaluations) {
  double seconds = 0.0;
  for (const Product& product : products) {
    const std::size_t size = product.by_levels ? modes / 2 + 1 : modes;
    const std::vector<double> a(product.rows * size, 0.5), b(size * size, 0.25);
    std::vector<double> c(product.rows * size), passes;
    for (int e = 0; e < evaluations; ++e) {
      const double start = now();
      linear_algebra::multiply(product.rows, size, size, a.data(), size, b.data(), size, c.data(), size);
      passes.push_back(now() - start);
    }
    seconds += median(passes);
  }
  return seconds;
}

void batch(benchmark::State& state, TggeChain (*make)(std::int64_t), const std::vector<Product>& products) {
  const auto sites = state.range(0);
  const auto modes = static_cast<std::size_t>(sites);
  const TggeChain model = make(sites);
  const Execution execution{.backend = Backend::cpu, .algorithm = Algorithm::direct, .threads = 1};
  const Occupation occupation = random_occupation(modes);
  // Each place takes two problems in turn; the second is left out.
  std::vector<std::optional<BathStrength>> strengths(2 * places);
  if (batch_slots(strengths.size()) != places) throw Error("the places are not those that are counted");
  for (std::size_t i = 0; i < places; ++i)
    strengths[i] = BathStrength{0.05, static_cast<double>(i) / static_cast<double>(places), std::nullopt};

  // As many evaluations as in a steady state, fewer if they are long. Each ends when all problems have their sums; the
  // time to make the matrices is not counted.
  const int evaluations = static_cast<int>(std::max<std::int64_t>(8, (std::int64_t{1} << 26) / (sites * sites)));
  std::vector<double> seconds;
  for (auto _ : state) {
    solve_batch(model, strengths, execution, [&](std::size_t i, const RateEquation& equation) {
      std::vector<double> rate(modes);
      double last = 0.0;
      for (int e = 0; e <= evaluations; ++e) {
        equation.generator->occupation_rate(occupation.particles, occupation.holes, rate);
        const double end = now();
        if (i == 0 && e > 0) seconds.push_back(end - last);
        last = end;
      }
      benchmark::DoNotOptimize(rate.data());
    });
    state.SetIterationTime(std::accumulate(seconds.end() - evaluations, seconds.end(), 0.0));
  }
  const double evaluation = median(seconds);

  const RateEquation alone = make_rate_equation(model, execution);
  std::vector<double> rate(modes);
  alone.generator->occupation_rate(occupation.particles, occupation.holes, rate);
  double alone_seconds = 1e300;
  for (int pass = 0; pass < 3; ++pass) {
    const double start = now();
    alone.generator->occupation_rate(occupation.particles, occupation.holes, rate);
    alone_seconds = std::min(alone_seconds, now() - start);
  }
  const double bare = bare_products(products, modes, evaluations);

  const double pairs = static_cast<double>(sites) * static_cast<double>(sites);
  state.counters["ns_per_pair"] = 1e9 * evaluation / (pairs * places);
  state.counters["alone_ns_per_pair"] = 1e9 * alone_seconds / pairs;
  state.counters["times_faster_than_alone"] = alone_seconds * places / evaluation;
  state.counters["fraction_of_dgemm"] = bare / evaluation;
}

/// A whole sweep of steady states from cold starts, including making the matrices and refilling places as points end,
/// compared with the DGEMMs of as many rounds, and with steady states one by one.
void sweep(benchmark::State& state, TggeChain (*make)(std::int64_t), std::size_t rows_of_each, bool by_levels,
           int matrices) {
  constexpr std::size_t points = 256;
  constexpr double filling = 0.3;
  const auto sites = state.range(0);
  const auto modes = static_cast<std::size_t>(sites);
  const TggeChain model = make(sites);
  const Execution execution{.backend = Backend::cpu, .algorithm = Algorithm::direct, .threads = 1};
  std::vector<std::optional<BathStrength>> strengths;
  for (std::size_t i = 0; i < points; ++i)
    strengths.push_back(BathStrength{0.05, (static_cast<double>(i) + 0.5) / points, std::nullopt});
  double seconds = 0.0;
  int rounds = 0;
  for (auto _ : state) {
    rounds = 0;
    const double start = now();
    solve_batch(
        model, strengths, execution,
        [&](std::size_t, const RateEquation& equation) {
          if (!steady_state(equation, filling).converged) throw Error("a steady state was not found");
        },
        [&] { return ++rounds > 0; });
    seconds = now() - start;
    state.SetIterationTime(seconds);
  }
  double alone = 0.0;
  for (const std::size_t i : {points / 4, 3 * points / 4}) {
    TggeChain one = model;
    one.bath.nonequilibrium_fraction = strengths[i]->nonequilibrium_fraction;
    const double start = now();
    const SteadyState result = steady_state(make_rate_equation(one, execution), filling);
    alone += 0.5 * (now() - start);
    benchmark::DoNotOptimize(result.residual);
  }
  std::vector<Product> products(static_cast<std::size_t>(matrices), {rows_of_each * batch_slots(points), by_levels});
  state.counters["seconds_per_point"] = seconds / points;
  state.counters["rounds_of_products"] = rounds;
  state.counters["times_faster_than_alone"] = alone * points / seconds;
  state.counters["fraction_of_dgemm"] = rounds * bare_products(products, modes, 8) / seconds;
}

BENCHMARK_CAPTURE(batch, ohmic, ohmic, {{2 * places, true}})
    ->ArgName("L")
    ->Arg(1024)
    ->Arg(2048)
    ->Arg(4096)
    ->Arg(8192)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(batch, table, table, {{places, false}, {places, false}})
    ->ArgName("L")
    ->Arg(1024)
    ->Arg(2048)
    ->Arg(4096)
    ->Arg(8192)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(sweep, ohmic, ohmic, 2, true, 1)
    ->ArgName("L")
    ->Arg(1024)
    ->Arg(2048)
    ->Arg(4096)
    ->UseManualTime()
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(sweep, table, table, 1, false, 2)
    ->ArgName("L")
    ->Arg(1024)
    ->Arg(2048)
    ->Arg(4096)
    ->UseManualTime()
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace lindrift::benchmarks

int main(int argc, char** argv) { return lindrift::benchmarks::run(argc, argv); }
