#pragma once

#include "kernels/tgge/source_mode.hpp"

/// Maps that prepare the sums at a state: Boltzmann factors for the plain sums, and the rescaled columns and rows.

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

/// Largest exponents of Boltzmann factor times occupation, within log 2: max(beta E/2 - max(lambda, 0)) and max(-beta
/// E/2 + min(lambda, 0)).
template <class T>
struct LargestExponents {
  T particle = T{} - 1e300, hole = T{} - 1e300;
  LINDRIFT_HD LargestExponents& operator+=(const LargestExponents& other) {
    particle = particle > other.particle ? particle : other.particle;
    hole = hole > other.hole ? hole : other.hole;
    return *this;
  }
  LINDRIFT_HD LargestExponents<double> lane(int i) const { return {particle[i], hole[i]}; }
};
struct ExponentTerm {
  template <class T>
  using Sum = LargestExponents<T>;
  double half_beta;
  const double *energy, *lagrange_multiplier;
  template <class T>
  LINDRIFT_HD void accumulate(Index s, LargestExponents<T>& largest) const {
    const T thermal = half_beta * load<T>(energy, s), lambda = load<T>(lagrange_multiplier, s), zero = T{};
    largest +=
        LargestExponents<T>{thermal - (lambda > zero ? lambda : zero), (lambda < zero ? lambda : zero) - thermal};
  }
};

/// Source modes from multipliers. The thermal ones are divided by the exponentials of the largest exponents.
struct RescaledMultiplierSource {
  double half_beta;
  LargestExponents<double> largest;
  const double *energy, *lagrange_multiplier;

  template <class T>
  LINDRIFT_HD SourceMode<T> mode(Index s) const {
    const Occupation<T> n(load<T>(lagrange_multiplier, s));
    const T thermal = half_beta * load<T>(energy, s);
    return {n.larger * exponential(thermal - n.positive() - largest.particle).value, n.particle(),
            n.larger * exponential(n.negative() - thermal - largest.hole).value, n.hole()};
  }
};

/// Fills the rescaled columns of one mode and the exponents of its rows.
struct Rescale {
  RescaledMultiplierSource source;
  double log_thermal;  ///< log gamma_eq; -inf if the bath is off
  double *thermal_particle, *particle, *thermal_hole, *hole;
  double *thermal_gain, *thermal_loss;  ///< logarithms of the prefactors of the rows, for LogRates

  LINDRIFT_HD void operator()(Index s) const { at<double>(s); }
  template <class T>
  LINDRIFT_HD void at(Index s) const {
    const SourceMode<T> mode = source.template mode<T>(s);
    const T thermal = source.half_beta * load<T>(source.energy, s);
    store(particle, s, mode.particle);
    store(hole, s, mode.hole);
    store(thermal_particle, s, mode.thermal_particle);
    store(thermal_hole, s, mode.thermal_hole);
    store(thermal_gain, s, log_thermal + source.largest.particle - thermal);
    store(thermal_loss, s, log_thermal + source.largest.hole + thermal);
  }
};

/// The same for a steep spectrum, with the exponents of the thermal columns stored separately.
struct RescaleSteep {
  double half_beta;
  const double *energy, *lagrange_multiplier;
  double *thermal_particle, *particle, *thermal_hole, *hole;
  double *particle_exponent, *hole_exponent;

  LINDRIFT_HD void operator()(Index s) const { at<double>(s); }
  template <class T>
  LINDRIFT_HD void at(Index s) const {
    const Occupation<T> n(load<T>(lagrange_multiplier, s));
    const T thermal = half_beta * load<T>(energy, s);
    store(particle, s, n.particle());
    store(hole, s, n.hole());
    store(thermal_particle, s, n.larger);
    store(thermal_hole, s, n.larger);
    store(particle_exponent, s, thermal - n.positive());
    store(hole_exponent, s, n.negative() - thermal);
  }
};

/// Exponents of the thermal columns of modes, and the largest of each level.
struct LevelExponents {
  const double *particle, *hole;        ///< (modes,)
  double *level_particle, *level_hole;  ///< (levels,)
};
struct LargestOfLevels {
  LevelExponents exponents;
  const Index *first, *member;  ///< of RateTables
  LINDRIFT_HD void operator()(Index level) const {
    LargestExponents<double> largest;
    for (Index i = first[level]; i < first[level + 1]; ++i) {
      const Index s = member[i];
      largest += LargestExponents<double>{exponents.particle[s], exponents.hole[s]};
    }
    exponents.level_particle[level] = largest.particle;
    exponents.level_hole[level] = largest.hole;
  }
};
/// Divides the thermal columns of a mode by the largest exponential in its level, so that the modes of a level can be
/// added.
struct ScaleToLevels {
  LevelExponents exponents;
  const Index* level_of;
  double *thermal_particle, *thermal_hole;
  LINDRIFT_HD void operator()(Index s) const {
    const Index level = level_of[s];
    thermal_particle[s] *= exponential(exponents.particle[s] - exponents.level_particle[level]).value;
    thermal_hole[s] *= exponential(exponents.hole[s] - exponents.level_hole[level]).value;
  }
};

/// Logarithms of the prefactors of the rows for a steep spectrum.
struct RescaleSteepRows {
  double half_beta;
  double log_thermal;
  const double *energy, *row_particle, *row_hole;
  const Index* level_of;  ///< null if row_particle and row_hole have one element per mode
  double *thermal_gain, *thermal_loss;

  LINDRIFT_HD void operator()(Index s) const {
    const Index row = level_of != nullptr ? level_of[s] : s;
    thermal_gain[s] = log_thermal + (row_particle[row] - half_beta * energy[s]);
    thermal_loss[s] = log_thermal + (row_hole[row] + half_beta * energy[s]);
  }
};

/// Boltzmann factors of a mode: e^{-beta E/2} for hops into it, e^{beta E/2} for hops out of it.
struct Boltzmann {
  double half_beta;
  const double* energy;
  double *thermal_in, *thermal_out;
  LINDRIFT_HD void operator()(Index s) const {
    thermal_in[s] = std::exp(-half_beta * energy[s]);
    thermal_out[s] = std::exp(half_beta * energy[s]);
  }
};

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
