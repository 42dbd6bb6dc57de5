#pragma once

#include <cmath>

#include "kernels/functor.hpp"

/// Functors of the tGGE rate equations (docs/physics.md, section 3). A mode s exchanges particles with every mode s':
///
///   gain_s = (1/L) sum_s' [ gamma_eq e^{-beta E_s/2} e^{+beta E_s'/2} + gamma_neq w(s,s') ] n_s'         (Eq. 6)
///   loss_s = (1/L) sum_s' [ gamma_eq e^{+beta E_s/2} e^{-beta E_s'/2} + gamma_neq w(s',s) ] (1 - n_s')
///
/// The sums come in two dresses. Bare: occupations as they are, Boltzmann factors as they are; linear in the
/// occupations and cheap. Dressed: every factor divided by the largest of its kind, logarithms kept aside, for any beta
/// and any Lagrange multiplier. A Source gives the columns s', Rows the prefactors of s, a Finish what is made of
/// gain_s and loss_s.

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

/// Four sums over s', thermal and nonequilibrium apart, without the prefactors of the row.
template <class T>
struct PairSums {
  T thermal_gain{}, gain{}, thermal_loss{}, loss{};

  LINDRIFT_HD PairSums& operator+=(const PairSums& other) {
    thermal_gain += other.thermal_gain;
    gain += other.gain;
    thermal_loss += other.thermal_loss;
    loss += other.loss;
    return *this;
  }
  LINDRIFT_HD PairSums<double> lane(int i) const { return {thermal_gain[i], gain[i], thermal_loss[i], loss[i]}; }
};

/// Hop weight that factorises, w(to, from) = in_to out_from (Eq. 5): rank one.
struct FactorisedWeight {
  const double* in;   ///< |f(q)|^2, shape (modes,)
  const double* out;  ///< |g(k)|^2, shape (modes,)

  template <class T>
  struct Mode {
    T in, out;
  };
  template <class T>
  LINDRIFT_HD Mode<T> mode(Index s) const {
    return {load<T>(in, s), load<T>(out, s)};
  }
  template <class To, class From>
  LINDRIFT_HD auto operator()(const Mode<To>& to, const Mode<From>& from) const {
    return to.in * from.out;
  }

  /// The sums over s' of the same weight as moments that no longer know s; of rank one, they are four as well.
  template <class T>
  using Moments = PairSums<T>;
  template <class T>
  LINDRIFT_HD void add(const Mode<T>& from, T particle, T hole, Moments<T>& moments) const {
    moments.gain += from.out * particle;
    moments.loss += from.in * hole;
  }
  LINDRIFT_HD PairSums<double> sums(const Mode<double>& row, const Moments<double>& moments) const {
    return {moments.thermal_gain, row.in * moments.gain, moments.thermal_loss, row.out * moments.loss};
  }
};

/// One mode as the partner of another: particles it can give, holes it can take, each also times its Boltzmann factor.
template <class T>
struct Partner {
  T thermal_particle, particle, thermal_hole, hole;
};

/// Occupations as they are.
struct BareSource {
  const double* thermal_out;  ///< e^{+beta E/2}
  const double* thermal_in;   ///< e^{-beta E/2}
  const double* particles;    ///< n, or a direction in the space of n
  const double* holes;        ///< 1 - n, or the same direction

  template <class T>
  LINDRIFT_HD Partner<T> partner(Index s) const {
    const T particle = load<T>(particles, s), hole = load<T>(holes, s);
    return {load<T>(thermal_out, s) * particle, particle, load<T>(thermal_in, s) * hole, hole};
  }
};

/// Occupations of the point that was dressed.
struct DressedSource {
  const double* thermal_particle;  ///< e^{+beta E/2} n, over its largest
  const double* particle;          ///< n
  const double* thermal_hole;      ///< e^{-beta E/2} (1 - n), over its largest
  const double* hole;              ///< 1 - n

  template <class T>
  LINDRIFT_HD Partner<T> partner(Index s) const {
    return {load<T>(thermal_particle, s), load<T>(particle, s), load<T>(thermal_hole, s), load<T>(hole, s)};
  }
};

/// The change of a dressed source when lambda changes along `direction`: dn = -n (1-n) dlambda. Signs are left to the
/// Finish.
struct DressedVariation {
  DressedSource source;
  const double* direction;

