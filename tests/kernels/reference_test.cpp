// The reference itself: compared with traces over the Fock space, and with itself where it writes an equation in two
// ways.
#include "reference/tgge_chain.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "data/tgge_chain_forces.hpp"
#include "support/chains.hpp"
#include "support/compare.hpp"
#include "support/random.hpp"

namespace lindrift::testing {
namespace {

/// 1e-12 relative to the largest element, the accuracy of the stored numbers.
void expect_stored(const reference::Vector& actual, const std::vector<double>& stored) {
  const reference::Vector scale(stored.size(), largest_magnitude(stored));
  EXPECT_LE(largest_error(stored, actual, scale), 1e-12);
}

TEST(Reference, ForcesAndRatesAreThoseOfFockSpaceTraces) {
  for (const auto& c : data::tgge_chain_forces::cases) {
    SCOPED_TRACE(c.id);
    const auto problem = reference::problem_of(reference_of(chain_of(c.chain)));
    const auto lambda = extended(c.lagrange_multiplier);
    expect_stored(problem.energy, c.energy);
    expect_stored(reference::occupations(lambda), c.occupation);
    expect_stored(reference::gain(problem, lambda), c.gain);
    expect_stored(reference::loss(problem, lambda), c.loss);
    expect_stored(reference::force_eq(problem, lambda), c.force_eq);
    expect_stored(reference::force_neq(problem, lambda), c.force_neq);
    expect_stored(reference::occupation_rate(problem, lambda).value, c.occupation_rate);
    expect_stored(reference::occupation_rate_from_forces(problem, lambda), c.occupation_rate);
    expect_stored(reference::lambda_rate_from_forces(problem, lambda), c.lagrange_multiplier_rate);
    EXPECT_NEAR(static_cast<double>(reference::current(problem, reference::occupations(lambda))), c.current, 1e-13);
    EXPECT_NEAR(static_cast<double>(reference::current(problem, reference::occupations(lambda))), c.current_fock,
                1e-12);
    for (std::size_t s = 0; s < c.energy.size(); ++s)
      EXPECT_NEAR(c.chain.coupling * (c.chain.gamma_eq * c.trace_eq[s] + c.chain.gamma_neq * c.trace_neq[s]),
                  c.occupation_rate[s], 1e-12);
  }
}

TEST(Reference, ForcesAndGainsAndLossesAreTheSameEquation) {
  Random random(41);
  for (const std::int64_t sites : {1, 2, 3, 6, 31}) {
    const auto problem = reference::problem_of(reference_of(random_chain(random, sites)));
    const auto lambda = extended(random.vector(problem.size, -5.0, 5.0));
    const auto gains = reference::occupation_rate(problem, lambda);
    const auto forces = reference::occupation_rate_from_forces(problem, lambda);
    const auto lambda_rate = reference::lambda_rate_from_forces(problem, lambda);
    for (std::size_t s = 0; s < problem.size; ++s) {
      EXPECT_LE(std::fabs(gains.value[s] - forces[s]), 1e-16L * gains.magnitude[s]);
      const auto chi = reference::occupation(lambda[s]) * reference::hole(lambda[s]);
      EXPECT_LE(std::fabs(lambda_rate[s] + gains.value[s] / chi), 1e-16L * gains.magnitude[s] / chi);
    }
  }
}

TEST(Reference, JacobiansAreDifferenceQuotients) {
  // Central differences in extended precision with h = 1e-5: truncation 1e-10, rounding 1e-14.
  Random random(42);
  const auto problem = reference::problem_of(reference_of(random_chain(random, 7)));
  const auto lambda = extended(random.vector(7, -3.0, 3.0));
  const auto jacobian = reference::lambda_rate_jacobian(problem, lambda);
  const long double h = 1e-5L;
  for (std::size_t j = 0; j < 7; ++j) {
    auto above = lambda, below = lambda;
    above[j] += h;
    below[j] -= h;
    const auto rate_above = reference::lambda_rate_from_forces(problem, above);
    const auto rate_below = reference::lambda_rate_from_forces(problem, below);
    const auto gain_above = reference::gain(problem, above), gain_below = reference::gain(problem, below);
    const auto loss_above = reference::loss(problem, above), loss_below = reference::loss(problem, below);
    reference::Vector unit(7, 0.0L);
    unit[j] = 1.0L;
    const auto balance = reference::log_balance_derivative(problem, lambda, unit);
    const auto rate = reference::occupation_rate_derivative(problem, lambda, unit);
    const auto n_above = reference::occupation(above[j]), n_below = reference::occupation(below[j]);
    for (std::size_t s = 0; s < 7; ++s) {
      EXPECT_NEAR(static_cast<double>((rate_above[s] - rate_below[s]) / (2.0L * h)),
                  static_cast<double>(jacobian[s * 7 + j]), 1e-7);
      EXPECT_NEAR(static_cast<double>(
                      (std::log(loss_above[s] / gain_above[s]) - std::log(loss_below[s] / gain_below[s])) / (2.0L * h)),
                  static_cast<double>(balance.value[s]), 1e-8);
      EXPECT_NEAR(static_cast<double>((reference::occupation_rate(problem, above).value[s] -
                                       reference::occupation_rate(problem, below).value[s]) /
                                      (n_above - n_below)),
                  static_cast<double>(rate.value[s]), 1e-7);
    }
  }
}

}  // namespace
}  // namespace lindrift::testing
