#pragma once

#include <cmath>

#include "kernels/tgge/pair_rate.hpp"
#include "kernels/tgge/rate_kernel.hpp"

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

/// RateKernel for one engine, algorithm and kind of weight: which functor meets which verb, and where the arrays live.
template <class Engine, bool Direct>
class RateKernelOf final : public RateKernel {
 public:
  RateKernelOf(const FactorisedRateTables& tables, int threads, int device)
      : engine_(threads, device), tables_(tables), size_(tables.modes) {
    energy_ = own(energy_buffer_, tables.energy);
    weight_ = {own(in_buffer_, tables.in), own(out_buffer_, tables.out)};
    thermal_in_ = thermal_in_buffer_.resize(size_);
    thermal_out_ = thermal_out_buffer_.resize(size_);
    engine_.map(size_, Boltzmann{0.5 * tables.inverse_temperature, energy_, thermal_in_, thermal_out_});
  }

  void occupation_rate(const double* particles, const double* holes, double* rate) override {
    const double* n = engine_.upload(particles, size_, particles_buffer_);
    const double* h = engine_.upload(holes, size_, holes_buffer_);
    double* target = engine_.target(rate, size_, result_buffer_);
    sum(BareSource{thermal_out_, thermal_in_, n, h}, OccupationRate{bare_rows(), tables_.scale, n, h, target});
    engine_.download(rate, size_, result_buffer_);
  }

  void linearize(const double* particles, const double* holes, double* relaxation_rate) override {
    n_ = own(linear_particles_buffer_, particles);
    h_ = own(linear_holes_buffer_, holes);
    double* target = relaxation_buffer_.resize(size_);
    sum(BareSource{thermal_out_, thermal_in_, n_, h_}, RelaxationRate{bare_rows(), tables_.scale, target});
    engine_.copy_out(relaxation_rate, size_, relaxation_buffer_);
  }

  void occupation_rate_derivative(const double* direction, double* derivative) override {
    const double* v = engine_.upload(direction, size_, particles_buffer_);
    double* target = engine_.target(derivative, size_, result_buffer_);
    sum(BareSource{thermal_out_, thermal_in_, v, v},
        OccupationRateDerivative{bare_rows(), tables_.scale, n_, h_, relaxation_buffer_.data(), v, target});
    engine_.download(derivative, size_, result_buffer_);
  }

  void log_rates(const double* lagrange_multiplier, double* log_gain, double* log_loss) override {
    const double* lambda = engine_.upload(lagrange_multiplier, size_, particles_buffer_);
    const double half_beta = 0.5 * tables_.inverse_temperature;
    const auto largest = engine_.reduce(size_, ExponentTerm{half_beta, energy_, lambda});
    Buffer* const dressed[] = {&thermal_particle_, &particle_, &thermal_hole_, &hole_,      &thermal_gain_, &gain_,
                               &thermal_loss_,     &loss_,     &gain_scale_,   &loss_scale_};
    for (Buffer* buffer : dressed) buffer->resize(size_);
    engine_.map(size_, Dress{half_beta, std::log(tables_.thermal_weight), std::log(tables_.nonequilibrium_weight),
                             tables_.over_sites, largest, energy_, lambda, thermal_particle_.data(), particle_.data(),
                             thermal_hole_.data(), hole_.data(), thermal_gain_.data(), gain_.data(),
                             thermal_loss_.data(), loss_.data(), gain_scale_.data(), loss_scale_.data()});
    double* log_gain_target = engine_.target(log_gain, size_, result_buffer_);
    double* log_loss_target = engine_.target(log_loss, size_, second_result_buffer_);
    sum(dressed_source(), LogRates{thermal_gain_.data(), gain_.data(), thermal_loss_.data(), loss_.data(),
                                   gain_scale_.data(), loss_scale_.data(), log_gain_target, log_loss_target});
    engine_.download(log_gain, size_, result_buffer_);
    engine_.download(log_loss, size_, second_result_buffer_);
  }

  void log_balance_derivative(const double* direction, double* derivative) override {
    const double* v = engine_.upload(direction, size_, particles_buffer_);
    double* target = engine_.target(derivative, size_, result_buffer_);
    sum(DressedVariation{dressed_source(), v},
        LogBalanceDerivative{{thermal_gain_.data(), gain_.data(), thermal_loss_.data(), loss_.data()}, target});
    engine_.download(derivative, size_, result_buffer_);
  }

 private:
  using Buffer = typename Engine::Buffer;

  /// The sum over all partners of every mode, handed to `finish` row by row: the one place where the algorithms differ.
  template <class Source, class Finish>
  void sum(const Source& source, const Finish& finish) {
    if constexpr (Direct) {
      engine_.pair_sum(PairRate<FactorisedWeight, Source, Finish>{size_, weight_, source, finish});
    } else {
      const auto moments = engine_.reduce(size_, MomentTerm<FactorisedWeight, Source>{weight_, source});
      engine_.map(size_, FromMoments<FactorisedWeight, Finish>{weight_, moments, finish});
    }
  }

  BareRows bare_rows() const {
    return {thermal_out_, thermal_in_, tables_.over_sites * tables_.thermal_weight,
            tables_.over_sites * tables_.nonequilibrium_weight};
  }
  DressedSource dressed_source() const {
    return {thermal_particle_.data(), particle_.data(), thermal_hole_.data(), hole_.data()};
  }
  const double* own(Buffer& buffer, const double* host) {
    engine_.copy_in(host, size_, buffer);
    return buffer.data();
  }

  Engine engine_;
  FactorisedRateTables tables_;  ///< its pointers are not used after construction
  Index size_;
  FactorisedWeight weight_{};
  const double *energy_ = nullptr, *n_ = nullptr, *h_ = nullptr;
  double *thermal_in_ = nullptr, *thermal_out_ = nullptr;
  Buffer energy_buffer_, in_buffer_, out_buffer_, thermal_in_buffer_, thermal_out_buffer_;
  Buffer particles_buffer_, holes_buffer_, result_buffer_, second_result_buffer_;
  Buffer linear_particles_buffer_, linear_holes_buffer_, relaxation_buffer_;
  Buffer thermal_particle_, particle_, thermal_hole_, hole_;
  Buffer thermal_gain_, gain_, thermal_loss_, loss_, gain_scale_, loss_scale_;
};

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
