#include "models/generator.hpp"

#include <optional>
#include <string>
#include <utility>

#include "lindrift/communicator.hpp"
#include "lindrift/error.hpp"

namespace lindrift {

kernels::RateKernel::~RateKernel() = default;
kernels::MomentBalance::~MomentBalance() = default;
kernels::ExternalPairSum::~ExternalPairSum() = default;

namespace {

void check_length(const char* what, std::size_t size, std::size_t wanted) {
  if (size != wanted)
    throw ShapeError(std::string("a vector over ") + what + " has length " + std::to_string(size) + "; it must be " +
                     std::to_string(wanted));
}

class KernelMomentBalance final : public MomentBalance {
 public:
  KernelMomentBalance(std::size_t modes, kernels::MomentBalance& kernel)
      : modes_(modes), moments_(static_cast<std::size_t>(kernel.moments())), kernel_(kernel) {}

  std::size_t moments() const noexcept override { return moments_; }
  void set_thermal() override { kernel_.set_thermal(); }
  void moments_of(std::span<const double> lagrange_multiplier, std::span<double> log_moment) override {
    check_length("modes", lagrange_multiplier.size(), modes_);
    check_length("moments", log_moment.size(), moments_);
    kernel_.moments_of(lagrange_multiplier.data(), log_moment.data());
  }
  void set_log_moments(std::span<const double> log_moment) override {
    check_length("moments", log_moment.size(), moments_);
    kernel_.set_log_moments(log_moment.data());
  }
  Filling filling(double log_fugacity) override { return of(kernel_.filling(log_fugacity)); }
  Filling response(double log_fugacity, std::span<double> log_moment, std::span<double> derivative) override {
    check_length("moments", log_moment.size(), moments_);
    check_length("pairs of moments", derivative.size(), (moments_ + 1) * (moments_ + 1));
    return of(kernel_.response(log_fugacity, log_moment.data(), derivative.data()));
  }
  void state(double log_fugacity, std::span<double> lagrange_multiplier, std::span<double> occupation) override {
    check_length("modes", lagrange_multiplier.size(), modes_);
    check_length("modes", occupation.size(), modes_);
    kernel_.state(log_fugacity, lagrange_multiplier.data(), occupation.data());
  }
  double residual(std::span<const double> lagrange_multiplier) override {
    check_length("modes", lagrange_multiplier.size(), modes_);
    return kernel_.residual(lagrange_multiplier.data());
  }

 private:
  static Filling of(const kernels::MomentBalance::Filling& f) {
    return {f.particles, f.holes, f.others, f.particle_slope, f.hole_slope, f.max_multiplier};
  }

  std::size_t modes_, moments_;
  kernels::MomentBalance& kernel_;
};

kernels::RateKernel* make_kernel(const kernels::RateTables& tables, const Execution& execution) {
  const bool direct = execution.algorithm == Algorithm::direct;
#ifdef LINDRIFT_HAVE_CUDA
  if (execution.backend == Backend::cuda)
    return kernels::cuda_device::make_rate_kernel(tables, direct, execution.threads, execution.device);
#endif
#ifdef LINDRIFT_SIMD_VARIANTS
  if (simd_level() == "x86-64-v4")
    return kernels::v4::make_rate_kernel(tables, direct, execution.threads, execution.device);
  if (simd_level() == "x86-64-v3")
    return kernels::v3::make_rate_kernel(tables, direct, execution.threads, execution.device);
#endif
  return kernels::baseline::make_rate_kernel(tables, direct, execution.threads, execution.device);
}

class KernelGenerator final : public Generator {
 public:
  KernelGenerator(kernels::RateTables tables, const Execution& execution)
      : modes_(static_cast<std::size_t>(tables.modes)) {
    if (execution.communicator != nullptr && execution.communicator->size() > 1)
      tables.communicator = execution.communicator;
    kernel_.reset(make_kernel(tables, execution));
    if (kernels::MomentBalance* balance = kernel_->moment_balance()) moment_balance_.emplace(modes_, *balance);
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
  MomentBalance* moment_balance() override { return moment_balance_ ? &*moment_balance_ : nullptr; }

 private:
  void check(std::initializer_list<std::size_t> sizes) const {
    for (const std::size_t size : sizes) check_length("modes", size, modes_);
  }

  std::size_t modes_;
  std::unique_ptr<kernels::RateKernel> kernel_;
  std::optional<KernelMomentBalance> moment_balance_;
  bool linearized_ = false, has_log_point_ = false;
};

}  // namespace

std::unique_ptr<Generator> make_generator(const kernels::RateTables& tables, const Execution& execution) {
  return std::make_unique<KernelGenerator>(tables, execution);
}

}  // namespace lindrift
