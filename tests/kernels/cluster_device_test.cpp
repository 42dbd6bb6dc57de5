// Equations of small sparse matrices in the thread blocks of a device: linear equations, Green's functions over
// frequencies and over times. The same code also runs here as plain loops. Compared with dense elimination and with the
// Krylov spaces of the library.
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <cstring>
#include <string>

#include "clusters/krylov.hpp"
#include "kernels/clusters/solve_on.hpp"
#include "support/engines.hpp"
#include "support/plain_loops.hpp"
#include "support/random.hpp"

namespace lindrift::testing {
namespace {

using Complex = std::complex<double>;
using Vector = std::vector<Complex>;
using kernels::Carver, kernels::ClusterDevice, kernels::ClusterOptions, kernels::ClusterShape, kernels::ClusterSlot,
    kernels::ClusterWork, kernels::Index;

/// One matrix after the other, on the host.
class PlainDevice final : public ClusterDevice {
  /// Memory of its own for a problem.
  template <class From>
  auto with_memory(const From& from) {
    kernels::Carver counted;
    from(counted);
    work_.assign(static_cast<std::size_t>(counted.used), NAN);
    kernels::Carver carver{work_.data()};
    return from(carver);
  }

 public:
  void begin(const ClusterShape& shape) override {
    shape_ = shape;
    slots_.assign(static_cast<std::size_t>(shape.matrices), {});
    const auto size = static_cast<std::size_t>(shape.size), elements = static_cast<std::size_t>(shape.elements);
    for (Slot& slot : slots_) {
      slot.first.resize(size + 1);
      slot.column.resize(elements);
      slot.value.resize(2 * elements);
      slot.starts.resize(2 * size * static_cast<std::size_t>(shape.starts));
      slot.probes.resize(2 * size * static_cast<std::size_t>(shape.probes));
    }
  }
  ClusterSlot slot(std::int64_t matrix) override {
    Slot& slot = slots_[static_cast<std::size_t>(matrix)];
    return {slot.header.data(), slot.first.data(),  slot.column.data(),
            slot.value.data(),  slot.starts.data(), slot.probes.data()};
  }
  const double* solve(std::int64_t matrices, const ClusterOptions& options) override {
    using namespace kernels::clusters;
    results_.assign(static_cast<std::size_t>(matrices * shape_.starts * shape_.result_size()), NAN);
    PlainLoops engine;
    for (Index i = 0; i < matrices * shape_.starts; ++i) {
      const ClusterSlot of = slot(i / shape_.starts);
      double* const result = results_.data() + i * shape_.result_size();
      const double* const start = of.starts + 2 * (i % shape_.starts) * shape_.size;
      Operator a{static_cast<Index>(of.header[0]), of.first, of.column, of.value};
      SolverOn<PlainLoops> solver(engine, a);
      result[0] = 0.0;
      if (shape_.work == ClusterWork::linear) {
        a.border_column = start;
        a.border_row = of.probes;
        const auto memory =
            with_memory([&](Carver& c) { return LinearMemory::from(c, 2 * shape_.size, shape_.vectors); });
        result[0] =
            solver.solve_linear(start, options.tolerance, shape_.vectors, options.max_products, memory, result + 1);
      } else if (shape_.work == ClusterWork::frequencies) {
        auto memory = with_memory([&](Carver& c) {
          return KrylovMemory::from(c, 2 * shape_.size, shape_.vectors, shape_.arguments, shape_.probes, false);
        });
        memory.systems.frequency = options.arguments;
        memory.systems.broadening = options.broadening;
        memory.systems.projected = result + 1;
        result[0] = solver.solve_shifted(start, of.probes, shape_.size, options.tolerance, shape_.vectors, memory);
      } else {
        const auto memory = with_memory([&](Carver& c) { return EvolutionMemory::from(c, shape_.size); });
        solver.evolve(of.header[1], start, of.probes, shape_.probes, shape_.size, options.arguments, shape_.arguments,
                      memory, result + 1);
      }
    }
    return results_.data();
  }

