#pragma once

#include "kernels/logarithm.hpp"
#include "kernels/tgge/product_weight.hpp"
#include "kernels/tgge/rescale.hpp"
#include "kernels/tgge/rows.hpp"

/// The balance of the rates in the space of the moments (Eqs. 12, 17a-17c). If the hop weights are a short sum of
/// products, 2 Rank + 2 moments determine the balanced multipliers, and these determine new moments. Newton's method
/// needs that map and its derivative: one pass over the modes, or a few where it takes logarithms.
///
/// Order of the moments: thermal gain, gain[Rank], thermal loss, loss[Rank].

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

/// gamma_neq times the nonequilibrium moments; zero if there are none.
template <int Rank>
struct WeightedMoments {
  double gain[Rank]{}, loss[Rank]{};
};

/// r_s = log loss_s - log gain_s from the moments, and the share of the thermal bath in gain and loss      (Eq. 17a)
template <int Rank>
struct BalanceOfMoments {
  ProductWeight<Rank> weight;
  double half_beta;
  const double* energy;
  double thermal_gain, thermal_loss;  ///< log(gamma_eq times moment)
  WeightedMoments<Rank> moments;
  double *balance, *thermal_gain_share, *thermal_loss_share;

  LINDRIFT_HD void operator()(Index s) const { at<double>(s); }
  template <class T>
  LINDRIFT_HD void at(Index s) const {
    const auto mode = weight.template mode<T>(s);
    const T thermal = half_beta * load<T>(energy, s);
    T in = moments.gain[0] * mode.in[0], out = moments.loss[0] * mode.out[0];
    for (int r = 1; r < Rank; ++r) {
      in += moments.gain[r] * mode.in[r];
      out += moments.loss[r] * mode.out[r];
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

/// Sums that fix the fugacity (Eq. 16). Particles and holes are counted separately, so that small numbers on either
/// side of the Fermi level keep their digits.
template <class T>
struct FillingCounts {
  T particles{}, holes{};            ///< sum of n over modes below half filling, of 1 - n over the others
  T others{};                        ///< number of the others
  T particle_slope{}, hole_slope{};  ///< derivatives of particles and of -holes with respect to log z

  template <class Side>
  LINDRIFT_HD void add(Side below_half, T n, T hole, T slope) {
    const T zero = T{};
    particles += below_half ? n : zero;
    holes += below_half ? zero : hole;
    others += below_half ? zero : zero + 1.0;
    particle_slope += below_half ? slope : zero;
    hole_slope += below_half ? zero : slope;
  }
  LINDRIFT_HD FillingCounts& operator+=(const FillingCounts& other) {
    particles += other.particles;
    holes += other.holes;
    others += other.others;
    particle_slope += other.particle_slope;
    hole_slope += other.hole_slope;
    return *this;
  }
  LINDRIFT_HD FillingCounts<double> lane(int i) const {
    return {particles[i], holes[i], others[i], particle_slope[i], hole_slope[i]};
  }
};

/// The counts for lambda_s = r_s - log z, and the largest exponents at this fugacity.
template <class T>
struct FillingSums {
  FillingCounts<T> counts;
  T size{};  ///< largest |lambda|
  LargestExponents<T> largest;

  LINDRIFT_HD FillingSums& operator+=(const FillingSums& other) {
    counts += other.counts;
    size = size > other.size ? size : other.size;
    largest += other.largest;
    return *this;
  }
  LINDRIFT_HD FillingSums<double> lane(int i) const { return {counts.lane(i), size[i], largest.lane(i)}; }
};
struct FillingTerm {
  template <class T>
  using Sum = FillingSums<T>;
  double half_beta;
  const double *energy, *balance;
  double log_fugacity;

  template <class T>
  LINDRIFT_HD void accumulate(Index s, Sum<T>& sum) const {
    const Occupation<T> n(load<T>(balance, s) - log_fugacity);
    const T thermal = half_beta * load<T>(energy, s);
    sum.counts.add(n.lambda > T{}, n.smaller, n.smaller, n.smaller * n.larger);
    sum.size = sum.size > magnitude(n.lambda) ? sum.size : magnitude(n.lambda);
    sum.largest += LargestExponents<T>{thermal - n.positive(), n.negative() - thermal};
  }
};

/// Moments of lambda_s = r_s - log z and their derivatives (Eqs. 17b, 17c). With the share of each moment's term in
/// gain and loss, dlambda = sum(loss shares dx) - sum(gain shares dx) - dlog z, and dn = -n (1-n) dlambda.
template <int Rank, class T>
struct MomentDerivatives {
  static constexpr int moments = 2 * Rank + 2;
  T value[moments]{};
  /// Sum over the modes of weight times n (1-n) times share. Rows: the weights of the moments, and 1 in the last row.
  /// Columns: the shares of the moments.
  T response[moments + 1][moments]{};

  LINDRIFT_HD MomentDerivatives& operator+=(const MomentDerivatives& other) {
    add_each(value, other.value);
    for (int k = 0; k <= moments; ++k) add_each(response[k], other.response[k]);
    return *this;
  }
  LINDRIFT_HD MomentDerivatives<Rank, double> lane(int i) const {
    MomentDerivatives<Rank, double> result;
    lane_of_each(result.value, value, i);
    for (int k = 0; k <= moments; ++k) lane_of_each(result.response[k], response[k], i);
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
  WeightedMoments<Rank> weighted;
  const double *balance, *thermal_gain_share, *thermal_loss_share;
  double log_fugacity;
  LargestExponents<double> largest;  ///< close to those at this fugacity; their exponentials divide thermal moments

  template <class T>
  LINDRIFT_HD void accumulate(Index s, Sum<T>& sum) const {
    constexpr int moments = Sum<T>::moments, second = Rank + 1;
    const auto mode = weight.template mode<T>(s);
    const Occupation<T> occupation(load<T>(balance, s) - log_fugacity);
    const T thermal = half_beta * load<T>(energy, s), chi = occupation.smaller * occupation.larger;
    const T n = occupation.particle(), hole = occupation.hole();
    const T thermal_particle =
        occupation.larger * exponential(thermal - occupation.positive() - largest.particle).value;
    const T thermal_hole = occupation.larger * exponential(occupation.negative() - thermal - largest.hole).value;

    T share[moments], weight_chi[moments + 1];
    shares(load<T>(thermal_gain_share, s), weighted.gain, mode.in, share);
    shares(load<T>(thermal_loss_share, s), weighted.loss, mode.out, share + second);
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

// --- the same without logarithms, for exponentials well inside the range of a double ---

/// Gain times fugacity, and loss, of a mode, and the occupation at which they balance: n = gain z / (gain z + loss).
template <int Rank>
struct PlainBalance {
  ProductWeight<Rank> weight;
  const double *thermal_in, *thermal_out;  ///< e^{-+ beta E / 2}
  double gain[Rank + 1], loss[Rank + 1];   ///< moments times gamma, the thermal one first; gain also times the fugacity

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

/// The counts, and the smallest n (1-n).
template <class T>
struct PlainFillingSums {
  FillingCounts<T> counts;
  T min_slope = T{} + 1.0;

  LINDRIFT_HD PlainFillingSums& operator+=(const PlainFillingSums& other) {
    counts += other.counts;
    min_slope = min_slope < other.min_slope ? min_slope : other.min_slope;
    return *this;
  }
  LINDRIFT_HD PlainFillingSums<double> lane(int i) const { return {counts.lane(i), min_slope[i]}; }
};
template <int Rank>
struct PlainFillingTerm {
  template <class T>
  using Sum = PlainFillingSums<T>;
  PlainBalance<Rank> balance;

  template <class T>
  LINDRIFT_HD void accumulate(Index s, Sum<T>& sum) const {
    const auto mode = balance.template mode<T>(s);
    const T over = 1.0 / (mode.gain + mode.loss);
    add(mode.gain * over, mode.loss * over, sum);
  }
  template <class T>
  LINDRIFT_HD static void add(T n, T hole, Sum<T>& sum) {
    const T slope = n * hole;
    sum.counts.add(hole > n, n, hole, slope);
    sum.min_slope = sum.min_slope < slope ? sum.min_slope : slope;
  }
};

/// PlainFillingSums and the sums that yield MomentDerivatives: four matrices of sums over the modes, two of them
/// symmetric, and the last row of the response. The share of a moment is the moment times its factor over gain z (or
/// over loss), and n (1-n) / (gain z) = (1-n) / whole with whole = gain z + loss.
template <int Rank, class T>
struct PlainDerivativeSums {
  static constexpr int size = Rank + 1, triangle = size * (size + 1) / 2;
  PlainFillingSums<T> filling;
  T out_in_hole[size][size]{}, out_in_particle[size][size]{};  ///< out_r in_l times (1-n) or n, over whole
  T in_in_hole[triangle]{}, out_out_particle[triangle]{};      ///< in_r in_l (1-n), out_r out_l n, over whole; l <= r
  T in_hole[size]{}, out_particle[size]{};                     ///< in_l (1-n), out_l n, over whole

  static constexpr int element(int r, int l) { return r >= l ? r * (r + 1) / 2 + l : l * (l + 1) / 2 + r; }

  LINDRIFT_HD PlainDerivativeSums& operator+=(const PlainDerivativeSums& other) {
    filling += other.filling;
    for (int r = 0; r < size; ++r) {
      add_each(out_in_hole[r], other.out_in_hole[r]);
      add_each(out_in_particle[r], other.out_in_particle[r]);
    }
    add_each(in_hole, other.in_hole);
    add_each(out_particle, other.out_particle);
    add_each(in_in_hole, other.in_in_hole);
    add_each(out_out_particle, other.out_out_particle);
    return *this;
  }
  LINDRIFT_HD PlainDerivativeSums<Rank, double> lane(int i) const {
    PlainDerivativeSums<Rank, double> result;
    result.filling = filling.lane(i);
    for (int r = 0; r < size; ++r) {
      lane_of_each(result.out_in_hole[r], out_in_hole[r], i);
      lane_of_each(result.out_in_particle[r], out_in_particle[r], i);
    }
    lane_of_each(result.in_hole, in_hole, i);
    lane_of_each(result.out_particle, out_particle, i);
    lane_of_each(result.in_in_hole, in_in_hole, i);
    lane_of_each(result.out_out_particle, out_out_particle, i);
    return result;
  }

  /// @param gain, loss  of the PlainBalance
  MomentDerivatives<Rank, double> derivatives(const double* gain, const double* loss) const {
    constexpr int moments = 2 * size;
    MomentDerivatives<Rank, double> result;
    for (int r = 0; r < size; ++r)
      for (int l = 0; l < size; ++l) {
        // n = gain z / whole with gain z = sum_l gain_l in_l; 1 - n likewise.
        const double out_in = out_in_hole[r][l] + out_in_particle[r][l];
        result.value[r] += gain[l] * out_in;
        result.value[size + l] += loss[r] * out_in;
        result.response[r][l] = gain[l] * out_in_hole[r][l];
        result.response[r][size + l] = loss[l] * out_out_particle[element(r, l)];
        result.response[size + r][l] = gain[l] * in_in_hole[element(r, l)];
        result.response[size + r][size + l] = loss[l] * out_in_particle[l][r];
      }
    for (int l = 0; l < size; ++l) {
      result.response[moments][l] = gain[l] * in_hole[l];
      result.response[moments][size + l] = loss[l] * out_particle[l];
    }
    return result;
  }
};
template <int Rank>
struct PlainDerivativeTerm {
  template <class T>
  using Sum = PlainDerivativeSums<Rank, T>;
  PlainBalance<Rank> balance;

  template <class T>
  LINDRIFT_HD void accumulate(Index s, Sum<T>& sum) const {
    const auto mode = balance.template mode<T>(s);
    const T over = 1.0 / (mode.gain + mode.loss), n = mode.gain * over, hole = mode.loss * over;
    PlainFillingTerm<Rank>::add(n, hole, sum.filling);
    const T by_hole = hole * over, by_particle = n * over;
    for (int r = 0; r <= Rank; ++r) {
      const T in_hole = mode.in[r] * by_hole, out_particle = mode.out[r] * by_particle;
      sum.in_hole[r] += in_hole;
      sum.out_particle[r] += out_particle;
      for (int l = 0; l <= Rank; ++l) {
        sum.out_in_hole[l][r] += mode.out[l] * in_hole;
        sum.out_in_particle[r][l] += mode.in[l] * out_particle;
      }
      for (int l = 0; l <= r; ++l) {
        sum.in_in_hole[Sum<T>::element(r, l)] += mode.in[l] * in_hole;
        sum.out_out_particle[Sum<T>::element(r, l)] += mode.out[l] * out_particle;
      }
    }
  }
};

/// lambda = log(loss / (gain z)), and its occupation.
template <int Rank>
struct PlainState {
  PlainBalance<Rank> balance;
  double *lagrange_multiplier, *occupation;
  LINDRIFT_HD void operator()(Index s) const { at<double>(s); }
  template <class T>
  LINDRIFT_HD void at(Index s) const {
    const auto mode = balance.template mode<T>(s);
    store(lagrange_multiplier, s, logarithm(mode.loss / mode.gain));
    store(occupation, s, mode.gain / (mode.gain + mode.loss));
  }
};

/// The same from the logarithms: lambda = r - log z.
struct ShiftedState {
  const double* balance;
  double log_fugacity;
  double *lagrange_multiplier, *occupation;
  LINDRIFT_HD void operator()(Index s) const { at<double>(s); }
  template <class T>
  LINDRIFT_HD void at(Index s) const {
    const Occupation<T> n(load<T>(balance, s) - log_fugacity);
    store(lagrange_multiplier, s, n.lambda);
    store(occupation, s, n.particle());
  }
};

// --- imbalance of given multipliers, for the same range ---

/// Source modes with the occupations of given multipliers.
struct MultiplierSource {
  const double *thermal_in, *thermal_out, *lagrange_multiplier;

  template <class T>
  LINDRIFT_HD SourceMode<T> mode(Index s) const {
    const Occupation<T> occupation(load<T>(lagrange_multiplier, s));
    const T n = occupation.particle(), hole = occupation.hole();
    return {load<T>(thermal_out, s) * n, n, load<T>(thermal_in, s) * hole, hole};
  }
};

/// Largest magnitude, and whether all values are finite.
template <class T>
struct SizeOf {
  T largest{}, not_finite{};  ///< not_finite: zero if they are, else NaN
  LINDRIFT_HD SizeOf& operator+=(const SizeOf& other) {
    largest = largest > other.largest ? largest : other.largest;
    not_finite += other.not_finite;
    return *this;
  }
  LINDRIFT_HD SizeOf<double> lane(int i) const { return {largest[i], not_finite[i]}; }
};
struct SizeTerm {
  template <class T>
  using Sum = SizeOf<T>;
  double factor;
  const double* values;
  template <class T>
  LINDRIFT_HD void accumulate(Index s, Sum<T>& sum) const {
    const T value = factor * load<T>(values, s);
    sum += Sum<T>{magnitude(value), value - value};
  }
};

/// |gain (1-n) - loss n| / (gain (1-n) + loss n)
template <int Rank>
struct ImbalanceTerm {
  template <class T>
  using Sum = SizeOf<T>;
  ProductRowSums<Rank> sums;
  PlainRows rows;
  MultiplierSource source;
  template <class T>
  LINDRIFT_HD void accumulate(Index s, Sum<T>& sum) const {
    const PairSums<T> of_row = sums.template at<T>(s);
    const SourceMode<T> mode = source.template mode<T>(s);
    const T in = rows.gain(s, of_row) * mode.hole, out = rows.loss(s, of_row) * mode.particle;
    const T imbalance = magnitude(in - out) / (in + out);
    sum += Sum<T>{imbalance, imbalance - imbalance};
  }
};

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
