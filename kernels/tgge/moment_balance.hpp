#pragma once

#include "kernels/logarithm.hpp"
#include "kernels/tgge/dress.hpp"
#include "kernels/tgge/product_weight.hpp"

/// The balance of the rates in the space of the moments (Eqs. 12, 17a-17c). For hop weights that are a short sum of
/// products the balanced multipliers follow from 2 Rank + 2 moments x, and the moments from the multipliers: Newton's
/// method needs that map and its derivative, two passes over the modes.
///
/// Moments are ordered: thermal gain, gain[Rank], thermal loss, loss[Rank].

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

/// r_s = log loss_s - log gain_s from the moments, and how much of either is thermal                       (Eq. 17a)
template <int Rank>
struct BalanceOfMoments {
  ProductWeight<Rank> weight;
  double half_beta;
  const double* energy;
  double thermal_gain, thermal_loss;  ///< log(gamma_eq times moment)
  double gain[Rank], loss[Rank];      ///< gamma_neq times moment; zero where there is none
  double *balance, *thermal_gain_share, *thermal_loss_share;

  LINDRIFT_HD void operator()(Index s) const { at<double>(s); }
  template <class T>
  LINDRIFT_HD void at(Index s) const {
    const auto mode = weight.template mode<T>(s);
    const T thermal = half_beta * load<T>(energy, s);
    T in = gain[0] * mode.in[0], out = loss[0] * mode.out[0];
    for (int r = 1; r < Rank; ++r) {
      in += gain[r] * mode.in[r];
      out += loss[r] * mode.out[r];
    }
    const auto up = sum_of(thermal_gain - thermal, logarithm(in)),
               down = sum_of(thermal_loss + thermal, logarithm(out));
    store(balance, s, (down.larger - up.larger) + logarithm(down.sum * up.over_sum));
    store(thermal_gain_share, s, up.first_share);
    store(thermal_loss_share, s, down.first_share);
  }

 private:
  /// e^a + e^b = e^larger sum; a is finite.
  template <class T>
  struct LogSum {
    T larger, sum, over_sum, first_share;
  };
  template <class T>
  LINDRIFT_HD static LogSum<T> sum_of(T a, T b) {
    const T difference = a - b, quotient = exponential(-magnitude(difference)).value;
    const T sum = 1.0 + quotient, over = 1.0 / sum;
    const auto first = difference > T{};
    return {first ? a : b, sum, over, first ? over : quotient * over};
  }
};

/// What fixes the fugacity of lambda_s = r_s - log z, with particles and holes counted apart: the small ones on either
/// side of the Fermi level keep their digits (Eq. 16). Also the largest exponents at this fugacity.
template <class T>
struct FillingSums {
  T particles{}, holes{};                         ///< sum of n over modes below half filling, of 1 - n over the others
  T others{};                                     ///< number of the others
  T particle_slope{}, hole_slope{};               ///< derivatives of particles and of -holes with respect to log z
  T highest = T{} - 1e300, lowest = T{} - 1e300;  ///< largest lambda, largest -lambda
  LargestExponents<T> largest;

  LINDRIFT_HD FillingSums& operator+=(const FillingSums& other) {
    particles += other.particles;
    holes += other.holes;
    others += other.others;
    particle_slope += other.particle_slope;
    hole_slope += other.hole_slope;
    highest = highest > other.highest ? highest : other.highest;
    lowest = lowest > other.lowest ? lowest : other.lowest;
    largest += other.largest;
    return *this;
  }
  LINDRIFT_HD FillingSums<double> lane(int i) const {
    return {particles[i],  holes[i],   others[i], particle_slope[i],
            hole_slope[i], highest[i], lowest[i], largest.lane(i)};
  }
};
struct FillingTerm {
  template <class T>
  using Sum = FillingSums<T>;
  double half_beta;
  const double *energy, *balance;
  double log_fugacity;

  template <class T>
  LINDRIFT_HD void accumulate(Index s, Sum<T>& sum) const {
    const T lambda = load<T>(balance, s) - log_fugacity, thermal = half_beta * load<T>(energy, s), zero = T{};
    const T x = exponential(-magnitude(lambda)).value, larger = 1.0 / (1.0 + x), smaller = x * larger,
            slope = smaller * larger;
    const auto empty = lambda > zero;
    sum.particles += empty ? smaller : zero;
    sum.holes += empty ? zero : smaller;
    sum.others += empty ? zero : zero + 1.0;
    sum.particle_slope += empty ? slope : zero;
    sum.hole_slope += empty ? zero : slope;
    sum.highest = sum.highest > lambda ? sum.highest : lambda;
    sum.lowest = sum.lowest > -lambda ? sum.lowest : -lambda;
    sum.largest += LargestExponents<T>{thermal - (empty ? lambda : zero), (empty ? zero : lambda) - thermal};
  }
};

