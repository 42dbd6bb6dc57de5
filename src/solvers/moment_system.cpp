#include <algorithm>
#include <cmath>

#include "solvers/balance_system.hpp"
#include "solvers/occupation.hpp"

namespace lindrift {

namespace {

/// Solves the n x n system in place of its right-hand side, by elimination with row pivots; not finite if singular.
void solve_dense(std::vector<double> matrix, std::vector<double>& right) {
  const std::size_t n = right.size();
  for (std::size_t step = 0; step < n; ++step) {
    std::size_t pivot = step;
    for (std::size_t i = step + 1; i < n; ++i)
      if (std::fabs(matrix[i * n + step]) > std::fabs(matrix[pivot * n + step])) pivot = i;
    for (std::size_t j = 0; j < n; ++j) std::swap(matrix[step * n + j], matrix[pivot * n + j]);
    std::swap(right[step], right[pivot]);
    for (std::size_t i = step + 1; i < n; ++i) {
      const double factor = matrix[i * n + step] / matrix[step * n + step];
      for (std::size_t j = step; j < n; ++j) matrix[i * n + j] -= factor * matrix[step * n + j];
      right[i] -= factor * right[step];
    }
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t j = i + 1; j < n; ++j) right[i] -= matrix[i * n + j] * right[j];
    right[i] /= matrix[i * n + i];
  }
}

}  // namespace

MomentSystem::MomentSystem(MomentBalance& balance, std::size_t modes, double number, std::span<const double> start)
    : balance_(balance), modes_(modes), moments_(balance.moments()), number_(number), direction_(moments_ + 1) {
  for (Point* point : {&current_, &trial_}) {
    point->log_moment.resize(moments_);
    point->image.resize(moments_);
    point->derivative.resize((moments_ + 1) * (moments_ + 1));
  }
  if (start.empty()) {
    balance_.set_thermal();
    respond(current_, 0.0);
    current_.log_moment = current_.image;
  } else {
    balance_.moments_of(start, current_.log_moment);
  }
  evaluate(current_, 0.0);
}

MomentBalance::Filling MomentSystem::respond(Point& point, double guess) {
  // Newton's method takes care of less, together with the moments.
  constexpr double near = 0.1;
  point.log_fugacity = guess;
  MomentBalance::Filling sums = balance_.response(guess, point.image, point.derivative);
  point.excess = log_fugacity_excess(sums, number_);
  if (std::fabs(point.excess) <= near) return sums;
  const auto filling = [&](double log_fugacity) {
    return log_fugacity == guess ? sums : balance_.filling(log_fugacity);
  };
  point.log_fugacity = solve_log_fugacity(number_, static_cast<double>(modes_), guess, filling, near);
  sums = balance_.response(point.log_fugacity, point.image, point.derivative);
  point.excess = log_fugacity_excess(sums, number_);
  return sums;
}

double MomentSystem::evaluate(Point& point, double guess) {
  balance_.set_log_moments(point.log_moment);
  const MomentBalance::Filling sums = respond(point, guess);
  double largest = std::fabs(point.excess);
  for (std::size_t k = 0; k < moments_; ++k) {
    const double change = std::fabs(point.image[k] - point.log_moment[k]);
    if (!(change <= largest) && !std::isnan(largest)) largest = change;
  }
  return point.size = std::isfinite(sums.max_multiplier) ? largest / (1.0 + sums.max_multiplier) : NAN;
}

void MomentSystem::solve(double /*accuracy*/) {
  // (1 - D) dx - d dlog z = Phi(x) - x, and the number becomes right.
  const std::size_t n = moments_ + 1;
  std::vector<double> matrix = current_.derivative;
  for (std::size_t k = 0; k < moments_; ++k) {
    for (std::size_t l = 0; l < n; ++l) matrix[k * n + l] = (k == l ? 1.0 : 0.0) - matrix[k * n + l];
    direction_[k] = current_.image[k] - current_.log_moment[k];
  }
  direction_[moments_] = -current_.excess;
  solve_dense(std::move(matrix), direction_);
}

double MomentSystem::try_step(double step) {
  for (std::size_t k = 0; k < moments_; ++k) trial_.log_moment[k] = current_.log_moment[k] + step * direction_[k];
  return evaluate(trial_, current_.log_fugacity + step * direction_[moments_]);
}

double MomentSystem::try_fixed_point() {
  trial_.log_moment = current_.image;
  return evaluate(trial_, current_.log_fugacity);
}

void MomentSystem::accept() { std::swap(current_, trial_); }

void MomentSystem::read(BalanceSolution& solution) {
  balance_.set_log_moments(current_.log_moment);
  // Whatever else is left, the number is the conserved one: a Newton step this short leaves its square.
  constexpr double accuracy = 1e-9;
  current_.log_fugacity = std::fabs(current_.excess) <= accuracy
                              ? current_.log_fugacity - current_.excess
                              : solve_log_fugacity(number_, static_cast<double>(modes_), current_.log_fugacity,
                                                   [&](double log_fugacity) { return balance_.filling(log_fugacity); });
  solution.lagrange_multiplier.resize(modes_);
  solution.occupation.resize(modes_);
  balance_.state(current_.log_fugacity, solution.lagrange_multiplier, solution.occupation);
  solution.log_fugacity = current_.log_fugacity;
}

}  // namespace lindrift
