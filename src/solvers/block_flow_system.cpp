#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "engine/parallel.hpp"
#include "solvers/gmres.hpp"
#include "solvers/newton.hpp"
#include "solvers/occupation.hpp"
#include "tgge/block_flow.hpp"

namespace lindrift {

namespace {

/// d ell / dt = 0 in the variables of BlockFlow, for blocks whose occupations differ by more than the digits of a
/// matrix hold (docs/physics.md, section 11). Its Newton matrix is that of a time step of infinite length.
class BlockFlowSystem final : public BalanceSystem {
 public:
  BlockFlowSystem(const MatrixRateEquation& equation, double number, const BlockMatrices& start)
      : equation_(equation),
        flow_(equation, number),
        number_(number),
        lambda_(equation.size()),
        trial_(equation.size()),
        residual_(equation.size()),
        work_(equation.size()),
        chi_(equation.modes()) {
    const std::size_t unknowns = equation.size() + 1;
    right_ = make_vector(unknowns, context_);
    update_ = make_vector(unknowns, context_);
    gmres_.set_up(right_.get(), context_, 2,
                  [this](std::span<const double> in, std::span<double> out) { multiply(in, out); });
    flow_.to_frame(start, lambda_);
    normalize(lambda_);
    size_ = evaluate(lambda_);
  }

  double size() const override { return size_; }

  void solve(double accuracy) override {
    evaluate(lambda_);
    linearize();
    const auto right = values(right_.get());
    std::copy(residual_.begin(), residual_.end(), right.begin());
    right[equation_.size()] = 0.0;
    gmres_.solve(right_.get(), update_.get(), accuracy * std::sqrt(N_VDotProd(right_.get(), right_.get())));
    direction_.resize(equation_.size());
    flow_.from_inside(values(update_.get()).first(equation_.size()), direction_);
  }

  double try_step(double step) override {
    parallel_for(trial_.size(), [&](std::size_t e) { trial_[e] = lambda_[e] + step * direction_[e]; });
    normalize(trial_);
    return trial_size_ = evaluate(trial_);
  }

  double try_fixed_point() override {
    evaluate(lambda_);
    linearize();
    flow_.from_inside(residual_, trial_);
    parallel_for(trial_.size(), [&](std::size_t e) { trial_[e] = lambda_[e] + 0.5 * trial_[e]; });
    normalize(trial_);
    return trial_size_ = evaluate(trial_);
  }

  void accept() override {
    lambda_.swap(trial_);
    size_ = trial_size_;
  }

  void read(BalanceSolution& solution) override {
    BlockMatrices holes;
    flow_.from_frame(lambda_, trial_);
    equation_.occupations(trial_, solution.occupation, holes);
    solution.lagrange_multiplier = std::move(trial_);
    solution.log_fugacity = 0.0;
  }

 private:
  void normalize(BlockMatrices& lambda) const {
    const double shift = log_fugacity_at(equation_.ascending_eigenvalues(lambda), number_);
    for (std::size_t s = 0; s < equation_.modes(); ++s) lambda[s] -= shift;
  }

  double evaluate(const BlockMatrices& lambda) {
    flow_.set_point(lambda);
    return flow_.imbalance() / (1.0 + equation_.largest(lambda));
  }

  void linearize() {
    flow_.flow(BlockFlow::Clock::balanced, 0.0, 0.0, residual_);
    flow_.factorize(false, 1.0);
    flow_.solve_local(residual_);
    const auto& lambda = flow_.eigenvalues();
    const auto weight = [&](std::size_t s) { return occupation_of(lambda[s]) * occupation_of(-lambda[s]); };
    const double sum = parallel_sum(equation_.modes(), weight);
    for (std::size_t s = 0; s < equation_.modes(); ++s) chi_[s] = sum > 0.0 ? weight(s) / sum : 0.0;
  }

  void multiply(std::span<const double> in, std::span<double> out) {
    const std::size_t size = equation_.size(), modes = equation_.modes();
    flow_.multiply_rates(in.first(size), work_);
    flow_.solve_local(work_);
    parallel_for(size, [&](std::size_t e) { out[e] = in[e] - work_[e] + (e < modes ? in[size] : 0.0); });
    out[size] = parallel_sum(modes, [&](std::size_t s) { return chi_[s] * in[s]; });
  }

  const MatrixRateEquation& equation_;
  BlockFlow flow_;
  double number_;
  BlockMatrices lambda_, trial_, residual_, work_, direction_;  ///< framed
  std::vector<double> chi_;
  double size_ = std::numeric_limits<double>::infinity(), trial_size_ = size_;
  SundialsContext context_;
  Sundials<N_Vector> right_, update_;
  Gmres gmres_;
};

}  // namespace

std::unique_ptr<BalanceSystem> make_block_flow_system(const MatrixRateEquation& equation, double number,
                                                      const BlockMatrices& start) {
  return std::make_unique<BlockFlowSystem>(equation, number, start);
}

}  // namespace lindrift
