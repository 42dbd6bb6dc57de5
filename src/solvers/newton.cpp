#include "solvers/newton.hpp"

#include <sunlinsol/sunlinsol_spgmr.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "solvers/occupation.hpp"
#include "solvers/sundials_handles.hpp"
#include "tree_sum.hpp"

namespace lindrift {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Krylov dimension. The matrix is the identity plus the rank of the weights (4 for the factorised bath) plus 2, and
/// GMRES needs one vector for each; general baths of rank 30 fit as well.
constexpr int krylov_dimension = 60;
constexpr int most_halvings = 6;
/// Below this the residual is at the mercy of rounding, and a step that does not reduce it ends the iteration.
constexpr double rounding_level = 1e-11;
constexpr double target = 2e-16;

/// The balance equations at one trial point.
class Balance {
 public:
  Balance(Generator& generator, double filling)
      : generator_(generator),
        modes_(generator.modes()),
        filling_(filling),
        log_gain_(modes_),
        log_loss_(modes_),
        exponent_(modes_),
        fixed_(modes_, 0),
        chi_(modes_),
        padded_(modes_) {}

  std::size_t modes() const { return modes_; }
  const std::vector<double>& residual() const { return residual_; }
  bool fixed(std::size_t s) const { return fixed_[s] != 0; }
  const std::string& obstacle() const { return obstacle_; }

  /// Sets the fixed modes from the rates at `lambda`, and their multipliers in it.
  /// @return false if the numbers held by the fixed modes leave nothing for the others: obstacle() says so
  bool classify(std::vector<double>& lambda) {
    generator_.log_rates(lambda, log_gain_, log_loss_);
    double fixed_number = 0.0;
    std::size_t free = 0;
    for (std::size_t s = 0; s < modes_; ++s) {
      const bool cannot_gain = log_gain_[s] == -infinity, cannot_lose = log_loss_[s] == -infinity;
      fixed_[s] = cannot_gain || cannot_lose;
      if (cannot_gain && !cannot_lose) lambda[s] = infinity;
      if (cannot_lose && !cannot_gain) lambda[s] = -infinity;
      if (fixed_[s])
        fixed_number += occupation_of(lambda[s]);
      else
        ++free;
    }
    if (free == 0) return true;
    free_filling_ = (filling_ * static_cast<double>(modes_) - fixed_number) / static_cast<double>(free);
    if (free == modes_) free_filling_ = filling_;
    if (free_filling_ > 0.0 && free_filling_ < 1.0) return true;
    obstacle_ =
        "modes that can only gain or only lose particles would hold more or fewer than the filling allows: the steady "
        "state then depends on the initial state; use task relax";
    return false;
  }

  /// Shifts the multipliers of the free modes so that the filling is right.
  void normalize(std::vector<double>& lambda) {
    exponent_.clear();
    for (std::size_t s = 0; s < modes_; ++s)
      if (!fixed(s)) exponent_.push_back(lambda[s]);
    if (exponent_.empty()) return;
    const double shift = log_fugacity_at(exponent_, free_filling_);
    for (std::size_t s = 0; s < modes_; ++s)
      if (!fixed(s)) lambda[s] -= shift;
  }

  /// R_s = lambda_s - log(loss_s / gain_s) + log z at `lambda`; 0 for fixed modes. Returns max |R| / (1 + max
  /// |lambda|), NaN if anything is.
  double evaluate(const std::vector<double>& lambda, double log_fugacity) {
    generator_.log_rates(lambda, log_gain_, log_loss_);
    residual_.assign(modes_, 0.0);
    double largest = 0.0, largest_lambda = 0.0;
    for (std::size_t s = 0; s < modes_; ++s) {
      if (fixed(s)) continue;
      residual_[s] = lambda[s] - (log_loss_[s] - log_gain_[s]) + log_fugacity;
      if (!(std::fabs(residual_[s]) <= largest)) largest = std::fabs(residual_[s]);
      largest_lambda = std::max(largest_lambda, std::fabs(lambda[s]));
    }
    return largest / (1.0 + largest_lambda);
  }

  /// lambda = log(loss/gain) - log z from the rates of the last evaluate(), normalised; returns log z.
  double fixed_point(std::vector<double>& lambda) {
    exponent_.clear();
    for (std::size_t s = 0; s < modes_; ++s)
      if (!fixed(s)) exponent_.push_back(log_loss_[s] - log_gain_[s]);
    if (exponent_.empty()) return 0.0;
    const double log_fugacity = log_fugacity_at(exponent_, free_filling_);
    for (std::size_t s = 0; s < modes_; ++s)
      if (!fixed(s)) lambda[s] = log_loss_[s] - log_gain_[s] - log_fugacity;
    return log_fugacity;
  }

  /// Prepares multiply() at the point of the last evaluate().
  void linearize(const std::vector<double>& lambda) {
    for (std::size_t s = 0; s < modes_; ++s)
      chi_[s] = fixed(s) ? 0.0 : occupation_of(lambda[s]) * occupation_of(-lambda[s]);
    const double sum = tree_sum(0, modes_, [&](std::size_t s) { return chi_[s]; });
    if (sum > 0.0)
      for (double& chi : chi_) chi /= sum;
  }

