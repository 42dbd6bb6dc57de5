// The balance in the space of moments, compared with plain loops over modes.
#include <gtest/gtest.h>

#include <cmath>

#include "reference/tgge_chain.hpp"
#include "support/chains.hpp"
#include "support/compare.hpp"
#include "support/engines.hpp"
#include "support/random.hpp"

namespace lindrift::testing {
namespace {

using ::testing::Combine;
using ::testing::Values;
using ::testing::ValuesIn;
using Real = reference::Real;

/// Weights of one or two products from no lattice; in, out and energies differ by orders of magnitude.
struct Products {
  std::vector<double> energy, in, out;
  kernels::RateTables tables;

  Products(Random& random, std::size_t size, int rank, double beta) {
    energy = random.vector(size, -2.0, 3.0);
    in = random.vector(size * static_cast<std::size_t>(rank), 0.0, 1.0);
    out = random.vector(size * static_cast<std::size_t>(rank), 0.0, 50.0);
    for (std::size_t s = 6; s < size; s += 7) in[s] = 0.0;
    for (std::size_t s = 4; s < size; s += 5) out[s] = 0.0;
    tables.modes = static_cast<std::int64_t>(size);
    tables.over_cells = 1.0 / static_cast<double>(size);
    tables.scale = 0.3;
    tables.inverse_temperature = beta;
    tables.equilibrium_fraction = random.uniform(0.05, 1.0);
    tables.nonequilibrium_fraction = random.uniform(0.05, 1.0);
    tables.rank = rank;
    tables.energy = energy.data();
    tables.in = in.data();
    tables.out = out.data();
  }
  Products(const Products&) = delete;
  Products& operator=(const Products&) = delete;

  std::size_t size() const { return energy.size(); }
  Real in_of(std::size_t r, std::size_t s) const { return in[r * size() + s]; }
  Real out_of(std::size_t r, std::size_t s) const { return out[r * size() + s]; }

  reference::Problem problem() const {
    reference::Problem problem;
    problem.size = size();
    problem.scale = tables.scale;
    problem.inverse_temperature = tables.inverse_temperature;
    problem.gamma_eq = tables.equilibrium_fraction;
    problem.gamma_neq = tables.nonequilibrium_fraction;
    problem.energy = extended(energy);
    for (std::size_t to = 0; to < size(); ++to)
      for (std::size_t from = 0; from < size(); ++from) {
        Real w = 0.0L;
        for (std::size_t r = 0; r < static_cast<std::size_t>(tables.rank); ++r) w += in_of(r, to) * out_of(r, from);
        problem.weight.push_back(w);
      }
    problem.fill_thermal();
    return problem;
  }

