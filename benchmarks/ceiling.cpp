#include "benchmarks/ceiling.hpp"

#include <omp.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <map>
#include <memory>

#include "benchmarks/ceiling_loops.hpp"
#include "lindrift/backend.hpp"

namespace lindrift::benchmarks {

namespace {

struct Loops {
  decltype(&baseline::multiply_in_registers) multiply;
  decltype(&baseline::triad) triad;
  decltype(&baseline::dot) dot;
};

/// The same choice as the library makes for its kernels.
const Loops& loops() {
  static const Loops chosen = [] {
#ifdef LINDRIFT_SIMD_VARIANTS
    if (simd_level() == "x86-64-v4") return Loops{v4::multiply_in_registers, v4::triad, v4::dot};
    if (simd_level() == "x86-64-v3") return Loops{v3::multiply_in_registers, v3::triad, v3::dot};
#endif
    return Loops{baseline::multiply_in_registers, baseline::triad, baseline::dot};
  }();
  return chosen;
}

/// Results go here, so that no loop is removed.
volatile double sink;

}  // namespace

Stopwatch::Stopwatch(int threads) : clock_(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC), start_(now()) {}

double Stopwatch::seconds() const { return now() - start_; }

double Stopwatch::now() const {
  timespec time{};
  clock_gettime(clock_, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double multiplication_rate(int threads) {
  constexpr std::int64_t rounds = 600000;
  std::array<double, 9> rate{};
  for (double& pass : rate) {
    double doubles = 0.0;
    const Stopwatch watch(threads);
#pragma omp parallel num_threads(threads) reduction(+ : doubles)
    {
      const Multiplications done = loops().multiply(rounds, 0.999, 0.001);
      doubles += static_cast<double>(done.instructions) * done.width;
      if (done.result == 0.0) sink = done.result;
    }
    pass = doubles / watch.seconds();
  }
  // Not the best one: the thread clock of a virtual machine now and then skips time.
  std::nth_element(rate.begin(), rate.begin() + rate.size() / 2, rate.end());
  return rate[rate.size() / 2];
}

Bandwidth bandwidth(int threads) {
  static std::map<int, Bandwidth> known;
  if (const auto found = known.find(threads); found != known.end()) return found->second;

  constexpr std::int64_t size = std::int64_t{1} << 24;
  const auto make = [] { return std::unique_ptr<double[]>(new double[size]); };
  const auto a = make(), b = make(), c = make();
#pragma omp parallel for schedule(static) num_threads(threads)
  for (std::int64_t i = 0; i < size; ++i) {
    a[static_cast<std::size_t>(i)] = 1.0;
    b[static_cast<std::size_t>(i)] = 2.0;
    c[static_cast<std::size_t>(i)] = 3.0;
  }

  const auto best_rate = [&](double bytes, const auto& work) {
    std::array<double, 9> rate{};
    for (double& pass : rate) {
      const Stopwatch watch(threads);
#pragma omp parallel num_threads(threads)
      {
        const std::int64_t first = size * omp_get_thread_num() / omp_get_num_threads();
        const std::int64_t last = size * (omp_get_thread_num() + 1) / omp_get_num_threads();
        work(first, last - first);
      }
      pass = bytes / watch.seconds();
    }
    std::sort(rate.begin(), rate.end());
    return rate[rate.size() - 2];  // the best but one, for the same reason
  };
  Bandwidth result{};
  result.read = best_rate(16.0 * size, [&](std::int64_t first, std::int64_t count) {
    const double sum = loops().dot(b.get() + first, c.get() + first, count);
    if (sum == 0.0) sink = sum;
  });
  result.triad = best_rate(32.0 * size, [&](std::int64_t first, std::int64_t count) {
    loops().triad(a.get() + first, b.get() + first, c.get() + first, 0.5, count);
  });
  sink = a[0];
  known[threads] = result;
  return result;
}

int all_threads() { return omp_get_max_threads(); }

}  // namespace lindrift::benchmarks
