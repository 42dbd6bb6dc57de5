#pragma once

#include "kernels/functor.hpp"

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace hubbard {

/// Arrays of SelfEnergyTables in the memory of the engine.
struct Chain {
  Index sites;
  Index cells[3];  ///< along each direction; their product is `sites`
  const double *energy, *down_energy, *half_rate, *occupation, *hole;
  const double* half_probe_loss;  ///< null if the probe is closed
  const double* coupling;
  const Index* columns;  ///< null for all
  Index column_count;
  bool reflected;
  double imaginary;  ///< Im w

  /// m folded back to 0 .. sites-1, in one dimension.
  LINDRIFT_HD Index wrap(Index m) const { return m < 0 ? m + sites : (m >= sites ? m - sites : m); }
  /// Momentum a + b or a - b.
  LINDRIFT_HD Index sum(Index a, Index b) const { return cells[0] == sites ? wrap(a + b) : combined(a, b, 1); }
  LINDRIFT_HD Index difference(Index a, Index b) const { return cells[0] == sites ? wrap(a - b) : combined(a, b, -1); }

 private:
  LINDRIFT_HD Index combined(Index a, Index b, Index sign) const {
    Index result = 0, stride = 1;
    for (int i = 2; i >= 0; --i) {
      const Index n = cells[i], m = a % n + sign * (b % n);
      result += stride * (m < 0 ? m + n : (m >= n ? m - n : m));
      stride *= n;
      a /= n;
      b /= n;
    }
    return result;
  }
};

/// One argument of F_q: x = Re w - e_{k+q}, and the probe's share gup_{k+q} / 2 of the width.
template <class T>
struct RowArgument {
  T shift, width;
};

template <class T>
struct ComplexSum {
  T re, im;
  LINDRIFT_HD ComplexSum& operator+=(const ComplexSum& other) {
    re += other.re;
    im += other.im;
    return *this;
  }
  LINDRIFT_HD ComplexSum<double> lane(int i) const { return {re[i], im[i]}; }
};

/// Arguments for all momenta and frequencies. Since e_m = e_{-m}, m = 0 .. sites/2 is enough; every row has the same.
struct FoldedArguments {
  Chain chain;
  const double* frequency;
  Index frequencies;

  LINDRIFT_HD static Index folded(Index sites) { return sites / 2 + 1; }
  LINDRIFT_HD RowArgument<double> operator()(Index /*row*/, Index a) const {
    const Index m = a / frequencies;
    return {frequency[a % frequencies] - chain.energy[m], chain.half_probe_loss ? chain.half_probe_loss[m] : 0.0};
  }
};

/// Arguments for pairs of a momentum and a frequency.
struct PointArguments {
  Chain chain;
  const Index* momentum;
  const double* frequency;

  LINDRIFT_HD RowArgument<double> operator()(Index row, Index a) const {
    const Index m = chain.sum(momentum[a], row);
    return {frequency[a] - chain.energy[m], chain.half_probe_loss ? chain.half_probe_loss[m] : 0.0};
  }
};

/// F_q(x) = sum_p n_p (1 - n_{p-q}) / (x + e_p - e_{p-q} + i g), g = (Gamma_p + Gamma_{p-q} + gup_{k+q})/2 + Im w, for
/// rows q and many arguments x (docs/physics.md, Eq. 64).
///
/// Four terms share one division: over a common denominator, sum_i N_i / D_i is one fraction, and the extra
/// multiplications in its numerator cost less than three divisions.
/// @tparam OpenProbe  the probe has losses, so that the width depends on the argument
template <class Arguments, bool OpenProbe>
struct SelfEnergyRows {
  template <class T>
  using Argument = RowArgument<T>;
  template <class T>
  using Sum = ComplexSum<T>;
  static constexpr int group = 4;

  struct Term {
    double shift;   ///< e_p - e_{p-q}
    double weight;  ///< n_p (1 - n_{p-q})
    double width;   ///< g without the probe's share
    double square;  ///< width^2
    double moment;  ///< width * weight
  };

  Chain chain;
  Arguments source;
  Index first_row;               ///< q of row 0
  Index rows, arguments, terms;  ///< of the sum
  Index all_rows;                ///< of the whole sum, of which these rows are a batch
  double *value_re, *value_im;   ///< (rows, arguments)

  LINDRIFT_HD static Index term_count(const Chain& chain) {
    if (chain.columns) return chain.column_count;
    return chain.reflected ? chain.sites / 2 + 1 : chain.sites;
  }
  LINDRIFT_HD SelfEnergyRows part(Index first, Index count) const {
    SelfEnergyRows result = *this;
    result.first_row += first;
    result.rows = count;
    result.value_re += first * arguments;
    result.value_im += first * arguments;
    return result;
  }

  LINDRIFT_HD static Term no_term() { return {0.0, 0.0, 1.0, 1.0, 0.0}; }

  LINDRIFT_HD Term term(Index row, Index j) const {
    const Index q = first_row + row;
    if (chain.columns) return term_of(q, chain.columns[j], -1);
    if (!chain.reflected) return term_of(q, j, -1);
    // p and pi + q - p lie symmetrically about their mean. If the mean is a momentum, it and the opposite momentum
    // are their own partners; if it lies half-way between two, the last j has no term.
    const Index mean = chain.sites / 2 + q;
    const Index p = mean - mean / 2 + j, partner = mean / 2 - j;
    const bool itself = mean % 2 == 0 && (j == 0 || 2 * j == chain.sites);
    if (mean % 2 != 0 && 2 * j == chain.sites) return no_term();
    return term_of(q, chain.wrap(chain.wrap(p)), itself ? -1 : chain.wrap(partner));
  }

  template <class T>
  LINDRIFT_HD Argument<T> argument(Index row, Index a) const {
    if constexpr (sizeof(T) == sizeof(double)) {
      return source(first_row + row, a < arguments ? a : arguments - 1);
    } else {
      constexpr int lanes = static_cast<int>(sizeof(T) / sizeof(double));
      double shift[lanes], width[lanes];
      for (int i = 0; i < lanes; ++i) {
        const Argument<double> one = argument<double>(row, a + i);
        shift[i] = one.shift;
        width[i] = one.width;
      }
      return {load<T>(shift, 0), load<T>(width, 0)};
    }
  }

  template <class T>
  LINDRIFT_HD static void accumulate(const Argument<T>& x, const Term* term, Sum<T>& sum) {
    const Fraction<T> fraction = add(add(of(x, term[0]), of(x, term[1])), add(of(x, term[2]), of(x, term[3])));
    const T inverse = reciprocal(fraction.square);
    sum.re += fraction.re * inverse;
    sum.im -= fraction.im * inverse;
  }

  LINDRIFT_HD void finish(Index row, Index a, const Sum<double>& sum) const {
    value_re[row * arguments + a] = sum.re;
    value_im[row * arguments + a] = sum.im;
  }

 private:
  /// (re - i im) / square.
  template <class T>
  struct Fraction {
    T re, im, square;
  };
  template <class T>
  LINDRIFT_HD static Fraction<T> of(const Argument<T>& x, const Term& term) {
    const T d = x.shift + term.shift;
    if constexpr (OpenProbe) {
      const T g = x.width + term.width;
      return {d * term.weight, g * term.weight, d * d + g * g};
    } else {
      return {d * term.weight, broadcast<T>(term.moment), d * d + term.square};
    }
  }
  template <class T>
  LINDRIFT_HD static Fraction<T> add(const Fraction<T>& a, const Fraction<T>& b) {
    return {a.re * b.square + b.re * a.square, a.im * b.square + b.im * a.square, a.square * b.square};
  }

  /// The term p of row q; the weight of `partner` is added if it is not negative.
  LINDRIFT_HD Term term_of(Index q, Index p, Index partner) const {
    const Index other = chain.difference(p, q);
    double weight = chain.occupation[p] * chain.hole[other];
    if (partner >= 0) weight += chain.occupation[partner] * chain.hole[chain.wrap(partner - q)];
    const double width = chain.half_rate[p] + chain.half_rate[other] + chain.imaginary;
    return {chain.down_energy[p] - chain.down_energy[other], weight, width, width * width, width * weight};
  }
};

/// sum += sum over rows of coupling_q F_q at the folded argument of k+q, as a map over (momenta, runs of frequencies).
struct AddFoldedRows {
  Chain chain;
  Index first_row, rows, frequencies, run;
  Index stride;                       ///< length of a row of the sum: all frequencies
  const double *value_re, *value_im;  ///< (rows, folded momenta, frequencies)
  double *sum_re, *sum_im;            ///< (sites, stride)

  LINDRIFT_HD static Index size(const Chain& chain, Index frequencies, Index run) {
    return chain.sites * ((frequencies + run - 1) / run);
  }
  LINDRIFT_HD void operator()(Index i) const {
    const Index runs = (frequencies + run - 1) / run, k = i / runs, first = i % runs * run;
    const Index count = frequencies - first < run ? frequencies - first : run;
    const Index arguments = FoldedArguments::folded(chain.sites) * frequencies;
    for (Index row = 0; row < rows; ++row) {
      const Index m = chain.wrap(k + first_row + row), folded = 2 * m > chain.sites ? chain.sites - m : m;
      const Index from = row * arguments + folded * frequencies + first, to = k * stride + first;
      add_scaled(chain.coupling[first_row + row], value_re + from, count, sum_re + to);
      add_scaled(chain.coupling[first_row + row], value_im + from, count, sum_im + to);
    }
  }
  LINDRIFT_HD static void add_scaled(double factor, const double* __restrict__ value, Index count,
                                     double* __restrict__ sum) {
    for (Index w = 0; w < count; ++w) sum[w] += factor * value[w];
  }
};

/// The same for pairs of a momentum and a frequency: a map over runs of pairs.
struct AddPointRows {
  Chain chain;
  Index first_row, rows, points, run;
  Index stride;                       ///< not read: here so that both structs are initialised alike
  const double *value_re, *value_im;  ///< (rows, points)
  double *sum_re, *sum_im;            ///< (points,)

  LINDRIFT_HD static Index size(const Chain& /*chain*/, Index points, Index run) { return (points + run - 1) / run; }
  LINDRIFT_HD void operator()(Index i) const {
    const Index first = i * run, count = points - first < run ? points - first : run;
    for (Index row = 0; row < rows; ++row) {
      const double coupling = chain.coupling[first_row + row];
      AddFoldedRows::add_scaled(coupling, value_re + row * points + first, count, sum_re + first);
      AddFoldedRows::add_scaled(coupling, value_im + row * points + first, count, sum_im + first);
    }
  }
};

struct Clear {
  double *re, *im;
  LINDRIFT_HD void operator()(Index i) const { re[i] = im[i] = 0.0; }
};

}  // namespace hubbard
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
