#include "lindrift/tgge/generator.hpp"

#include <string>
#include <utility>

#include "kernels/table.hpp"
#include "lindrift/communicator.hpp"
#include "lindrift/error.hpp"
#include "tgge/model.hpp"

namespace lindrift {

kernels::RateKernel::~RateKernel() = default;
kernels::MomentBalance::~MomentBalance() = default;
kernels::ExternalPairSum::~ExternalPairSum() = default;

namespace {

class KernelGenerator final : public Generator {
 public:
  KernelGenerator(kernels::RateTables tables, const Execution& execution)
      : modes_(static_cast<std::size_t>(tables.modes)) {
    if (execution.communicator != nullptr && execution.communicator->size() > 1)
      tables.communicator = execution.communicator;
    kernel_.reset(
        kernels::kernels_for(execution.backend)
            .make_rate_kernel(tables, execution.algorithm == Algorithm::direct, execution.threads, execution.device));
  }

  std::size_t modes() const noexcept override { return modes_; }

  void occupation_rate(std::span<const double> particles, std::span<const double> holes,
                       std::span<double> rate) override {
    check({particles.size(), holes.size(), rate.size()});
    kernel_->occupation_rate(particles.data(), holes.data(), rate.data());
  }
  void linearize(std::span<const double> particles, std::span<const double> holes,
                 std::span<double> relaxation_rate) override {
    check({particles.size(), holes.size(), relaxation_rate.size()});
    kernel_->linearize(particles.data(), holes.data(), relaxation_rate.data());
    linearized_ = true;
  }
  void occupation_rate_derivative(std::span<const double> direction, std::span<double> derivative) override {
    check({direction.size(), derivative.size()});
    if (!linearized_) throw Error("occupation_rate_derivative() needs a call of linearize() first");
    kernel_->occupation_rate_derivative(direction.data(), derivative.data());
  }
  void log_rates(std::span<const double> lagrange_multiplier, std::span<double> log_gain,
                 std::span<double> log_loss) override {
    check({lagrange_multiplier.size(), log_gain.size(), log_loss.size()});
    kernel_->log_rates(lagrange_multiplier.data(), log_gain.data(), log_loss.data());
    has_log_point_ = true;
  }
  void log_balance_derivative(std::span<const double> direction, std::span<double> derivative) override {
    check({direction.size(), derivative.size()});
    if (!has_log_point_) throw Error("log_balance_derivative() needs a call of log_rates() first");
    kernel_->log_balance_derivative(direction.data(), derivative.data());
  }
  void log_rate_derivatives(std::span<const double> direction, std::span<double> gain_decrease,
                            std::span<double> loss_increase) override {
    check({direction.size(), gain_decrease.size(), loss_increase.size()});
    if (!has_log_point_) throw Error("log_rate_derivatives() needs a call of log_rates() first");
    kernel_->log_rate_derivatives(direction.data(), gain_decrease.data(), loss_increase.data());
  }
  kernels::MomentBalance* moment_balance() override { return kernel_->moment_balance(); }

 private:
  void check(std::initializer_list<std::size_t> sizes) const {
    for (const std::size_t size : sizes)
      if (size != modes_)
        throw ShapeError("a vector over modes has length " + std::to_string(size) + "; it must be " +
                         std::to_string(modes_));
  }

  std::size_t modes_;
  std::unique_ptr<kernels::RateKernel> kernel_;
  bool linearized_ = false, has_log_point_ = false;
};

}  // namespace

std::unique_ptr<Generator> make_generator(const kernels::RateTables& tables, const Execution& execution) {
  return std::make_unique<KernelGenerator>(tables, execution);
}

}  // namespace lindrift
