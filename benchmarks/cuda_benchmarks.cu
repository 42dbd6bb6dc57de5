// What a CUDA device makes of the sums, beside what it can do at most, measured in the same run. Needs the core library
// and no other: a bare machine with a card can run it.
//
//   cuda_benchmarks [--out FILE] [--quick]
//
// Operation count of a pair (kernels/tgge/pair_sums.hpp): two fused multiply-adds, and a quarter of two
// additions for the thermal sums, as the machine code has them (kernels/cuda/instructions.md); the floor is 2.5 over
// the measured rate of multiply-adds. Columns come through shared memory, 8 bytes per pair; from device memory O(L)
// bytes. A mode of the separable sum costs 48 bytes read by the reduction and 48 read and 8 written by the map, 104 in
// all, and 22 flops: memory is its ceiling. The Hubbard chain's direct sum is counted in terms of pairs of momenta
// after what symmetries save; its way by time, and its propagator, in entries of their results.
#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/models.hpp"
#include "benchmarks/device_report.hpp"
#include "engine/machine_memory.hpp"
#include "hubbard/direct.hpp"
#include "hubbard/fft.hpp"
#include "hubbard/volterra.hpp"
#include "kernels/cuda/check.hpp"
#include "kernels/cuda/engine.hpp"
#include "kernels/table.hpp"
#include "kernels/tgge/pair_sums.hpp"
#include "kernels/tgge/product_weight.hpp"
#include "kernels/tgge/rows.hpp"
#include "kernels/tgge/spectrum.hpp"
#include "lindrift/backend.hpp"

