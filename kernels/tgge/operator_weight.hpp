#pragma once

#include <cmath>

#include "kernels/tgge/source_mode.hpp"

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

/// Hop weight of general jump operators, w(to, from) = sum_c |v_to^+ A^c v_from|^2 (Eq. 3), where the vector v_s of
/// mode s has one element e^{ikR} u_{a s} for each displacement R and orbital a in the operators. As a sum of squares
/// it is never negative, and at an exact zero it is as small as the square of a rounding error.
struct OperatorWeight {
  const double *vector_re, *vector_im;  ///< v_s, shape (dimension, modes)
  const double *image_re, *image_im;    ///< A^c v_s, shape (channels, dimension, modes); only for sums over pairs
  Index size;                           ///< modes
  int dimension, channels;
  double floor;  ///< smaller weights are rounding errors of zero

  static constexpr int rows_per_lane = 2;

  using Row = Index;
  template <class T>
  struct Column {
    Index s;
    T particle, hole;
  };
  LINDRIFT_HD Row row(Index s) const { return s; }
  template <class T>
  LINDRIFT_HD Column<T> column(Index s, T particle, T hole) const {
    return {s, particle, hole};
  }
  template <class T>
  LINDRIFT_HD void accumulate(Row row, const Column<T>& column, BathSums<T>& sum) const {
    sum.gain += weight<T, double, T>(row, column.s) * column.particle;
    sum.loss += weight<T, T, double>(column.s, row) * column.hole;
  }

 private:
  template <class T, class To, class From>
  LINDRIFT_HD T weight(Index to, Index from) const {
    T sum{};
    for (int c = 0; c < channels; ++c) {
      T re{}, im{};
      for (int j = 0; j < dimension; ++j) {
        const To vr = load<To>(vector_re + j * size, to), vi = load<To>(vector_im + j * size, to);
        const Index offset = (Index{c} * dimension + j) * size;
        const From ar = load<From>(image_re + offset, from), ai = load<From>(image_im + offset, from);
        re += vr * ar + vi * ai;
        im += vr * ai - vi * ar;
      }
      sum += re * re + im * im;
    }
    return sum < floor ? T{} : sum;
  }
};

/// A^c v_s for one mode and every channel.
struct OperatorImage {
  const double *amplitude_re, *amplitude_im;  ///< A, shape (channels, dimension, dimension)
  const double *vector_re, *vector_im;
  double *image_re, *image_im;
  Index size;
  int dimension, channels;

  LINDRIFT_HD void operator()(Index s) const {
    for (int c = 0; c < channels; ++c) {
      for (int a = 0; a < dimension; ++a) {
        double re = 0.0, im = 0.0;
        for (int b = 0; b < dimension; ++b) {
          const Index element = (Index{c} * dimension + a) * dimension + b;
          const double vr = vector_re[b * size + s], vi = vector_im[b * size + s];
          re += amplitude_re[element] * vr - amplitude_im[element] * vi;
          im += amplitude_re[element] * vi + amplitude_im[element] * vr;
        }
        image_re[(Index{c} * dimension + a) * size + s] = re;
        image_im[(Index{c} * dimension + a) * size + s] = im;
      }
    }
  }
};

/// Up to four neighbouring elements in a row of the Gram matrices sum_s v_s v_s^+ x_s, with the particles or the holes
/// for x: the moments for the weights of jump operators (Eq. 12).
inline constexpr int gram_width = 4;
template <class T>
struct GramMoments {
  T particle_re[gram_width]{}, particle_im[gram_width]{}, hole_re[gram_width]{}, hole_im[gram_width]{};
  LINDRIFT_HD GramMoments& operator+=(const GramMoments& other) {
    add_each(particle_re, other.particle_re);
    add_each(particle_im, other.particle_im);
    add_each(hole_re, other.hole_re);
    add_each(hole_im, other.hole_im);
    return *this;
  }
  LINDRIFT_HD GramMoments<double> lane(int i) const {
    GramMoments<double> result;
    lane_of_each(result.particle_re, particle_re, i);
    lane_of_each(result.particle_im, particle_im, i);
    lane_of_each(result.hole_re, hole_re, i);
    lane_of_each(result.hole_im, hole_im, i);
    return result;
  }
};
template <class Source>
struct GramTerm {
  template <class T>
  using Sum = GramMoments<T>;
  OperatorWeight weight;
  Source source;
  int row, first_column, columns;

  template <class T>
  LINDRIFT_HD void accumulate(Index s, Sum<T>& sum) const {
    const SourceMode<T> from = source.template mode<T>(s);
    const T vr = load<T>(weight.vector_re + row * weight.size, s),
            vi = load<T>(weight.vector_im + row * weight.size, s);
    LINDRIFT_UNROLL
    for (int j = 0; j < gram_width; ++j) {
      if (j >= columns) continue;
      const Index offset = Index{first_column + j} * weight.size;
      const T wr = load<T>(weight.vector_re + offset, s), wi = load<T>(weight.vector_im + offset, s);
      const T re = vr * wr + vi * wi, im = vi * wr - vr * wi;
      sum.particle_re[j] += re * from.particle;
      sum.particle_im[j] += im * from.particle;
      sum.hole_re[j] += re * from.hole;
      sum.hole_im[j] += im * from.hole;
    }
  }
};

