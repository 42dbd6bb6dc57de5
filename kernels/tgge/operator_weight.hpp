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
  const double *image_re, *image_im;    ///< A^c v_s, shape (channels, dimension, modes)
  Index size;                           ///< modes
  int dimension, channels;
  double floor;  ///< smaller weights are rounding errors of zero

  template <class T>
  struct Mode {
    Index s;
  };
  template <class T>
  LINDRIFT_HD Mode<T> mode(Index s) const {
    return {s};
  }
  template <class T>
  LINDRIFT_HD T gain(const Mode<double>& row, const Mode<T>& source) const {
    return weight<T, double, T>(row.s, source.s);
  }
  template <class T>
  LINDRIFT_HD T loss(const Mode<double>& row, const Mode<T>& source) const {
    return weight<T, T, double>(source.s, row.s);
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

/// The sums of a row from Gram matrices in the form sum_i sign_i g_i g_i^+ (Eq. 13):
///   gain_s = sum_{c,i} sign_i |v_s^+ A^c g_i|^2,   loss_s = sum_{c,i} sign_i |h_i^+ A^c v_s|^2.
/// All signs are + for occupations; those of a direction of differentiation may differ.
struct OperatorRowSums {
  OperatorWeight weight;
  ThermalMoments<double> thermal;
  const double *gain_re, *gain_im;  ///< A^c g_i, shape (channels, dimension (i), dimension)
  const double* gain_sign;          ///< (dimension,)
  const double *loss_re, *loss_im;  ///< h_i, shape (dimension, dimension (i))
  const double* loss_sign;          ///< (dimension,)
  double gain_floor, loss_floor;    ///< smaller sums are rounding errors of zero

  template <class T>
  LINDRIFT_HD PairSums<T> at(Index s) const {
    const int d = weight.dimension;
    T gain{}, loss{};
    for (int c = 0; c < weight.channels; ++c) {
      for (int i = 0; i < d; ++i) {
        T re{}, im{}, loss_re_sum{}, loss_im_sum{};
        for (int j = 0; j < d; ++j) {
          const T vr = load<T>(weight.vector_re + j * weight.size, s),
                  vi = load<T>(weight.vector_im + j * weight.size, s);
          const double gr = gain_re[(c * d + i) * d + j], gi = gain_im[(c * d + i) * d + j];
          re += vr * gr + vi * gi;
          im += vr * gi - vi * gr;
          const Index offset = (Index{c} * d + j) * weight.size;
          const T ar = load<T>(weight.image_re + offset, s), ai = load<T>(weight.image_im + offset, s);
          const double hr = loss_re[j * d + i], hi = loss_im[j * d + i];
          loss_re_sum += hr * ar + hi * ai;
          loss_im_sum += hr * ai - hi * ar;
        }
        gain += gain_sign[i] * (re * re + im * im);
        loss += loss_sign[i] * (loss_re_sum * loss_re_sum + loss_im_sum * loss_im_sum);
      }
    }
    return {T{} + thermal.gain, above(gain_floor, gain), T{} + thermal.loss, above(loss_floor, loss)};
  }

 private:
  template <class T>
  LINDRIFT_HD static T above(double floor, T sum) {
    const T zero{}, size = sum < zero ? zero - sum : sum;
    return size < floor ? zero : sum;
  }
};

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