  template <class T>
  LINDRIFT_HD Partner<T> partner(Index s) const {
    const Partner<T> p = source.partner<T>(s);
    const T v = load<T>(direction, s);
    const T given = p.hole * v, taken = p.particle * v;
    return {p.thermal_particle * given, p.particle * given, p.thermal_hole * taken, p.hole * taken};
  }
};

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

/// The pair sum of Eq. 6 as a PairSum functor: every pair, whatever structure the weights have.
template <class Weight, class Source, class Finish>
struct PairRate {
  template <class T>
  using Sum = PairSums<T>;
  using Row = typename Weight::template Mode<double>;
  template <class T>
  struct Column {
    Partner<T> partner;
    typename Weight::template Mode<T> mode;
  };

  Index size;
  Weight weight;
  Source source;
  Finish at;

  LINDRIFT_HD Row row(Index s) const { return weight.template mode<double>(s); }
  template <class T>
  LINDRIFT_HD Column<T> column(Index s) const {
    return {source.template partner<T>(s), weight.template mode<T>(s)};
  }
  template <class T>
  LINDRIFT_HD void accumulate(const Row& row, const Column<T>& column, PairSums<T>& sum) const {
    sum.thermal_gain += column.partner.thermal_particle;
    sum.gain += weight(row, column.mode) * column.partner.particle;
    sum.thermal_loss += column.partner.thermal_hole;
    sum.loss += weight(column.mode, row) * column.partner.hole;
  }
  LINDRIFT_HD void finish(Index s, const PairSums<double>& sum) const { at(s, sum); }
};

/// Moments of the partners, for weights of low rank (Eq. 12): one reduction ...
template <class Weight, class Source>
struct MomentTerm {
  template <class T>
  using Sum = typename Weight::template Moments<T>;

  Weight weight;
  Source source;

  template <class T>
  LINDRIFT_HD void accumulate(Index s, Sum<T>& moments) const {
    const Partner<T> partner = source.template partner<T>(s);
    moments.thermal_gain += partner.thermal_particle;
    moments.thermal_loss += partner.thermal_hole;
    weight.template add<T>(weight.template mode<T>(s), partner.particle, partner.hole, moments);
  }
};

/// ... and one map.
template <class Weight, class Finish>
struct FromMoments {
  Weight weight;
  typename Weight::template Moments<double> moments;
  Finish at;
  LINDRIFT_HD void operator()(Index s) const { at(s, weight.sums(weight.template mode<double>(s), moments)); }
};

/// Largest exponents of the dressed factors, up to log 2: max(beta E/2 - max(lambda, 0)) and max(-beta E/2 +
/// min(lambda, 0)).
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

/// Fills the dressed columns and rows of one mode. With x = e^{-|lambda|}, n and 1-n are 1/(1+x) and x/(1+x).
struct Dress {
  double half_beta;
  double log_thermal, log_nonequilibrium;  ///< log gamma_eq, log gamma_neq; -inf where a bath is off
  double over_sites;                       ///< 1/L
  LargestExponents<double> largest;
  const double *energy, *lagrange_multiplier;
  double *thermal_particle, *particle, *thermal_hole, *hole;
  double *thermal_gain, *gain, *thermal_loss, *loss, *gain_scale, *loss_scale;

  LINDRIFT_HD void operator()(Index s) const {
    const double lambda = lagrange_multiplier[s], thermal = half_beta * energy[s];
    const double x = std::exp(-std::fabs(lambda)), larger = 1.0 / (1.0 + x), smaller = x * larger;
    particle[s] = lambda > 0.0 ? smaller : larger;
    hole[s] = lambda > 0.0 ? larger : smaller;
    thermal_particle[s] = larger * std::exp(thermal - maximum(lambda, 0.0) - largest.particle);
    thermal_hole[s] = larger * std::exp(-thermal - maximum(-lambda, 0.0) - largest.hole);

    const double thermal_gain_exponent = log_thermal + largest.particle - thermal;
    const double thermal_loss_exponent = log_thermal + largest.hole + thermal;
    gain_scale[s] = maximum(thermal_gain_exponent, log_nonequilibrium);
    loss_scale[s] = maximum(thermal_loss_exponent, log_nonequilibrium);
    thermal_gain[s] = over_sites * std::exp(thermal_gain_exponent - gain_scale[s]);
    gain[s] = over_sites * std::exp(log_nonequilibrium - gain_scale[s]);
    thermal_loss[s] = over_sites * std::exp(thermal_loss_exponent - loss_scale[s]);
    loss[s] = over_sites * std::exp(log_nonequilibrium - loss_scale[s]);
  }
};

/// Bare Boltzmann factors of one mode.
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
