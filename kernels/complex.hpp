#pragma once

#include "kernels/functor.hpp"

/// Complex numbers of functors, in doubles or in packs of them; in memory real and imaginary parts alternate.

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {

template <class T>
struct ComplexOf {
  T re, im;
};

LINDRIFT_HD ComplexOf<double> complex_at(const double* values, Index i) { return {values[2 * i], values[2 * i + 1]}; }
LINDRIFT_HD void set_complex(double* values, Index i, ComplexOf<double> z) {
  values[2 * i] = z.re;
  values[2 * i + 1] = z.im;
}

template <class T>
LINDRIFT_HD ComplexOf<T> operator+(ComplexOf<T> x, ComplexOf<T> y) {
  return {x.re + y.re, x.im + y.im};
}
template <class T>
LINDRIFT_HD ComplexOf<T> operator-(ComplexOf<T> x, ComplexOf<T> y) {
  return {x.re - y.re, x.im - y.im};
}
LINDRIFT_HD ComplexOf<double> operator-(ComplexOf<double> z) { return {-z.re, -z.im}; }
LINDRIFT_HD ComplexOf<double> operator*(ComplexOf<double> x, ComplexOf<double> y) {
  return {x.re * y.re - x.im * y.im, x.re * y.im + x.im * y.re};
}
LINDRIFT_HD ComplexOf<double> conjugate(ComplexOf<double> z) { return {z.re, -z.im}; }
template <class T, class Real>
LINDRIFT_HD ComplexOf<T> scaled(Real factor, ComplexOf<T> z) {
  return {factor * z.re, factor * z.im};
}
/// sum += x y
template <class T>
LINDRIFT_HD void add_product(ComplexOf<T>& sum, ComplexOf<T> x, ComplexOf<T> y) {
  sum.re += x.re * y.re - x.im * y.im;
  sum.im += x.re * y.im + x.im * y.re;
}

/// x / y
LINDRIFT_HD ComplexOf<double> quotient(ComplexOf<double> x, ComplexOf<double> y) {
#ifdef LINDRIFT_PACKS
  __extension__ _Complex double numerator, denominator;
  __real__ numerator = x.re;
  __imag__ numerator = x.im;
  __real__ denominator = y.re;
  __imag__ denominator = y.im;
  numerator /= denominator;
  return {__real__ numerator, __imag__ numerator};
#else
  return scaled(reciprocal(y.re * y.re + y.im * y.im), x * ComplexOf<double>{y.re, -y.im});
#endif
}

}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