/// Moments of lambda_s = r_s - log z, and their derivatives (Eqs. 17b, 17c). With the shares of each moment's term in
/// gain and loss, dlambda = sum(loss shares dx) - sum(gain shares dx) - dlog z, and dn = -n (1-n) dlambda.
template <int Rank, class T>
struct MomentDerivatives {
  static constexpr int moments = 2 * Rank + 2;
  T value[moments]{};
  /// sum of every moment's weight, and of one in the last row, times n (1-n) times the share of every moment.
  T response[moments + 1][moments]{};

  LINDRIFT_HD MomentDerivatives& operator+=(const MomentDerivatives& other) {
    for (int k = 0; k < moments; ++k) value[k] += other.value[k];
    for (int k = 0; k <= moments; ++k)
      for (int l = 0; l < moments; ++l) response[k][l] += other.response[k][l];
    return *this;
  }
  LINDRIFT_HD MomentDerivatives<Rank, double> lane(int i) const {
    MomentDerivatives<Rank, double> result;
    for (int k = 0; k < moments; ++k) result.value[k] = value[k][i];
    for (int k = 0; k <= moments; ++k)
      for (int l = 0; l < moments; ++l) result.response[k][l] = response[k][l][i];
    return result;
  }
};
template <int Rank>
struct MomentDerivativeTerm {
  template <class T>
  using Sum = MomentDerivatives<Rank, T>;

  ProductWeight<Rank> weight;
  double half_beta;
  const double* energy;
  double gain[Rank], loss[Rank];  ///< of BalanceOfMoments
  const double *balance, *thermal_gain_share, *thermal_loss_share;
  double log_fugacity;
  LargestExponents<double>
      largest;  ///< about those at this fugacity: thermal moments come divided by their exponentials

  template <class T>
  LINDRIFT_HD void accumulate(Index s, Sum<T>& sum) const {
    constexpr int moments = Sum<T>::moments, second = Rank + 1;
    const auto mode = weight.template mode<T>(s);
    const T lambda = load<T>(balance, s) - log_fugacity, thermal = half_beta * load<T>(energy, s), zero = T{};
    const T x = exponential(-magnitude(lambda)).value, larger = 1.0 / (1.0 + x), smaller = x * larger,
            chi = smaller * larger;
    const auto empty = lambda > zero;
    const T n = empty ? smaller : larger, hole = empty ? larger : smaller;
    const T thermal_particle = larger * exponential(thermal - (empty ? lambda : zero) - largest.particle).value;
    const T thermal_hole = larger * exponential((empty ? zero : lambda) - thermal - largest.hole).value;

    T share[moments], weight_chi[moments + 1];
    shares(load<T>(thermal_gain_share, s), gain, mode.in, share);
    shares(load<T>(thermal_loss_share, s), loss, mode.out, share + second);
    sum.value[0] += thermal_particle;
    sum.value[second] += thermal_hole;
    weight_chi[0] = thermal_particle * hole;
    weight_chi[second] = thermal_hole * n;
    for (int r = 0; r < Rank; ++r) {
      sum.value[1 + r] += mode.out[r] * n;
      sum.value[second + 1 + r] += mode.in[r] * hole;
      weight_chi[1 + r] = mode.out[r] * chi;
      weight_chi[second + 1 + r] = mode.in[r] * chi;
    }
    weight_chi[moments] = chi;
    for (int k = 0; k <= moments; ++k)
      for (int l = 0; l < moments; ++l) sum.response[k][l] += weight_chi[k] * share[l];
  }

 private:
  template <class T>
  LINDRIFT_HD static void shares(T thermal, const double (&moment)[Rank], const T (&factor)[Rank], T* share) {
    share[0] = thermal;
    T total = moment[0] * factor[0];
    for (int r = 1; r < Rank; ++r) total += moment[r] * factor[r];
    const T rest = 1.0 - thermal, over = total > T{} ? rest / total : T{};
    for (int r = 0; r < Rank; ++r) share[1 + r] = moment[r] * factor[r] * over;
  }
};

// --- the same without logarithms, where no exponential comes near the end of the range of a double ---

/// e^{-+ beta E / 2} of every mode.
struct BareThermalFactors {
  double half_beta;
  const double* energy;
  double *in, *out;
  LINDRIFT_HD void operator()(Index s) const { at<double>(s); }
  template <class T>
  LINDRIFT_HD void at(Index s) const {
    const T thermal = half_beta * load<T>(energy, s);
    store(in, s, exponential(-thermal).value);
    store(out, s, exponential(thermal).value);
  }
};

