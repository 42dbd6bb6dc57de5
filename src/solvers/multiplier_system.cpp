#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "engine/parallel.hpp"
#include "solvers/gmres.hpp"
#include "solvers/newton.hpp"
#include "solvers/occupation.hpp"

namespace lindrift {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Some of the modes: all of them, without a list, or those of a list.
class ModeSet {
 public:
  void set_all(std::size_t modes) { count_ = modes; }
  void add(std::size_t mode) {
    list_.push_back(mode);
    ++count_;
  }
  template <class Erased>
  void erase_if(const Erased& erased) {
    if (list_.empty()) {
      std::size_t first = 0;
      while (first < count_ && !erased(first)) ++first;
      if (first == count_) return;
      list_.resize(count_);
      std::iota(list_.begin(), list_.end(), std::size_t{0});
    }
    std::erase_if(list_, erased);
    count_ = list_.size();
  }
  bool empty() const { return count_ == 0; }
  std::size_t size() const { return count_; }
  std::size_t operator[](std::size_t i) const { return list_.empty() ? i : list_[i]; }

 private:
  std::vector<std::size_t> list_;  ///< empty: all modes
  std::size_t count_ = 0;
};

class MultiplierSystem final : public BalanceSystem {
 public:
  MultiplierSystem(Generator& generator, const Components& components, const InitialState& conserved,
                   std::vector<double> start, BalanceSolution& solution)
      : generator_(generator),
        modes_(generator.modes()),
        component_(components.of_mode),
        free_modes_(static_cast<std::size_t>(components.count)),
        free_number_(free_modes_.size()),
        lambda_(std::move(start)),
        trial_(modes_),
        log_fugacity_(free_modes_.size(), 0.0),
        trial_fugacity_(free_modes_.size()),
        log_gain_(modes_),
        log_loss_(modes_),
        fixed_(modes_, 0),
        chi_(modes_) {
    if (free_modes_.size() == 1)
      free_modes_[0].set_all(modes_);
    else
      for (std::size_t s = 0; s < modes_; ++s) free_modes_[component(s)].add(s);
    if (!classify(conserved, solution)) return;
    normalize(lambda_);
    set_up_linear_solver();
    size_ = evaluate(lambda_, log_fugacity_);
  }

  double size() const override { return size_; }

  void solve(double accuracy) override {
    linearize();
    auto right = values(right_.get());
    std::fill(right.begin() + static_cast<std::ptrdiff_t>(modes_), right.end(), 0.0);
    parallel_for(modes_, [&](std::size_t s) { right[s] = -residual_[s]; });
    const double size = std::sqrt(N_VDotProd(right_.get(), right_.get()));
    // A solution that misses the accuracy is still a direction worth trying; the caller tests the step.
    gmres_.solve(right_.get(), update_.get(), accuracy * size);
  }

  double try_step(double step) override {
    const auto update = values(update_.get());
    parallel_for(modes_, [&](std::size_t s) { trial_[s] = fixed_[s] ? lambda_[s] : lambda_[s] + step * update[s]; });
    normalize(trial_);
    for (std::size_t c = 0; c < free_modes_.size(); ++c)
      trial_fugacity_[c] = log_fugacity_[c] + step * update[modes_ + c];
    return trial_size_ = evaluate(trial_, trial_fugacity_);
  }

  double try_fixed_point() override {
    evaluate(lambda_, log_fugacity_);
    trial_ = lambda_;
    parallel_for(modes_, [&](std::size_t s) {
      if (!fixed_[s]) trial_[s] = 0.5 * (lambda_[s] + (log_loss_[s] - log_gain_[s]));
    });
    normalize(trial_, &trial_fugacity_);
    // Half a step gives half of log z.
    for (double& log_fugacity : trial_fugacity_) log_fugacity *= 2.0;
    return trial_size_ = evaluate(trial_, trial_fugacity_);
  }

  void accept() override {
    lambda_.swap(trial_);
    log_fugacity_.swap(trial_fugacity_);
    size_ = trial_size_;
  }

  void read(BalanceSolution& solution) override {
    solution.lagrange_multiplier = std::move(lambda_);
    solution.occupation.resize(modes_);
    parallel_for(modes_,
                 [&](std::size_t s) { solution.occupation[s] = occupation_of(solution.lagrange_multiplier[s]); });
    solution.log_fugacity = 0.0;
    for (const double t : log_fugacity_)
      if (!(std::fabs(t) <= std::fabs(solution.log_fugacity))) solution.log_fugacity = t;
  }

 private:
  std::size_t component(std::size_t s) const {
    return component_.empty() ? 0 : static_cast<std::size_t>(component_[s]);
  }

  /// Finds the fixed modes from the rates at lambda_, sets their multipliers and counts them in `solution`.
  /// @return false if the fixed modes leave the others an impossible number of particles; solution.message says so
  bool classify(const InitialState& conserved, BalanceSolution& solution) {
    generator_.log_rates(lambda_, log_gain_, log_loss_);
    for (std::size_t s = 0; s < modes_; ++s) {
      const bool cannot_gain = log_gain_[s] == -infinity, cannot_lose = log_loss_[s] == -infinity;
      fixed_[s] = cannot_gain || cannot_lose;
      if (fixed_[s]) lambda_[s] = cannot_gain && cannot_lose ? conserved[s] : cannot_gain ? infinity : -infinity;
      solution.frozen += cannot_gain && cannot_lose;
      solution.empty += cannot_gain && !cannot_lose;
      solution.full += cannot_lose && !cannot_gain;
    }
    for (std::size_t c = 0; c < free_modes_.size(); ++c) {
      auto& members = free_modes_[c];  // includes the fixed modes until they are erased below
      const double number =
          parallel_sum(members.size(), [&](std::size_t i) { return occupation_of(conserved[members[i]]); });
      const double held = parallel_sum(
          members.size(), [&](std::size_t i) { return fixed_[members[i]] ? occupation_of(lambda_[members[i]]) : 0.0; });
      members.erase_if([&](std::size_t s) { return fixed_[s] != 0; });
      free_number_[c] = number - held;
      if (!members.empty() && !(free_number_[c] > 0.0 && free_number_[c] < static_cast<double>(members.size()))) {
        solution.message =
            "modes that can only gain or only lose particles would hold more or fewer than there are: the steady state "
            "then depends on how it is reached; use task relax";
        return false;
      }
    }
    return true;
  }