namespace lindrift::benchmarks {
namespace {

namespace tgge = kernels::tgge;
using kernels::Index;

constexpr double instructions_per_pair = 2.5, flops_per_pair = 4.5, bytes_per_mode = 104.0, flops_per_mode = 22.0;
constexpr const char* program = "cuda_benchmarks";
constexpr double agreement = 1e-12;  ///< of two results, over the largest rate

constexpr int chains = 8;
/// Independent chains of fused multiply-adds in registers.
__global__ void multiply_add(double* target, int rounds, double factor, double term) {
  double x[chains];
  for (int c = 0; c < chains; ++c) x[c] = static_cast<double>(threadIdx.x) + c;
  for (int i = 0; i < rounds; ++i)
#pragma unroll
    for (int c = 0; c < chains; ++c) x[c] = fma(x[c], factor, term);
  double sum = 0.0;
  for (int c = 0; c < chains; ++c) sum += x[c];
  if (sum == -1.0) target[threadIdx.x] = sum;  // never, but the compiler cannot know
}

/// Samples of at least a millisecond each, so that launching and the resolution of the clock do not count.
/// @param sample  seconds that so many calls took
Times repeat(int repetitions, const std::function<double(int)>& sample) {
  sample(2);
  const double once = std::max(sample(1), 1e-7);
  const int calls = static_cast<int>(std::clamp(std::ceil(2e-3 / once), 1.0, 10000.0));
  std::vector<double> samples;
  for (int i = 0; i < repetitions; ++i) samples.push_back(sample(calls) / calls);
  return summary(std::move(samples));
}

class Event {
 public:
  Event() { LINDRIFT_CUDA_CHECK(cudaEventCreate(&event_)); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { cudaEventDestroy(event_); }
  void record() { LINDRIFT_CUDA_CHECK(cudaEventRecord(event_)); }
  void wait() { LINDRIFT_CUDA_CHECK(cudaEventSynchronize(event_)); }
  double seconds_since(const Event& start) const {
    float milliseconds = 0.0F;
    LINDRIFT_CUDA_CHECK(cudaEventElapsedTime(&milliseconds, start.event_, event_));
    return 1e-3 * static_cast<double>(milliseconds);
  }

 private:
  cudaEvent_t event_{};
};

/// On the device's clock.
Times time_on_device(int repetitions, const std::function<void()>& work) {
  Event start, stop;
  return repeat(repetitions, [&](int calls) {
    start.record();
    for (int i = 0; i < calls; ++i) work();
    stop.record();
    stop.wait();
    return stop.seconds_since(start);
  });
}

/// On the host's clock, for calls that return when their result is on the host.
Times time_on_host(int repetitions, const std::function<void()>& work) {
  return repeat(repetitions, [&](int calls) {
    return seconds_of([&] {
      for (int i = 0; i < calls; ++i) work();
    });
  });
}

struct Card {
  std::string name;
  int processors = 0, major = 0, minor = 0, clock_khz = 0, driver = 0, runtime = 0;
  double multiply_adds = 0.0;          ///< per second, measured
  double nominal_multiply_adds = 0.0;  ///< FP64 units times the highest clock; 0 where the number of units is not known
  double copy_bytes = 0.0;             ///< per second, read and written, measured
};

/// FP64 units of a multiprocessor, by compute capability.
int units(int major, int minor) {
  if (major == 8 && minor == 0) return 32;
  if (major == 9 && minor == 0) return 64;
  return 0;
}

int attribute(cudaDeviceAttr which) {
  int value = 0;
  LINDRIFT_CUDA_CHECK(cudaDeviceGetAttribute(&value, which, 0));
  return value;
}

Card measure_card() {
  Card card;
  LINDRIFT_CUDA_CHECK(cudaSetDevice(0));
  card.name = cuda_device_name(0);
  card.processors = attribute(cudaDevAttrMultiProcessorCount);
  card.major = attribute(cudaDevAttrComputeCapabilityMajor);
  card.minor = attribute(cudaDevAttrComputeCapabilityMinor);
  card.clock_khz = attribute(cudaDevAttrClockRate);
  LINDRIFT_CUDA_CHECK(cudaDriverGetVersion(&card.driver));
  LINDRIFT_CUDA_CHECK(cudaRuntimeGetVersion(&card.runtime));
  card.nominal_multiply_adds = 1e3 * card.clock_khz * card.processors * units(card.major, card.minor);

  constexpr int threads = 256, rounds = 20000;
  const int blocks = card.processors * attribute(cudaDevAttrMaxThreadsPerMultiProcessor) / threads;
  kernels::cuda::Buffer target;
  target.resize(threads);
  const Times arithmetic = time_on_device(9, [&] {
    multiply_add<<<blocks, threads>>>(target.data(), rounds, 0.999, 0.001);
    LINDRIFT_CUDA_CHECK(cudaGetLastError());
  });
  card.multiply_adds = static_cast<double>(blocks) * threads * chains * rounds / arithmetic.median;

  constexpr Index elements = Index{1} << 26;  // 512 MiB, beyond any cache
  constexpr std::size_t bytes = sizeof(double) * static_cast<std::size_t>(elements);
  kernels::cuda::Buffer from, to;
  from.resize(elements);
  to.resize(elements);
  LINDRIFT_CUDA_CHECK(cudaMemset(from.data(), 0, bytes));
  const Times copy = time_on_device(
      9, [&] { LINDRIFT_CUDA_CHECK(cudaMemcpyAsync(to.data(), from.data(), bytes, cudaMemcpyDeviceToDevice)); });
  card.copy_bytes = 2.0 * static_cast<double>(bytes) / copy.median;
  return card;
}

double largest(const std::vector<double>& values) {
  double result = 0.0;
  for (const double value : values) result = std::max(result, std::fabs(value));
  return result;
}

double difference(const std::vector<double>& a, const std::vector<double>& b) {
  double result = 0.0;
  for (std::size_t s = 0; s < a.size(); ++s) {
    const double d = std::fabs(a[s] - b[s]);
    if (std::isnan(d)) return d;
    result = std::max(result, d);
  }
  return result / largest(b);
}

/// The rate of the chain through the public interface, vectors on the host before and after, as the solvers use it.
Result from_the_host(const Card& card, Index sites, Algorithm algorithm, int repetitions) {
  const bool direct = algorithm == Algorithm::direct;
  const RateEquation equation = make_rate_equation(chain(sites), {.backend = Backend::cuda, .algorithm = algorithm});
  const Occupation occupation = random_occupation(equation.modes());
  std::vector<double> rate(equation.modes());
  const auto evaluate = [&] { equation.generator->occupation_rate(occupation.particles, occupation.holes, rate); };
  Result result{direct ? "generator_direct" : "generator_separable", sites, time_on_host(repetitions, evaluate), {}};
  const auto modes = static_cast<double>(sites);
  const double seconds = result.seconds.median;
  if (direct) {
    result.numbers = {
        {"pairs_per_second", modes * modes / seconds},
        {"fraction_of_multiply_add_peak", instructions_per_pair * modes * modes / seconds / card.multiply_adds}};
  } else {
    result.numbers = {{"ns_per_mode", 1e9 * seconds / modes},
                      {"host_transfer_bytes_per_second", 24.0 * modes / seconds}};
  }

  const RateEquation other =
      make_rate_equation(chain(sites), {.backend = Backend::cpu, .algorithm = Algorithm::separable});
  std::vector<double> expected(equation.modes());
  other.generator->occupation_rate(occupation.particles, occupation.holes, expected);
  result.numbers.emplace_back("difference_from_cpu", difference(rate, expected));
  return result;
}

/// The arrays of a chain on the device, with occupations; energies and weights are any positive numbers here.
class DeviceChain {
 public:
  explicit DeviceChain(kernels::cuda::Engine& engine, Index sites) : sites_(sites) {
    const auto fill = [&](kernels::cuda::Buffer& buffer, std::uint64_t seed) {
      const Occupation numbers = random_occupation(static_cast<std::size_t>(sites), seed);
      engine.copy_in(numbers.particles.data(), sites, buffer);
    };
    fill(in_, 1);
    fill(out_, 2);
    fill(thermal_in_, 3);
    fill(thermal_out_, 4);
    const Occupation occupation = random_occupation(static_cast<std::size_t>(sites));
    engine.copy_in(occupation.particles.data(), sites, particles_);
    engine.copy_in(occupation.holes.data(), sites, holes_);
    rate_.resize(sites);
    second_rate_.resize(sites);
    for (auto& sums : sums_) sums.resize(sites);
  }

