#pragma once

#include "kernels/tgge/source_mode.hpp"

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

/// Thermal moments of the source modes.
template <class T>
struct ThermalMoments {
  T gain{}, loss{};
  LINDRIFT_HD ThermalMoments& operator+=(const ThermalMoments& other) {
    gain += other.gain;
    loss += other.loss;
    return *this;
  }
  LINDRIFT_HD ThermalMoments<double> lane(int i) const { return {gain[i], loss[i]}; }
};
template <class Source>
struct ThermalMomentTerm {
  template <class T>
  using Sum = ThermalMoments<T>;
  Source source;
  template <class T>
  LINDRIFT_HD void accumulate(Index s, Sum<T>& sum) const {
    const SourceMode<T> from = source.template mode<T>(s);
    sum.gain += from.thermal_particle;
    sum.loss += from.thermal_hole;
  }
};

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
