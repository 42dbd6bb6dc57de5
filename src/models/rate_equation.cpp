#include "lindrift/models/rate_equation.hpp"

#include <algorithm>
#include <cmath>

#include "lindrift/error.hpp"
#include "tree_sum.hpp"

namespace lindrift {

double current(const RateEquation& equation, std::span<const double> occupation) {
  if (occupation.size() != equation.modes()) throw ShapeError("current(): occupation must have one element per mode");
  const double sum =
      tree_sum(0, occupation.size(), [&](std::size_t s) { return equation.velocity[s] * occupation[s]; });
  return sum / static_cast<double>(equation.sites);
}

double particle_number(std::span<const double> occupation) {
  return tree_sum(0, occupation.size(), [&](std::size_t s) { return occupation[s]; });
}

double balance_residual(const RateEquation& equation, std::span<const double> lagrange_multiplier) {
  std::vector<double> log_gain(equation.modes()), log_loss(equation.modes());
  equation.generator->log_rates(lagrange_multiplier, log_gain, log_loss);
  double largest = 0.0;
  for (std::size_t s = 0; s < equation.modes(); ++s) {
    // With gain (1-n) = e^{x} loss n the quotient is tanh(x/2), whatever the size of the rates.
    const double imbalance = lagrange_multiplier[s] + log_gain[s] - log_loss[s];
    const bool empty_stays = lagrange_multiplier[s] == INFINITY && log_gain[s] == -INFINITY;
    const bool full_stays = lagrange_multiplier[s] == -INFINITY && log_loss[s] == -INFINITY;
    const bool frozen = log_gain[s] == -INFINITY && log_loss[s] == -INFINITY;
    if (empty_stays || full_stays || frozen) continue;
    const double residual = std::fabs(std::tanh(0.5 * imbalance));
    // A NaN must win over every number.
    if (!(residual <= largest)) largest = residual;
  }
  return largest;
}

}  // namespace lindrift