 private:
  struct Slot {
    std::vector<double> header = std::vector<double>(2), value, starts, probes;
    std::vector<std::uint32_t> first, column;
  };

  ClusterShape shape_;
  std::vector<Slot> slots_;
  std::vector<double> results_, work_;
};

/// A sparse matrix whose spectrum lies left of the imaginary axis, as that of a Lindbladian.
struct Sparse {
  std::size_t size = 0;
  std::vector<std::uint32_t> first{0}, column;
  Vector value;

  /// @param blocks  size of blocks that do not mix; 0: one block
  Sparse(Random& random, std::size_t n, std::size_t block = 0) : size(n) {
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        const bool mixes = block == 0 || i / block == j / block;
        if (i != j && (!mixes || (n > 8 && (i * 7 + j * 13) % 5 > 1))) continue;
        column.push_back(static_cast<std::uint32_t>(j));
        value.push_back(i == j ? Complex(-3.0, 0.0) + random.complex(2.0)
                               : random.complex(1.0) / std::sqrt(static_cast<double>(n)));
      }
      first.push_back(static_cast<std::uint32_t>(column.size()));
    }
  }
  Vector times(const Vector& x) const {
    Vector y(size);
    for (std::size_t i = 0; i < size; ++i)
      for (std::size_t e = first[i]; e < first[i + 1]; ++e) y[i] += value[e] * x[column[e]];
    return y;
  }
  double norm() const {
    std::vector<double> sums(size);
    for (std::size_t e = 0; e < value.size(); ++e) sums[column[e]] += std::abs(value[e]);
    return *std::max_element(sums.begin(), sums.end());
  }
  clusters::LinearMap map() const {
    return [this](std::span<const Complex> in, std::span<Complex> out) {
      std::ranges::copy(times(Vector(in.begin(), in.end())), out.begin());
    };
  }
  /// The dense matrix shift - A.
  Vector shifted(Complex shift) const {
    Vector a(size * size);
    for (std::size_t i = 0; i < size; ++i) {
      a[i * size + i] += shift;
      for (std::size_t e = first[i]; e < first[i + 1]; ++e) a[i * size + column[e]] -= value[e];
    }
    return a;
  }
};

/// Solves a x = b by elimination with pivoting.
Vector eliminate(Vector a, Vector b) {
  const std::size_t n = b.size();
  for (std::size_t i = 0; i < n; ++i) {
    std::size_t pivot = i;
    for (std::size_t r = i + 1; r < n; ++r)
      if (std::abs(a[r * n + i]) > std::abs(a[pivot * n + i])) pivot = r;
    for (std::size_t c = 0; c < n; ++c) std::swap(a[i * n + c], a[pivot * n + c]);
    std::swap(b[i], b[pivot]);
    for (std::size_t r = i + 1; r < n; ++r) {
      const Complex factor = a[r * n + i] / a[i * n + i];
      for (std::size_t c = i; c < n; ++c) a[r * n + c] -= factor * a[i * n + c];
      b[r] -= factor * b[i];
    }
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t c = i + 1; c < n; ++c) b[i] -= a[i * n + c] * b[c];
    b[i] /= a[i * n + i];
  }
  return b;
}

Complex product(const Vector& row, const Vector& x) {
  Complex sum = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += row[i] * x[i];
  return sum;
}

Vector random_vector(Random& random, std::size_t n) {
  Vector vector(n);
  for (Complex& element : vector) element = random.complex(1.0);
  return vector;
}

/// Matrices with vectors, which one call solves together.
struct Batch {
  std::vector<Sparse> matrices;
  std::vector<std::vector<Vector>> starts, probes;  ///< of each matrix
  ClusterShape shape;

  Batch(Random& random, const std::vector<std::size_t>& sizes, ClusterWork work, std::size_t starts_each,
        std::size_t probes_each, std::size_t block = 0) {
    shape.work = work;
    shape.starts = static_cast<Index>(starts_each);
    shape.probes = static_cast<Index>(probes_each);
    shape.matrices = static_cast<Index>(sizes.size());
    for (const std::size_t n : sizes) {
      matrices.emplace_back(random, n, block);
      for (auto* all : {&starts, &probes}) {
        all->emplace_back();
        for (std::size_t v = 0; v < (all == &starts ? starts_each : probes_each); ++v)
          all->back().push_back(random_vector(random, n));
      }
      shape.size = std::max(shape.size, static_cast<Index>(n));
      shape.elements = std::max(shape.elements, static_cast<Index>(matrices.back().value.size()));
    }
  }

