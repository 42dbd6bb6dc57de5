#pragma once

#include "kernels/hubbard/ladder_tables.hpp"
#include "kernels/hubbard/volterra.hpp"

/// The repeated collisions of a pair in the Hubbard model's ladder (docs/physics.md, section 10.5).

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace hubbard {

/// Propagation of free pairs between sites, from the transforms of their lines                            (Eq. 81)
struct FreePairs {
  Index sites, partner;
  double scale;        ///< 1 / sites^2
  const double* rows;  ///< (count, 3, sites), transformed
  double* pairs;       ///< (count, sites)
  LINDRIFT_HD void at(Index time, Index r) const {
    const ComplexOf<double> line = complex_at(rows, (3 * time + partner) * sites + r),
                            probe = complex_at(rows, (3 * time + probe_line) * sites + r);
    set_complex(pairs, time * sites + r, scaled(scale, line * probe));
  }
  LINDRIFT_HD void operator()(Index i) const { at(i / sites, i % sites); }
};

/// Closes the pairs between sites                                                                         (Eq. 83)
struct ClosedPairs {
  Index sites, closing;
  double scale;        ///< 1 / sites^2
  const double* rows;  ///< (count, 3, sites), transformed
  double* pairs;       ///< (count, sites)
  LINDRIFT_HD void at(Index time, Index r) const {
    const ComplexOf<double> line = complex_at(rows, (3 * time + closing) * sites + r);
    set_complex(pairs, time * sites + r, complex_at(pairs, time * sites + r) * scaled(scale, line));
  }
  LINDRIFT_HD void operator()(Index i) const { at(i / sites, i % sites); }
};

/// Solves Eq. 82 for momenta side by side; as a map, one thread each.
struct Collisions {
  using Complex = ComplexOf<double>;
  static constexpr Index margin = VolterraTables::margin, start = VolterraTables::start,
                         points = VolterraTables::circle_points, terms = VolterraTables::series_terms;

  LadderTables tables;
  VolterraArrays arrays;
  Index first;     ///< total momentum in lane 0
  double* rows;    ///< (margin + count, sites) free pairs, replaced by tau
  double* circle;  ///< (circle_points, circle_stride) the same on the circle around t = 0, from lane 0 on
  Index circle_stride;

  /// 1 + i rate step w_0 Pi(0): the equation is implicit in its newest value, but explicit for the values times this
  /// factor, with the kernel divided by it                                                                 (Eq. 84)
  LINDRIFT_HD Complex factor(Index lane) const {
    const VolterraTables& equation = tables.equation;
    Complex factor = scaled(equation.step * (1.0 + equation.end[0]), rate()) * complex_at(rows, place(margin, lane));
    factor.re += 1.0;
    return factor;
  }
  struct DividedBy {
    Complex factor;
    LINDRIFT_HD Complex operator()(Complex z) const { return quotient(z, factor); }
  };

  /// Drive and kernel of a lane's integral equation at step n.
  /// @param divided  divides by factor()
  template <class Divided>
  LINDRIFT_HD void drive(Index n, Index lane, const Divided& divided) const {
    const double step = tables.equation.step;
    const Complex free = complex_at(rows, place(margin + n, lane)), q = divided(rate() * free),
                  drive = scaled(-tables.interaction * tables.interaction, free);
    set(arrays.q_re, arrays.q_im, n, lane, q);
    set(arrays.sum_re, arrays.sum_im, n, lane, {drive.re / step, drive.im / step});
  }
  /// Starting values, and tau before them, from the series
  LINDRIFT_HD void begin(Index lane, const Complex (&series)[terms], Complex factor) const {
    LINDRIFT_ROLLED
    for (Index i = 0; i < margin + start; ++i) {
      const double x = (static_cast<double>(i) - static_cast<double>(margin)) / static_cast<double>(start);
      const Complex tau = value_of(series, {x, 0.0});
      set_complex(rows, place(i, lane), tau);
      if (i >= margin) set(arrays.g_re, arrays.g_im, i - margin, lane, factor * tau);
    }
  }
  /// tau at step n from the solution
  template <class Divided>
  LINDRIFT_HD void finish(Index n, Index lane, const Divided& divided) const {
    const Index i = n * arrays.lanes + lane;
    set_complex(rows, place(margin + n, lane), divided({arrays.g_re[i], arrays.g_im[i]}));
  }

  LINDRIFT_HD void operator()(Index lane) const {
    const VolterraTables& equation = tables.equation;
    Complex series[terms];
    expand(lane, series);
    const DividedBy divided{factor(lane)};
    for (Index n = 0; n < equation.count; ++n) drive(n, lane, divided);
    begin(lane, series, divided.factor);
    LINDRIFT_ROLLED
    for (Index l = 0; l < points; ++l)
      set_complex(circle, l * circle_stride + lane, value_of(series, {equation.turns[l], equation.turns[points + l]}));
    Volterra<double>{equation, arrays, first + lane, lane}.advance(0, start, equation.count);
    for (Index n = start; n < equation.count; ++n) finish(n, lane, divided);
  }

  /// tau in powers of t / radius from those of the free pairs                                              (Eq. 85)
  LINDRIFT_HD void solve_series(const Complex (&free)[terms], Complex (&tau)[terms]) const {
    const Complex by_radius = scaled(static_cast<double>(start) * tables.equation.step, rate());
    LINDRIFT_ROLLED
    for (Index n = 0; n < terms; ++n) {
      // int_0^t of the powers i and j is i! j! / (i+j+1)! times the power i+j+1 = n.
      Complex sum{};
      double beta = n > 0 ? 1.0 / static_cast<double>(n) : 0.0;
      LINDRIFT_ROLLED
      for (Index i = 0; i < n; ++i) {
        const Index j = n - 1 - i;
        add_product(sum, scaled(beta, free[i]), tau[j]);
        if (j > 0) beta *= static_cast<double>(i + 1) / static_cast<double>(j);
      }
      tau[n] = scaled(tables.interaction * tables.interaction, free[n]) - by_radius * sum;
    }
  }

 private:
  LINDRIFT_HD Complex rate() const { return {0.0, tables.rate}; }
  LINDRIFT_HD Index place(Index row, Index lane) const { return row * tables.equation.sites + first + lane; }
  LINDRIFT_HD void set(double* re, double* im, Index row, Index lane, Complex z) const {
    re[row * arrays.lanes + lane] = z.re;
    im[row * arrays.lanes + lane] = z.im;
  }

  /// tau around t = 0 in powers of t / radius, from the free pairs on a circle of that radius
  LINDRIFT_HD void expand(Index lane, Complex (&tau)[terms]) const {
    const VolterraTables& equation = tables.equation;
    Complex free[terms];
    LINDRIFT_ROLLED
    for (Index n = 0; n < terms; ++n) {
      free[n] = Complex{};
      LINDRIFT_ROLLED
      for (Index l = 0; l < points; ++l) {
        const Index turn = n * l % points;
        add_product(free[n], complex_at(circle, l * circle_stride + lane),
                    {equation.turns[turn], -equation.turns[points + turn]});
      }
      free[n] = {free[n].re / static_cast<double>(points), free[n].im / static_cast<double>(points)};
    }
    solve_series(free, tau);
  }

  LINDRIFT_HD static Complex value_of(const Complex (&series)[terms], Complex x) {
    Complex value{};
    LINDRIFT_ROLLED
    for (Index n = terms; n-- > 0;) value = value * x + series[n];
    return value;
  }
};

/// Copies tau of momenta side by side to rows of their own, or back.
struct PairColumns {
  Index sites, first, lanes;
  double* pairs;    ///< (count, sites)
  double* columns;  ///< (count, lanes)
  bool back;
  LINDRIFT_HD void operator()(Index i) const {
    const Index row = i / lanes, at = row * sites + first + (i - row * lanes);
    if (back)
      set_complex(pairs, at, complex_at(columns, i));
    else
      set_complex(columns, i, complex_at(pairs, at));
  }
};

/// values += factor * others
struct AddValues {
  double* values;
  const double* others;
  double factor;
  LINDRIFT_HD void operator()(Index i) const { values[i] += factor * others[i]; }
};

/// Largest |K - K of the run with twice the step| over the momenta, one time per element.
struct LargestDifference {
  Index sites;
  const double *fine, *rough;  ///< from t = 0 on: (2 count, sites), (count, sites)
  double* largest;
  LINDRIFT_HD void operator()(Index i) const {
    double square = 0.0;
    for (Index m = 0; m < sites; ++m) {
      const ComplexOf<double> away = complex_at(fine, 2 * i * sites + m) - complex_at(rough, i * sites + m);
      const double size = away.re * away.re + away.im * away.im;
      square = size > square || size != size ? size : square;  // a NaN is kept
    }
    largest[i] = sqrt(square);
  }
};

}  // namespace hubbard
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
