#pragma once

#include <vector>

#include "lindrift/tgge/model.hpp"

namespace lindrift {

/// Derivatives of sum_ss' S(E_s' - E_s) n_s' (1-n_s) (y_s - y_s') / cells: the contribution of a thermal bath of unit
/// strength to the derivative of an observable with adjoint y. For the lorentzian spectrum only the even part is
/// differentiated; the contribution of the factor e^{beta x/2} follows from averages of y, as for the exponential
/// spectrum.
struct SpectrumSlope {
  double inverse_temperature = 0.0;
  double width = 0.0;
  std::vector<double> energy;  ///< with respect to each E_s, shape (modes,)
};

/// For the lorentzian and ohmic spectra. At the cusp of the ohmic spectrum, where two energies coincide, the mean of
/// the two one-sided slopes is used. O(modes), or O(modes^2) if that costs less, as for few modes.
SpectrumSlope spectrum_slope(const TggeModel& model, const std::vector<double>& lagrange_multiplier,
                             const std::vector<double>& y);

}  // namespace lindrift