  /// Results of the matrices from `first` on, (count, starts, result_size).
  std::vector<double> solve(ClusterDevice& device, const ClusterOptions& options, std::size_t first,
                            std::size_t count) const {
    ClusterShape some = shape;
    some.matrices = static_cast<Index>(count);
    device.begin(some);
    for (std::size_t m = 0; m < count; ++m) {
      const Sparse& matrix = matrices[first + m];
      const ClusterSlot slot = device.slot(static_cast<Index>(m));
      slot.header[0] = static_cast<double>(matrix.size);
      slot.header[1] = matrix.norm();
      std::ranges::copy(matrix.first, slot.first);
      std::ranges::copy(matrix.column, slot.column);
      std::ranges::copy(matrix.value, reinterpret_cast<Complex*>(slot.value));
      const auto put = [&](const std::vector<Vector>& vectors, double* target) {
        for (std::size_t v = 0; v < vectors.size(); ++v)
          std::ranges::copy(vectors[v], reinterpret_cast<Complex*>(target) + v * static_cast<std::size_t>(some.size));
      };
      put(starts[first + m], slot.starts);
      put(probes[first + m], slot.probes);
    }
    const double* const results = device.solve(some.matrices, options);
    return {results, results + some.matrices * some.starts * some.result_size()};
  }
  std::vector<double> solve(ClusterDevice& device, const ClusterOptions& options) const {
    return solve(device, options, 0, matrices.size());
  }
};

class ClusterDeviceTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (std::string(GetParam()) == "plain")
      device_ = std::make_unique<PlainDevice>();
    else
      skip_unless_available(Engine::Place::cuda);
    if (!device_ && !IsSkipped() && !HasFatalFailure()) device_.reset(kernels::device_kernels().make_cluster_device(0));
  }
  std::unique_ptr<ClusterDevice> device_;
};

/// Around the threads of a block, the vectors whose overlaps are taken together, and the smallest.
const std::vector<std::size_t> sizes = {1, 37, 2, 128, 3, 9, 8, 129, 5, 260};
constexpr double tolerance = 1e-13;

TEST_P(ClusterDeviceTest, ShiftedEquationsOfManySizes) {
  Random random(5);
  Batch batch(random, sizes, ClusterWork::frequencies, 2, 3);
  const std::vector<double> frequencies = {-7.3, -1.0, 0.0, 0.4, 2.9};
  batch.shape.vectors = 260;
  batch.shape.arguments = static_cast<Index>(frequencies.size());
  const double broadening = 0.1;
  const auto results =
      batch.solve(*device_, {.tolerance = tolerance, .broadening = broadening, .arguments = frequencies.data()});
  const double* result = results.data();
  for (std::size_t m = 0; m < sizes.size(); ++m)
    for (const Vector& start : batch.starts[m]) {
      EXPECT_LE(result[0], tolerance) << sizes[m];
      clusters::KrylovSpace space(batch.matrices[m].map(), start);
      while (!space.invariant()) space.grow();
      for (std::size_t w = 0; w < frequencies.size(); ++w) {
        const Complex shift(broadening, -frequencies[w]);
        const Vector dense = eliminate(batch.matrices[m].shifted(shift), start);
        Vector y;
        space.solve_shifted(shift, y);
        for (std::size_t p = 0; p < batch.probes[m].size(); ++p) {
          const Vector& row = batch.probes[m][p];
          Complex krylov = 0.0;
          for (std::size_t j = 0; j < y.size(); ++j) {
            const auto v = space.vector(j);
            krylov += y[j] * product(row, Vector(v.begin(), v.end()));
          }
          const double* const found = result + 1 + 2 * (w * batch.probes[m].size() + p);
          const Complex value(found[0], found[1]);
          // The residual is divided by the distance of the spectrum from the shift, about 1.
          const double allowed = 100.0 * tolerance * static_cast<double>(sizes[m]);
          EXPECT_LT(std::abs(value - product(row, dense)), allowed) << sizes[m];
          EXPECT_LT(std::abs(value - krylov), allowed) << sizes[m];
        }
      }
      result += batch.shape.result_size();
    }
}

