#pragma once

#include "kernels/hatsugai_kohmoto/propagator.hpp"

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace hatsugai_kohmoto {

/// PropagatorDevice on an engine that has memory of its own.
/// @tparam Transform  backward(rows, count) on the engine's memory: kernels/cuda/fourier.hpp
template <class Engine, class Transform>
class DeviceOf final : public PropagatorDevice {
 public:
  DeviceOf(const PropagatorTables& tables, int device)
      : engine_(1, device, nullptr), tables_(tables), transform_(tables.sites) {
    const Index padded =
        (tables.sites + PropagatorTables::padding - 1) / PropagatorTables::padding * PropagatorTables::padding;
    const auto own = [&](const double*& array, int which) {
      engine_.copy_in(array, padded, arrays_[which]);
      array = arrays_[which].data();
    };
    own(tables_.growth, 0);
    own(tables_.rotation, 1);
    own(tables_.splitting_re, 2);
    own(tables_.splitting_im, 3);
    own(tables_.weight_re, 4);
    own(tables_.weight_im, 5);
  }

  void propagate(const double* times, const double* factor, Index count, double* momentum_rows, double* green,
                 double* sums) override {
    const Index sites = tables_.sites, elements = count * sites;
    engine_.copy_in(times, count, times_);
    double* rows = rows_.resize(2 * elements);
    engine_.map(elements, PropagatorRows{tables_, times_.data(), rows});
    if (momentum_rows) engine_.copy_out(momentum_rows, 2 * elements, rows_);
    transform_.backward(rows, count);
    for (Index t = 0; t < count; ++t) {
      const auto sum = engine_.reduce(sites, ProfileTerm{rows + 2 * t * sites, sites});
      sums[t] = sum.norm;
      sums[count + t] = sum.moment;
    }
    engine_.map(count, AntipodeRows{rows, antipode_.resize(count), sites});
    engine_.copy_out(sums + 2 * count, count, antipode_);
    if (!green) return;
    engine_.copy_in(factor, count, factor_);
    double* target = green_.resize(2 * elements);
    engine_.map(elements, GreenRows{rows, target, factor_.data(), sites});
    engine_.copy_out(green, 2 * elements, green_);
  }

 private:
  using Buffer = typename Engine::Buffer;

  Engine engine_;
  PropagatorTables tables_;
  Transform transform_;
  Buffer arrays_[6], times_, rows_, factor_, green_, antipode_;
};

/// Evaluates Spectral for all momenta and frequencies on an engine.
template <class Engine>
void spectral_on(Engine& engine, SpectralTables tables, const double* frequency, double* spectral_function,
                 double* self_energy, double* green) {
  typename Engine::Buffer arrays[5], frequencies, results[3];
  const auto own = [&](const double*& array, int which) {
    array = engine.upload(array, tables.momenta, arrays[which]);
  };
  own(tables.energy, 0);
  own(tables.up_rate, 1);
  own(tables.down_rate, 2);
  own(tables.particles, 3);
  own(tables.holes, 4);
  const Index elements = tables.momenta * tables.frequencies;
  engine.map(elements, Spectral{tables, engine.upload(frequency, tables.frequencies, frequencies),
                                engine.target(spectral_function, elements, results[0]),
                                engine.target(self_energy, 2 * elements, results[1]),
                                engine.target(green, 2 * elements, results[2])});
  engine.download(spectral_function, elements, results[0]);
  engine.download(self_energy, 2 * elements, results[1]);
  engine.download(green, 2 * elements, results[2]);
}

}  // namespace hatsugai_kohmoto
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
