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

/// log gain and log loss, and the row's prefactors divided by the totals, which is what Eq. 17 wants of them. Which of
/// the two baths is the larger is known only here: where the sum of the nonequilibrium bath vanishes, a thermal rate of
/// e^{-1000} is all there is, and must not be lost beside a prefactor of one.
struct LogRates {
  double *thermal_gain, *gain, *thermal_loss, *loss;  ///< DressedRows; the thermal ones hold logarithms before
  double log_nonequilibrium;                          ///< log gamma_neq; -inf where the bath is off
  double log_over_sites;                              ///< log(1/L)
  double *log_gain, *log_loss;

  LINDRIFT_HD void operator()(Index s, const PairSums<double>& sum) const {
    log_gain[s] = total(sum.thermal_gain, sum.gain, thermal_gain[s], gain[s]);
    log_loss[s] = total(sum.thermal_loss, sum.loss, thermal_loss[s], loss[s]);
  }

 private:
  /// log of the two terms' sum; each factor becomes its prefactor over that sum, at most 1 over its own sum.
  LINDRIFT_HD double total(double thermal_sum, double sum, double& thermal_factor, double& factor) const {
    const double thermal_exponent = thermal_factor + log_over_sites, exponent = log_nonequilibrium + log_over_sites;
    const double thermal = thermal_exponent + std::log(thermal_sum), other = exponent + std::log(sum);
    const double larger = thermal > other ? thermal : other, smaller = thermal > other ? other : thermal;
    // A rate that is exactly zero stays zero whatever the others do.
    const double result = larger == -INFINITY ? larger : larger + std::log1p(std::exp(smaller - larger));
    thermal_factor = thermal == -INFINITY ? 0.0 : std::exp(thermal_exponent - result);
    factor = other == -INFINITY ? 0.0 : std::exp(exponent - result);
    return result;
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
