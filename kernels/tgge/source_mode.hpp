#pragma once

#include <cmath>

#include "kernels/functor.hpp"

/// Functors of the tGGE rate equations (docs/physics.md, section 3). A mode s exchanges particles with every mode s':
///
///   gain_s = (1/L) sum_s' [ gamma_eq S(E_s' - E_s) + gamma_neq w(s,s') ] n_s'                            (Eq. 6)
///   loss_s = (1/L) sum_s' [ gamma_eq S(E_s - E_s') + gamma_neq w(s',s) ] (1 - n_s')
///
/// with S(x) = e^{beta x/2} sigma(x), sigma even (spectrum.hpp), and hop weights w (product_weight.hpp,
/// operator_weight.hpp, table_weight.hpp).
///
/// The sums come in two dresses. Bare: occupations as they are, Boltzmann factors as they are; linear in the
/// occupations and cheap. Rescaled: every factor divided by the largest of its kind, logarithms kept aside, for any
/// beta and any Lagrange multiplier. A Source gives the source modes s', rows.hpp the prefactors of s and what is made
/// of gain_s and loss_s.

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

/// One mode as the source mode of another: particles it can give, holes it can take, each also times its Boltzmann
/// factor.
template <class T>
struct SourceMode {
  T thermal_particle, particle, thermal_hole, hole;
};

/// Occupations as they are.
struct PlainSource {
  const double* thermal_out;  ///< e^{+beta E/2}
  const double* thermal_in;   ///< e^{-beta E/2}
  const double* particles;    ///< n, or a direction in the space of n
  const double* holes;        ///< 1 - n, or the same direction

  template <class T>
  LINDRIFT_HD SourceMode<T> mode(Index s) const {
    const T particle = load<T>(particles, s), hole = load<T>(holes, s);
    return {load<T>(thermal_out, s) * particle, particle, load<T>(thermal_in, s) * hole, hole};
  }
};

/// Occupations of the point that was dressed.
struct RescaledSource {
  const double* thermal_particle;  ///< e^{+beta E/2} n, over its largest
  const double* particle;          ///< n
  const double* thermal_hole;      ///< e^{-beta E/2} (1 - n), over its largest
  const double* hole;              ///< 1 - n

  template <class T>
  LINDRIFT_HD SourceMode<T> mode(Index s) const {
    return {load<T>(thermal_particle, s), load<T>(particle, s), load<T>(thermal_hole, s), load<T>(hole, s)};
  }
};

/// The change of a dressed source when lambda changes along `direction`: dn = -n (1-n) dlambda. Both signs of d log
/// loss and -d log gain come out positive, so none is written.
struct RescaledVariation {
  RescaledSource source;
  const double* direction;

  template <class T>
  LINDRIFT_HD SourceMode<T> mode(Index s) const {
    const SourceMode<T> p = source.template mode<T>(s);
    const T v = load<T>(direction, s);
    const T given = p.hole * v, taken = p.particle * v;
    return {p.thermal_particle * given, p.particle * given, p.thermal_hole * taken, p.hole * taken};
  }
};

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