TEST_P(ClusterDeviceTest, LinearEquationsWithRestarts) {
  for (const Index vectors : {3, 8, 200}) {
    Random random(6);
    Batch batch(random, sizes, ClusterWork::linear, 1, 1);
    batch.shape.vectors = std::min<Index>(vectors, 260);
    for (auto& probes : batch.probes)  // a border that is smaller than the matrix
      for (Complex& element : probes[0]) element *= 0.3 / static_cast<double>(probes[0].size());
    const auto results = batch.solve(*device_, {.tolerance = tolerance, .max_products = 4000});
    for (std::size_t m = 0; m < sizes.size(); ++m) {
      const double* const result = results.data() + static_cast<Index>(m) * batch.shape.result_size();
      const Vector &right = batch.starts[m][0], &row = batch.probes[m][0];
      EXPECT_LE(result[0], 1e-12) << sizes[m] << ", " << vectors;
      Vector bordered = batch.matrices[m].shifted(0.0);
      for (std::size_t i = 0; i < sizes[m]; ++i)
        for (std::size_t j = 0; j < sizes[m]; ++j) {
          Complex& element = bordered[i * sizes[m] + j];
          element = -element + right[i] * row[j];
        }
      const Vector expected = eliminate(bordered, right);
      for (std::size_t i = 0; i < sizes[m]; ++i)
        EXPECT_LT(std::abs(Complex(result[1 + 2 * i], result[2 + 2 * i]) - expected[i]), 1e-10)
            << sizes[m] << ", " << vectors;
    }
  }
}

TEST_P(ClusterDeviceTest, TooFewProductsAreReported) {
  Random random(7);
  Batch batch(random, {37}, ClusterWork::linear, 1, 1);
  batch.shape.vectors = 4;
  EXPECT_GT(batch.solve(*device_, {.tolerance = tolerance, .max_products = 4})[0], 1e-6);
}

TEST_P(ClusterDeviceTest, InvariantSpacesEndTheSearch) {
  // The vectors lie in blocks of 4 of the matrix: no Krylov space has more than 4 vectors.
  Random random(8);
  Batch batch(random, {12, 37, 4}, ClusterWork::frequencies, 1, 2, 4);
  for (auto& starts : batch.starts)
    for (std::size_t i = 4; i < starts[0].size(); ++i) starts[0][i] = 0.0;
  const std::vector<double> frequencies = {-0.7, 1.9};
  batch.shape.vectors = 37;
  batch.shape.arguments = 2;
  const auto results = batch.solve(*device_, {.tolerance = 0.0, .broadening = 0.0, .arguments = frequencies.data()});
  for (std::size_t m = 0; m < 3; ++m) {
    const double* const result = results.data() + static_cast<Index>(m) * batch.shape.result_size();
    EXPECT_LT(result[0], 1e-14);
    for (std::size_t w = 0; w < 2; ++w) {
      const Vector dense = eliminate(batch.matrices[m].shifted({0.0, -frequencies[w]}), batch.starts[m][0]);
      for (std::size_t p = 0; p < 2; ++p)
        EXPECT_LT(std::abs(Complex(result[1 + 2 * (w * 2 + p)], result[2 + 2 * (w * 2 + p)]) -
                           product(batch.probes[m][p], dense)),
                  1e-12);
    }
  }
}

