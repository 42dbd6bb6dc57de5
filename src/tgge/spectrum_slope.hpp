#pragma once

#include <vector>

#include "lindrift/tgge/model.hpp"

namespace lindrift {

/// Derivatives of sum_ss' S(E_s' - E_s) n_s' (1-n_s) (y_s - y_s') / cells: what a thermal bath of unit strength gives
/// to an observable with the adjoint y. For the lorentzian spectrum those of its even part alone: what the factor
/// e^{beta x/2} gives follows from averages of y, as for the exponential one.
struct SpectrumSlope {
  double inverse_temperature = 0.0;
  double width = 0.0;
  std::vector<double> energy;  ///< by each E_s, shape (modes,)
};

/// For the lorentzian and ohmic spectra. At a cusp of the ohmic spectrum, where two energies are one, the mean of both
/// slopes.
/// O(modes), or O(modes^2) where that is less, as for few modes.
SpectrumSlope spectrum_slope(const TggeModel& model, const std::vector<double>& lagrange_multiplier,
                             const std::vector<double>& y);

}  // namespace lindrift
