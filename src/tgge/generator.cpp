#include "lindrift/tgge/generator.hpp"

#include <functional>
#include <string>
#include <utility>

#include "engine/device_memory.hpp"
#include "engine/threads.hpp"
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
  KernelGenerator(kernels::RateTables tables, const Execution& execution, std::function<Reordering()> reorder)
      : modes_(static_cast<std::size_t>(tables.modes)), reorder_(std::move(reorder)) {
    if (execution.communicator != nullptr && execution.communicator->size() > 1)
      tables.communicator = execution.communicator;
    kernel_.reset(kernels::kernels_for(execution.backend)
                      .make_rate_kernel(tables, execution.algorithm == Algorithm::direct, threads_of(execution),
                                        execution.device));
  }

  std::size_t modes() const noexcept override { return modes_; }

  void occupation_rate(std::span<const double> particles, std::span<const double> holes,
                       std::span<double> rate) override {
    check({particles.size(), holes.size(), rate.size()});
    kernel_->occupation_rate(particles.data(), holes.data(), rate.data());
  }
  void relaxation_rate(std::span<const double> particles, std::span<const double> holes,
                       std::span<double> rate) override {
    check({particles.size(), holes.size(), rate.size()});
    kernel_->relaxation_rate(particles.data(), holes.data(), rate.data());
  }
  void transition_sums(std::span<const double> particles, std::span<const double> holes, std::span<double> gain,
                       std::span<double> loss) override {
    check({particles.size(), holes.size(), gain.size(), loss.size()});
    kernel_->transition_sums(particles.data(), holes.data(), gain.data(), loss.data());
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
  void relative_transition_sums(std::span<const double> particle_factor, std::span<const double> hole_factor,
                                std::span<double> gain, std::span<double> loss) override {
    check({particle_factor.size(), hole_factor.size(), gain.size(), loss.size()});
    if (!has_log_point_) throw Error("relative_transition_sums() needs a call of log_rates() first");
    kernel_->relative_transition_sums(particle_factor.data(), hole_factor.data(), gain.data(), loss.data());
  }
  Reordered reordered() override {
    if (!reorder_) return {*this, {}};
    if (!reordering_.generator) reordering_ = reorder_();
    return {*reordering_.generator, reordering_.mode};
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
  std::function<Reordering()> reorder_;
  Reordering reordering_;
  bool has_log_point_ = false;
};

}  // namespace

double generator_device_bytes(const kernels::RateTables& tables, const Execution& execution) {
  const double bytes = device_bytes([&](const kernels::DeviceKernels& kernels) {
    const std::unique_ptr<kernels::RateKernel> kernel(
        kernels.make_rate_kernel(tables, execution.algorithm == Algorithm::direct, 0, execution.device));
    kernel->occupation_rate(nullptr, nullptr, nullptr);
    kernel->relaxation_rate(nullptr, nullptr, nullptr);
    kernel->log_rates(nullptr, nullptr, nullptr);
    kernel->log_rate_derivatives(nullptr, nullptr, nullptr);
  });
  require_device_memory(bytes, execution);
  return bytes;
}

std::unique_ptr<Generator> make_generator(const kernels::RateTables& tables, const Execution& execution,
                                          std::function<Reordering()> reorder) {
  if (execution.backend == Backend::cuda) generator_device_bytes(tables, execution);  // throws if it is too much
  return std::make_unique<KernelGenerator>(tables, execution, std::move(reorder));
}

}  // namespace lindrift
