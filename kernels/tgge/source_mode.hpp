#pragma once

#include <cmath>
#include <cstddef>

#include "kernels/elementary.hpp"
#include "kernels/functor.hpp"

/// Functors of the tGGE rate equations (docs/physics.md, section 3). A mode s, which is a row of the sums, exchanges
/// particles with every source mode s':
///
///   gain_s = (1/N) sum_s' [ gamma_eq S(E_s' - E_s) + gamma_neq w(s,s') ] n_s'                            (Eq. 6)
///   loss_s = (1/N) sum_s' [ gamma_eq S(E_s - E_s') + gamma_neq w(s',s) ] (1 - n_s')
///
/// for N cells, with S(x) = e^{beta x/2} sigma(x), sigma even (spectrum.hpp), and hop weights w (product_weight.hpp,
/// operator_weight.hpp, table_weight.hpp).
///
/// The sums come in two forms. Plain: occupations and Boltzmann factors as they are; linear in the occupations, and
/// cheap. Rescaled: every factor is divided by the largest of its kind and the logarithms are kept separately; valid
/// for any beta and any Lagrange multiplier. A Source provides the source modes; rows.hpp has the prefactors of the row
/// and the right-hand sides built from gain_s and loss_s.

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

/// Four sums over s', thermal and nonequilibrium ones separate, without the prefactors of the row.
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

/// n and 1-n of a multiplier, both accurate to the last bit: with x = e^{-|lambda|} they are 1/(1+x) and x/(1+x).
template <class T>
struct Occupation {
  T lambda, larger, smaller;
  LINDRIFT_HD explicit Occupation(T multiplier) : lambda(multiplier) {
    const T x = exponential(-magnitude(lambda)).value;
    larger = 1.0 / (1.0 + x);
    smaller = x * larger;
  }
  LINDRIFT_HD T particle() const { return lambda > T{} ? smaller : larger; }
  LINDRIFT_HD T hole() const { return lambda > T{} ? larger : smaller; }
  // n = larger e^{-positive()}, 1-n = larger e^{negative()}.
  LINDRIFT_HD T positive() const { return lambda > T{} ? lambda : T{}; }
  LINDRIFT_HD T negative() const { return lambda > T{} ? T{} : lambda; }
};

/// The contributions of a mode as a source: particles and holes, with and without the Boltzmann factor.
template <class T>
struct SourceMode {
  T thermal_particle, particle, thermal_hole, hole;
};

/// Occupations as they are.
struct PlainSource {
  const double* thermal_out;  ///< e^{+beta E/2}
  const double* thermal_in;   ///< e^{-beta E/2}
  const double* particles;    ///< n, or any real numbers
  const double* holes;        ///< 1 - n, or any real numbers

  template <class T>
  LINDRIFT_HD SourceMode<T> mode(Index s) const {
    const T particle = load<T>(particles, s), hole = load<T>(holes, s);
    return {load<T>(thermal_out, s) * particle, particle, load<T>(thermal_in, s) * hole, hole};
  }
};

/// Occupations at the state that was rescaled.
struct RescaledSource {
  const double* thermal_particle;  ///< e^{+beta E/2} n, over its maximum
  const double* particle;          ///< n
  const double* thermal_hole;      ///< e^{-beta E/2} (1 - n), over its maximum
  const double* hole;              ///< 1 - n

  template <class T>
  LINDRIFT_HD SourceMode<T> mode(Index s) const {
    return {load<T>(thermal_particle, s), load<T>(particle, s), load<T>(thermal_hole, s), load<T>(hole, s)};
  }
};

/// The change of a rescaled source when lambda changes along `direction`: dn = -n (1-n) dlambda. Both d log loss and -d
/// log gain are then positive, so no sign is written.
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

/// A rescaled source whose particles and holes are multiplied by factors of either sign.
struct WeightedSource {
  RescaledSource source;
  const double *particle_factor, *hole_factor;

  template <class T>
  LINDRIFT_HD SourceMode<T> mode(Index s) const {
    const SourceMode<T> p = source.template mode<T>(s);
    const T x = load<T>(particle_factor, s), y = load<T>(hole_factor, s);
    return {p.thermal_particle * x, p.particle * x, p.thermal_hole * y, p.hole * y};
  }
};

/// The sums of one bath.
template <class T>
struct BathSums {
  T gain{}, loss{};
  LINDRIFT_HD BathSums& operator+=(const BathSums& other) {
    gain += other.gain;
    loss += other.loss;
    return *this;
  }
  LINDRIFT_HD BathSums<double> lane(int i) const { return {gain[i], loss[i]}; }
};
/// Thermal moments of the source modes.
template <class Source>
struct ThermalMomentTerm {
  template <class T>
  using Sum = BathSums<T>;
  Source source;
  template <class T>
  LINDRIFT_HD void accumulate(Index s, Sum<T>& sum) const {
    const SourceMode<T> from = source.template mode<T>(s);
    sum.gain += from.thermal_particle;
    sum.loss += from.thermal_hole;
  }
};

// --- levels: modes of the same energy as one source and one row in sums over the thermal spectrum ---

/// Adds the thermal source modes of a level.
template <class Source>
struct FoldLevels {
  Source source;
  const Index *first, *member;  ///< of RateTables
  double *particle, *hole;      ///< (levels,)
  LINDRIFT_HD void operator()(Index level) const {
    double particles = 0.0, holes = 0.0;
    for (Index i = first[level]; i < first[level + 1]; ++i) {
      const SourceMode<double> from = source.template mode<double>(member[i]);
      particles += from.thermal_particle;
      holes += from.thermal_hole;
    }
    particle[level] = particles;
    hole[level] = holes;
  }
};

/// Levels as source modes.
struct LevelSource {
  const double *particle, *hole;
  template <class T>
  LINDRIFT_HD SourceMode<T> mode(Index level) const {
    return {load<T>(particle, level), T{}, load<T>(hole, level), T{}};
  }
};

/// The value for the level of mode s; for a pack, the values for the modes from s on.
template <class T>
LINDRIFT_HD T load_level(const double* values, const Index* level_of, Index s) {
  if constexpr (sizeof(T) == sizeof(double)) {
    return values[level_of[s]];
  } else {
    T result;
    for (std::size_t i = 0; i < sizeof(T) / sizeof(double); ++i)
      result[i] = values[level_of[s + static_cast<Index>(i)]];
    return result;
  }
}

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
