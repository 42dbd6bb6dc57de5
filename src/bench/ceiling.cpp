#include "bench/ceiling.hpp"

#include <algorithm>
#include <ctime>
#include <map>
#include <memory>
#include <numeric>
#include <thread>
#include <utility>
#include <vector>

#include "bench/ceiling_loops.hpp"
#include "engine/linear_algebra.hpp"
#include "engine/threads.hpp"
#include "lindrift/backend.hpp"

namespace lindrift::benchmarks {

namespace {

struct Loops {
  decltype(&baseline::multiply_in_registers) multiply;
  decltype(&baseline::triad) triad;
  decltype(&baseline::dot) dot;
};

/// Makes the same choice as the library does for its kernels.
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

/// Results are stored here so that the compiler cannot remove a loop.
thread_local volatile double sink;

/// Sum of the rates of `threads` threads that work at the same time. Each rate is units(thread) / processor time of the
/// thread, so that other programs on the machine, which take turns with the threads, do not lower it.
template <class Units>
double rate_of_threads(int threads, const Units& units) {
  std::vector<double> rates(static_cast<std::size_t>(threads));
  const auto measure = [&](int thread) {
    const Stopwatch watch(1);
    const double done = units(thread);
    rates[static_cast<std::size_t>(thread)] = done / watch.seconds();
  };
  std::vector<std::thread> others;
  for (int i = 1; i < threads; ++i) others.emplace_back(measure, i);
  measure(0);
  for (std::thread& other : others) other.join();
  return std::accumulate(rates.begin(), rates.end(), 0.0);
}

/// The second best of several passes: the thread clock of a virtual machine sometimes skips time.
template <class Pass>
double best_but_one(int passes, const Pass& pass) {
  std::vector<double> rates(static_cast<std::size_t>(passes));
  for (double& rate : rates) rate = pass();
  std::sort(rates.begin(), rates.end());
  return rates[rates.size() - 2];
}

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
  return best_but_one(9, [&] {
    return rate_of_threads(threads, [&](int) {
      const Multiplications done = loops().multiply(rounds, 0.999, 0.001);
      if (done.result == 0.0) sink = done.result;
      return static_cast<double>(done.instructions) * done.width;
    });
  });
}

Bandwidth bandwidth(int threads, double bytes) {
  static std::map<std::pair<int, std::int64_t>, Bandwidth> known;
  const auto size = std::max<std::int64_t>(std::int64_t{64} * threads, static_cast<std::int64_t>(bytes / 24.0));
  if (const auto found = known.find({threads, size}); found != known.end()) return found->second;

  const auto make = [size] { return std::unique_ptr<double[]>(new double[static_cast<std::size_t>(size)]); };
  const auto a = make(), b = make(), c = make();
  const auto first_of = [&](int thread) { return size * thread / threads; };
  // Small arrays are processed many times, so that starting threads does not count.
  const std::int64_t times = std::max<std::int64_t>(1, (std::int64_t{1} << 24) / size);
  const auto rate = [&](double bytes_of_each, const auto& work) {
    return best_but_one(9, [&] {
      return rate_of_threads(threads, [&](int thread) {
        const std::int64_t first = first_of(thread), count = first_of(thread + 1) - first;
        for (std::int64_t i = 0; i < times; ++i) work(a.get() + first, b.get() + first, c.get() + first, count);
        return bytes_of_each * static_cast<double>(times) * static_cast<double>(count);
      });
    });
  };
  rate_of_threads(threads, [&](int thread) {  // each thread is the first to touch its own part
    const std::int64_t first = first_of(thread), count = first_of(thread + 1) - first;
    std::fill_n(a.get() + first, count, 1.0);
    std::fill_n(b.get() + first, count, 2.0);
    std::fill_n(c.get() + first, count, 3.0);
    return 1.0;
  });
  Bandwidth result{};
  result.read = rate(16.0, [](const double*, const double* y, const double* z, std::int64_t count) {
    const double sum = loops().dot(y, z, count);
    if (sum == 0.0) sink = sum;
  });
  result.triad = rate(32.0, [](double* x, const double* y, const double* z, std::int64_t count) {
    loops().triad(x, y, z, 0.5, count);
  });
  sink = a[0];
  known[{threads, size}] = result;
  return result;
}

double product_rate(int threads) {
  if (linear_algebra::library_speed() == 0.0) return 0.0;
  constexpr std::size_t size = 512;
  const std::vector<double> factor(size * size, 0.5);
  std::vector<std::vector<double>> products(static_cast<std::size_t>(threads), factor);
  return best_but_one(7, [&] {
    return rate_of_threads(threads, [&](int thread) {
      double* const product = products[static_cast<std::size_t>(thread)].data();
      linear_algebra::multiply(size, size, size, factor.data(), size, factor.data(), size, product, size);
      sink = product[0];
      return 2.0 * size * size * size;
    });
  });
}

int all_threads() { return default_threads(); }

}  // namespace lindrift::benchmarks
