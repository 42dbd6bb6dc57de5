#include "lindrift/tgge/generator.hpp"

#include <array>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/device_memory.hpp"
#include "engine/device_thresholds.hpp"
#include "engine/parallel.hpp"
#include "engine/threads.hpp"
#include "kernels/table.hpp"
#include "lindrift/communicator.hpp"
#include "lindrift/error.hpp"
#include "tgge/model.hpp"

namespace lindrift {

kernels::RateKernel::~RateKernel() = default;
kernels::MomentBalance::~MomentBalance() = default;
kernels::MultiplierBalance::~MultiplierBalance() = default;
kernels::ExternalPairSum::~ExternalPairSum() = default;

namespace {

void require_length(std::size_t length, std::size_t modes) {
  if (length != modes)
    throw ShapeError("a vector over modes has length " + std::to_string(length) + "; it must be " +
                     std::to_string(modes));
}

bool newton_on_device(std::size_t modes, kernels::RateKernel& kernel) {
  return static_cast<double>(modes) >= device_thresholds().newton_modes && kernel.moment_balance() == nullptr;
}

class KernelGenerator final : public Generator {
 public:
  /// @param newton_bytes  what Newton's method adds in the memory of a device
  KernelGenerator(kernels::RateTables tables, const Execution& execution, double newton_bytes)
      : modes_(static_cast<std::size_t>(tables.modes)), execution_(execution), newton_bytes_(newton_bytes) {
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
  kernels::MomentBalance* moment_balance() override { return kernel_->moment_balance(); }
  kernels::MultiplierBalance* multiplier_balance() override {
    if (!newton_on_device(modes_, *kernel_)) return nullptr;
    if (newton_bytes_ > 0.0) require_device_memory(std::exchange(newton_bytes_, 0.0), execution_);
    return kernel_->multiplier_balance();
  }

 private:
  void check(std::initializer_list<std::size_t> sizes) const {
    for (const std::size_t size : sizes) require_length(size, modes_);
  }

  std::size_t modes_;
  Execution execution_;
  double newton_bytes_;
  std::unique_ptr<kernels::RateKernel> kernel_;
  bool has_log_point_ = false;
};

/// A generator whose kernel has the modes in another order. Vectors are put into that order and back in every call.
class OrderedGenerator final : public Generator {
 public:
  OrderedGenerator(std::unique_ptr<Generator> ordered, std::vector<std::size_t> mode)
      : ordered_(std::move(ordered)), mode_(std::move(mode)) {}

  std::size_t modes() const noexcept override { return mode_.size(); }

  void occupation_rate(std::span<const double> particles, std::span<const double> holes,
                       std::span<double> rate) override {
    call([&](auto n, auto h, auto result) { ordered_->occupation_rate(n, h, result); }, {particles, holes}, {rate});
  }
  void relaxation_rate(std::span<const double> particles, std::span<const double> holes,
                       std::span<double> rate) override {
    call([&](auto n, auto h, auto result) { ordered_->relaxation_rate(n, h, result); }, {particles, holes}, {rate});
  }
  void transition_sums(std::span<const double> particles, std::span<const double> holes, std::span<double> gain,
                       std::span<double> loss) override {
    call([&](auto n, auto h, auto in, auto out) { ordered_->transition_sums(n, h, in, out); }, {particles, holes},
         {gain, loss});
  }
  void log_rates(std::span<const double> lagrange_multiplier, std::span<double> log_gain,
                 std::span<double> log_loss) override {
    call([&](auto lambda, auto in, auto out) { ordered_->log_rates(lambda, in, out); }, {lagrange_multiplier},
         {log_gain, log_loss});
  }
  void log_balance_derivative(std::span<const double> direction, std::span<double> derivative) override {
    call([&](auto v, auto result) { ordered_->log_balance_derivative(v, result); }, {direction}, {derivative});
  }
  void log_rate_derivatives(std::span<const double> direction, std::span<double> gain_decrease,
                            std::span<double> loss_increase) override {
    call([&](auto v, auto in, auto out) { ordered_->log_rate_derivatives(v, in, out); }, {direction},
         {gain_decrease, loss_increase});
  }
  void relative_transition_sums(std::span<const double> particle_factor, std::span<const double> hole_factor,
                                std::span<double> gain, std::span<double> loss) override {
    call([&](auto x, auto y, auto in, auto out) { ordered_->relative_transition_sums(x, y, in, out); },
         {particle_factor, hole_factor}, {gain, loss});
  }
  Reordered reordered() override { return {*ordered_, mode_}; }

 private:
  template <class Function, std::size_t Inputs, std::size_t Results>
  void call(const Function& function, const std::span<const double> (&inputs)[Inputs],
            const std::span<double> (&results)[Results]) {
    std::array<std::vector<double>, Inputs> in;
    std::array<std::vector<double>, Results> out;
    for (std::size_t i = 0; i < Inputs; ++i) {
      require_length(inputs[i].size(), modes());
      in[i].resize(modes());
      parallel_for(modes(), [&](std::size_t s) { in[i][s] = inputs[i][mode_[s]]; });
    }
    for (std::size_t i = 0; i < Results; ++i) {
      require_length(results[i].size(), modes());
      out[i].resize(modes());
    }
    std::apply(
        [&](auto&... input) {
          std::apply([&](auto&... result) { function(std::span(input)..., std::span(result)...); }, out);
        },
        in);
    for (std::size_t i = 0; i < Results; ++i)
      parallel_for(modes(), [&](std::size_t s) { results[i][mode_[s]] = out[i][s]; });
  }

  std::unique_ptr<Generator> ordered_;
  std::vector<std::size_t> mode_;
};

}  // namespace

double generator_device_bytes(const kernels::RateTables& tables, const Execution& execution, bool newton) {
  return device_bytes([&](const kernels::DeviceKernels& kernels) {
    const std::unique_ptr<kernels::RateKernel> kernel(
        kernels.make_rate_kernel(tables, execution.algorithm == Algorithm::direct, 0, execution.device));
    kernel->occupation_rate(nullptr, nullptr, nullptr);
    kernel->relaxation_rate(nullptr, nullptr, nullptr);
    kernel->log_rates(nullptr, nullptr, nullptr);
    kernel->log_rate_derivatives(nullptr, nullptr, nullptr);
    if (newton && newton_on_device(static_cast<std::size_t>(tables.modes), *kernel))
      kernel->multiplier_balance()->begin(nullptr, 1.0);
  });
}

std::unique_ptr<Generator> make_generator(const kernels::RateTables& tables, const Execution& execution) {
  double newton_bytes = 0.0;
  if (is_device(execution.backend)) {
    const double bytes = generator_device_bytes(tables, execution, false);
    require_device_memory(bytes, execution);
    newton_bytes = generator_device_bytes(tables, execution, true) - bytes;
  }
  return std::make_unique<KernelGenerator>(tables, execution, newton_bytes);
}

std::unique_ptr<Generator> in_other_order(std::unique_ptr<Generator> ordered, std::vector<std::size_t> mode) {
  return std::make_unique<OrderedGenerator>(std::move(ordered), std::move(mode));
}

}  // namespace lindrift