TEST_P(ClusterDeviceTest, TimeEvolutionIsThatOfTheHost) {
  Random random(9);
  Batch batch(random, {1, 2, 37, 129}, ClusterWork::times, 2, 2);
  const std::vector<double> times = {0.0, 0.3, 1.7, 1.7000001, 4.0};
  batch.shape.arguments = static_cast<Index>(times.size());
  const auto results = batch.solve(*device_, {.arguments = times.data()});
  const double* result = results.data();
  for (std::size_t m = 0; m < batch.matrices.size(); ++m)
    for (const Vector& start : batch.starts[m]) {
      Vector state = start;
      for (std::size_t t = 0; t < times.size(); ++t) {
        if (t > 0)
          clusters::propagate(batch.matrices[m].map(), batch.matrices[m].norm(), times[t] - times[t - 1], state);
        for (std::size_t p = 0; p < 2; ++p)
          EXPECT_LT(std::abs(Complex(result[1 + 2 * (t * 2 + p)], result[2 + 2 * (t * 2 + p)]) -
                             product(batch.probes[m][p], state)),
                    1e-12);
      }
      result += batch.shape.result_size();
    }
}

TEST_P(ClusterDeviceTest, NumbersDoNotDependOnTheBatch) {
  Random random(10);
  std::vector<std::size_t> many;
  for (std::size_t m = 0; m < 131; ++m) many.push_back(1 + m % 7 * 3);
  Batch batch(random, many, ClusterWork::frequencies, 1, 1);
  const std::vector<double> frequencies = {-0.4, 1.1, 3.0};
  batch.shape.vectors = 19;
  batch.shape.arguments = 3;
  const ClusterOptions options{.tolerance = tolerance, .broadening = 0.2, .arguments = frequencies.data()};
  const auto whole = batch.solve(*device_, options);
  for (const std::size_t count : {1, 2})
    for (const std::size_t first : {0, 64, 129}) {
      const auto some = batch.solve(*device_, options, first, count);
      EXPECT_EQ(std::memcmp(some.data(), whole.data() + static_cast<Index>(first) * batch.shape.result_size(),
                            some.size() * sizeof(double)),
                0)
          << first << ", " << count;
    }
}

/// A dense real matrix as SolverOn sees it.
struct RealMatrix {
  Index size;
  std::vector<double> element;
  Index products = 0;
  template <class Engine>
  void multiply(Engine&, const double* in, double* out) {
    ++products;
    for (Index i = 0; i < size; ++i) {
      out[i] = 0.0;
      for (Index j = 0; j < size; ++j) out[i] += element[static_cast<std::size_t>(i * size + j)] * in[j];
    }
  }
};

TEST(RealGmres, SolvesWithAndWithoutRestarts) {
  using namespace kernels::clusters;
  Random random(31);
  for (const Index size : {1, 2, 7, 40})
    for (const Index vectors : {4, 60}) {
      const auto n = static_cast<std::size_t>(size);
      RealMatrix a{size, random.vector(n * n, -0.3, 0.3)};
      for (std::size_t i = 0; i < n; ++i) a.element[i * n + i] += 3.0;
      const std::vector<double> right = random.vector(n, -1.0, 1.0);
      Carver counted;
      LinearMemory::from(counted, size, vectors);
      std::vector<double> work(static_cast<std::size_t>(counted.used), NAN), x(n, NAN);
      Carver carver{work.data()};
      PlainLoops engine;
      SolverOn<PlainLoops, RealMatrix, double> solver(engine, a);
      constexpr Index most = 200;
      constexpr double accuracy = 1e-13;
      EXPECT_LE(solver.solve_linear(right.data(), accuracy, vectors, most, LinearMemory::from(carver, size, vectors),
                                    x.data()),
                accuracy);
      EXPECT_LT(a.products, most);
      Vector complex_matrix(a.element.begin(), a.element.end());
      const Vector expected = eliminate(std::move(complex_matrix), Vector(right.begin(), right.end()));
      // The diagonal dominates or nearly so: the error is a few times the residual.
      for (std::size_t i = 0; i < n; ++i) EXPECT_NEAR(x[i], expected[i].real(), 1e-11) << size << ", " << vectors;
    }
}

INSTANTIATE_TEST_SUITE_P(Engines, ClusterDeviceTest, ::testing::Values("plain", "cuda"),
                         [](const auto& engine) { return std::string(engine.param); });

}  // namespace
}  // namespace lindrift::testing
