#include "solvers/gmres.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "lindrift/error.hpp"

namespace lindrift {
namespace {

/// A random matrix near the identity, and the number of products with it.
struct Problem {
  static constexpr std::size_t size = 200;
  std::vector<double> matrix;
  int products = 0;
  int fails_at = 0;  ///< the product that throws; 0: none

  Problem() {
    std::mt19937_64 engine(3);
    std::uniform_real_distribution<double> uniform(-0.02, 0.02);
    for (std::size_t e = 0; e < size * size; ++e) matrix.push_back(uniform(engine) + (e % (size + 1) == 0 ? 1.0 : 0.0));
  }
  void multiply(std::span<const double> in, std::span<double> out) {
    if (++products == fails_at) throw NumericalError("no product");
    for (std::size_t i = 0; i < size; ++i) {
      out[i] = 0.0;
      for (std::size_t j = 0; j < size; ++j) out[i] += matrix[i * size + j] * in[j];
    }
  }
};

class GmresTest : public ::testing::Test {
 protected:
  GmresTest() : right_(make_vector(Problem::size, context_)), solution_(make_vector(Problem::size, context_)) {
    for (std::size_t i = 0; i < Problem::size; ++i) values(right_.get())[i] = std::cos(static_cast<double>(i));
    gmres_.set_up(right_.get(), context_, 2,
                  [this](std::span<const double> in, std::span<double> out) { problem_.multiply(in, out); });
  }

  double residual() {
    std::vector<double> image(Problem::size);
    problem_.multiply(values(solution_.get()), image);
    double sum = 0.0;
    for (std::size_t i = 0; i < Problem::size; ++i) sum += std::pow(image[i] - values(right_.get())[i], 2);
    return std::sqrt(sum);
  }

  Problem problem_;
  SundialsContext context_;
  Sundials<N_Vector> right_, solution_;
  Gmres gmres_;
};

/// The spectrum lies in a disc of radius 0.17 around 1, so that each product gains 0.77 digits: 13 digits take 17.
TEST_F(GmresTest, StopsWhereRoundingAllowsNoMore) {
  gmres_.solve(right_.get(), solution_.get(), 0.0);
  EXPECT_LE(problem_.products, 25);
  EXPECT_LE(residual(), 1e-12);  // the norm of `right` is 10
}

TEST_F(GmresTest, StartsFromZero) {
  for (double& value : values(solution_.get())) value = NAN;
  gmres_.solve(right_.get(), solution_.get(), 1e-6);
  EXPECT_LE(residual(), 1e-5);
}

TEST_F(GmresTest, ThrowsWhatTheProductThrows) {
  problem_.fails_at = 3;
  EXPECT_THROW(gmres_.solve(right_.get(), solution_.get(), 1e-6), NumericalError);
  gmres_.solve(right_.get(), solution_.get(), 1e-6);  // and works again
  EXPECT_LE(residual(), 1e-5);
}

}  // namespace
}  // namespace lindrift
