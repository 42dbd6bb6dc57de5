#include "solvers/adjoint_system.hpp"

#include <sunlinsol/sunlinsol_spgmr.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "engine/parallel.hpp"

namespace lindrift {

namespace {

/// As for Newton's method: the identity plus a matrix of low rank.
constexpr int krylov_dimension = 60;
/// Systems solved for what is left; each gains ten digits.
constexpr int max_refinements = 4;
constexpr double solver_accuracy = 1e-13;
/// What rounding leaves of a residual is below, what a failure leaves above.
constexpr double accepted = 1e-11;

}  // namespace

AdjointSystem::AdjointSystem(Generator& generator, std::span<const double> lagrange_multiplier)
    : generator_(generator),
      modes_(generator.modes()),
      lambda_(lagrange_multiplier.begin(), lagrange_multiplier.end()),
      log_gain_(modes_),
      log_loss_(modes_),
      gain_share_(modes_),
      relaxation_time_(modes_),
      from_(modes_),
      to_(modes_) {
  generator_.log_rates(lambda_, log_gain_, log_loss_);
  const auto log_time = [&](std::size_t s) {
    const double larger = std::max(log_gain_[s], log_loss_[s]), smaller = std::min(log_gain_[s], log_loss_[s]);
    return -(larger + std::log1p(std::exp(smaller - larger)));
  };
  const double longest = parallel_maximum(modes_, -INFINITY, log_time);
  largest_time_ = std::exp(longest);
  parallel_for(modes_, [&](std::size_t s) {
    gain_share_[s] = 1.0 / (1.0 + std::exp(log_loss_[s] - log_gain_[s]));
    relaxation_time_[s] = std::exp(log_time(s) - longest);
  });

  const std::size_t unknowns = modes_ + 1;
  for (auto* vector : {&right_, &update_, &solution_, &product_}) *vector = make_vector(unknowns, context_);
  const int dimension = static_cast<int>(std::min<std::size_t>(krylov_dimension, unknowns));
  linear_solver_.reset(SUNLinSol_SPGMR(right_.get(), SUN_PREC_NONE, dimension, context_));
  if (!linear_solver_) throw std::bad_alloc();
  const auto callback = [](void* self, N_Vector in, N_Vector out) {
    static_cast<AdjointSystem*>(self)->multiply(values(in), values(out));
    return 0;
  };
  check_sundials(SUNLinSolSetATimes(linear_solver_.get(), this, callback), "SUNLinSolSetATimes");
  check_sundials(SUNLinSol_SPGMRSetMaxRestarts(linear_solver_.get(), 4), "SUNLinSol_SPGMRSetMaxRestarts");
  check_sundials(SUNLinSol_SPGMRSetGSType(linear_solver_.get(), SUN_CLASSICAL_GS), "SUNLinSol_SPGMRSetGSType");
  check_sundials(SUNLinSolInitialize(linear_solver_.get()), "SUNLinSolInitialize");
  check_sundials(SUNLinSolSetup(linear_solver_.get(), nullptr), "SUNLinSolSetup");
}

/// (y, alpha) -> (A y - time alpha, mean of y): Eq. 18b with its border.
void AdjointSystem::multiply(std::span<const double> in, std::span<double> out) {
  const auto y = in.first(modes_);
  generator_.relative_transition_sums(y, y, from_, to_);
  const double alpha = in[modes_];
  out[modes_] = parallel_sum(modes_,
                             [&](std::size_t s) {
                               const double p = gain_share_[s];
                               out[s] = y[s] - (p * from_[s] + (1.0 - p) * to_[s]) - relaxation_time_[s] * alpha;
                               return y[s];
                             }) /
                static_cast<double>(modes_);
}

double AdjointSystem::size(N_Vector vector) const { return std::sqrt(N_VDotProd(vector, vector)); }

AdjointSystem::Solution AdjointSystem::solve(std::span<const double> weight) {
  generator_.log_rates(lambda_, log_gain_, log_loss_);  // others may have moved the point
  const auto right = values(right_.get());
  parallel_for(modes_, [&](std::size_t s) { right[s] = relaxation_time_[s] * weight[s]; });
  right[modes_] = 0.0;
  const double whole = size(right_.get());
  N_VConst(0.0, solution_.get());
  double left = whole;
  // What is left of the right-hand side is solved for again: the digits of GMRES add up.
  for (int round = 0; round < max_refinements && left > 1e-16 * whole; ++round) {
    N_VConst(0.0, update_.get());
    check_sundials(SUNLinSolSetZeroGuess(linear_solver_.get(), 1), "SUNLinSolSetZeroGuess");
    SUNLinSolSolve(linear_solver_.get(), nullptr, update_.get(), right_.get(), solver_accuracy * left);
    N_VLinearSum(1.0, solution_.get(), 1.0, update_.get(), product_.get());
    std::swap(solution_, product_);  // product_ holds what was there before
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
    throw Error("the adjoint of the steady state was not found: what is left of it is " + std::to_string(left / whole));
  Solution result{{}, values(solution_.get())[modes_]};
  const auto found = values(solution_.get());
  result.y.resize(modes_);
  parallel_for(modes_, [&](std::size_t s) { result.y[s] = largest_time_ * found[s]; });
  return result;
}

}  // namespace lindrift
