// Newton's method in the memory of an engine, with few Krylov vectors at a time, compared with plain loops over pairs.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernels/cpu/engine.hpp"
#include "kernels/newton.hpp"
#include "kernels/tgge/multiplier_balance_on.hpp"
#include "kernels/tgge/multiplier_gmres.hpp"
#include "support/plain_loops.hpp"
#include "support/random.hpp"

namespace lindrift::testing {
namespace {

using Engine = kernels::cpu::Engine;

/// Rates of random weights between all modes, by loops over pairs.
struct PlainKernel {
  std::size_t size;
  std::vector<double> weight;  ///< (to, from)
  std::vector<double> lambda, gain, loss;

  PlainKernel(Random& random, std::size_t modes, double spread)
      : size(modes), weight(modes * modes), gain(modes), loss(modes) {
    for (double& w : weight) w = std::exp(random.uniform(-spread, spread));
  }
  void log_rates_at(const double* multiplier, double* log_gain, double* log_loss) {
    lambda.assign(multiplier, multiplier + size);
    for (std::size_t s = 0; s < size; ++s) {
      gain[s] = loss[s] = 0.0;
      for (std::size_t t = 0; t < size; ++t) {
        gain[s] += weight[s * size + t] / (1.0 + std::exp(lambda[t]));
        loss[s] += weight[t * size + s] / (1.0 + std::exp(-lambda[t]));
      }
      log_gain[s] = std::log(gain[s]);
      log_loss[s] = std::log(loss[s]);
    }
  }
  void log_balance_derivative_at(const double* direction, double* derivative) {
    for (std::size_t s = 0; s < size; ++s) {
      derivative[s] = 0.0;
      for (std::size_t t = 0; t < size; ++t) {
        const double change = direction[t] / ((1.0 + std::exp(lambda[t])) * (1.0 + std::exp(-lambda[t])));
        derivative[s] += change * (weight[s * size + t] / gain[s] + weight[t * size + s] / loss[s]);
      }
    }
  }
};

/// As kernels::newton() sees it.
template <class Balance>
struct System {
  Balance& balance;
  double size() const { return balance.size(); }
  void solve(double accuracy) {
    balance.solve(accuracy, [] {});
  }
  double try_step(double step) { return balance.try_step(step); }
  double try_fixed_point() { return balance.try_fixed_point(); }
  void accept() { balance.accept(); }
};

/// @param multiplier  what was found
void expect_balanced(PlainKernel& kernel, double number, const kernels::NewtonRun& run,
                     const std::vector<double>& multiplier, double log_fugacity) {
  const std::size_t size = kernel.size;
  EXPECT_TRUE(run.finite);
  EXPECT_LT(run.size, 1e-13);  // rounding of sums over up to 130 modes
  EXPECT_NEAR(log_fugacity, 0.0, 1e-12);
  std::vector<double> log_gain(size), log_loss(size);
  double particles = 0.0;
  kernel.log_rates_at(multiplier.data(), log_gain.data(), log_loss.data());
  for (std::size_t s = 0; s < size; ++s) {
    const double n = 1.0 / (1.0 + std::exp(multiplier[s]));
    particles += n;
    EXPECT_NEAR(kernel.gain[s] * (1.0 - n) / (kernel.loss[s] * n), 1.0, 1e-11) << s;
  }
  EXPECT_NEAR(particles, number, 1e-12 * static_cast<double>(size));
}

template <int Vectors>
void expect_balance(PlainKernel& kernel, double number, const std::vector<double>& start) {
  const std::size_t size = kernel.size;
  Engine engine(1, 0, nullptr);
  Engine::Buffer buffers[3];
  kernels::tgge::MultiplierBalanceOn<Engine, PlainKernel, Vectors> balance(
      engine, kernel, static_cast<kernels::Index>(size), {&buffers[0], &buffers[1], &buffers[2]});
  ASSERT_TRUE(balance.begin(start.data(), number));
  System<decltype(balance)> system{balance};
  const kernels::NewtonRun run = kernels::newton(system, 100, [] {});
  std::vector<double> lambda(size);
  const double log_fugacity = balance.read(lambda.data());
  expect_balanced(kernel, number, run, lambda, log_fugacity);
  EXPECT_LT(balance.imbalance(lambda.data()), 1e-11);
}

/// As a thread block does it.
void expect_balance_in_block(PlainKernel& kernel, double number, const std::vector<double>& start) {
  const auto modes = static_cast<kernels::Index>(kernel.size);
  kernels::Carver counted;
  kernels::tgge::MultiplierMemory::from(counted, modes);
  std::vector<double> work(static_cast<std::size_t>(counted.used), NAN), current = start, lambda(kernel.size, NAN),
                                                                         occupation(kernel.size, NAN);
  kernels::Carver carver{work.data()};
  PlainLoops engine;
  kernels::tgge::MultiplierGmres<PlainLoops, PlainKernel> system(engine, kernel, modes,
                                                                 kernels::tgge::MultiplierMemory::from(carver, modes));
  ASSERT_TRUE(system.begin(current.data(), number));
  const kernels::NewtonRun run = kernels::newton(system, 100, [] {});
  const double log_fugacity = system.finish(lambda.data(), occupation.data());
  for (std::size_t s = 0; s < kernel.size; ++s) EXPECT_NEAR(occupation[s], 1.0 / (1.0 + std::exp(lambda[s])), 1e-15);
  EXPECT_LT(system.residual(), 1e-11);
  expect_balanced(kernel, number, run, lambda, log_fugacity);
}

TEST(MultiplierBalance, BalancesTheRatesWithFewKrylovVectorsOrMany) {
  Random random(193);
  for (const std::size_t size : {2, 3, 5, 16, 17, 31, 130}) {
    SCOPED_TRACE(size);
    PlainKernel kernel(random, size, 2.0);
    const std::vector<double> start = random.vector(size, -3.0, 3.0);
    const double number = random.uniform(0.1, 0.9) * static_cast<double>(size);
    expect_balance<4>(kernel, number, start);   // restarts
    expect_balance<18>(kernel, number, start);  // more than one pass takes
    expect_balance<60>(kernel, number, start);
    expect_balance_in_block(kernel, number, start);
  }
}

TEST(MultiplierBalance, SaysWhenARateVanishes) {
  Random random(194);
  PlainKernel kernel(random, 5, 1.0);
  for (std::size_t from = 0; from < 5; ++from) kernel.weight[3 * 5 + from] = 0.0;  // no gain in mode 3
  Engine engine(1, 0, nullptr);
  Engine::Buffer buffers[3];
  kernels::tgge::MultiplierBalanceOn<Engine, PlainKernel> balance(engine, kernel, 5,
                                                                  {&buffers[0], &buffers[1], &buffers[2]});
  const std::vector<double> start(5, 0.0);
  EXPECT_FALSE(balance.begin(start.data(), 2.0));
  EXPECT_TRUE(std::isnan(balance.imbalance(start.data())));

  kernels::Carver counted;
  kernels::tgge::MultiplierMemory::from(counted, 5);
  std::vector<double> work(static_cast<std::size_t>(counted.used)), current = start;
  kernels::Carver carver{work.data()};
  PlainLoops loops;
  kernels::tgge::MultiplierGmres<PlainLoops, PlainKernel> system(loops, kernel, 5,
                                                                 kernels::tgge::MultiplierMemory::from(carver, 5));
  EXPECT_FALSE(system.begin(current.data(), 2.0));
  EXPECT_TRUE(std::isnan(system.size()));
}

}  // namespace
}  // namespace lindrift::testing
