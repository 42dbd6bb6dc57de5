#include "kernels/tgge/moment_newton.hpp"
#include "solvers/adjoint_system.hpp"
#include "solvers/newton.hpp"

namespace lindrift {

void solve_dense(std::vector<double> matrix, std::vector<double>& right) {
  kernels::solve_dense(matrix.data(), right.data(), static_cast<int>(right.size()));
}

namespace {

/// Of the balances that there are.
constexpr int most_moments = 6;

class MomentSystem final : public BalanceSystem {
 public:
  MomentSystem(kernels::MomentBalance& balance, std::size_t modes, double number, std::span<const double> start)
      : modes_(modes), newton_(balance, static_cast<double>(modes), number, start.empty() ? nullptr : start.data()) {}

  double size() const override { return newton_.size(); }
  void solve(double accuracy) override { newton_.solve(accuracy); }
  double try_step(double step) override { return newton_.try_step(step); }
  double try_fixed_point() override { return newton_.try_fixed_point(); }
  void accept() override { newton_.accept(); }
  void read(BalanceSolution& solution) override {
    solution.lagrange_multiplier.resize(modes_);
    solution.occupation.resize(modes_);
    solution.log_fugacity = newton_.finish(solution.lagrange_multiplier.data(), solution.occupation.data());
  }

 private:
  std::size_t modes_;
  kernels::tgge::MomentNewton<kernels::MomentBalance, most_moments> newton_;
};

}  // namespace

std::unique_ptr<BalanceSystem> make_moment_system(kernels::MomentBalance& balance, std::size_t modes, double number,
                                                  std::span<const double> start) {
  return std::make_unique<MomentSystem>(balance, modes, number, start);
}

}  // namespace lindrift
