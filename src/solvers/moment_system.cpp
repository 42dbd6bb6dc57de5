#include <algorithm>
#include <cmath>

#include "solvers/adjoint_system.hpp"
#include "solvers/newton.hpp"
#include "solvers/occupation.hpp"

namespace lindrift {

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

namespace {

class MomentSystem final : public BalanceSystem {
 public:
  MomentSystem(kernels::MomentBalance& balance, std::size_t modes, double number, std::span<const double> start)
      : balance_(balance),
        modes_(modes),
        moments_(static_cast<std::size_t>(balance.moments())),
        number_(number),
        direction_(moments_ + 1) {
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
      balance_.moments_of(start.data(), current_.log_moment.data());
    }
    evaluate(current_, 0.0);
  }

  double size() const override { return current_.size; }

  void solve(double /*accuracy*/) override {
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

  double try_step(double step) override {
    for (std::size_t k = 0; k < moments_; ++k) trial_.log_moment[k] = current_.log_moment[k] + step * direction_[k];
    return evaluate(trial_, current_.log_fugacity + step * direction_[moments_]);
  }

  double try_fixed_point() override {
    trial_.log_moment = current_.image;
    return evaluate(trial_, current_.log_fugacity);
  }

  void accept() override { std::swap(current_, trial_); }

  void read(BalanceSolution& solution) override {
    balance_.set_log_moments(current_.log_moment.data());
    // The number is conserved whatever the residual: a Newton step this short leaves its square.
    constexpr double accuracy = 1e-9;
    current_.log_fugacity =
        std::fabs(current_.excess) <= accuracy
            ? current_.log_fugacity - current_.excess
            : solve_log_fugacity(number_, static_cast<double>(modes_), current_.log_fugacity,
                                 [&](double log_fugacity) { return balance_.filling(log_fugacity); });
    solution.lagrange_multiplier.resize(modes_);
    solution.occupation.resize(modes_);
    balance_.state(current_.log_fugacity, solution.lagrange_multiplier.data(), solution.occupation.data());
    solution.log_fugacity = current_.log_fugacity;
  }

 private:
  struct Point {
    std::vector<double> log_moment, image, derivative;
    double log_fugacity = 0.0;
    double excess = 0.0;  ///< of log_fugacity, to first order: the number of particles is one of Newton's equations
    double size = 0.0;
  };

  /// Evaluates a point from its moments, at a fugacity near enough for Newton's method. Returns its size.
  double evaluate(Point& point, double guess) {
    balance_.set_log_moments(point.log_moment.data());
    const kernels::MomentBalance::Filling sums = respond(point, guess);
    double largest = std::fabs(point.excess);
    for (std::size_t k = 0; k < moments_; ++k) {
      const double change = std::fabs(point.image[k] - point.log_moment[k]);
      if (!(change <= largest) && !std::isnan(largest)) largest = change;
    }
    return point.size = std::isfinite(sums.max_multiplier) ? largest / (1.0 + sums.max_multiplier) : NAN;
  }

  /// Image and derivative at the moments that balance_ was set to.
  kernels::MomentBalance::Filling respond(Point& point, double guess) {
    // A smaller excess is left to Newton's method, which solves for moments and fugacity together.
    constexpr double near = 0.1;
    point.log_fugacity = guess;
    auto sums = balance_.response(guess, point.image.data(), point.derivative.data());
    point.excess = log_fugacity_excess(sums, number_);
    if (std::fabs(point.excess) <= near) return sums;
    const auto filling = [&](double log_fugacity) {
      return log_fugacity == guess ? sums : balance_.filling(log_fugacity);
    };
    point.log_fugacity = solve_log_fugacity(number_, static_cast<double>(modes_), guess, filling, near);
    sums = balance_.response(point.log_fugacity, point.image.data(), point.derivative.data());
    point.excess = log_fugacity_excess(sums, number_);
    return sums;
  }

  kernels::MomentBalance& balance_;
  std::size_t modes_, moments_;
  double number_;
  Point current_, trial_;
  std::vector<double> direction_;  ///< of the moments, and of the fugacity
};

}  // namespace

std::unique_ptr<BalanceSystem> make_moment_system(kernels::MomentBalance& balance, std::size_t modes, double number,
                                                  std::span<const double> start) {
  return std::make_unique<MomentSystem>(balance, modes, number, start);
}

}  // namespace lindrift