/// All elements of a small Gram matrix, and the thermal moments, in one pass over the modes.
template <int Dimension, class T>
struct SmallGram {
  static constexpr int elements = Dimension * (Dimension + 1) / 2, pairs = Dimension > 1 ? elements - Dimension : 1;
  T thermal_particle{}, thermal_hole{};
  T particle_re[elements]{}, hole_re[elements]{};
  T particle_im[pairs]{}, hole_im[pairs]{};  ///< only off the diagonal
  LINDRIFT_HD SmallGram& operator+=(const SmallGram& other) {
    thermal_particle += other.thermal_particle;
    thermal_hole += other.thermal_hole;
    add_each(particle_re, other.particle_re);
    add_each(hole_re, other.hole_re);
    add_each(particle_im, other.particle_im);
    add_each(hole_im, other.hole_im);
    return *this;
  }
  LINDRIFT_HD SmallGram<Dimension, double> lane(int i) const {
    SmallGram<Dimension, double> result;
    result.thermal_particle = thermal_particle[i];
    result.thermal_hole = thermal_hole[i];
    lane_of_each(result.particle_re, particle_re, i);
    lane_of_each(result.hole_re, hole_re, i);
    lane_of_each(result.particle_im, particle_im, i);
    lane_of_each(result.hole_im, hole_im, i);
    return result;
  }
};
template <int Dimension, class Source>
struct SmallGramTerm {
  template <class T>
  using Sum = SmallGram<Dimension, T>;
  OperatorWeight weight;
  Source source;

  template <class T>
  LINDRIFT_HD void accumulate(Index s, Sum<T>& sum) const {
    const SourceMode<T> from = source.template mode<T>(s);
    sum.thermal_particle += from.thermal_particle;
    sum.thermal_hole += from.thermal_hole;
    T re[Dimension], im[Dimension];
    LINDRIFT_UNROLL
    for (int a = 0; a < Dimension; ++a) {
      re[a] = load<T>(weight.vector_re + a * weight.size, s);
      im[a] = load<T>(weight.vector_im + a * weight.size, s);
    }
    int element = 0, pair = 0;
    LINDRIFT_UNROLL
    for (int a = 0; a < Dimension; ++a) {
      LINDRIFT_UNROLL
      for (int b = a; b < Dimension; ++b, ++element) {
        const T real = re[a] * re[b] + im[a] * im[b];
        sum.particle_re[element] += real * from.particle;
        sum.hole_re[element] += real * from.hole;
        if (b == a) continue;
        const T imaginary = im[a] * re[b] - re[a] * im[b];
        sum.particle_im[pair] += imaginary * from.particle;
        sum.hole_im[pair] += imaginary * from.hole;
        ++pair;
      }
    }
  }
};

/// The sums of a row from Gram matrices in the form sum_i sign_i g_i g_i^+ (Eq. 13):
///   gain_s = sum_{c,i} sign_i |v_s^+ A^c g_i|^2,   loss_s = sum_{c,i} sign_i |v_s^+ A^c^+ h_i|^2.
/// All signs are + for occupations; those of a direction of differentiation may differ.
struct OperatorRowSums {
  OperatorWeight weight;
  BathSums<double> thermal;
  /// A^c g_i and A^c^+ h_i, each of shape (channels, dimension (i), dimension), and the signs, (dimension,)
  const double *gain_re, *gain_im, *gain_sign, *loss_re, *loss_im, *loss_sign;
  double gain_floor, loss_floor;  ///< smaller sums are rounding errors of zero

  template <class T>
  LINDRIFT_HD PairSums<T> at(Index s) const {
    T gain = sum<T>(s, gain_re, gain_im, gain_sign), loss = sum<T>(s, loss_re, loss_im, loss_sign);
    gain = magnitude(gain) < gain_floor ? T{} : gain;
    loss = magnitude(loss) < loss_floor ? T{} : loss;
    return {broadcast<T>(thermal.gain), gain, broadcast<T>(thermal.loss), loss};
  }

 private:
  template <class T>
  LINDRIFT_HD T sum(Index s, const double* factor_re, const double* factor_im, const double* sign) const {
    const int d = weight.dimension;
    T total{};
    for (int c = 0; c < weight.channels; ++c)
      for (int i = 0; i < d; ++i) {
        const Index row = (Index{c} * d + i) * d;
        T re{}, im{};
        for (int j = 0; j < d; ++j) {
          const T vr = load<T>(weight.vector_re + j * weight.size, s),
                  vi = load<T>(weight.vector_im + j * weight.size, s);
          re += vr * factor_re[row + j] + vi * factor_im[row + j];
          im += vr * factor_im[row + j] - vi * factor_re[row + j];
        }
        total += sign[i] * (re * re + im * im);
      }
    return total;
  }
};

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
