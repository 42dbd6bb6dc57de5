#include "engine/linear_algebra.hpp"

#include <gtest/gtest.h>

#include <complex>
#include <cstdlib>
#include <string>
#include <vector>

#include "lindrift/error.hpp"
#include "support/random.hpp"

namespace lindrift {
namespace {

using testing::Random;
using Complex = std::complex<double>;

/// Every matrix is part of a wider one, so that a wrong row distance shows.
void check_product(std::size_t m, std::size_t n, std::size_t k) {
  Random random(m * 10007 + n * 101 + k);
  const std::size_t lda = k + 3, ldb = n + 2, ldc = n + 5;
  std::vector<double> a(m * lda), b(k * ldb), c(m * ldc);
  for (auto* matrix : {&a, &b, &c})
    for (double& x : *matrix) x = random.uniform(-1.0, 1.0);
  const auto before = c;
  linear_algebra::multiply(m, n, k, a.data(), lda, b.data(), ldb, c.data(), ldc);
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t j = 0; j < ldc; ++j) {
      double expected = j < n ? 0.0 : before[i * ldc + j];
      for (std::size_t l = 0; l < k && j < n; ++l) expected += a[i * lda + l] * b[l * ldb + j];
      // k products of size 1 at most, each rounded once.
      EXPECT_LT(std::abs(c[i * ldc + j] - expected), 1e-15 * static_cast<double>(k + 2)) << i << ", " << j;
    }
}

TEST(LinearAlgebra, MultipliesMatrices) {
  for (const std::size_t size : {1, 7, 64, 131}) {
    check_product(size, size + 3, 2 * size + 1);
    check_product(size + 5, 1, size);
  }
}

TEST(LinearAlgebra, SolvesLinearEquations) {
  Random random(13);
  for (const std::size_t n : {1, 2, 5, 33}) {
    std::vector<double> a = random.vector(n * n, -1.0, 1.0), right = random.vector(n, -1.0, 1.0);
    for (std::size_t i = 0; i < n; ++i) a[i * n + i] += static_cast<double>(n);
    std::vector<double> factors = a, x = right;
    linear_algebra::solve(n, factors.data(), x.data());
    for (std::size_t i = 0; i < n; ++i) {
      double sum = 0.0;
      for (std::size_t j = 0; j < n; ++j) sum += a[i * n + j] * x[j];
      EXPECT_NEAR(sum, right[i], 1e-14);
    }
  }
  std::vector<double> singular(9, 1.0), right(3, 1.0);
  EXPECT_THROW(linear_algebra::solve(3, singular.data(), right.data()), NumericalError);
}

TEST(LinearAlgebra, DiagonalisesHermitianMatrices) {
  Random random(11);
  for (const std::size_t n : {1, 2, 3, 10, 40}) {
    std::vector<Complex> a(n * n);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j <= i; ++j) {
        a[i * n + j] = i == j ? Complex(random.uniform(-1.0, 1.0)) : random.complex(1.0);
        a[j * n + i] = std::conj(a[i * n + j]);
      }
    std::vector<Complex> vectors = a;
    std::vector<double> values(n);
    linear_algebra::hermitian_eigen(n, vectors.data(), values.data());
    const double tolerance = 4e-15 * static_cast<double>(n);
    for (std::size_t p = 0; p < n; ++p) {
      EXPECT_LE(values[p > 0 ? p - 1 : 0], values[p]);
      for (std::size_t i = 0; i < n; ++i) {
        Complex image, overlap;
        for (std::size_t j = 0; j < n; ++j) {
          image += a[i * n + j] * vectors[j * n + p];
          overlap += std::conj(vectors[j * n + i]) * vectors[j * n + p];
        }
        EXPECT_LT(std::abs(image - values[p] * vectors[i * n + p]), tolerance);
        EXPECT_LT(std::abs(overlap - (i == p ? 1.0 : 0.0)), tolerance);
      }
    }
  }
}

/// Also run with LINDRIFT_OPENBLAS naming a file that does not exist.
TEST(LinearAlgebra, SaysWhichLibraryItUsesOrMisses) {
  const char* chosen = std::getenv("LINDRIFT_OPENBLAS");
  if (chosen == nullptr || std::string(chosen) != "no_such_library.so") {
    EXPECT_EQ(linear_algebra::library_name().rfind("OpenBLAS ", 0), 0u) << linear_algebra::library_name();
    return;
  }
  try {
    check_product(2, 2, 2);
    ADD_FAILURE() << "a product without a library";
  } catch (const UnsupportedError& error) {
    EXPECT_NE(std::string(error.what()).find("no_such_library.so cannot be loaded"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace lindrift
