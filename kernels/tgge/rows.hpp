#pragma once

#include <cmath>

#include "kernels/logarithm.hpp"
#include "kernels/tgge/source_mode.hpp"

/// Turns the four sums of a row into right-hand sides: the prefactors of the row, and one functor per equation.

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

/// Plain prefactors of a row.
struct PlainRows {
  const double* thermal_out;  ///< e^{+beta E/2}
  const double* thermal_in;   ///< e^{-beta E/2}
  double thermal;             ///< gamma_eq / N
  double nonequilibrium;      ///< gamma_neq / N

  template <class T>
  LINDRIFT_HD T gain(Index s, const PairSums<T>& sum) const {
    return thermal * load<T>(thermal_in, s) * sum.thermal_gain + nonequilibrium * sum.gain;
  }
  template <class T>
  LINDRIFT_HD T loss(Index s, const PairSums<T>& sum) const {
    return thermal * load<T>(thermal_out, s) * sum.thermal_loss + nonequilibrium * sum.loss;
  }
};

/// Prefactors of a row divided by its total gain or loss (see LogRates).
struct RescaledRows {
  const double *thermal_gain_factor, *gain_factor, *thermal_loss_factor, *loss_factor;

  template <class T>
  LINDRIFT_HD T gain(Index s, const PairSums<T>& sum) const {
    return load<T>(thermal_gain_factor, s) * sum.thermal_gain + load<T>(gain_factor, s) * sum.gain;
  }
  template <class T>
  LINDRIFT_HD T loss(Index s, const PairSums<T>& sum) const {
    return load<T>(thermal_loss_factor, s) * sum.thermal_loss + load<T>(loss_factor, s) * sum.loss;
  }
};

/// dn/dt = epsilon J [ gain (1-n) - loss n ]                                                            (Eq. 7)
struct OccupationRate {
  PlainRows rows;
  double scale;  ///< epsilon J
  const double *particles, *holes;
  double* rate;
  template <class T>
  LINDRIFT_HD void operator()(Index s, const PairSums<T>& sum) const {
    store(rate, s, scale * (rows.gain(s, sum) * load<T>(holes, s) - rows.loss(s, sum) * load<T>(particles, s)));
  }
};

/// epsilon J (gain + loss): minus the diagonal of the Jacobian.
struct RelaxationRate {
  PlainRows rows;
  double scale;
  double* rate;
  template <class T>
  LINDRIFT_HD void operator()(Index s, const PairSums<T>& sum) const {
    store(rate, s, scale * (rows.gain(s, sum) + rows.loss(s, sum)));
  }
};

/// W x and W^T y for the particles x and the holes y of a source (Eq. 14); with RescaledRows, these divided by gain and
/// loss.
template <class Rows>
struct TransitionSums {
  Rows rows;
  double scale;
  double *gain, *loss;
  template <class T>
  LINDRIFT_HD void operator()(Index s, const PairSums<T>& sum) const {
    store(gain, s, scale * rows.gain(s, sum));
    store(loss, s, scale * rows.loss(s, sum));
  }
};

/// log gain and log loss, and the prefactors of the row divided by gain and loss, as Eq. 17 needs them. Which bath
/// dominates is known only here: if the nonequilibrium sum vanishes, a thermal rate of e^{-1000} is all that remains,
/// and it must not be lost next to a prefactor of one.
struct LogRates {
  double *thermal_gain, *gain, *thermal_loss, *loss;  ///< RescaledRows; on entry the thermal ones hold logarithms
  double log_nonequilibrium;                          ///< log gamma_neq; -inf if the bath is off
  double log_over_cells;                              ///< log(1/N)
  double *log_gain, *log_loss;

  template <class T>
  LINDRIFT_HD void operator()(Index s, const PairSums<T>& sum) const {
    store(log_gain, s, total<T>(s, sum.thermal_gain, sum.gain, thermal_gain, gain));
    store(log_loss, s, total<T>(s, sum.thermal_loss, sum.loss, thermal_loss, loss));
  }

 private:
  /// Returns the logarithm of the total and divides each prefactor by the total, which makes it at most 1 over its own
  /// sum.
  template <class T>
  LINDRIFT_HD T total(Index s, T thermal_sum, T sum, double* thermal_factor, double* factor) const {
    const T zero = T{}, nothing = zero - INFINITY;
    const T thermal_exponent = load<T>(thermal_factor, s) + log_over_cells;
    const double exponent = log_nonequilibrium + log_over_cells;
    const T thermal = thermal_exponent + logarithm(thermal_sum), other = exponent + logarithm(sum);
    const auto thermal_is_larger = thermal > other;
    const T larger = thermal_is_larger ? thermal : other, smaller = thermal_is_larger ? other : thermal;
    // A rate that is exactly zero stays zero.
    const T result = larger == nothing ? nothing : larger + logarithm(1.0 + exponential(smaller - larger).value);
    store(thermal_factor, s, thermal == nothing ? zero : exponential(thermal_exponent - result).value);
    store(factor, s, other == nothing ? zero : exponential(exponent - result).value);
    return result;
  }
};

/// d(log loss - log gain) along the direction of a RescaledVariation                                          (Eq. 17)
struct LogBalanceDerivative {
  RescaledRows rows;
  double* derivative;
  template <class T>
  LINDRIFT_HD void operator()(Index s, const PairSums<T>& sum) const {
    store(derivative, s, rows.gain(s, sum) + rows.loss(s, sum));
  }
};

/// Sums over the hop weights from memory.
struct StoredWeightSums {
  const double *gain, *loss;
  template <class T>
  LINDRIFT_HD PairSums<T> at(Index s) const {
    return {T{}, load<T>(gain, s), T{}, load<T>(loss, s)};
  }
};

/// Thermal sums, from memory or equal for all rows, combined with sums over the hop weights of any form.
template <class WeightSums>
struct SumsApart {
  WeightSums weight_sums;
  const double *thermal_gain, *thermal_loss;  ///< null for the exponential spectrum
  const Index* level_of;                      ///< of RateTables if the sums are stored per level, null if per mode
  BathSums<double> moments;
  template <class T>
  LINDRIFT_HD PairSums<T> at(Index s) const {
    PairSums<T> sum = weight_sums.template at<T>(s);
    sum.thermal_gain = thermal<T>(thermal_gain, moments.gain, s);
    sum.thermal_loss = thermal<T>(thermal_loss, moments.loss, s);
    return sum;
  }

 private:
  template <class T>
  LINDRIFT_HD T thermal(const double* stored, double of_all, Index s) const {
    if (stored == nullptr) return broadcast<T>(of_all);
    return level_of != nullptr ? load_level<T>(stored, level_of, s) : load<T>(stored, s);
  }
};

/// Passes the sums of every row to the functor of an equation, several rows at once if the sums come in packs.
template <class Sums, class Finish>
struct FinishRows {
  Sums sums;
  Finish finish;
  LINDRIFT_HD void operator()(Index s) const { finish(s, sums.template at<double>(s)); }
  template <class T>
  LINDRIFT_HD void at(Index s) const {
    finish(s, sums.template at<T>(s));
  }
};

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