  /// (delta, tau) -> ((1 - M) delta + tau, chi . delta): the bordered Newton matrix, Eq. 18.
  void multiply(std::span<const double> in, std::span<double> out) {
    const double tau = in[modes_];
    generator_.log_balance_derivative(in.first(modes_), padded_);
    for (std::size_t s = 0; s < modes_; ++s) out[s] = fixed(s) ? in[s] : in[s] - padded_[s] + tau;
    out[modes_] = tree_sum(0, modes_, [&](std::size_t s) { return chi_[s] * in[s]; });
  }

 private:
  Generator& generator_;
  std::size_t modes_;
  double filling_, free_filling_ = 0.0;
  std::vector<double> log_gain_, log_loss_, residual_, exponent_;
  std::vector<char> fixed_;
  std::vector<double> chi_, padded_;
  std::string obstacle_;
};

int multiply_callback(void* data, N_Vector in, N_Vector out) {
  static_cast<Balance*>(data)->multiply(values(in), values(out));
  return 0;
}

/// The bordered Newton system by SUNDIALS' GMRES.
class NewtonSystem {
 public:
  explicit NewtonSystem(Balance& balance)
      : balance_(balance),
        right_(make_vector(balance.modes() + 1, context_)),
        solution_(make_vector(balance.modes() + 1, context_)) {
    const int dimension = static_cast<int>(std::min<std::size_t>(krylov_dimension, balance.modes() + 1));
    solver_.reset(SUNLinSol_SPGMR(right_.get(), SUN_PREC_NONE, dimension, context_));
    if (!solver_) throw std::bad_alloc();
    check_sundials(SUNLinSolSetATimes(solver_.get(), &balance, multiply_callback), "SUNLinSolSetATimes");
    check_sundials(SUNLinSol_SPGMRSetMaxRestarts(solver_.get(), 2), "SUNLinSol_SPGMRSetMaxRestarts");
    check_sundials(SUNLinSolInitialize(solver_.get()), "SUNLinSolInitialize");
  }

  /// Newton update (delta, tau) for the residual of the last evaluate(), to `accuracy` of its size.
  std::span<const double> solve(double accuracy) {
    auto right = values(right_.get());
    const auto& residual = balance_.residual();
    for (std::size_t s = 0; s < residual.size(); ++s) right[s] = -residual[s];
    right[residual.size()] = 0.0;
    N_VConst(0.0, solution_.get());
    const double size = std::sqrt(N_VDotProd(right_.get(), right_.get()));
    check_sundials(SUNLinSolSetup(solver_.get(), nullptr), "SUNLinSolSetup");
    // A solution that misses the accuracy is still a direction worth trying: the caller looks at what it does.
    SUNLinSolSolve(solver_.get(), nullptr, solution_.get(), right_.get(), accuracy * size);
    return values(solution_.get());
  }

 private:
  SundialsContext context_;
  Balance& balance_;
  Sundials<N_Vector> right_, solution_;
  Sundials<SUNLinearSolver> solver_;
};

}  // namespace

BalanceSolution solve_balance(Generator& generator, std::vector<double> start, double filling, double tolerance,
                              std::int64_t max_steps) {
  BalanceSolution solution;
  solution.lagrange_multiplier = std::move(start);
  std::vector<double>& lambda = solution.lagrange_multiplier;
  double& log_fugacity = solution.log_fugacity;

  Balance balance(generator, filling);
  if (!balance.classify(lambda)) {
    solution.message = balance.obstacle();
    solution.change = infinity;
    return solution;
  }
  balance.normalize(lambda);
  NewtonSystem system(balance);
  double size = balance.evaluate(lambda, log_fugacity);
  std::vector<double> trial(lambda.size());

  while (solution.steps < max_steps && size > target) {
    ++solution.steps;
    balance.linearize(lambda);
    const auto update = system.solve(std::clamp(size, 1e-14, 1e-3));

    double best = infinity;
    double step = 1.0, trial_fugacity = 0.0;
    for (int halving = 0; halving <= most_halvings; ++halving, step *= 0.5) {
      for (std::size_t s = 0; s < lambda.size(); ++s)
        trial[s] = balance.fixed(s) ? lambda[s] : lambda[s] + step * update[s];
      balance.normalize(trial);
      trial_fugacity = log_fugacity + step * update[lambda.size()];
      best = balance.evaluate(trial, trial_fugacity);
      if (best < size || size <= rounding_level) break;
    }
    if (!(best < size)) {
      if (size <= rounding_level) break;
      // Newton does not help here: one step of the fixed-point map, which contracts everywhere.
      balance.evaluate(lambda, log_fugacity);
      trial = lambda;
      trial_fugacity = balance.fixed_point(trial);
      best = balance.evaluate(trial, trial_fugacity);
      if (!std::isfinite(best)) {
        solution.message = "the balance of the rates is not finite";
        break;
      }
    }
    lambda.swap(trial);
    log_fugacity = trial_fugacity;
    size = best;
  }
  solution.change = size;
  solution.converged = size <= tolerance && std::fabs(log_fugacity) <= tolerance * (1.0 + std::fabs(log_fugacity));
  if (!solution.converged && solution.message.empty())
    solution.message = "no balance within " + std::to_string(solution.steps) + " steps";
  return solution;
}

}  // namespace lindrift