/// Gain times fugacity and loss of a mode, and the occupation at which they balance: n = gain z / (gain z + loss).
template <int Rank>
struct BareBalance {
  ProductWeight<Rank> weight;
  const double *thermal_in, *thermal_out;  ///< of BareThermalFactors
  double gain[Rank + 1], loss[Rank + 1];   ///< moments, the thermal one first, times gamma; gain times fugacity, too

  template <class T>
  struct Mode {
    T in[Rank + 1], out[Rank + 1];  ///< the thermal factor first
    T gain, loss;
  };
  template <class T>
  LINDRIFT_HD Mode<T> mode(Index s) const {
    const auto products = weight.template mode<T>(s);
    Mode<T> result;
    result.in[0] = load<T>(thermal_in, s);
    result.out[0] = load<T>(thermal_out, s);
    result.gain = gain[0] * result.in[0];
    result.loss = loss[0] * result.out[0];
    for (int r = 1; r <= Rank; ++r) {
      result.in[r] = products.in[r - 1];
      result.out[r] = products.out[r - 1];
      result.gain += gain[r] * result.in[r];
      result.loss += loss[r] * result.out[r];
    }
    return result;
  }
};

/// FillingSums, with the least n and 1 - n instead of the largest multipliers.
template <class T>
struct BareFillingSums {
  T particles{}, holes{}, others{}, particle_slope{}, hole_slope{};
  T least_particle = T{} + 1.0, least_hole = T{} + 1.0;

  LINDRIFT_HD BareFillingSums& operator+=(const BareFillingSums& other) {
    particles += other.particles;
    holes += other.holes;
    others += other.others;
    particle_slope += other.particle_slope;
    hole_slope += other.hole_slope;
    least_particle = least_particle < other.least_particle ? least_particle : other.least_particle;
    least_hole = least_hole < other.least_hole ? least_hole : other.least_hole;
    return *this;
  }
  LINDRIFT_HD BareFillingSums<double> lane(int i) const {
    return {particles[i], holes[i], others[i], particle_slope[i], hole_slope[i], least_particle[i], least_hole[i]};
  }
};
template <int Rank>
struct BareFillingTerm {
  template <class T>
  using Sum = BareFillingSums<T>;
  BareBalance<Rank> balance;

  template <class T>
  LINDRIFT_HD void accumulate(Index s, Sum<T>& sum) const {
    const auto mode = balance.template mode<T>(s);
    const T over = 1.0 / (mode.gain + mode.loss), n = mode.gain * over, hole = mode.loss * over, zero = T{};
    const auto empty = hole > n;
    const T slope = n * hole;
    sum.particles += empty ? n : zero;
    sum.holes += empty ? zero : hole;
    sum.others += empty ? zero : zero + 1.0;
    sum.particle_slope += empty ? slope : zero;
    sum.hole_slope += empty ? zero : slope;
    sum.least_particle = sum.least_particle < n ? sum.least_particle : n;
    sum.least_hole = sum.least_hole < hole ? sum.least_hole : hole;
  }
};

/// MomentDerivatives without the factors of the moments themselves: a share of a moment's term is that moment times
/// what it multiplies over the whole, and n (1-n) / (gain z) = (1-n) / (gain z + loss).
template <int Rank>
struct BareDerivativeTerm {
  template <class T>
  using Sum = MomentDerivatives<Rank, T>;
  BareBalance<Rank> balance;

  template <class T>
  LINDRIFT_HD void accumulate(Index s, Sum<T>& sum) const {
    constexpr int moments = Sum<T>::moments, second = Rank + 1;
    const auto mode = balance.template mode<T>(s);
    const T over = 1.0 / (mode.gain + mode.loss), n = mode.gain * over, hole = mode.loss * over;
    const T by_gain = hole * over, by_loss = n * over;
    T share[moments];
    for (int r = 0; r <= Rank; ++r) {
      share[r] = mode.in[r] * by_gain;
      share[second + r] = mode.out[r] * by_loss;
      sum.value[r] += mode.out[r] * n;
      sum.value[second + r] += mode.in[r] * hole;
    }
    for (int l = 0; l < moments; ++l) {
      for (int r = 0; r <= Rank; ++r) {
        sum.response[r][l] += mode.out[r] * share[l];
        sum.response[second + r][l] += mode.in[r] * share[l];
      }
      sum.response[moments][l] += share[l];
    }
  }
};

/// lambda = log(loss / (gain z))
template <int Rank>
struct BareMultipliers {
  BareBalance<Rank> balance;
  double* lagrange_multiplier;
  LINDRIFT_HD void operator()(Index s) const { at<double>(s); }
  template <class T>
  LINDRIFT_HD void at(Index s) const {
    const auto mode = balance.template mode<T>(s);
    store(lagrange_multiplier, s, logarithm(mode.loss / mode.gain));
  }
};

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
