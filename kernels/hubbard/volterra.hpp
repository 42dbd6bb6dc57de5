#pragma once

#include "kernels/hubbard/time_kernel.hpp"
#include "kernels/hubbard/volterra_tables.hpp"

/// The integral equation of the Hubbard model's propagator for one momentum, or for one per lane of a Pack
/// (docs/physics.md, section 10.4).

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace hubbard {

/// Momenta side by side: those from `momentum` on, stored from `lane` on in the arrays.
template <class T>
struct Volterra {
  using Complex = ComplexOf<T>;
  static constexpr Index order = VolterraTables::order, start = VolterraTables::start;

  const VolterraTables& tables;
  const VolterraArrays& arrays;
  Index momentum, lane;

  LINDRIFT_HD Complex get(const double* re, const double* im, Index row) const {
    return {load<T>(re, row * arrays.lanes + lane), load<T>(im, row * arrays.lanes + lane)};
  }
  LINDRIFT_HD void set(double* re, double* im, Index row, Complex z) const {
    store<T>(re, row * arrays.lanes + lane, z.re);
    store<T>(im, row * arrays.lanes + lane, z.im);
  }
  /// K e^{i energy t} at step n >= -order
  LINDRIFT_HD Complex k(Index n) const { return get(arrays.k_re, arrays.k_im, n + order); }
  LINDRIFT_HD Complex q(Index n) const { return get(arrays.q_re, arrays.q_im, n); }
  LINDRIFT_HD Complex g(Index n) const { return get(arrays.g_re, arrays.g_im, n); }
  LINDRIFT_HD T decayed(double time) const { return exponential(load<T>(tables.decay, momentum) * -time).value; }

  /// Reads K(k,t) and multiplies it by e^{i energy t}.
  LINDRIFT_HD void rescale(const double* rows) const {
    const T energy = load<T>(tables.energy, momentum);
    for (Index i = 0; i < tables.count + 2 * order; ++i) {
      const Index row = VolterraTables::margin + tables.stride * (i - order);
      const SineCosine<T> turn = sine_cosine(energy * (static_cast<double>(i - order) * tables.step));
      Complex value{};
      add_product(value, load_complex<T>(rows, row * tables.sites + momentum), {turn.cosine, turn.sine});
      set(arrays.k_re, arrays.k_im, i, value);
    }
  }

  /// Q by the trapezoidal rule with corrections at both ends                                          (Eqs. 74, 78)
  LINDRIFT_HD void integrate() const {
    T down[order], up[order];  // e^{-+ decay j step}, j = 1 ..
    for (Index j = 0; j < order; ++j) {
      down[j] = decayed(static_cast<double>(j + 1) * tables.step);
      up[j] = decayed(-static_cast<double>(j + 1) * tables.step);
    }
    const auto correction = [&](Index n) {
      Complex sum{};
      for (Index j = 1; j <= order; ++j)
        sum = sum + scaled(tables.correction[j - 1], scaled(up[j - 1], k(n + j)) - scaled(down[j - 1], k(n - j)));
      return sum;
    };
    const Complex begin = scaled(0.5, k(0)) + correction(0);
    Complex running{};  // the sum over the inner points, each with its decay so far
    set(arrays.q_re, arrays.q_im, 0, Complex{});
    for (Index n = 1; n < tables.count; ++n) {
      const Complex value =
          running + scaled(decayed(static_cast<double>(n) * tables.step), begin) + scaled(0.5, k(n)) - correction(n);
      set(arrays.q_re, arrays.q_im, n, scaled(tables.step, value));
      running = scaled(down[0], running + k(n));
    }
  }

  /// The first values of g from its Taylor series, whose coefficients follow from those of the kernel      (Eq. 79)
  LINDRIFT_HD void begin(const double* circle) const {
    constexpr Index points = VolterraTables::circle_points, terms = VolterraTables::series_terms;
    const double radius = static_cast<double>(start) * tables.step;
    const T energy = load<T>(tables.energy, momentum), decay = load<T>(tables.decay, momentum);
    // kt(t) = sum_i a_i (t/radius)^i, and g with coefficients b_i.
    Complex on_circle[points], a[terms], b[terms];
    LINDRIFT_ROLLED
    for (Index l = 0; l < points; ++l) {
      const double x = radius * tables.turns[l], y = radius * tables.turns[points + l];
      const T size = exponential(decay * x - energy * y).value;
      const SineCosine<T> turn = sine_cosine(energy * x + decay * y);
      on_circle[l] = Complex{};
      add_product(on_circle[l], load_complex<T>(circle, l * tables.sites + momentum),
                  {size * turn.cosine, size * turn.sine});
    }
    LINDRIFT_ROLLED
    for (Index i = 0; i < terms; ++i) {
      a[i] = Complex{};
      LINDRIFT_ROLLED
      for (Index l = 0; l < points; ++l) {
        const Index turn = i * l % points;
        const double cosine = tables.turns[turn], sine = tables.turns[points + turn];
        a[i].re += cosine * on_circle[l].re + sine * on_circle[l].im;
        a[i].im += cosine * on_circle[l].im - sine * on_circle[l].re;
      }
      a[i] = scaled(1.0 / static_cast<double>(points), a[i]);
      b[i] = Complex{};
    }
    b[0].re = T{} + 1.0;
    LINDRIFT_ROLLED
    for (Index n = 1; n + 1 < terms; ++n) {
      // -int_0^t kt(t-t') g(t') dt' of powers i and j is i! j! / (i+j+1)! of power i+j+1 = n.
      Complex sum{};
      double beta = 1.0 / static_cast<double>(n);  // i! j! / n! at i = 0
      LINDRIFT_ROLLED
      for (Index i = 0; i < n; ++i) {
        const Index j = n - 1 - i;
        add_product(sum, scaled(beta, a[i]), b[j]);
        if (j > 0) beta *= static_cast<double>(i + 1) / static_cast<double>(j);
      }
      b[n + 1] = scaled(-radius * radius / static_cast<double>(n + 1), sum);
    }
    LINDRIFT_ROLLED
    for (Index n = 0; n < start; ++n) {
      const double x = static_cast<double>(n) / static_cast<double>(start);
      Complex value{};
      LINDRIFT_ROLLED
      for (Index i = terms; i-- > 0;) value = scaled(x, value) + b[i];
      set(arrays.g_re, arrays.g_im, n, scaled(decayed(static_cast<double>(n) * tables.step), value));
    }
  }

  /// Adds sum_{i=from}^{to-1} Q_{n-i} g_i to the sums of the steps n .. n+width-1.
  template <int width>
  LINDRIFT_HD void accumulate(Index n, Index from, Index to, Complex* sum) const {
    Complex own[width];  // in registers, which an array that is indexed by a variable cannot be
    LINDRIFT_UNROLL
    for (int w = 0; w < width; ++w) own[w] = sum[w];
    for (Index i = from; i < to; ++i) {
      const Complex value = g(i);
      LINDRIFT_UNROLL
      for (int w = 0; w < width; ++w) add_product(own[w], q(n + w - i), value);
    }
    LINDRIFT_UNROLL
    for (int w = 0; w < width; ++w) sum[w] = own[w];
  }

  /// g_n = 1 - step sum_i weight_i Q_{n-i} g_i, Q_0 = 0                                                    (Eq. 78)
  LINDRIFT_HD void advance(Index from, Index first, Index last) const {
    constexpr int width = 4;
    for (Index tile = first; tile < last; tile += width) {
      Complex sum[width];
      const Index rows = last - tile < width ? last - tile : width;
      for (Index w = 0; w < width; ++w)
        sum[w] = (from > 0 || tables.driven) && w < rows ? get(arrays.sum_re, arrays.sum_im, tile + w) : Complex{};
      if (rows == width)
        accumulate<width>(tile, from, tile, sum);
      else
        for (Index w = 0; w < rows; ++w) accumulate<1>(tile + w, from, tile, sum + w);
      for (Index w = 0; w < rows; ++w) {
        const Index n = tile + w;
        accumulate<1>(n, tile > from ? tile : from, n, sum + w);
        for (Index j = 0; j < order; ++j) {
          add_product(sum[w], scaled(tables.end[j], q(n - j)), g(j));
          if (j > 0) add_product(sum[w], scaled(tables.end[j], q(j)), g(n - j));
        }
        Complex value = scaled(-tables.step, sum[w]);
        if (!tables.driven) value.re += decayed(static_cast<double>(n) * tables.step);
        set(arrays.g_re, arrays.g_im, n, value);
      }
    }
  }

  /// max |g_{2n} - rough g_n|^2, where `rough` is the run with twice the step
  LINDRIFT_HD T difference(const Volterra& rough) const {
    T largest{};
    for (Index n = 0; n < rough.tables.count; ++n) {
      const Complex away = g(2 * n) - rough.g(n);
      const T square = away.re * away.re + away.im * away.im;
      largest = (square > largest) | (square != square) ? square : largest;  // a NaN is kept
    }
    return largest;
  }

  /// G = -i e^{-i level t} g at a time between steps, by polynomial interpolation through the nearest steps
  LINDRIFT_HD Complex green(Index time) const {
    const auto first = tables.first[time];
    Complex value{};
    for (Index i = 0; i < VolterraTables::stencil; ++i)
      value = value + scaled(tables.weights[time * VolterraTables::stencil + i], g(first + i));
    const SineCosine<T> turn = sine_cosine(load<T>(tables.level, momentum) * tables.at[time]);
    return {value.im * turn.cosine - value.re * turn.sine, T{} - value.re * turn.cosine - value.im * turn.sine};
  }
};

// A batch of momenta as maps, one thread each, for engines with one thread per element: in pieces, each of which fits
// in the registers of a thread.

/// Their equations with one step, up to the solutions.
struct VolterraMomenta {
  VolterraTables tables;
  VolterraArrays arrays;
  Index first;           ///< momentum
  const double* rows;    ///< as in VolterraFunctions::prepare
  const double* circle;  ///< (2, circle_points, sites)

  LINDRIFT_HD Volterra<double> of(Index i) const { return {tables, arrays, first + i, i}; }
};
struct PrepareVolterra {
  VolterraMomenta momenta;
  LINDRIFT_HD void operator()(Index i) const {
    const Volterra<double> equation = momenta.of(i);
    equation.rescale(momenta.rows);
    equation.integrate();
  }
};
struct BeginVolterra {
  VolterraMomenta momenta;
  LINDRIFT_HD void operator()(Index i) const { momenta.of(i).begin(momenta.circle); }
};
struct AdvanceVolterra {
  VolterraMomenta momenta;
  LINDRIFT_HD void operator()(Index i) const { momenta.of(i).advance(0, VolterraTables::start, momenta.tables.count); }
};
/// Green's functions, and differences from the run with twice the step.
struct VolterraGreen {
  VolterraMomenta fine, rough;
  double* green;       ///< (momenta, times) complex numbers
  double* difference;  ///< (momenta,)
  LINDRIFT_HD void operator()(Index i) const {
    const Volterra<double> equation = fine.of(i);
    difference[i] = sqrt(equation.difference(rough.of(i)));
    const Index times = fine.tables.times;
    for (Index t = 0; t < times; ++t) set_complex(green, i * times + t, equation.green(t));
  }
};

}  // namespace hubbard
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
