#pragma once

#include "kernels/tgge/rescale.hpp"
#include "kernels/tgge/rows.hpp"

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

/// Rescaled columns and rows, each (modes,).
struct RescaledArrays {
  double *thermal_particle, *particle, *thermal_hole, *hole;
  double *thermal_gain, *gain, *thermal_loss, *loss;

  LINDRIFT_HD RescaledSource source() const { return {thermal_particle, particle, thermal_hole, hole}; }
  LINDRIFT_HD RescaledRows rows() const { return {thermal_gain, gain, thermal_loss, loss}; }
  LINDRIFT_HD LogRates log_rates(double nonequilibrium_fraction, double over_cells, double* log_gain,
                                 double* log_loss) const {
    return {thermal_gain,         gain,     thermal_loss, loss, std::log(nonequilibrium_fraction),
            std::log(over_cells), log_gain, log_loss};
  }
};

/// Fills them for a state on an engine.
template <class Engine>
struct Rescaling {
  Index size;
  double half_beta, log_thermal;  ///< log gamma_eq
  const double* energy;
  RescaledArrays to;

  /// For a spectrum that is not steep: all thermal columns are divided by the largest exponentials.
  LINDRIFT_ANY_ENGINE void by_largest(Engine& engine, const double* lagrange_multiplier) const {
    const auto largest = engine.reduce(size, ExponentTerm{half_beta, energy, lagrange_multiplier});
    engine.map(size, Rescale{{half_beta, largest, energy, lagrange_multiplier},
                             log_thermal,
                             to.thermal_particle,
                             to.particle,
                             to.thermal_hole,
                             to.hole,
                             to.thermal_gain,
                             to.thermal_loss});
  }

  /// For a steep one: by those of their panels.
  /// @param particle_exponent, hole_exponent  (modes,), to be written to
  LINDRIFT_UNCHECKED
  template <class Scan>
  LINDRIFT_BOTH void by_panels(Engine& engine, Scan& scan, double* particle_exponent, double* hole_exponent,
                               const double* lagrange_multiplier) const {
    engine.map(size, RescaleSteep{half_beta, energy, lagrange_multiplier, to.thermal_particle, to.particle,
                                  to.thermal_hole, to.hole, particle_exponent, hole_exponent});
    scan.set_exponents(engine, particle_exponent, hole_exponent);
    const LevelExponents panels{particle_exponent, hole_exponent, scan.particle_exponent(), scan.hole_exponent()};
    engine.map(size, ScaleToLevels{panels, scan.panel_of(), to.thermal_particle, to.thermal_hole});
    engine.map(size, RescaleSteepRows{half_beta, log_thermal, energy, panels.level_particle, panels.level_hole,
                                      scan.panel_of(), to.thermal_gain, to.thermal_loss});
  }
};

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
