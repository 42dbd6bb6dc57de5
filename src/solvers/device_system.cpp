#include "engine/parallel.hpp"
#include "engine/threads.hpp"
#include "solvers/newton.hpp"
#include "solvers/occupation.hpp"

namespace lindrift {

namespace {

class DeviceSystem final : public BalanceSystem {
 public:
  DeviceSystem(kernels::MultiplierBalance& balance, std::size_t modes) : balance_(balance), modes_(modes) {}

  double size() const override { return balance_.size(); }
  void solve(double accuracy) override {
    balance_.solve(accuracy, [] { Calculation::look_up(); });
  }
  double try_step(double step) override { return balance_.try_step(step); }
  double try_fixed_point() override { return balance_.try_fixed_point(); }
  void accept() override { balance_.accept(); }
  void read(BalanceSolution& solution) override {
    solution.lagrange_multiplier.resize(modes_);
    solution.log_fugacity = balance_.read(solution.lagrange_multiplier.data());
    solution.occupation.resize(modes_);
    parallel_for(modes_,
                 [&](std::size_t s) { solution.occupation[s] = occupation_of(solution.lagrange_multiplier[s]); });
  }

 private:
  kernels::MultiplierBalance& balance_;
  std::size_t modes_;
};

}  // namespace

std::unique_ptr<BalanceSystem> make_device_system(kernels::MultiplierBalance& balance, std::size_t modes) {
  return std::make_unique<DeviceSystem>(balance, modes);
}

}  // namespace lindrift
