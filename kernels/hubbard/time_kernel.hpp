#pragma once

#include "kernels/complex.hpp"
#include "kernels/elementary.hpp"
#include "kernels/hubbard/time_tables.hpp"

/// The kernel of the Hubbard model's self-energy in time, between its Fourier transforms (docs/physics.md, section 10).

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace hubbard {

template <class T>
LINDRIFT_HD ComplexOf<T> load_complex(const double* values, Index i) {
  if constexpr (sizeof(T) == sizeof(double)) {
    return complex_at(values, i);
  } else {
    ComplexOf<T> result;
    load_interleaved(values + 2 * i, result.re, result.im);
    return result;
  }
}

/// Input of the transforms at one momentum p.
template <class T>
struct Amplitudes {
  SineCosine<T> turn, hole_turn, probe_turn;  ///< of e_p t; of e_{-p} t for spin down and for the probe
  T particle, hole, probe;                    ///< |a_p|, |b_{-p}|, |c_{-p}|
  T slow_particle{}, slow_hole{};             ///< the same if p decays slowly, else 0

  LINDRIFT_HD ComplexOf<T> a() const { return {particle * turn.cosine, particle * turn.sine}; }
  LINDRIFT_HD ComplexOf<T> b() const { return {hole * hole_turn.cosine, -hole * hole_turn.sine}; }
  LINDRIFT_HD ComplexOf<T> c() const { return {probe * probe_turn.cosine, -probe * probe_turn.sine}; }
  LINDRIFT_HD ComplexOf<T> slow_a() const { return {slow_particle * turn.cosine, slow_particle * turn.sine}; }
  LINDRIFT_HD ComplexOf<T> slow_b() const { return {slow_hole * hole_turn.cosine, -slow_hole * hole_turn.sine}; }
};

/// a_p = n_p e^{(i e_p - Gamma_p/2) t}, b_p = (1 - n_p) e^{(-i e_p - Gamma_p/2) t}, c_p = e^{(-i e_p - gup_p/2) t},
/// the factors of Eq. 69.
template <class T>
LINDRIFT_HD Amplitudes<T> amplitudes(const TimeTables& tables, Index p, double time) {
  Amplitudes<T> result;
  result.turn = result.hole_turn = result.probe_turn = sine_cosine(load<T>(tables.energy, p) * time);
  if (tables.hole_energy) {
    result.hole_turn = sine_cosine(load<T>(tables.hole_energy, p) * time);
    result.probe_turn = sine_cosine(load<T>(tables.probe_energy, p) * time);
  }
  const T particle_decay = exponential(load<T>(tables.particle_rate, p) * -time).value;
  const T hole_decay = exponential(load<T>(tables.hole_rate, p) * -time).value;
  result.particle = load<T>(tables.particles, p) * particle_decay;
  result.hole = load<T>(tables.holes, p) * hole_decay;
  result.probe = tables.probe_rate ? exponential(load<T>(tables.probe_rate, p) * -time).value : T{} + 1.0;
  if (tables.slow_particles) {
    result.slow_particle = load<T>(tables.slow_particles, p) * particle_decay;
    result.slow_hole = load<T>(tables.slow_holes, p) * hole_decay;
  }
  return result;
}

/// The amplitudes at a batch of times, as a map: element i is momentum i mod L at time i / L. For engines with one
/// thread per element.
struct AmplitudeRows {
  TimeTables tables;
  const double* times;  ///< (count,)
  double* rows;         ///< (count, factors, sites)
  LINDRIFT_HD void operator()(Index i) const {
    const Index time = i / tables.sites, p = i - time * tables.sites;
    const Amplitudes<double> result = amplitudes<double>(tables, p, times[time]);
    const Index first = time * tables.factors * tables.sites + p;
    set_complex(rows, first, result.a());
    set_complex(rows, first + tables.sites, result.b());
    set_complex(rows, first + 2 * tables.sites, result.c());
    if (tables.factors == 3) return;
    set_complex(rows, first + 3 * tables.sites, result.slow_a());
    set_complex(rows, first + 4 * tables.sites, result.slow_b());
  }
};

/// A_{-r} B_r - A^slow_{-r} B^slow_r, times U^2 C_r if the interaction is on site                       (Eqs. 70, 76)
struct ProductRows {
  TimeTables tables;
  const double* rows;  ///< (count, factors, sites), transformed
  double* products;    ///< (count, sites)
  LINDRIFT_HD void at(Index time, Index r) const {
    const Index sites = tables.sites, first = time * tables.factors * sites + r;
    ComplexOf<double> product = complex_at(rows, first) * complex_at(rows, first + sites);
    if (tables.factors > 3) {
      const ComplexOf<double> slow = complex_at(rows, first + 3 * sites) * complex_at(rows, first + 4 * sites);
      product = {product.re - slow.re, product.im - slow.im};
    }
    if (tables.on_site) {
      const ComplexOf<double> c = complex_at(rows, first + 2 * sites);
      product = product * ComplexOf<double>{tables.coupling[0] * c.re, tables.coupling[0] * c.im};
    }
    set_complex(products, time * sites + r, product);
  }
  LINDRIFT_HD void operator()(Index i) const { at(i / tables.sites, i % tables.sites); }
};

/// |U_q|^2 S(q)                                                                                             (Eq. 70)
struct CoupleRows {
  TimeTables tables;
  double* products;  ///< (count, sites)
  LINDRIFT_HD void at(Index time, Index q) const {
    double* value = products + 2 * (time * tables.sites + q);
    value[0] *= tables.coupling[q];
    value[1] *= tables.coupling[q];
  }
  LINDRIFT_HD void operator()(Index i) const { at(i / tables.sites, i % tables.sites); }
};

/// C_r Y_r                                                                                                  (Eq. 70)
struct PropagateRows {
  TimeTables tables;
  const double* rows;  ///< (count, factors, sites), transformed
  double* products;    ///< (count, sites)
  LINDRIFT_HD void at(Index time, Index r) const {
    const Index sites = tables.sites;
    const ComplexOf<double> c = complex_at(rows, (time * tables.factors + 2) * sites + r);
    set_complex(products, time * sites + r, complex_at(products, time * sites + r) * c);
  }
  LINDRIFT_HD void operator()(Index i) const { at(i / tables.sites, i % tables.sites); }
};

/// -i weight_t e^{i w t} for all nodes and frequencies                                                         (Eq. 68)
struct WaveRows {
  const double* times;      ///< of the nodes, `stride` apart
  const double* weights;    ///< (nodes,)
  const double* frequency;  ///< (frequencies,)
  double* waves;            ///< (nodes, frequencies)
  Index stride, frequencies;
  LINDRIFT_HD void operator()(Index i) const {
    const Index time = i / frequencies;
    const SineCosine<double> turn = sine_cosine(frequency[i - time * frequencies] * times[time * stride]);
    set_complex(waves, i, {weights[time] * turn.sine, -weights[time] * turn.cosine});
  }
};

}  // namespace hubbard
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
