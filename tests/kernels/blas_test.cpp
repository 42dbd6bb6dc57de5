#include "blas.hpp"

#include <gtest/gtest.h>

#include <complex>
#include <vector>

#include "support/random.hpp"

namespace lindrift {
namespace {

using testing::Random;
using Complex = std::complex<double>;

double random_number(Random& random, double) { return random.uniform(-1.0, 1.0); }
Complex random_number(Random& random, Complex) { return random.complex(1.0); }

/// Every matrix sits inside a wider one, so that a wrong distance between rows shows.
template <class Number, class Multiply>
void check_product(const Multiply& multiply, std::size_t m, std::size_t n, std::size_t k, Number alpha, Number beta) {
  Random random(m * 10007 + n * 101 + k);
  const std::size_t lda = k + 3, ldb = n + 2, ldc = n + 5;
  std::vector<Number> a(m * lda), b(k * ldb), c(m * ldc);
  for (auto* matrix : {&a, &b, &c})
    for (Number& x : *matrix) x = random_number(random, x);
  const auto before = c;
  multiply(m, n, k, alpha, a.data(), lda, b.data(), ldb, beta, c.data(), ldc);
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t j = 0; j < ldc; ++j) {
      Number expected = before[i * ldc + j];
      if (j < n) {
        Number sum = 0.0;
        for (std::size_t l = 0; l < k; ++l) sum += a[i * lda + l] * b[l * ldb + j];
        expected = alpha * sum + beta * expected;
      }
      // k products of size 1 at most, each with a rounding of its own.
      EXPECT_LT(std::abs(c[i * ldc + j] - expected), 1e-15 * static_cast<double>(k + 2)) << i << ", " << j;
    }
}

TEST(Blas, MultipliesRealMatrices) {
  for (const std::size_t size : {1, 7, 64, 131}) {
    check_product<double>(blas::dgemm, size, size + 3, 2 * size + 1, 1.0, 0.0);
    check_product<double>(blas::dgemm, size + 5, 1, size, -0.5, 1.0);
  }
}

TEST(Blas, MultipliesComplexMatrices) {
  for (const std::size_t size : {1, 7, 64, 131}) {
    check_product<Complex>(blas::zgemm, size, size + 3, 2 * size + 1, {1.0, 0.0}, {0.0, 0.0});
    check_product<Complex>(blas::zgemm, size + 5, 2, size, {0.3, -0.5}, {1.0, 0.0});
  }
}

TEST(Blas, SaysWhichKernelsMultiply) { EXPECT_FALSE(blas::core_name().empty()); }

}  // namespace
}  // namespace lindrift
