#include "engine/fourier.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <memory>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include "kernels/table.hpp"

namespace lindrift {
namespace {

using Complex = std::complex<double>;
using Exact = std::complex<long double>;

std::vector<Complex> random_rows(std::size_t size, unsigned seed) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> normal;
  std::vector<Complex> rows(size);
  for (Complex& x : rows) x = {normal(generator), normal(generator)};
  return rows;
}

/// One element of a transform, summed term by term.
Exact element(const Complex* row, std::size_t length, std::size_t k, bool forward) {
  Exact sum = 0.0L;
  for (std::size_t j = 0; j < length; ++j) {
    const long double angle = (forward ? -2.0L : 2.0L) * std::numbers::pi_v<long double> *
                              static_cast<long double>(j * k % length) / static_cast<long double>(length);
    sum += Exact(row[j]) * Exact(std::cos(angle), std::sin(angle));
  }
  return sum;
}

struct Variant {
  std::string name;
  kernels::FourierPlan* (*make)(std::int64_t);
};

std::vector<Variant> variants() {
  std::vector<Variant> all;
  for (const auto& kernels : kernels::all_cpu_kernels())
    all.push_back({std::string(kernels.instruction_set), kernels.make_fourier_plan});
  return all;
}

double* bare(std::vector<Complex>& rows) { return reinterpret_cast<double*>(rows.data()); }

class FourierTest : public testing::TestWithParam<std::size_t> {};

TEST_P(FourierTest, MatchesTheSumOnEveryInstructionSet) {
  const std::size_t length = GetParam(), count = length < 5000 ? 11 : 2;
  const auto rows = random_rows(count * length, 3);
  std::mt19937_64 generator(length);
  for (const Variant& variant : variants())
    for (const bool forward : {true, false}) {
      const std::unique_ptr<kernels::FourierPlan> plan(variant.make(static_cast<std::int64_t>(length)));
      auto transformed = rows;
      plan->transform(bare(transformed), static_cast<std::int64_t>(count), forward, 2);
      // Unit variance gives elements of size sqrt(length); the error grows like log(length), and more with Bluestein's
      // algorithm.
      const double tolerance =
          4e-15 * std::sqrt(static_cast<double>(length)) * std::log2(2.0 + static_cast<double>(length));
      for (std::size_t r = 0; r < count; ++r)
        for (std::size_t i = 0; i < std::min<std::size_t>(length, 12); ++i) {
          const std::size_t k = length <= 12 ? i : generator() % length;
          const auto expected = element(rows.data() + r * length, length, k, forward);
          EXPECT_LT(std::abs(Exact(transformed[r * length + k]) - expected), tolerance)
              << variant.name << " row " << r << " element " << k;
        }
    }
}

TEST_P(FourierTest, RowsDoNotKnowTheirNeighboursNorTheThreads) {
  const std::size_t length = GetParam(), count = 9;
  const Fourier fourier(length);
  const auto rows = random_rows(count * length, 5);
  auto together = rows, shared = rows, alone = rows;
  fourier.forward(together.data(), count);
  fourier.forward(shared.data(), count, 2);
  for (std::size_t r = 0; r < count; ++r) fourier.forward(alone.data() + r * length, 1);
  EXPECT_EQ(together, shared);
  EXPECT_EQ(together, alone);
}

/// Sums along every direction, for odd, prime and unit lengths; two rows, independent of each other.
TEST(LatticeFourier, MatchesTheSumOnEveryInstructionSet) {
  using Lengths = std::vector<std::int64_t>;
  for (const Lengths& lengths : {Lengths{5, 7}, Lengths{2, 3, 4}, Lengths{17, 9}, Lengths{3, 1, 8}, Lengths{16, 24}})
    for (const auto& kernels : kernels::all_cpu_kernels())
      for (const bool forward : {true, false}) {
        std::size_t size = 1;
        for (const std::int64_t n : lengths) size *= static_cast<std::size_t>(n);
        const auto rows = random_rows(2 * size, 13);
        const std::unique_ptr<kernels::FourierPlan> plan(
            kernels.make_lattice_fourier_plan(lengths.data(), static_cast<int>(lengths.size())));
        auto transformed = rows, shared = rows;
        plan->transform(bare(transformed), 2, forward, 1);
        plan->transform(bare(shared), 2, forward, 3);
        EXPECT_EQ(transformed, shared);
        for (std::size_t k = 0; k < size; ++k) {
          Exact sum = 0.0L;
          for (std::size_t j = 0; j < size; ++j) {
            long double turns = 0.0L;
            std::size_t a = k, b = j;
            for (std::size_t i = lengths.size(); i-- > 0;) {
              const auto n = static_cast<std::size_t>(lengths[i]);
              turns += static_cast<long double>(a % n * (b % n) % n) / static_cast<long double>(n);
              a /= n;
              b /= n;
            }
            sum += Exact(rows[size + j]) *
                   std::polar(1.0L, (forward ? -2.0L : 2.0L) * std::numbers::pi_v<long double> * turns);
          }
          EXPECT_LT(std::abs(Exact(transformed[size + k]) - sum), 4e-14) << kernels.instruction_set;
        }
      }
}

TEST_P(FourierTest, BackwardUndoesForward) {
  const std::size_t length = GetParam();
  const Fourier fourier(length);
  const auto rows = random_rows(length, 7);
  auto there_and_back = rows;
  fourier.forward(there_and_back.data(), 1);
  fourier.backward(there_and_back.data(), 1);
  for (std::size_t j = 0; j < length; ++j)
    EXPECT_LT(std::abs(there_and_back[j] / static_cast<double>(length) - rows[j]), 1e-14);
}

// Every radix, primes, lengths side by side or split in two (4100, 9999, 2^14), long lengths that do not split (10007,
// 8198).
INSTANTIATE_TEST_SUITE_P(Lengths, FourierTest,
                         testing::Values(1, 2, 3, 4, 5, 7, 8, 11, 13, 16, 31, 64, 96, 100, 127, 128, 143, 521, 1000,
                                         1024, 2310, 4096, 4100, 8198, 9999, 10007, 16384));

TEST(Fourier, RefusesLengthZero) { EXPECT_THROW(Fourier(0), std::invalid_argument); }

}  // namespace
}  // namespace lindrift
