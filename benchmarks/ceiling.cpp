#include "benchmarks/ceiling.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <ctime>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "benchmarks/ceiling_loops.hpp"
#include "engine/threads.hpp"
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

/// work(i) on `threads` threads, of which the caller is the first.
template <class Work>
void on_threads(int threads, const Work& work) {
  std::vector<std::thread> others;
  for (int i = 1; i < threads; ++i) others.emplace_back(work, i);
  work(0);
  for (std::thread& other : others) other.join();
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
  std::array<double, 9> rate{};
  for (double& pass : rate) {
    std::atomic<double> doubles = 0.0;
    const Stopwatch watch(threads);
    on_threads(threads, [&](int) {
      const Multiplications done = loops().multiply(rounds, 0.999, 0.001);
      doubles += static_cast<double>(done.instructions) * done.width;
      if (done.result == 0.0) sink = done.result;
    });
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
  const auto first_of = [&](int thread) { return size * thread / threads; };
  on_threads(threads, [&](int thread) {
    for (std::int64_t i = first_of(thread); i < first_of(thread + 1); ++i) {
      a[static_cast<std::size_t>(i)] = 1.0;
      b[static_cast<std::size_t>(i)] = 2.0;
      c[static_cast<std::size_t>(i)] = 3.0;
    }
  });

  const auto best_rate = [&](double bytes, const auto& work) {
    std::array<double, 9> rate{};
    for (double& pass : rate) {
      const Stopwatch watch(threads);
      on_threads(threads, [&](int thread) { work(first_of(thread), first_of(thread + 1) - first_of(thread)); });
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

int all_threads() { return default_threads(); }

}  // namespace lindrift::benchmarks
