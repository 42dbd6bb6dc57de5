#pragma once

#include <cmath>

#include "kernels/tgge/partner.hpp"

/// What is made of the four sums of a row: its prefactors, and the end of each equation.

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

/// Prefactors of a row, as they are.
struct BareRows {
  const double* thermal_out;  ///< e^{+beta E/2}
  const double* thermal_in;   ///< e^{-beta E/2}
  double thermal;             ///< gamma_eq / L
  double nonequilibrium;      ///< gamma_neq / L

  LINDRIFT_HD double gain(Index s, const PairSums<double>& sum) const {
    return thermal * thermal_in[s] * sum.thermal_gain + nonequilibrium * sum.gain;
  }
  LINDRIFT_HD double loss(Index s, const PairSums<double>& sum) const {
    return thermal * thermal_out[s] * sum.thermal_loss + nonequilibrium * sum.loss;
  }
};

/// Prefactors of a row over the larger of the two kinds.
struct DressedRows {
  const double *thermal_gain, *gain, *thermal_loss, *loss;

  LINDRIFT_HD double gain_of(Index s, const PairSums<double>& sum) const {
    return thermal_gain[s] * sum.thermal_gain + gain[s] * sum.gain;
  }
  LINDRIFT_HD double loss_of(Index s, const PairSums<double>& sum) const {
    return thermal_loss[s] * sum.thermal_loss + loss[s] * sum.loss;
  }
};

/// dn/dt = epsilon J [ gain (1-n) - loss n ]                                                            (Eq. 7)
struct OccupationRate {
  BareRows rows;
  double scale;  ///< epsilon J
  const double *particles, *holes;
  double* rate;
  LINDRIFT_HD void operator()(Index s, const PairSums<double>& sum) const {
    rate[s] = scale * (rows.gain(s, sum) * holes[s] - rows.loss(s, sum) * particles[s]);
  }
};

/// epsilon J (gain + loss), which also stays as the diagonal of the Jacobian.
struct RelaxationRate {
  BareRows rows;
  double scale;
  double* rate;
  LINDRIFT_HD void operator()(Index s, const PairSums<double>& sum) const {
    rate[s] = scale * (rows.gain(s, sum) + rows.loss(s, sum));
  }
};

/// Jacobian of Eq. 7 times a direction v: epsilon J [ (1-n) W v + n W^T v ] - relaxation_rate v             (Eq. 14)
struct OccupationRateDerivative {
  BareRows rows;
  double scale;
  const double *particles, *holes, *relaxation_rate, *direction;
  double* derivative;
  LINDRIFT_HD void operator()(Index s, const PairSums<double>& sum) const {
    derivative[s] =
        scale * (rows.gain(s, sum) * holes[s] + rows.loss(s, sum) * particles[s]) - relaxation_rate[s] * direction[s];
  }
};

/// log gain and log loss; divides the row's prefactors by the totals, which is what Eq. 17 wants of them.
struct LogRates {
  double *thermal_gain, *gain, *thermal_loss, *loss;  ///< DressedRows, rescaled in place
  const double *gain_scale, *loss_scale;              ///< logarithms taken out by Dress
  double *log_gain, *log_loss;
  LINDRIFT_HD void operator()(Index s, const PairSums<double>& sum) const {
    const DressedRows rows{thermal_gain, gain, thermal_loss, loss};
    const double g = rows.gain_of(s, sum), l = rows.loss_of(s, sum);
    log_gain[s] = gain_scale[s] + std::log(g);
    log_loss[s] = loss_scale[s] + std::log(l);
    // A rate that is exactly zero stays zero whatever the others do.
    const double over_gain = g > 0.0 ? 1.0 / g : 0.0, over_loss = l > 0.0 ? 1.0 / l : 0.0;
    thermal_gain[s] *= over_gain;
    gain[s] *= over_gain;
    thermal_loss[s] *= over_loss;
    loss[s] *= over_loss;
  }
};

/// d(log loss - log gain) along the direction of a DressedVariation                                          (Eq. 17)
struct LogBalanceDerivative {
  DressedRows rows;
  double* derivative;
  LINDRIFT_HD void operator()(Index s, const PairSums<double>& sum) const {
    derivative[s] = rows.gain_of(s, sum) + rows.loss_of(s, sum);
  }
};

/// Sums of every row, each of shape (modes,): what a pair sum leaves for the map that follows.
struct RowSums {
  double *thermal_gain, *gain, *thermal_loss, *loss;

  LINDRIFT_HD void store(Index s, const PairSums<double>& sum) const {
    thermal_gain[s] = sum.thermal_gain;
    gain[s] = sum.gain;
    thermal_loss[s] = sum.thermal_loss;
    loss[s] = sum.loss;
  }
  LINDRIFT_HD PairSums<double> operator()(Index s) const {
    return {thermal_gain[s], gain[s], thermal_loss[s], loss[s]};
  }
};

/// Hands the sums of every row, stored or made from moments, to the end of an equation.
template <class Sums, class Finish>
struct FinishRows {
  Sums sums;
  Finish finish;
  LINDRIFT_HD void operator()(Index s) const { finish(s, sums(s)); }
};

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
