#include <sunlinsol/sunlinsol_spgmr.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "parallel.hpp"
#include "solvers/balance_system.hpp"
#include "solvers/occupation.hpp"
#include "solvers/sundials_handles.hpp"

namespace lindrift {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Krylov dimension. The matrix is the identity plus the rank of the weights (4 for the factorised bath) plus 2, and
/// GMRES needs one vector for each; general baths of rank 30 fit as well.
constexpr int krylov_dimension = 60;

/// The balance equations at one trial point.
class Balance {
 public:
  Balance(Generator& generator, const Components& components, const InitialState& conserved)
      : generator_(generator),
        modes_(generator.modes()),
        components_(static_cast<std::size_t>(components.count)),
        component_(components.of_mode),
        conserved_(conserved),
        log_gain_(modes_),
        log_loss_(modes_),
        fixed_(modes_, 0),
        free_number_(components_),
        chi_(modes_),
        product_(modes_),
        members_(components_) {
    for (std::size_t s = 0; s < modes_; ++s) members_[component(s)].push_back(s);
  }

  std::size_t modes() const { return modes_; }
  std::size_t components() const { return components_; }
  std::size_t component(std::size_t s) const {
    return component_.empty() ? 0 : static_cast<std::size_t>(component_[s]);
  }
  const std::vector<double>& residual() const { return residual_; }
  bool fixed(std::size_t s) const { return fixed_[s] != 0; }
  const std::string& obstacle() const { return obstacle_; }

  /// Sets the fixed modes from the rates at `lambda`, and their multipliers in it; counts them in `solution`.
  /// @return false if the numbers held by the fixed modes leave nothing for the others: obstacle() says so
  bool classify(std::vector<double>& lambda, BalanceSolution& solution) {
    generator_.log_rates(lambda, log_gain_, log_loss_);
    for (std::size_t s = 0; s < modes_; ++s) {
      const bool cannot_gain = log_gain_[s] == -infinity, cannot_lose = log_loss_[s] == -infinity;
      fixed_[s] = cannot_gain || cannot_lose;
      if (cannot_gain && cannot_lose)
        lambda[s] = conserved_[s];
      else if (cannot_gain)
        lambda[s] = infinity;
      else if (cannot_lose)
        lambda[s] = -infinity;
      solution.frozen += cannot_gain && cannot_lose;
      solution.empty += cannot_gain && !cannot_lose;
      solution.full += cannot_lose && !cannot_gain;
    }
    for (std::size_t c = 0; c < components_; ++c) {
      auto& members = members_[c];
      const double number =
          parallel_sum(members.size(), [&](std::size_t i) { return occupation_of(conserved_[members[i]]); });
      const double held = parallel_sum(
          members.size(), [&](std::size_t i) { return fixed(members[i]) ? occupation_of(lambda[members[i]]) : 0.0; });
      std::erase_if(members, [&](std::size_t s) { return fixed(s); });
      if (members.empty()) continue;
      free_number_[c] = number - held;
      if (!(free_number_[c] > 0.0 && free_number_[c] < static_cast<double>(members.size()))) {
        obstacle_ =
            "modes that can only gain or only lose particles would hold more or fewer than there are: the steady state "
            "then "
            "depends on how it is reached; use task relax";
        return false;
      }
    }
    return true;
  }

  /// Shifts the multipliers of the free modes so that every component has its number.
  void normalize(std::vector<double>& lambda) {
    for (std::size_t c = 0; c < components_; ++c) {
      const auto& members = members_[c];
      if (members.empty()) continue;
      const double shift = log_fugacity_at(multipliers(lambda, c), free_number_[c]);
      parallel_for(members.size(), [&](std::size_t i) { lambda[members[i]] -= shift; });
    }
  }

  /// R_s = lambda_s - log(loss_s / gain_s) + log z at `lambda`; 0 for fixed modes. Returns max |R| / (1 + max
  /// |lambda|), NaN if anything is.
  double evaluate(const std::vector<double>& lambda, const std::vector<double>& log_fugacity) {
    generator_.log_rates(lambda, log_gain_, log_loss_);
    residual_.resize(modes_);
    const double largest = parallel_maximum(modes_, 0.0, [&](std::size_t s) {
      residual_[s] = fixed(s) ? 0.0 : lambda[s] - (log_loss_[s] - log_gain_[s]) + log_fugacity[component(s)];
      return std::fabs(residual_[s]);
    });
    const double largest_lambda =
        parallel_maximum(modes_, 0.0, [&](std::size_t s) { return fixed(s) ? 0.0 : std::fabs(lambda[s]); });
    return largest / (1.0 + largest_lambda);
  }

