// Every engine and both algorithms, compared with the equations as plain loops.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <utility>

#include "reference/tgge_chain.hpp"
#include "support/chains.hpp"
#include "support/compare.hpp"
#include "support/engines.hpp"
#include "support/random.hpp"
#include "support/transitions.hpp"

namespace lindrift::testing {
namespace {

using ::testing::ValuesIn;

constexpr double infinity = std::numeric_limits<double>::infinity();

// Rounding errors are relative to the sum of the magnitudes of the terms. A sum of a thousand terms in blocks is
// accurate to a few 1e-16, and exp(beta E/2) and the tables add as much: at most 1e-14 is observed, 1e-13 is required.
constexpr double rounding = 1e-13;

struct Fixture {
  TggeChain chain;
  Tables tables;
  reference::Problem problem;
  std::vector<double> lambda;
  Occupations n;

  Fixture(Random& random, std::int64_t sites)
      : chain(random_chain(random, sites)),
        tables(chain),
        problem(reference::problem_of(reference_of(chain))),
        lambda(random.vector(static_cast<std::size_t>(sites), -6.0, 6.0)),
        n(occupations_of(lambda)) {}
  std::size_t size() const { return problem.size; }
};

class RateKernelTest : public ::testing::TestWithParam<Engine> {
 protected:
  void SetUp() override { skip_unless_available(GetParam()); }
};

/// Sizes around packs of 8, tiles of 32 to 128 columns, blocks of 256 rows and of 512 columns.
constexpr std::int64_t sizes[] = {1, 2, 3, 5, 8, 31, 127, 128, 129, 255, 256, 257, 300, 513, 1025};

TEST_P(RateKernelTest, RateIsTheReferenceAndConservesParticles) {
  for (const std::int64_t sites : sizes) {
    SCOPED_TRACE(::testing::Message() << "L = " << sites);
    Random random(1000 + static_cast<std::uint64_t>(sites));
    const Fixture f(random, sites);
    const auto kernel = make_kernel(GetParam(), f.tables.numbers);
    std::vector<double> rate(f.size(), NAN);

    kernel->occupation_rate(f.n.particles.data(), f.n.holes.data(), rate.data());

    const reference::Sum expected = reference::occupation_rate(f.problem, extended(f.lambda));
    EXPECT_LE(largest_error(rate, expected), rounding);
    // The same written with forces instead of gains and losses.
    EXPECT_LE(
        largest_error(rate, reference::occupation_rate_from_forces(f.problem, extended(f.lambda)), expected.magnitude),
        rounding);
    // Each error is below rounding times its magnitude, and so is their sum.
    const long double size = std::accumulate(expected.magnitude.begin(), expected.magnitude.end(), 0.0L);
    EXPECT_LE(std::fabs(sum(rate)), rounding * size);
  }
}

TEST_P(RateKernelTest, DerivativeIsTheJacobianAndTheDifferenceQuotient) {
  for (const std::int64_t sites : sizes) {
    SCOPED_TRACE(::testing::Message() << "L = " << sites);
    Random random(1000 + static_cast<std::uint64_t>(sites));
    const Fixture f(random, sites);
    const auto direction = random.vector(f.size(), -1.0, 1.0);
    const auto kernel = make_kernel(GetParam(), f.tables.numbers);
    std::vector<double> relaxation(f.size(), NAN);
    kernel->relaxation_rate(f.n.particles.data(), f.n.holes.data(), relaxation.data());
    const std::vector<double> derivative = jacobian_times(*kernel, f.n, direction);
    expect_transition_sums(*kernel, f.problem, f.lambda, direction, random.vector(f.size(), -1.0, 1.0), rounding);

    const reference::Vector lambda = extended(f.lambda);
    const auto expected = reference::occupation_rate_derivative(f.problem, lambda, extended(direction));
    EXPECT_LE(largest_error(derivative, expected), rounding);

    const auto gain = reference::gain(f.problem, lambda), loss = reference::loss(f.problem, lambda);
    reference::Vector diagonal;
    for (std::size_t s = 0; s < f.size(); ++s) diagonal.push_back(f.problem.scale * (gain[s] + loss[s]));
    EXPECT_LE(largest_error(relaxation, diagonal, diagonal), rounding);

    // dn/dt is of second degree in n: the central difference has no truncation error for any step, and a step of 1/2
    // leaves only the rounding of rates of size gain + loss.
    const double h = 0.5;
    Occupations plus = f.n, minus = f.n;
    for (std::size_t s = 0; s < f.size(); ++s) {
      plus.particles[s] += h * direction[s];
      plus.holes[s] -= h * direction[s];
      minus.particles[s] -= h * direction[s];
      minus.holes[s] += h * direction[s];
    }
    std::vector<double> above(f.size()), below(f.size());
    kernel->occupation_rate(plus.particles.data(), plus.holes.data(), above.data());
    kernel->occupation_rate(minus.particles.data(), minus.holes.data(), below.data());
    reference::Vector quotient, scale;
    for (std::size_t s = 0; s < f.size(); ++s) {
      quotient.push_back((static_cast<long double>(above[s]) - below[s]) / (2.0L * h));
      scale.push_back(expected.magnitude[s] + diagonal[s]);
    }
    EXPECT_LE(largest_error(derivative, quotient, scale), 1e-13);
  }
}

/// -d log gain and d log loss at the point of the last log_rates(), and the relative sums over transitions.
void expect_derivatives_apart(kernels::RateKernel& kernel, const reference::Problem& problem,
                              const reference::Vector& lambda, const std::vector<double>& direction, double allowed) {
  std::vector<double> gain(direction.size(), NAN), loss(direction.size(), NAN);
  kernel.log_rate_derivatives(direction.data(), gain.data(), loss.data());
  for (const bool of_gain : {true, false}) {
    auto expected = reference::log_balance_derivative(problem, lambda, extended(direction), of_gain, !of_gain);
    // Contributions below 1e-290 of the largest may underflow.
    for (auto& x : expected.magnitude) x += 1e-290L;
    EXPECT_LE(largest_error(of_gain ? gain : loss, expected), allowed);
  }
  kernel.relative_transition_sums(direction.data(), direction.data(), gain.data(), loss.data());
  for (const bool of_gain : {true, false}) {
    auto expected = reference::relative_transition_sum(problem, lambda, extended(direction), of_gain);
    for (auto& x : expected.magnitude) x += 1e-290L;
    EXPECT_LE(largest_error(of_gain ? gain : loss, expected), allowed);
  }
}

TEST_P(RateKernelTest, LogRatesAndTheirDerivativeAreTheReference) {
  for (const std::int64_t sites : sizes) {
    SCOPED_TRACE(::testing::Message() << "L = " << sites);
    Random random(1000 + static_cast<std::uint64_t>(sites));
    const Fixture f(random, sites);
    const auto direction = random.vector(f.size(), -1.0, 1.0);
    const auto kernel = make_kernel(GetParam(), f.tables.numbers);
    std::vector<double> log_gain(f.size(), NAN), log_loss(f.size(), NAN), derivative(f.size(), NAN);

    kernel->log_rates(f.lambda.data(), log_gain.data(), log_loss.data());
    kernel->log_balance_derivative(direction.data(), derivative.data());

    const reference::Vector lambda = extended(f.lambda), one(f.size(), 1.0L);
    reference::Vector expected_gain = reference::gain(f.problem, lambda),
                      expected_loss = reference::loss(f.problem, lambda);
    for (auto& rate : expected_gain) rate = std::log(rate);
    for (auto& rate : expected_loss) rate = std::log(rate);
    // An absolute error of a logarithm is a relative error of the rate.
    EXPECT_LE(largest_error(log_gain, expected_gain, one), rounding);
    EXPECT_LE(largest_error(log_loss, expected_loss, one), rounding);
    const auto expected = reference::log_balance_derivative(f.problem, lambda, extended(direction));
    EXPECT_LE(largest_error(derivative, expected), rounding);
    expect_derivatives_apart(*kernel, f.problem, lambda, direction, rounding);

    // Fourth-order difference quotient with h = 1/256: truncation h^4/30 times a fifth derivative of order one, 1e-11;
    // rounding of the logarithms over h, 1e-13.
    const double h = 1.0 / 256;
    reference::Vector quotient(f.size(), 0.0L);
    for (const auto& [shift, weight] : {std::pair{1.0, 8.0L}, {-1.0, -8.0L}, {2.0, -1.0L}, {-2.0, 1.0L}}) {
      std::vector<double> moved = f.lambda;
      for (std::size_t s = 0; s < f.size(); ++s) moved[s] += shift * h * direction[s];
      kernel->log_rates(moved.data(), log_gain.data(), log_loss.data());
      for (std::size_t s = 0; s < f.size(); ++s)
        quotient[s] += weight * (static_cast<long double>(log_loss[s]) - log_gain[s]) / (12.0L * h);
    }
    EXPECT_LE(largest_error(derivative, quotient, one), 1e-10);
  }
}

// --- edges -----------------------------------------------------------------------------------------------------------

TEST_P(RateKernelTest, TableOfWeightsNeedNotComeFromAChain) {
  // In and out differ by orders of magnitude, so that swapping to and from would show; zeros in either do no harm.
  Random random(3);
  TggeChain chain = random_chain(random, 200);
  Tables tables(chain);
  for (std::size_t s = 0; s < 200; ++s) {
    tables.in[s] = s % 7 == 0 ? 0.0 : random.uniform(0.0, 1.0);
    tables.out[s] = s % 5 == 0 ? 0.0 : random.uniform(0.0, 100.0);
    tables.energy[s] = random.uniform(-2.0, 2.0);
  }
  const auto lambda = random.vector(200, -4.0, 4.0), direction = random.vector(200, -1.0, 1.0);
  const auto n = occupations_of(lambda);
  for (const auto& [gamma_eq, gamma_neq] : {std::pair{0.3, 0.9}, {0.0, 0.9}, {0.3, 0.0}}) {
    SCOPED_TRACE(::testing::Message() << "gamma_eq = " << gamma_eq << ", gamma_neq = " << gamma_neq);
    tables.numbers.equilibrium_fraction = gamma_eq;
    tables.numbers.nonequilibrium_fraction = gamma_neq;
    const auto kernel = make_kernel(GetParam(), tables.numbers);
    const auto problem = problem_of(tables);
    std::vector<double> rate(200), log_gain(200), log_loss(200), derivative(200);

    kernel->occupation_rate(n.particles.data(), n.holes.data(), rate.data());
    EXPECT_LE(largest_error(rate, reference::occupation_rate(problem, extended(lambda))), rounding);

    kernel->log_rates(lambda.data(), log_gain.data(), log_loss.data());
    const auto gain = reference::gain(problem, extended(lambda)), loss = reference::loss(problem, extended(lambda));
    for (std::size_t s = 0; s < 200; ++s) {
      // A rate that is exactly zero has the logarithm -inf, not NaN or a large number.
      if (gain[s] == 0.0L)
        EXPECT_EQ(log_gain[s], -infinity) << s;
      else
        EXPECT_NEAR(log_gain[s], static_cast<double>(std::log(gain[s])), rounding) << s;
      if (loss[s] == 0.0L)
        EXPECT_EQ(log_loss[s], -infinity) << s;
      else
        EXPECT_NEAR(log_loss[s], static_cast<double>(std::log(loss[s])), rounding) << s;
    }
    kernel->log_balance_derivative(direction.data(), derivative.data());
    EXPECT_LE(
        largest_error(derivative, reference::log_balance_derivative(problem, extended(lambda), extended(direction))),
        rounding);
  }
}

TEST_P(RateKernelTest, LogRatesNeitherOverflowNorLoseDigits) {
  // Boltzmann factors up to e^{+-1000} and multipliers up to 1500; beta J = 1000 is e^{+-2000} in a ratio of rates.
  for (const std::uint64_t seed : {1, 2, 3, 4}) {
    SCOPED_TRACE(seed);
    Random random(seed);
    TggeChain chain = random_chain(random, 61);
    chain.bath.inverse_temperature = 1000.0 / chain.hopping;
    const Tables tables(chain);
    auto lambda = random.vector(61, -1500.0, 1500.0);
    // Once anywhere, once close to a steady state: half the slope of the thermal state.
    if (seed % 2 == 0)
      for (std::size_t s = 0; s < 61; ++s)
        lambda[s] = 0.5 * chain.bath.inverse_temperature * tables.energy[s] + random.uniform(-3.0, 3.0);
    const auto direction = random.vector(61, -1.0, 1.0);
    const auto kernel = make_kernel(GetParam(), tables.numbers);
    std::vector<double> log_gain(61), log_loss(61), derivative(61);

    kernel->log_rates(lambda.data(), log_gain.data(), log_loss.data());
    kernel->log_balance_derivative(direction.data(), derivative.data());

    const auto problem = problem_of(tables);
    auto gain = reference::gain(problem, extended(lambda)), loss = reference::loss(problem, extended(lambda));
    for (auto& rate : gain) rate = std::log(rate);
    for (auto& rate : loss) rate = std::log(rate);
    // Exponents up to 3000 are accurate to 3000 * 1e-16 = 3e-13, and so is every fraction e^{exponent}.
    const reference::Vector one(61, 1.0L);
    EXPECT_LE(largest_error(log_gain, gain, one), 3e-12);
    EXPECT_LE(largest_error(log_loss, loss, one), 3e-12);
    const auto expected = reference::log_balance_derivative(problem, extended(lambda), extended(direction));
    reference::Vector scale = expected.magnitude;
    // Contributions below 1e-290 of the largest may underflow.
    for (auto& x : scale) x += 1e-290L;
    EXPECT_LE(largest_error(derivative, expected.value, scale), 3e-12);
    expect_derivatives_apart(*kernel, problem, extended(lambda), direction, 3e-12);
  }
}

TEST_P(RateKernelTest, InfiniteMultipliersAreEmptyAndFullModes) {
  Random random(17);
  const TggeChain chain = random_chain(random, 45);
  const Tables tables(chain);
  auto lambda = random.vector(45, -3.0, 3.0);
  lambda[0] = lambda[7] = lambda[44] = infinity;
  lambda[1] = lambda[20] = -infinity;
  const auto direction = random.vector(45, -1.0, 1.0);
  const auto n = occupations_of(lambda);
  ASSERT_EQ(n.particles[7], 0.0);
  ASSERT_EQ(n.holes[20], 0.0);
  const auto kernel = make_kernel(GetParam(), tables.numbers);
  std::vector<double> rate(45), log_gain(45), log_loss(45), derivative(45);

  kernel->occupation_rate(n.particles.data(), n.holes.data(), rate.data());
  kernel->log_rates(lambda.data(), log_gain.data(), log_loss.data());
  kernel->log_balance_derivative(direction.data(), derivative.data());

  const auto problem = reference::problem_of(reference_of(chain));
  EXPECT_LE(largest_error(rate, reference::occupation_rate(problem, extended(lambda))), rounding);
  auto gain = reference::gain(problem, extended(lambda)), loss = reference::loss(problem, extended(lambda));
  for (auto& r : gain) r = std::log(r);
  for (auto& r : loss) r = std::log(r);
  const reference::Vector one(45, 1.0L);
  EXPECT_LE(largest_error(log_gain, gain, one), rounding);
  EXPECT_LE(largest_error(log_loss, loss, one), rounding);
  EXPECT_LE(
      largest_error(derivative, reference::log_balance_derivative(problem, extended(lambda), extended(direction))),
      rounding);
}

TEST_P(RateKernelTest, SmallOccupationsKeepTheirDigits) {
  // 1 - n of a mode with lambda = -60 is 1e-26: it must come from the holes, not from subtracting n from 1.
  Random random(23);
  const TggeChain chain = random_chain(random, 33);
  const Tables tables(chain);
  std::vector<double> lambda(33);
  for (std::size_t s = 0; s < 33; ++s) lambda[s] = s % 2 ? -60.0 : -55.0;
  const auto n = occupations_of(lambda);
  const auto kernel = make_kernel(GetParam(), tables.numbers);
  std::vector<double> rate(33);
  kernel->occupation_rate(n.particles.data(), n.holes.data(), rate.data());
  const auto problem = reference::problem_of(reference_of(chain));
  EXPECT_LE(largest_error(rate, reference::occupation_rate(problem, extended(lambda))), rounding);
}

TEST_P(RateKernelTest, ThermalStateIsBalanced) {
  // gamma_neq = 0: lambda = beta (E - mu) for every mu, with an even or odd number of sites.
  for (const std::int64_t sites : {6, 7, 64, 101}) {
    Random random(31);
    TggeChain chain = random_chain(random, sites);
    chain.bath.nonequilibrium_fraction = 0.0;
    const Tables tables(chain);
    const double mu = random.uniform(-2.0, 2.0);
    std::vector<double> lambda, rate(static_cast<std::size_t>(sites));
    for (const double energy : tables.energy) lambda.push_back(chain.bath.inverse_temperature * (energy - mu));
    const auto n = occupations_of(lambda);
    make_kernel(GetParam(), tables.numbers)->occupation_rate(n.particles.data(), n.holes.data(), rate.data());
    const auto size = reference::occupation_rate(problem_of(tables), extended(lambda)).magnitude;
    EXPECT_LE(largest_error(rate, reference::Vector(size.size(), 0.0L), size), rounding);
  }
}

// --- the same bits ---------------------------------------------------------------------------------------------------

struct Everything {
  std::vector<double> rate, relaxation, gain, loss, log_gain, log_loss, balance, gain_decrease, loss_increase;
  std::vector<double> gain_share, loss_share;

