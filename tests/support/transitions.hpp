#pragma once

#include <cmath>
#include <vector>

#include "kernels/tgge/rate_kernel.hpp"
#include "lindrift/tgge/generator.hpp"
#include "support/chains.hpp"
#include "support/compare.hpp"

namespace lindrift::testing {

inline void transition_sums(kernels::RateKernel& kernel, const std::vector<double>& particles,
                            const std::vector<double>& holes, std::vector<double>& gain, std::vector<double>& loss) {
  kernel.transition_sums(particles.data(), holes.data(), gain.data(), loss.data());
}
inline void transition_sums(Generator& generator, const std::vector<double>& particles,
                            const std::vector<double>& holes, std::vector<double>& gain, std::vector<double>& loss) {
  generator.transition_sums(particles, holes, gain, loss);
}

/// The Jacobian of Eq. 14 times a direction: (1-n) W x + n W^T x - (gain + loss) x.
template <class Rates>
std::vector<double> jacobian_times(Rates& rates, const Occupations& n, const std::vector<double>& direction) {
  const std::size_t size = direction.size();
  std::vector<double> gain(size, NAN), loss(size, NAN), into(size, NAN), out_of(size, NAN), product(size);
  transition_sums(rates, n.particles, n.holes, gain, loss);
  transition_sums(rates, direction, direction, into, out_of);
  for (std::size_t s = 0; s < size; ++s)
    product[s] = n.holes[s] * into[s] + n.particles[s] * out_of[s] - (gain[s] + loss[s]) * direction[s];
  return product;
}

/// Checks sums over transitions with two vectors of any sign, both plain and relative to the rates at `lambda`.
inline void expect_transition_sums(kernels::RateKernel& kernel, const reference::Problem& problem,
                                   const std::vector<double>& lambda, const std::vector<double>& x,
                                   const std::vector<double>& y, double allowed) {
  const std::size_t size = lambda.size();
  std::vector<double> gain(size, NAN), loss(size, NAN);
  kernel.transition_sums(x.data(), y.data(), gain.data(), loss.data());
  EXPECT_LE(largest_error(gain, reference::transition_sum(problem, extended(x), true)), allowed);
  EXPECT_LE(largest_error(loss, reference::transition_sum(problem, extended(y), false)), allowed);
  kernel.log_rates(lambda.data(), gain.data(), loss.data());
  kernel.relative_transition_sums(x.data(), y.data(), gain.data(), loss.data());
  EXPECT_LE(largest_error(gain, reference::relative_transition_sum(problem, extended(lambda), extended(x), true)),
            allowed);
  EXPECT_LE(largest_error(loss, reference::relative_transition_sum(problem, extended(lambda), extended(y), false)),
            allowed);
}

}  // namespace lindrift::testing