  /// lambda = log(loss/gain) - log z from the rates of the last evaluate(), each component at its number.
  void fixed_point(std::vector<double>& lambda, std::vector<double>& log_fugacity) {
    parallel_for(modes_, [&](std::size_t s) {
      if (!fixed(s)) lambda[s] = log_loss_[s] - log_gain_[s];
    });
    for (std::size_t c = 0; c < components_; ++c) {
      const auto& members = members_[c];
      if (members.empty()) continue;
      const double shift = log_fugacity[c] = log_fugacity_at(multipliers(lambda, c), free_number_[c]);
      parallel_for(members.size(), [&](std::size_t i) { lambda[members[i]] -= shift; });
    }
  }

  /// Prepares multiply() at the point of the last evaluate().
  void linearize(const std::vector<double>& lambda) {
    std::fill(chi_.begin(), chi_.end(), 0.0);
    for (std::size_t c = 0; c < components_; ++c) {
      const auto& members = members_[c];
      parallel_for(members.size(), [&](std::size_t i) {
        const double x = std::exp(-std::fabs(lambda[members[i]]));
        chi_[members[i]] = x / ((1.0 + x) * (1.0 + x));
      });
      const double sum = parallel_sum(members.size(), [&](std::size_t i) { return chi_[members[i]]; });
      if (sum > 0.0) parallel_for(members.size(), [&](std::size_t i) { chi_[members[i]] /= sum; });
    }
  }

  /// (delta, tau) -> ((1 - M) delta + tau, chi . delta): the bordered Newton matrix, Eq. 18, one tau for each
  /// component.
  void multiply(std::span<const double> in, std::span<double> out) {
    generator_.log_balance_derivative(in.first(modes_), product_);
    if (components_ == 1) {
      out[modes_] = parallel_sum(modes_, [&](std::size_t s) {
        out[s] = fixed(s) ? in[s] : in[s] - product_[s] + in[modes_];
        return chi_[s] * in[s];
      });
      if (members_[0].empty()) out[modes_] = in[modes_];
      return;
    }
    parallel_for(modes_,
                 [&](std::size_t s) { out[s] = fixed(s) ? in[s] : in[s] - product_[s] + in[modes_ + component(s)]; });
    for (std::size_t c = 0; c < components_; ++c) {
      const auto& members = members_[c];
      out[modes_ + c] = members.empty() ? in[modes_ + c] : parallel_sum(members.size(), [&](std::size_t i) {
        return chi_[members[i]] * in[members[i]];
      });
    }
  }

 private:
  /// Multipliers of a component's free modes.
  std::span<const double> multipliers(const std::vector<double>& lambda, std::size_t c) {
    const auto& members = members_[c];
    if (members.size() == modes_) return lambda;
    gathered_.resize(members.size());
    parallel_for(members.size(), [&](std::size_t i) { gathered_[i] = lambda[members[i]]; });
    return gathered_;
  }

  Generator& generator_;
  std::size_t modes_, components_;
  const std::vector<std::int32_t>& component_;
  InitialState conserved_;
  std::vector<double> log_gain_, log_loss_, residual_, gathered_;
  std::vector<char> fixed_;
  std::vector<double> free_number_, chi_, product_;
  std::vector<std::vector<std::size_t>> members_;  ///< free modes of each component
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
        size_(balance.modes() + balance.components()),
        right_(make_vector(size_, context_)),
        solution_(make_vector(size_, context_)) {
    const int dimension = static_cast<int>(std::min<std::size_t>(krylov_dimension, size_));
    solver_.reset(SUNLinSol_SPGMR(right_.get(), SUN_PREC_NONE, dimension, context_));
    if (!solver_) throw std::bad_alloc();
    check_sundials(SUNLinSolSetATimes(solver_.get(), &balance, multiply_callback), "SUNLinSolSetATimes");
    check_sundials(SUNLinSol_SPGMRSetMaxRestarts(solver_.get(), 2), "SUNLinSol_SPGMRSetMaxRestarts");
    // Classical Gram-Schmidt takes all products with the new vector at once; it repeats itself where it must.
    check_sundials(SUNLinSol_SPGMRSetGSType(solver_.get(), SUN_CLASSICAL_GS), "SUNLinSol_SPGMRSetGSType");
    check_sundials(SUNLinSolInitialize(solver_.get()), "SUNLinSolInitialize");
  }