  /// Logarithms of the moments, in the order thermal gain, gain, thermal loss, loss.
  reference::Vector log_moments(const reference::Vector& lambda) const {
    const auto rank = static_cast<std::size_t>(tables.rank);
    reference::Vector moment(2 * rank + 2, 0.0L);
    for (std::size_t s = 0; s < size(); ++s) {
      const Real n = reference::occupation(lambda[s]), h = reference::hole(lambda[s]);
      const Real boltzmann = std::exp(0.5L * tables.inverse_temperature * energy[s]);
      moment[0] += boltzmann * n;
      moment[rank + 1] += h / boltzmann;
      for (std::size_t r = 0; r < rank; ++r) {
        moment[1 + r] += out_of(r, s) * n;
        moment[rank + 2 + r] += in_of(r, s) * h;
      }
    }
    for (Real& m : moment) m = std::log(m);
    return moment;
  }
};

class MomentBalanceTest : public ::testing::TestWithParam<std::tuple<Engine, int>> {
 protected:
  void SetUp() override { skip_unless_available(std::get<0>(GetParam())); }
  static int rank() { return std::get<1>(GetParam()); }
  static std::unique_ptr<kernels::RateKernel> kernel_of(const Products& products, int threads = 1) {
    return make_kernel(std::get<0>(GetParam()), products.tables, threads);
  }
};

TEST_P(MomentBalanceTest, ExistsForMomentsUnderAThermalBath) {
  Random random(11);
  Products products(random, 20, rank(), 1.0);
  EXPECT_EQ(kernel_of(products)->moment_balance() != nullptr, !std::get<0>(GetParam()).direct);
  products.tables.equilibrium_fraction = 0.0;
  EXPECT_EQ(kernel_of(products)->moment_balance(), nullptr) << "gain and loss may vanish together";
}

TEST_P(MomentBalanceTest, EveryStepIsTheReference) {
  for (const std::size_t size : {1U, 2U, 3U, 8U, 17U, 130U, 1025U}) {
    SCOPED_TRACE(::testing::Message() << size << " modes");
    Random random(20 + size);
    const Products products(random, size, rank(), random.uniform(0.0, 5.0));
    const auto kernel = kernel_of(products);
    kernels::MomentBalance* const balance = kernel->moment_balance();
    if (!balance) GTEST_SKIP() << "no moments here";
    const auto count = static_cast<std::size_t>(balance->moments());
    ASSERT_EQ(count, 2U * static_cast<std::size_t>(rank()) + 2U);
    const auto lambda = random.vector(size, -6.0, 6.0);
    const auto near = [&](double actual, Real expected, double tolerance = 1e-14) {
      EXPECT_NEAR(actual, static_cast<double>(expected), tolerance * static_cast<double>(std::fabs(expected)));
    };

    // Moments of these multipliers; an absolute error of a logarithm is a relative error of the moment.
    std::vector<double> moments(count, NAN), derivative((count + 1) * (count + 1), NAN);
    balance->moments_of(lambda.data(), moments.data());
    EXPECT_LE(largest_error(moments, products.log_moments(extended(lambda)), reference::Vector(count, 1.0L)), 1e-13);

    // Multipliers that balance these moments.
    const double log_fugacity = random.uniform(-1.0, 1.0);
    std::vector<double> balanced(size, NAN);
    balance->set_log_moments(moments.data());
    std::vector<double> occupation(size, NAN);
    balance->state(log_fugacity, balanced.data(), occupation.data());
    const auto problem = products.problem();
    const auto gain = reference::gain(problem, extended(lambda)), loss = reference::loss(problem, extended(lambda));
    reference::Vector exact;
    for (std::size_t s = 0; s < size; ++s) exact.push_back(std::log(loss[s] / gain[s]) - log_fugacity);
    EXPECT_LE(largest_error(balanced, exact, reference::Vector(size, 1.0L)), 1e-13);
    for (std::size_t s = 0; s < size; ++s)
      near(occupation[s], reference::occupation(static_cast<Real>(balanced[s])), 1e-13);

    // Sums that determine the fugacity.
    const auto filling = balance->filling(log_fugacity);
    Real particles = 0.0L, holes = 0.0L, slope = 0.0L, hole_slope = 0.0L, others = 0.0L, most = 0.0L;
    for (const Real l : exact) {
      const Real n = reference::occupation(l), h = reference::hole(l);
      (l > 0.0L ? particles : holes) += l > 0.0L ? n : h;
      (l > 0.0L ? slope : hole_slope) += n * h;
      others += l > 0.0L ? 0.0L : 1.0L;
      most = std::max(most, std::fabs(l));
    }
    // Relative errors of n are those of the moments, 1e-13.
    near(filling.particles, particles, 1e-13);
    near(filling.holes, holes, 1e-13);
    near(filling.particle_slope, slope, 1e-13);
    near(filling.hole_slope, hole_slope, 1e-13);
    EXPECT_EQ(filling.others, static_cast<double>(others));
    EXPECT_GE(filling.max_multiplier, static_cast<double>(most) - 1e-13);
    EXPECT_LE(filling.max_multiplier, static_cast<double>(most) + std::log(4.0) + 1e-13);

    // The map from moments to moments, and its derivative compared with a fourth-order difference quotient of the plain
    // loops: truncation h^4/30 times a fifth derivative of order one, 1e-14.
    std::vector<double> image(count, NAN);
    const auto filled = balance->response(log_fugacity, image.data(), derivative.data());
    near(filled.particles, filling.particles);
    near(filled.holes, filling.holes);
    near(filled.particle_slope, filling.particle_slope);
    near(filled.hole_slope, filling.hole_slope);
    EXPECT_EQ(filled.others, filling.others);
    EXPECT_EQ(filled.max_multiplier, filling.max_multiplier);
    const auto image_of = [&](const reference::Vector& x, Real t) {
      const auto r = static_cast<std::size_t>(rank());
      reference::Vector multipliers;
      Real number = 0.0L;
      for (std::size_t s = 0; s < size; ++s) {
        const Real boltzmann = std::exp(0.5L * products.tables.inverse_temperature * products.energy[s]);
        Real up = products.tables.equilibrium_fraction / boltzmann * std::exp(x[0]),
             down = products.tables.equilibrium_fraction * boltzmann * std::exp(x[r + 1]);
        for (std::size_t i = 0; i < r; ++i) {
          up += products.tables.nonequilibrium_fraction * products.in_of(i, s) * std::exp(x[1 + i]);
          down += products.tables.nonequilibrium_fraction * products.out_of(i, s) * std::exp(x[r + 2 + i]);
        }
        multipliers.push_back(std::log(down / up) - t);
        number += reference::occupation(multipliers.back());
      }
      auto result = products.log_moments(multipliers);
      result.push_back(number);
      return result;
    };
    const auto at = image_of(extended(moments), log_fugacity);
    for (std::size_t k = 0; k < count; ++k) EXPECT_NEAR(image[k], static_cast<double>(at[k]), 1e-13);
    Real number_slope = 0.0L;
    for (std::size_t l = count + 1; l-- > 0;) {
      reference::Vector quotient(count + 1, 0.0L);
      constexpr Real h = 1.0L / 1024;
      for (const auto& [steps, factor] : {std::pair{1.0L, 8.0L}, {-1.0L, -8.0L}, {2.0L, -1.0L}, {-2.0L, 1.0L}}) {
        reference::Vector x = extended(moments);
        Real t = log_fugacity;
        (l < count ? x[l] : t) += steps * h;
        const auto moved = image_of(x, t);
        for (std::size_t k = 0; k <= count; ++k) quotient[k] += factor * moved[k] / (12.0L * h);
      }
      if (l == count) number_slope = quotient[count];
      for (std::size_t k = 0; k <= count; ++k) {
        const Real value = k < count ? quotient[k] : quotient[k] / number_slope;
        EXPECT_NEAR(derivative[k * (count + 1) + l], static_cast<double>(value), 1e-11) << k << ", " << l;
      }
    }
  }
}

TEST_P(MomentBalanceTest, StaysFiniteInTheColdAndAgreesWithTheRates) {
  // Boltzmann factors of e^{+-2250}: plain loops cannot represent them, but the logarithms of the rates can.
  Random random(12);
  const Products products(random, 300, rank(), 1500.0);
  const auto kernel = kernel_of(products);
  kernels::MomentBalance* const balance = kernel->moment_balance();
  if (!balance) GTEST_SKIP() << "no moments here";
  const auto count = static_cast<std::size_t>(balance->moments());
  std::vector<double> lambda;
  for (const double energy : products.energy) lambda.push_back(1000.0 * energy + random.uniform(-30.0, 30.0));
  std::vector<double> moments(count), derivative((count + 1) * (count + 1)), log_gain(300), log_loss(300),
      balanced(300);
  balance->moments_of(lambda.data(), moments.data());
  balance->set_log_moments(moments.data());
  std::vector<double> occupation(300);
  balance->state(0.0, balanced.data(), occupation.data());
  kernel->log_rates(lambda.data(), log_gain.data(), log_loss.data());
  for (std::size_t s = 0; s < 300; ++s)
    EXPECT_NEAR(balanced[s], log_loss[s] - log_gain[s], 1e-15 * 4500.0) << s;  // rounding of numbers this large
  balance->filling(0.0);
  balance->response(0.0, moments.data(), derivative.data());
  for (const double m : moments) EXPECT_TRUE(std::isfinite(m));
  for (const double d : derivative) EXPECT_TRUE(std::isfinite(d));
}

TEST_P(MomentBalanceTest, StartsFromTheThermalState) {
  for (const double beta : {0.0, 1.7, 1500.0}) {
    Random random(14);
    const Products products(random, 131, rank(), beta);
    const auto kernel = kernel_of(products);
    kernels::MomentBalance* const balance = kernel->moment_balance();
    if (!balance) GTEST_SKIP() << "no moments here";
    std::vector<double> lambda(products.size()), n(products.size());
    balance->set_thermal();
    balance->state(0.3, lambda.data(), n.data());
    for (std::size_t s = 0; s < products.size(); ++s) {
      EXPECT_NEAR(lambda[s], beta * products.energy[s] - 0.3, 1e-14 + 1e-15 * beta * 4.0) << s;
      EXPECT_NEAR(n[s], static_cast<double>(reference::occupation(static_cast<Real>(lambda[s]))), 1e-15) << s;
    }
  }
}

TEST_P(MomentBalanceTest, ResidualIsTheRelativeImbalance) {
  Random random(15);
  for (const std::size_t size : {1U, 9U, 130U}) {
    const Products products(random, size, rank(), 2.0);
    const auto kernel = kernel_of(products);
    kernels::MomentBalance* const balance = kernel->moment_balance();
    if (!balance) GTEST_SKIP() << "no moments here";
    auto lambda = random.vector(size, -30.0, 30.0);
    const auto problem = products.problem();
    const auto gain = reference::gain(problem, extended(lambda)), loss = reference::loss(problem, extended(lambda));
    Real largest = 0.0L;
    for (std::size_t s = 0; s < size; ++s) {
      const Real l = lambda[s], in = gain[s] * reference::hole(l), out = loss[s] * reference::occupation(l);
      largest = std::max(largest, std::fabs(in - out) / (in + out));
    }
    EXPECT_NEAR(balance->residual(lambda.data()), static_cast<double>(largest), 1e-14);
    // Out of range or NaN: only logarithms can handle these.
    for (const double bad : {150.0, -150.0, static_cast<double>(INFINITY), static_cast<double>(NAN)}) {
      lambda[size / 2] = bad;
      EXPECT_TRUE(std::isnan(balance->residual(lambda.data()))) << bad;
    }
  }
}

TEST_P(MomentBalanceTest, SameBitsForAnyNumberOfThreads) {
  Random random(13);
  const Products products(random, 70001, rank(), 2.0);
  const auto lambda = random.vector(products.size(), -4.0, 4.0);
  std::vector<double> first;
  for (const int threads : {1, 2, 3, 7}) {
    const auto kernel = kernel_of(products, threads);
    kernels::MomentBalance* const balance = kernel->moment_balance();
    if (!balance) GTEST_SKIP() << "no moments here";
    const auto count = static_cast<std::size_t>(balance->moments());
    std::vector<double> moments(count), all((count + 1) * (count + 1));
    balance->moments_of(lambda.data(), moments.data());
    balance->set_log_moments(moments.data());
    balance->response(0.1, moments.data(), all.data());
    all.insert(all.end(), moments.begin(), moments.end());
    if (first.empty()) first = all;
    EXPECT_TRUE(same_bits(all, first)) << threads << " threads";
  }
}

INSTANTIATE_TEST_SUITE_P(EveryWay, MomentBalanceTest, Combine(ValuesIn(all_engines()), Values(1, 2)),
                         [](const auto& instance) {
                           return std::string(std::get<0>(instance.param).name) + "_rank_" +
                                  std::to_string(std::get<1>(instance.param));
                         });

}  // namespace
}  // namespace lindrift::testing