  tgge::ProductWeight<1> weight() const { return {in_.data(), out_.data(), sites_}; }
  tgge::PlainSource source() const {
    return {thermal_out_.data(), thermal_in_.data(), particles_.data(), holes_.data()};
  }
  double* sum(int i) const { return sums_[i].data(); }
  tgge::OccupationRate finish(bool second) const {
    const double half = 0.5 / static_cast<double>(sites_);
    return {{thermal_out_.data(), thermal_in_.data(), half, half},
            1.0,
            particles_.data(),
            holes_.data(),
            second ? second_rate_.data() : rate_.data()};
  }
  std::vector<double> rate(kernels::cuda::Engine& engine, bool second) const {
    std::vector<double> values(static_cast<std::size_t>(sites_));
    engine.copy_out(values.data(), sites_, second ? second_rate_ : rate_);
    return values;
  }

 private:
  Index sites_;
  kernels::cuda::Buffer in_, out_, thermal_in_, thermal_out_, particles_, holes_, rate_, second_rate_, sums_[4];
};

void evaluate_direct(kernels::cuda::Engine& engine, const DeviceChain& chain, Index sites) {
  engine.pair_sum(tgge::PairWeightsWithMoments<tgge::ProductWeight<1>, tgge::PlainSource>{
      sites, chain.weight(), chain.source(), chain.sum(0), chain.sum(1), chain.sum(2), chain.sum(3)});
  using Sums = tgge::SumsApart<tgge::StoredWeightSums>;
  engine.map(sites, tgge::FinishRows<Sums, tgge::OccupationRate>{
                        {{chain.sum(1), chain.sum(3)}, chain.sum(0), chain.sum(2), nullptr, {}}, chain.finish(false)});
}

void evaluate_separable(kernels::cuda::Engine& engine, const DeviceChain& chain, Index sites) {
  const auto moments =
      engine.reduce(sites, tgge::ProductMomentTerm<1, tgge::PlainSource>{chain.weight(), chain.source()});
  engine.map(sites, tgge::FinishRows<tgge::ProductRowSums<1>, tgge::OccupationRate>{{chain.weight(), moments},
                                                                                    chain.finish(true)});
}

Result direct_on_device(const Card& card, Index sites, int repetitions) {
  kernels::cuda::Engine engine(0, 0, nullptr);
  const DeviceChain data(engine, sites);
  Result result{"pair_sum", sites, time_on_device(repetitions, [&] { evaluate_direct(engine, data, sites); }), {}};
  evaluate_separable(engine, data, sites);
  const double pairs = static_cast<double>(sites) * static_cast<double>(sites);
  const double rate = pairs / result.seconds.median;
  result.numbers = {{"pairs_per_second", rate},
                    {"flops_per_pair", flops_per_pair},
                    {"instructions_per_pair", instructions_per_pair},
                    {"fraction_of_multiply_add_peak", instructions_per_pair * rate / card.multiply_adds}};
  if (card.nominal_multiply_adds > 0.0)
    result.numbers.emplace_back("fraction_of_nominal_peak", instructions_per_pair * rate / card.nominal_multiply_adds);
  result.numbers.emplace_back("difference_from_separable",
                              difference(data.rate(engine, false), data.rate(engine, true)));
  return result;
}

Result separable_on_device(const Card& card, Index sites, int repetitions) {
  kernels::cuda::Engine engine(0, 0, nullptr);
  const DeviceChain data(engine, sites);
  // The moments come to the host between the two kernels: this wait is part of the sum.
  Result result{
      "reduce_and_map", sites, time_on_device(repetitions, [&] { evaluate_separable(engine, data, sites); }), {}};
  const auto modes = static_cast<double>(sites);
  const double rate = bytes_per_mode * modes / result.seconds.median;
  result.numbers = {{"ns_per_mode", 1e9 * result.seconds.median / modes},
                    {"bytes_per_mode", bytes_per_mode},
                    {"flops_per_mode", flops_per_mode},
                    {"bytes_per_second", rate}};
  // Smaller arrays live in the second-level cache.
  if (bytes_per_mode * modes > 500e6) result.numbers.emplace_back("fraction_of_copy_bandwidth", rate / card.copy_bytes);
  return result;
}

// --- the Hubbard chain, vectors on the host before and after ---

using Complex = std::complex<double>;

/// That of the published figure.
HubbardModes hubbard_chain(Index sites) {
  HubbardChain chain;
  chain.sites = sites;
  chain.interaction = {2.0};
  chain.down.gain = 0.2;
  chain.down.two_site_loss = 2.0;
  return hubbard_modes(chain);
}

std::vector<double> frequencies(double first, double last, std::size_t count) {
  std::vector<double> grid(count);
  for (std::size_t i = 0; i < count; ++i)
    grid[i] = first + (last - first) * static_cast<double>(i) / static_cast<double>(count - 1);
  return grid;
}

/// A grid of self-energies and its rows.
struct Grid {
  std::vector<Complex> values;
  std::vector<Complex*> rows;
  Grid(std::size_t momenta, std::size_t count) : values(momenta * count), rows(momenta) {
    for (std::size_t m = 0; m < momenta; ++m) rows[m] = values.data() + m * count;
  }
  void clear() { std::fill(values.begin(), values.end(), Complex(0.0)); }
};

double difference(const std::vector<Complex>& a, const std::vector<Complex>& b) {
  double result = 0.0, scale = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = std::abs(a[i] - b[i]);
    if (std::isnan(d)) return d;
    result = std::max(result, d);
    scale = std::max(scale, std::abs(b[i]));
  }
  return result / scale;
}

Result hubbard_direct(Index sites, int repetitions) {
  const HubbardModes modes = hubbard_chain(sites);
  const auto grid = frequencies(-4.0, 3.7, 256);
  Grid sums(modes.sites, grid.size());
  DirectSelfEnergy direct(modes, {.backend = Backend::cuda, .algorithm = Algorithm::direct});
  Result result{"hubbard_direct", sites, time_on_host(repetitions, [&] { direct.add_grid(sums.rows, grid, 0.0); }), {}};
  result.numbers = {{"terms_per_second", direct.terms(modes.sites, grid) / result.seconds.median}};
  if (sites <= 512) {
    Grid expected(modes.sites, grid.size());
    sums.clear();
    direct.add_grid(sums.rows, grid, 0.0);
    DirectSelfEnergy(modes, {.backend = Backend::cpu, .algorithm = Algorithm::direct})
        .add_grid(expected.rows, grid, 0.0);
    result.numbers.emplace_back("difference_from_cpu", difference(sums.values, expected.values));
  }
  return result;
}

constexpr std::size_t fft_frequencies = 4096;

/// Whether the host has memory for the results of the device and of the CPU, and half as much to work with; says so if
/// not.
bool has_memory_for_fft(Index sites) {
  const double bytes = 2.5 * 16.0 * static_cast<double>(fft_frequencies) * static_cast<double>(sites);
  if (bytes <= machine_memory()) return true;
  std::printf("hubbard_fft at L = %lld is left out: it takes %s of memory, and this machine has %s\n",
              static_cast<long long>(sites), bytes_text(bytes).c_str(), bytes_text(machine_memory()).c_str());
  return false;
}

Result hubbard_fft(Index sites, int repetitions) {
  const HubbardModes modes = hubbard_chain(sites);
  const auto grid = frequencies(-8.0, 8.0, fft_frequencies);
  constexpr double tolerance = 1e-12 * 0.283;  // of the largest self-energy
  Grid sums(modes.sites, grid.size());
  const auto on = [&](Backend backend, Grid& target) {
    FftSelfEnergy(modes, grid, 0.0, tolerance, {.backend = backend, .algorithm = Algorithm::fft}).add_grid(target.rows);
  };
  Result result{"hubbard_fft", sites, time_on_host(repetitions, [&] { on(Backend::cuda, sums); }), {}};
  const auto entries = static_cast<double>(sums.values.size());
  result.numbers = {{"ns_per_entry", 1e9 * result.seconds.median / entries},
                    {"result_bytes_per_second", 16.0 * entries / result.seconds.median}};
  Grid expected(modes.sites, grid.size());
  sums.clear();
  on(Backend::cuda, sums);
  const double seconds = seconds_of([&] { on(Backend::cpu, expected); });
  result.numbers.emplace_back("times_faster_than_all_cores", seconds / result.seconds.median);
  result.numbers.emplace_back("difference_from_cpu", difference(sums.values, expected.values));
  return result;
}

/// The kernel at every step, and the integral equation.
Result hubbard_propagator(Index sites, int repetitions) {
  const HubbardModes modes = hubbard_chain(sites);
  constexpr std::size_t steps = 1000;
  constexpr double step = 0.02;
  const std::vector<double> at = {5.0, 10.0, 20.0};
  const VolterraEquation equation(modes, at, steps, step);
  const MemoryKernel kernel(modes);
  const std::vector<double> grid = equation.grid();
  std::vector<Complex> circles(2 * kernels::VolterraTables::circle_points * modes.sites + VolterraSolver::group);
  kernel.evaluate(equation.circles(), circles.data());
  const auto card =
      std::unique_ptr<kernels::TimeDevice>(kernels::device_kernels().make_time_device(kernel.tables(), 0));
  std::vector<Complex> green(modes.sites * at.size()), expected(modes.sites * at.size());
  std::vector<double> checks(modes.sites + VolterraSolver::group);
  Result result{"hubbard_propagator",
                sites,
                time_on_host(repetitions,
                             [&] {
                               card->evaluate(grid.data(), static_cast<Index>(grid.size()));
                               card->propagate(equation.fine, equation.rough,
                                               reinterpret_cast<const double*>(circles.data()), 0, sites,
                                               reinterpret_cast<double*>(green.data()), checks.data());
                             }),
                {}};
  result.numbers = {{"ns_per_momentum_and_step",
                     1e9 * result.seconds.median / (static_cast<double>(sites) * static_cast<double>(steps))}};
  std::vector<Complex> rows(grid.size() * modes.sites + VolterraSolver::group);
  kernel.evaluate(grid, rows.data(), {.threads = 1});
  const VolterraSolver solver(equation.fine, equation.rough);
  VolterraSolver::Workspace workspace;
  for (std::size_t m = 0; m < modes.sites; m += VolterraSolver::group)
    solver.solve(m, rows.data(), rows.data(), circles.data(), workspace, expected.data(), checks.data() + m);
  result.numbers.emplace_back("difference_from_cpu", difference(green, expected));
  return result;
}

/// Slope of log seconds over log L, by least squares.
double growth_exponent(const std::vector<Result>& results, const std::string& name) {
  double count = 0.0, x = 0.0, y = 0.0, xx = 0.0, xy = 0.0;
  for (const Result& result : results) {
    if (result.name != name) continue;
    const double u = std::log(static_cast<double>(result.sites)), v = std::log(result.seconds.median);
    count += 1.0;
    x += u;
    y += v;
    xx += u * u;
    xy += u * v;
  }
  return (count * xy - x * y) / (count * xx - x * x);
}

constexpr const char* grown[] = {"pair_sum",       "generator_direct", "reduce_and_map",    "generator_separable",
                                 "hubbard_direct", "hubbard_fft",      "hubbard_propagator"};

std::string json(const Card& card, const std::vector<Result>& results) {
  Context context = machine_context();
  context.add("compute_capability", std::to_string(card.major) + "." + std::to_string(card.minor));
  context.add("multiprocessors", card.processors);
  context.add("clock_hz", 1e3 * card.clock_khz);
  context.add("cuda_driver", card.driver);
  context.add("cuda_runtime", card.runtime);
  context.add("multiply_add_per_second", card.multiply_adds);
  context.add("nominal_multiply_add_per_second", card.nominal_multiply_adds);
  context.add("copy_bytes_per_second", card.copy_bytes);
  for (const char* name : grown) context.add(std::string("growth_exponent_") + name, growth_exponent(results, name));
  return json(context, results);
}

int run(const char* file, bool quick) {
  if (const auto code = without_device(program)) return *code;

  const Card card = measure_card();
  std::printf("%s: %.4g FP64 multiply-adds/s (nominal %.4g), copy %.4g bytes/s, measured\n", card.name.c_str(),
              card.multiply_adds, card.nominal_multiply_adds, card.copy_bytes);
  std::vector<Result> results;
  bool agree = true;
  const auto add = [&](Result result) {
    print(result);
    agree = agrees(result, agreement) && agree;
    results.push_back(std::move(result));
  };
  const int repetitions = quick ? 3 : 9;
  const Index largest_direct = quick ? 16384 : 131072, largest_separable = quick ? 1000000 : 10000000;
  for (Index sites = 1024; sites <= largest_direct; sites *= 2) {
    add(direct_on_device(card, sites, repetitions));
    add(from_the_host(card, sites, Algorithm::direct, repetitions));
  }
  for (Index sites = 10000; sites <= largest_separable; sites *= 10) {
    add(separable_on_device(card, sites, repetitions));
    add(from_the_host(card, sites, Algorithm::separable, repetitions));
  }
  for (const Index sites : {128, 256, 512, 1024}) add(hubbard_direct(sites, repetitions));
  for (const Index sites : {128, 1024, 16384}) add(hubbard_fft(sites, repetitions));
  if (!quick && has_memory_for_fft(131072)) add(hubbard_fft(131072, 3));
  for (const Index sites : {1024, 16384}) add(hubbard_propagator(sites, 3));
  for (const char* name : grown) std::printf("%-20s grows as L^%.2f\n", name, growth_exponent(results, name));

  if (!write(program, file, json(card, results))) return 1;
  if (!agree) std::fprintf(stderr, "%s: two ways to the same rates differ by more than %g\n", program, agreement);
  return agree ? 0 : 1;
}

}  // namespace
}  // namespace lindrift::benchmarks

int main(int argc, char** argv) {
  const char* file = nullptr;
  bool quick = false;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--quick") {
      quick = true;
    } else if ((argument == "--out" || argument == "-o") && i + 1 < argc) {
      file = argv[++i];
    } else {
      std::fprintf(stderr, "usage: cuda_benchmarks [--out FILE] [--quick]\n");
      return 2;
    }
  }
  try {
    return lindrift::benchmarks::run(file, quick);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "cuda_benchmarks: %s\n", error.what());
    return 1;
  }
}
