#include "solvers/adjoint_system.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "engine/parallel.hpp"
#include "solvers/gmres.hpp"

namespace lindrift {

namespace {

/// Rounds of iterative refinement; each gains ten digits.
constexpr int max_refinements = 4;
constexpr double solver_accuracy = 1e-13;
/// Relative residual that separates rounding error from a failed solve.
constexpr double accepted = 1e-11;

/// log n for a multiplier; pass its negative for log(1-n).
double log_occupation(double lambda) { return -std::max(lambda, 0.0) - std::log1p(std::exp(-std::fabs(lambda))); }

/// Logarithms of one generator's rates at the state.
struct LogRates {
  Generator& generator;
  std::vector<double> log_gain, log_loss;

  LogRates(Generator& of, std::span<const double> lambda) : generator(of), log_gain(of.modes()), log_loss(of.modes()) {
    generator.log_rates(lambda, log_gain, log_loss);
  }
};

class GeneratorAdjoint final : public AdjointSystem {
 public:
  GeneratorAdjoint(const RateEquation& equation, RateEquation thermal, std::span<const double> lagrange_multiplier)
      : modes_(equation.modes()),
        lambda_(lagrange_multiplier.begin(), lagrange_multiplier.end()),
        thermal_(std::move(thermal)),
        all_rates_(*equation.generator, lambda_),
        thermal_rates_(*thermal_.generator, lambda_),
        gain_share_(modes_),
        relaxation_time_(modes_),
        from_(modes_),
        to_(modes_) {
    const auto& [generator, log_gain, log_loss] = all_rates_;
    const auto log_time = [&](std::size_t s) {
      const double larger = std::max(log_gain[s], log_loss[s]), smaller = std::min(log_gain[s], log_loss[s]);
      return -(larger + std::log1p(std::exp(smaller - larger)));
    };
    const double longest = parallel_maximum(modes_, -INFINITY, log_time);
    largest_time_ = std::exp(longest);
    parallel_for(modes_, [&](std::size_t s) {
      gain_share_[s] = 1.0 / (1.0 + std::exp(log_loss[s] - log_gain[s]));
      relaxation_time_[s] = std::exp(log_time(s) - longest);
    });
    set_up_linear_solver();
  }

  Solution solve(std::span<const double> weight) override;

  void averages(Hops hops, std::span<const double> y, std::span<double> from, std::span<double> to) override {
    LogRates& rates = rates_of(hops);
    if (hops == Hops::all) take_point();
    rates.generator.relative_transition_sums(y, y, from, to);
  }

  void flows(Hops hops, std::span<double> in, std::span<double> out) override {
    const LogRates& rates = rates_of(hops);
    parallel_for(modes_, [&](std::size_t s) {
      in[s] = std::exp(log_occupation(-lambda_[s]) + rates.log_gain[s]);
      out[s] = std::exp(log_occupation(lambda_[s]) + rates.log_loss[s]);
    });
  }

 private:
  /// Other code may have moved the equation's generator to another point.
  void take_point() { all_rates_.generator.log_rates(lambda_, all_rates_.log_gain, all_rates_.log_loss); }
  LogRates& rates_of(Hops hops) { return hops == Hops::all ? all_rates_ : thermal_rates_; }

  void set_up_linear_solver() {
    const std::size_t unknowns = modes_ + 1;
    for (auto* vector : {&right_, &update_, &solution_, &product_}) *vector = make_vector(unknowns, context_);
    gmres_.set_up(right_.get(), context_, 4,
                  [this](std::span<const double> in, std::span<double> out) { multiply(in, out); });
  }

  /// (y, alpha) -> (A y - time alpha, mean of y): Eq. 18b with its border.
  void multiply(std::span<const double> in, std::span<double> out) {
    const auto y = in.first(modes_);
    all_rates_.generator.relative_transition_sums(y, y, from_, to_);
    const double alpha = in[modes_];
    out[modes_] = parallel_sum(modes_,
                               [&](std::size_t s) {
                                 const double p = gain_share_[s];
                                 out[s] = y[s] - (p * from_[s] + (1.0 - p) * to_[s]) - relaxation_time_[s] * alpha;
                                 return y[s];
                               }) /
                  static_cast<double>(modes_);
  }

  static double size(N_Vector vector) { return std::sqrt(N_VDotProd(vector, vector)); }

  std::size_t modes_;
  std::vector<double> lambda_;
  RateEquation thermal_;
  LogRates all_rates_, thermal_rates_;
  std::vector<double> gain_share_;       ///< p
  std::vector<double> relaxation_time_;  ///< 1 / (gain + loss), divided by the largest
  double largest_time_ = 0.0;
  std::vector<double> from_, to_;
  SundialsContext context_;
  Sundials<N_Vector> right_, update_, solution_, product_;
  Gmres gmres_;
};

AdjointSystem::Solution GeneratorAdjoint::solve(std::span<const double> weight) {
  take_point();
  const auto right = values(right_.get());
  parallel_for(modes_, [&](std::size_t s) { right[s] = relaxation_time_[s] * weight[s]; });
  right[modes_] = 0.0;
  const double whole = size(right_.get());
  N_VConst(0.0, solution_.get());
  double left = whole;
  // Iterative refinement: solve for the remaining residual, so that the digits of successive GMRES solves add up.
  for (int round = 0; round < max_refinements && left > 1e-16 * whole; ++round) {
    gmres_.solve(right_.get(), update_.get(), solver_accuracy * left);
    N_VLinearSum(1.0, solution_.get(), 1.0, update_.get(), product_.get());
    std::swap(solution_, product_);  // product_ now holds the previous solution
    multiply(values(solution_.get()), values(update_.get()));
    const auto sum = values(update_.get());
    parallel_for(modes_, [&](std::size_t s) { right[s] = relaxation_time_[s] * weight[s] - sum[s]; });
    right[modes_] = -sum[modes_];
    const double now = size(right_.get());
    if (!(now < 0.5 * left)) {
      if (!(now < left)) std::swap(solution_, product_);
      left = std::min(left, now);
      break;
    }
    left = now;
  }
  if (!(left <= accepted * whole))
    throw Error("the linear system of the steady state's derivatives did not converge: relative residual " +
                std::to_string(left / whole));
  const auto found = values(solution_.get());
  Solution result{std::vector<double>(modes_), found[modes_]};
  parallel_for(modes_, [&](std::size_t s) { result.y[s] = largest_time_ * found[s]; });
  return result;
}

}  // namespace

double AdjointSystem::thermal_slopes(std::span<const double> y, std::span<double> slope) {
  const std::size_t size = y.size();
  std::vector<double> in(size), out(size), from(size), to(size);
  flows(Hops::thermal, in, out);
  averages(Hops::thermal, y, from, to);
  return parallel_sum(size, [&](std::size_t s) {
    slope[s] = in[s] * (from[s] - y[s]) + out[s] * (to[s] - y[s]);
    return y[s] * (in[s] - out[s]);
  });
}

std::unique_ptr<AdjointSystem> make_generator_adjoint(const RateEquation& equation, RateEquation thermal,
                                                      std::span<const double> lagrange_multiplier) {
  return std::make_unique<GeneratorAdjoint>(equation, std::move(thermal), lagrange_multiplier);
}

}  // namespace lindrift
