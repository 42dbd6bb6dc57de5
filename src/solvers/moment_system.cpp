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
  balance_.set_multipliers(start);
  const double shift = solve_log_fugacity(number_, static_cast<double>(modes_), 0.0,
                                          [&](double log_fugacity) { return balance_.filling(log_fugacity); });
  balance_.response(shift, current_.log_moment, current_.derivative);
  evaluate(current_, 0.0);
}

double MomentSystem::evaluate(Point& point, double guess) {
  balance_.set_log_moments(point.log_moment);
  MomentBalance::Filling sums;
  point.log_fugacity = solve_log_fugacity(number_, static_cast<double>(modes_), guess,
                                          [&](double log_fugacity) { return sums = balance_.filling(log_fugacity); });
  balance_.response(point.log_fugacity, point.image, point.derivative);
  double largest = 0.0;
  for (std::size_t k = 0; k < moments_; ++k) {
    const double change = std::fabs(point.image[k] - point.log_moment[k]);
    if (!(change <= largest)) largest = change;
  }
  return point.size = largest / (1.0 + std::max(std::fabs(sums.lowest), std::fabs(sums.highest)));
}

void MomentSystem::solve(double /*accuracy*/) {
  // (1 - D) dx - d dlog z = Phi(x) - x, and the number stays.
  const std::size_t n = moments_ + 1;
  std::vector<double> matrix = current_.derivative;
  for (std::size_t k = 0; k < moments_; ++k) {
    for (std::size_t l = 0; l < n; ++l) matrix[k * n + l] = (k == l ? 1.0 : 0.0) - matrix[k * n + l];
    direction_[k] = current_.image[k] - current_.log_moment[k];
  }
  direction_[moments_] = 0.0;
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

void MomentSystem::read(std::vector<double>& lagrange_multiplier, double& log_fugacity) {
  balance_.set_log_moments(current_.log_moment);
  lagrange_multiplier.resize(modes_);
  balance_.multipliers(current_.log_fugacity, lagrange_multiplier);
  log_fugacity = current_.log_fugacity;
}

}  // namespace lindrift
