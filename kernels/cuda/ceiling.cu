#include <algorithm>
#include <array>
#include <chrono>

#include "kernels/cuda/blas.hpp"
#include "kernels/cuda/engine.hpp"
#include "kernels/table.hpp"

/// What a device does at most, by the verbs that its kernels use. Sizes grow until a call takes long enough for the
/// clock, so that a slow device is not kept busy for longer than a fast one.

namespace lindrift::kernels {
namespace cuda {
namespace {

constexpr double long_enough = 2e-3;  // seconds

/// Independent chains of fused multiply-adds in registers.
struct MultiplyAdds {
  static constexpr int chains = 8;
  double* target;
  int rounds;
  double factor, term;
  LINDRIFT_HD void operator()(Index i) const {
    double x[chains];
    for (int c = 0; c < chains; ++c) x[c] = static_cast<double>(i % 32 + c);
    for (int round = 0; round < rounds; ++round) LINDRIFT_UNROLL
    for (int c = 0; c < chains; ++c) x[c] = fma(x[c], factor, term);
    double sum = 0.0;
    for (int c = 0; c < chains; ++c) sum += x[c];
    if (sum == -1.0) target[0] = sum;  // never, but the compiler cannot know
  }
};

struct Clear {
  double* target;
  LINDRIFT_HD void operator()(Index i) const { target[i] = 0.0; }
};

struct Triad {
  double* target;
  const double *a, *b;
  double factor;
  LINDRIFT_HD void operator()(Index i) const { target[i] = a[i] + factor * b[i]; }
};

struct DotSum {
  double value = 0.0;
  LINDRIFT_HD DotSum& operator+=(const DotSum& other) {
    value += other.value;
    return *this;
  }
};
struct Dot {
  template <class T>
  using Sum = DotSum;
  const double *a, *b;
  template <class T>
  LINDRIFT_HD void accumulate(Index i, DotSum& sum) const {
    sum.value += a[i] * b[i];
  }
};

/// Units of work a second, the best of several passes. `work` ends when the device has done it.
template <class Work>
double best_rate(double units, const Work& work) {
  double best = 0.0;
  for (int pass = 0; pass < 5; ++pass) {
    const auto start = std::chrono::steady_clock::now();
    work();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    best = std::max(best, units / seconds);
  }
  return best;
}

/// The rate for the first of the sizes `least`, 4 `least`, ... whose work takes long enough.
template <class Rate>
double rate_of_long_work(Index least, Index largest, double units_of_each, const Rate& rate) {
  for (Index size = least;; size *= 4) {
    const double found = rate(size), seconds = units_of_each * static_cast<double>(size) / found;
    if (seconds > long_enough || 4 * size > largest) return found;
  }
}

}  // namespace
}  // namespace cuda

namespace cuda_device {

DeviceCeilings measure_ceilings(int device) {
  using namespace cuda;
  EngineOn<PhysicalDevice> engine(0, device, nullptr);
  int processors = 1;
  LINDRIFT_CUDA_CHECK(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device));
  const auto wait = [] { LINDRIFT_CUDA_CHECK(cudaDeviceSynchronize()); };
  Buffer a, b, c;
  DeviceCeilings result;

  a.resize(1);
  const Index threads = Index{2048} * processors;
  const double multiply_adds = static_cast<double>(threads) * MultiplyAdds::chains;
  result.multiply_adds = rate_of_long_work(16, 65536, multiply_adds, [&](Index rounds) {
    return best_rate(multiply_adds * static_cast<double>(rounds), [&] {
      engine.map(threads, MultiplyAdds{a.data(), static_cast<int>(rounds), 0.999, 0.001});
      wait();
    });
  });

  const auto arrays = [&](Index size) {
    for (Buffer* each : {&a, &b, &c}) {
      each->resize(size);
      engine.map(size, Clear{each->data()});
    }
  };
  constexpr Index least = Index{1} << 18, largest = Index{1} << 26;  // 512 MiB each, beyond any cache
  result.triad_bytes = rate_of_long_work(least, largest, 24.0, [&](Index size) {
    arrays(size);
    return best_rate(24.0 * static_cast<double>(size), [&] {
      engine.map(size, Triad{a.data(), b.data(), c.data(), 0.5});
      wait();
    });
  });
  result.read_bytes = rate_of_long_work(least, largest, 16.0, [&](Index size) {
    arrays(size);
    return best_rate(16.0 * static_cast<double>(size), [&] { engine.reduce(size, Dot{b.data(), c.data()}); });
  });

  BlasHandleOn<PhysicalDevice> blas;
  const double one = 1.0, zero = 0.0;
  for (const Index size : {Index{256}, Index{4096}}) {
    arrays(size * size);
    const double operations = 2.0 * static_cast<double>(size) * static_cast<double>(size) * static_cast<double>(size);
    result.product_operations = best_rate(operations, [&] {
      check(cublasDgemm_64(blas.handle(), CUBLAS_OP_N, CUBLAS_OP_N, size, size, size, &one, b.data(), size, c.data(),
                           size, &zero, a.data(), size),
            "cublasDgemm");
      wait();
    });
    if (operations / result.product_operations > long_enough) break;
  }
  return result;
}

}  // namespace cuda_device
}  // namespace lindrift::kernels