  explicit Everything(std::size_t size)
      : rate(size),
        relaxation(size),
        gain(size),
        loss(size),
        log_gain(size),
        log_loss(size),
        balance(size),
        gain_decrease(size),
        loss_increase(size),
        gain_share(size),
        loss_share(size) {}
  bool operator==(const Everything& other) const {
    return same_bits(rate, other.rate) && same_bits(relaxation, other.relaxation) && same_bits(gain, other.gain) &&
           same_bits(loss, other.loss) && same_bits(log_gain, other.log_gain) && same_bits(log_loss, other.log_loss) &&
           same_bits(balance, other.balance) && same_bits(gain_decrease, other.gain_decrease) &&
           same_bits(loss_increase, other.loss_increase) && same_bits(gain_share, other.gain_share) &&
           same_bits(loss_share, other.loss_share);
  }
};

Everything everything(kernels::RateKernel& kernel, const std::vector<double>& lambda,
                      const std::vector<double>& direction) {
  Everything all(lambda.size());
  const auto n = occupations_of(lambda);
  kernel.occupation_rate(n.particles.data(), n.holes.data(), all.rate.data());
  kernel.relaxation_rate(n.particles.data(), n.holes.data(), all.relaxation.data());
  kernel.transition_sums(direction.data(), direction.data(), all.gain.data(), all.loss.data());
  kernel.log_rates(lambda.data(), all.log_gain.data(), all.log_loss.data());
  kernel.log_balance_derivative(direction.data(), all.balance.data());
  kernel.log_rate_derivatives(direction.data(), all.gain_decrease.data(), all.loss_increase.data());
  kernel.relative_transition_sums(direction.data(), lambda.data(), all.gain_share.data(), all.loss_share.data());
  return all;
}

TEST_P(RateKernelTest, SameBitsForAnyNumberOfThreadsAndOnEveryRun) {
  // Above the sizes at which the loops go parallel: 256 rows, 16384 elements.
  const std::size_t size = GetParam().direct ? 1030 : 40001;
  Random random(5);
  const TggeChain chain = random_chain(random, static_cast<std::int64_t>(size));
  const Tables tables(chain);
  const auto lambda = random.vector(size, -6.0, 6.0), direction = random.vector(size, -1.0, 1.0);
  const auto first = everything(*make_kernel(GetParam(), tables.numbers, 1), lambda, direction);
  for (const int threads : {1, 2, 3, 7}) {
    const auto kernel = make_kernel(GetParam(), tables.numbers, threads);
    EXPECT_TRUE(everything(*kernel, lambda, direction) == first) << threads << " threads";
    EXPECT_TRUE(everything(*kernel, lambda, direction) == first) << threads << " threads, second call";
  }
}

TEST_P(RateKernelTest, EngineAgreesWithTheBaselineAtLargeSizes) {
  // Too large for loops in extended precision: compares with the baseline's moments, which the tests above check.
  const std::size_t size = 4097;
  Random random(6);
  const TggeChain chain = random_chain(random, static_cast<std::int64_t>(size));
  const Tables tables(chain);
  const auto lambda = random.vector(size, -6.0, 6.0), direction = random.vector(size, -1.0, 1.0);
  const Engine baseline{"baseline", Engine::Place::baseline, false};
  const auto expected = everything(*make_kernel(baseline, tables.numbers), lambda, direction);
  const auto actual = everything(*make_kernel(GetParam(), tables.numbers, 2), lambda, direction);

  const reference::Vector relaxation = extended(expected.relaxation);
  EXPECT_LE(largest_error(actual.relaxation, relaxation, relaxation), rounding);
  EXPECT_LE(largest_error(actual.rate, extended(expected.rate), relaxation), rounding);
  // |direction| <= 1, and sums over all hops are about twice those from half-filled modes.
  EXPECT_LE(largest_error(actual.gain, extended(expected.gain), relaxation), 2.0 * rounding);
  EXPECT_LE(largest_error(actual.loss, extended(expected.loss), relaxation), 2.0 * rounding);
  // Averages of numbers up to 1, and up to 6.
  EXPECT_LE(largest_difference(actual.gain_share, expected.gain_share), rounding);
  EXPECT_LE(largest_difference(actual.loss_share, expected.loss_share), 6.0 * rounding);
  EXPECT_LE(largest_difference(actual.log_gain, expected.log_gain), rounding);
  EXPECT_LE(largest_difference(actual.log_loss, expected.log_loss), rounding);
  EXPECT_LE(largest_difference(actual.balance, expected.balance), rounding);
}

INSTANTIATE_TEST_SUITE_P(AllEngines, RateKernelTest, ValuesIn(all_engines()),
                         [](const auto& instance) { return std::string(instance.param.name); });

}  // namespace
}  // namespace lindrift::testing