  /// Newton update (delta, tau) for the residual of the last evaluate(), to `accuracy` of its size.
  std::span<const double> solve(double accuracy) {
    auto right = values(right_.get());
    const auto& residual = balance_.residual();
    std::fill(right.begin() + static_cast<std::ptrdiff_t>(residual.size()), right.end(), 0.0);
    parallel_for(residual.size(), [&](std::size_t s) { right[s] = -residual[s]; });
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
  std::size_t size_;
  Sundials<N_Vector> right_, solution_;
  Sundials<SUNLinearSolver> solver_;
};

}  // namespace

struct MultiplierSystem::Implementation {
  Balance balance;
  bool solvable;
  std::vector<double> lambda, trial, log_fugacity, trial_fugacity;
  std::unique_ptr<NewtonSystem> system;
  std::span<const double> update;
  double size = infinity, trial_size = infinity;

  Implementation(Generator& generator, const Components& components, const InitialState& conserved,
                 std::vector<double> start, BalanceSolution& solution)
      : balance(generator, components, conserved),
        lambda(std::move(start)),
        trial(lambda.size()),
        log_fugacity(balance.components(), 0.0),
        trial_fugacity(balance.components()) {
    solvable = balance.classify(lambda, solution);
    if (!solvable) return;
    balance.normalize(lambda);
    system = std::make_unique<NewtonSystem>(balance);
    size = balance.evaluate(lambda, log_fugacity);
  }
};

MultiplierSystem::MultiplierSystem(Generator& generator, const Components& components, const InitialState& conserved,
                                   std::vector<double> start, BalanceSolution& solution)
    : implementation_(std::make_unique<Implementation>(generator, components, conserved, std::move(start), solution)) {}
MultiplierSystem::~MultiplierSystem() = default;

const std::string& MultiplierSystem::obstacle() const { return implementation_->balance.obstacle(); }
double MultiplierSystem::size() const { return implementation_->size; }

void MultiplierSystem::solve(double accuracy) {
  Implementation& self = *implementation_;
  self.balance.linearize(self.lambda);
  self.update = self.system->solve(accuracy);
}

double MultiplierSystem::try_step(double step) {
  Implementation& self = *implementation_;
  parallel_for(self.lambda.size(), [&](std::size_t s) {
    self.trial[s] = self.balance.fixed(s) ? self.lambda[s] : self.lambda[s] + step * self.update[s];
  });
  self.balance.normalize(self.trial);
  for (std::size_t c = 0; c < self.log_fugacity.size(); ++c)
    self.trial_fugacity[c] = self.log_fugacity[c] + step * self.update[self.lambda.size() + c];
  return self.trial_size = self.balance.evaluate(self.trial, self.trial_fugacity);
}

double MultiplierSystem::try_fixed_point() {
  Implementation& self = *implementation_;
  self.balance.evaluate(self.lambda, self.log_fugacity);
  self.trial = self.lambda;
  self.balance.fixed_point(self.trial, self.trial_fugacity);
  return self.trial_size = self.balance.evaluate(self.trial, self.trial_fugacity);
}

void MultiplierSystem::accept() {
  Implementation& self = *implementation_;
  self.lambda.swap(self.trial);
  self.log_fugacity.swap(self.trial_fugacity);
  self.size = self.trial_size;
}

void MultiplierSystem::read(BalanceSolution& solution) {
  Implementation& self = *implementation_;
  solution.lagrange_multiplier = std::move(self.lambda);
  solution.occupation.resize(solution.lagrange_multiplier.size());
  parallel_for(solution.occupation.size(),
               [&](std::size_t s) { solution.occupation[s] = occupation_of(solution.lagrange_multiplier[s]); });
  solution.log_fugacity = 0.0;
  for (const double t : self.log_fugacity)
    if (!(std::fabs(t) <= std::fabs(solution.log_fugacity))) solution.log_fugacity = t;
}

}  // namespace lindrift
