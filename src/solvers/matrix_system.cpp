#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "engine/parallel.hpp"
#include "solvers/gmres.hpp"
#include "solvers/newton.hpp"
#include "solvers/occupation.hpp"

namespace lindrift {

namespace {

/// R(l) = l - l*(l) + log z = 0, where l are the multipliers of the blocks and l* those of the occupations that balance
/// the gain, loss and mean field taken at l (docs/physics.md, Eq. 97). For bands outside of blocks this is the balance
/// of MultiplierSystem.
class MatrixSystem final : public BalanceSystem {
 public:
  MatrixSystem(const MatrixRateEquation& equation, double number, BlockMatrices start)
      : equation_(equation),
        size_of_state_(equation.size()),
        modes_(equation.modes()),
        number_(number),
        lambda_(std::move(start)),
        trial_(size_of_state_),
        work_(size_of_state_),
        other_(size_of_state_) {
    normalize(lambda_);
    set_up_linear_solver();
    size_ = evaluate(lambda_, log_fugacity_);
  }

  double size() const override { return size_; }

  void solve(double accuracy) override {
    // The last trial step may have left the rates at another point.
    evaluate(lambda_, log_fugacity_);
    linearize();
    auto right = values(right_.get());
    parallel_for(size_of_state_, [&](std::size_t e) { right[e] = -residual_[e]; });
    right[size_of_state_] = 0.0;
    const double size = std::sqrt(N_VDotProd(right_.get(), right_.get()));
    // A solution that misses the accuracy is still a direction worth trying; the caller tests the step.
    gmres_.solve(right_.get(), update_.get(), accuracy * size);
  }

  double try_step(double step) override {
    const auto update = values(update_.get());
    parallel_for(size_of_state_, [&](std::size_t e) { trial_[e] = lambda_[e] + step * update[e]; });
    normalize(trial_);
    trial_fugacity_ = log_fugacity_ + step * update[size_of_state_];
    return trial_size_ = evaluate(trial_, trial_fugacity_);
  }

  /// Goes half way: at low temperature a full step may end in a cycle of two points.
  double try_fixed_point() override {
    evaluate(lambda_, log_fugacity_);
    parallel_for(size_of_state_, [&](std::size_t e) { trial_[e] = 0.5 * (lambda_[e] + target_[e]); });
    trial_fugacity_ = normalize(trial_);
    return trial_size_ = evaluate(trial_, trial_fugacity_);
  }

  void accept() override {
    lambda_.swap(trial_);
    log_fugacity_ = trial_fugacity_;
    size_ = trial_size_;
  }

  void read(BalanceSolution& solution) override {
    equation_.occupations(lambda_, particles_, holes_);
    solution.lagrange_multiplier = std::move(lambda_);
    solution.occupation = std::move(particles_);
    solution.log_fugacity = log_fugacity_;
  }

 private:
  void set_up_linear_solver() {
    right_ = make_vector(size_of_state_ + 1, context_);
    update_ = make_vector(size_of_state_ + 1, context_);
    gmres_.set_up(right_.get(), context_, 2,
                  [this](std::span<const double> in, std::span<double> out) { multiply(in, out); });
  }

  /// Shifts all multipliers so that they hold the right number of particles. Returns the shift.
  double normalize(BlockMatrices& lambda) const {
    const double shift = log_fugacity_at(equation_.ascending_eigenvalues(lambda), number_);
    for (std::size_t s = 0; s < modes_; ++s) lambda[s] -= shift;
    return shift;
  }

  /// Computes the rates, the occupations that balance them, and R. Returns max |R| / (1 + max |lambda|).
  double evaluate(const BlockMatrices& lambda, double log_fugacity) {
    equation_.occupations(lambda, particles_, holes_);
    equation_.rates(particles_, holes_, rates_);
    equation_.fixed_point(rates_, particles_, holes_);
    target_ = equation_.multiplier(particles_, holes_);
    residual_.resize(size_of_state_);
    parallel_for(size_of_state_,
                 [&](std::size_t e) { residual_[e] = lambda[e] - target_[e] + (e < modes_ ? log_fugacity : 0.0); });
    return equation_.largest(residual_) / (1.0 + equation_.largest(lambda));
  }

  /// Prepares multiply() at lambda_, the point of the last evaluate().
  void linearize() {
    chi_.resize(size_of_state_);
    equation_.occupation_derivative(lambda_, equation_.diagonal(1.0), chi_);
    const double sum = parallel_sum(modes_, [&](std::size_t s) { return chi_[s]; });
    if (sum < 0.0) parallel_for(size_of_state_, [&](std::size_t e) { chi_[e] /= sum; });
  }

  /// (delta, tau) -> (delta - dl*/dl delta + tau, chi . delta), Eq. 99.
  void multiply(std::span<const double> in, std::span<double> out) {
    equation_.occupation_derivative(lambda_, in.first(size_of_state_), work_);
    parallel_for(size_of_state_, [&](std::size_t e) { other_[e] = -work_[e]; });
    equation_.rates(work_, other_, changed_rates_);
    equation_.balance(changed_rates_, particles_, holes_, work_);
    equation_.solve_sylvester(rates_, work_, other_);
    equation_.multiplier_derivative(target_, other_, work_);
    out[size_of_state_] = parallel_sum(size_of_state_, [&](std::size_t e) {
      out[e] = in[e] - work_[e] + (e < modes_ ? in[size_of_state_] : 0.0);
      return chi_[e] * in[e];
    });
  }

  const MatrixRateEquation& equation_;
  std::size_t size_of_state_, modes_;
  double number_;
  BlockMatrices lambda_, trial_;
  double log_fugacity_ = 0.0, trial_fugacity_ = 0.0;
  double size_ = std::numeric_limits<double>::infinity(), trial_size_ = size_;
  BlockMatrices particles_, holes_;  ///< occupations that balance the last rates
  BlockMatrices target_;             ///< their multipliers
  BlockRates rates_, changed_rates_;
  BlockMatrices residual_, chi_, work_, other_;
  SundialsContext context_;
  Sundials<N_Vector> right_, update_;
  Gmres gmres_;
};

}  // namespace

std::unique_ptr<BalanceSystem> make_matrix_system(const MatrixRateEquation& equation, double number,
                                                  BlockMatrices start) {
  return std::make_unique<MatrixSystem>(equation, number, std::move(start));
}

}  // namespace lindrift