  void set_up_linear_solver() {
    const std::size_t unknowns = modes_ + free_modes_.size();
    right_ = make_vector(unknowns, context_);
    update_ = make_vector(unknowns, context_);
    gmres_.set_up(right_.get(), context_, 2,
                  [this](std::span<const double> in, std::span<double> out) { multiply(in, out); });
  }

  /// Shifts the multipliers of the free modes so that every component holds its number of particles.
  /// @param shifts  if not null, receives the shift of each component
  void normalize(std::vector<double>& lambda, std::vector<double>* shifts = nullptr) {
    for (std::size_t c = 0; c < free_modes_.size(); ++c) {
      const auto& members = free_modes_[c];
      if (members.empty()) continue;
      const double shift = log_fugacity_at(multipliers(lambda, members), free_number_[c]);
      if (shifts != nullptr) (*shifts)[c] = shift;
      parallel_for(members.size(), [&](std::size_t i) { lambda[members[i]] -= shift; });
    }
  }

  std::span<const double> multipliers(const std::vector<double>& lambda, const ModeSet& members) {
    if (members.size() == modes_) return lambda;
    gathered_.resize(members.size());
    parallel_for(members.size(), [&](std::size_t i) { gathered_[i] = lambda[members[i]]; });
    return gathered_;
  }

  /// R_s = lambda_s - log(loss_s / gain_s) + log z at `lambda`; 0 for fixed modes. Returns max |R| / (1 + max
  /// |lambda|), or NaN if any value is NaN.
  double evaluate(const std::vector<double>& lambda, const std::vector<double>& log_fugacity) {
    generator_.log_rates(lambda, log_gain_, log_loss_);
    residual_.resize(modes_);
    const double largest = parallel_maximum(modes_, 0.0, [&](std::size_t s) {
      residual_[s] = fixed_[s] ? 0.0 : lambda[s] - (log_loss_[s] - log_gain_[s]) + log_fugacity[component(s)];
      return std::fabs(residual_[s]);
    });
    const double largest_lambda =
        parallel_maximum(modes_, 0.0, [&](std::size_t s) { return fixed_[s] ? 0.0 : std::fabs(lambda[s]); });
    return largest / (1.0 + largest_lambda);
  }

  /// Prepares multiply() at lambda_, the point of the last evaluate().
  void linearize() {
    std::fill(chi_.begin(), chi_.end(), 0.0);
    for (const auto& members : free_modes_) {
      parallel_for(members.size(), [&](std::size_t i) {
        const double x = std::exp(-std::fabs(lambda_[members[i]]));
        chi_[members[i]] = x / ((1.0 + x) * (1.0 + x));
      });
      const double sum = parallel_sum(members.size(), [&](std::size_t i) { return chi_[members[i]]; });
      if (sum > 0.0) parallel_for(members.size(), [&](std::size_t i) { chi_[members[i]] /= sum; });
    }
  }

  /// (delta, tau) -> ((1 - M) delta + tau, chi . delta): the bordered Newton matrix of Eq. 18, with one tau per
  /// component.
  void multiply(std::span<const double> in, std::span<double> out) {
    const auto product = out.first(modes_);
    generator_.log_balance_derivative(in.first(modes_), product);
    if (free_modes_.size() == 1) {  // a single pass over the modes
      out[modes_] = parallel_sum(modes_, [&](std::size_t s) {
        out[s] = fixed_[s] ? in[s] : in[s] - product[s] + in[modes_];
        return chi_[s] * in[s];
      });
      if (free_modes_[0].empty()) out[modes_] = in[modes_];
      return;
    }
    parallel_for(modes_,
                 [&](std::size_t s) { out[s] = fixed_[s] ? in[s] : in[s] - product[s] + in[modes_ + component(s)]; });
    for (std::size_t c = 0; c < free_modes_.size(); ++c) {
      const auto& members = free_modes_[c];
      out[modes_ + c] = members.empty() ? in[modes_ + c] : parallel_sum(members.size(), [&](std::size_t i) {
        return chi_[members[i]] * in[members[i]];
      });
    }
  }

  Generator& generator_;
  std::size_t modes_;
  const std::vector<std::int32_t>& component_;
  std::vector<ModeSet> free_modes_;  ///< of each component
  std::vector<double> free_number_;
  std::vector<double> lambda_, trial_, log_fugacity_, trial_fugacity_;
  double size_ = infinity, trial_size_ = infinity;
  std::vector<double> log_gain_, log_loss_, residual_, gathered_;
  std::vector<char> fixed_;
  std::vector<double> chi_;
  SundialsContext context_;
  Sundials<N_Vector> right_, update_;
  Gmres gmres_;
};

}  // namespace

std::unique_ptr<BalanceSystem> make_multiplier_system(Generator& generator, const Components& components,
                                                      const InitialState& conserved, std::vector<double> start,
                                                      BalanceSolution& solution) {
  return std::make_unique<MultiplierSystem>(generator, components, conserved, std::move(start), solution);
}

}  // namespace lindrift
