#pragma once

#include "kernels/elementary.hpp"
#include "kernels/hatsugai_kohmoto/tables.hpp"

/// Propagator of the Hatsugai-Kohmoto model at one momentum, in time and in frequency (docs/physics.md, section 9).

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace hatsugai_kohmoto {

template <class T>
struct Amplitude {
  T re, im;
};

/// A(k,t) = e^{mu t} [ constant + w expm1(-S t) ], the sum of the first row of e^{D_k t}               (Eq. 38)
template <class T>
LINDRIFT_HD Amplitude<T> amplitude(const PropagatorTables& tables, Index k, double time) {
  const T splitting_re = load<T>(tables.splitting_re, k), splitting_im = load<T>(tables.splitting_im, k);
  const T weight_re = load<T>(tables.weight_re, k), weight_im = load<T>(tables.weight_im, k);
  const T decay = exponential(load<T>(tables.growth, k) * time).value;
  const SineCosine<T> rotation = sine_cosine(load<T>(tables.rotation, k) * time);
  // expm1(x + iy) = expm1(x) cos y - 2 sin^2(y/2) + i e^x sin y, all from y/2.
  const Exponential<T> fading = exponential(splitting_re * -time);
  const SineCosine<T> half = sine_cosine(splitting_im * (-0.5 * time));
  const T twice_square = 2.0 * half.sine * half.sine;
  const T expm1_re = fading.minus_one * (1.0 - twice_square) - twice_square;
  const T expm1_im = fading.value * (2.0 * half.sine * half.cosine);
  const T re = tables.constant + (weight_re * expm1_re - weight_im * expm1_im);
  const T im = weight_re * expm1_im + weight_im * expm1_re;
  return {decay * (re * rotation.cosine - im * rotation.sine), decay * (re * rotation.sine + im * rotation.cosine)};
}

/// A(k,t) at a batch of times, as a map: element i is momentum i mod L at time i / L. For engines with one thread per
/// element.
struct PropagatorRows {
  PropagatorTables tables;
  const double* times;  ///< (count,)
  double* rows;         ///< (count, sites) complex numbers
  LINDRIFT_HD void operator()(Index i) const {
    const Index row = i / tables.sites;
    const Amplitude<double> a = amplitude<double>(tables, i - row * tables.sites, times[row]);
    rows[2 * i] = a.re;
    rows[2 * i + 1] = a.im;
  }
};

/// Sums over a profile psi(j) on a ring, stored in FFT order: sum |psi|^2 and sum j |psi|^2 with j the site's label.
template <class T>
struct ProfileSums {
  T norm{}, moment{};
  LINDRIFT_HD ProfileSums& operator+=(const ProfileSums& other) {
    norm += other.norm;
    moment += other.moment;
    return *this;
  }
};

/// The term of a reduction over the sites of one row.
struct ProfileTerm {
  template <class T>
  using Sum = ProfileSums<T>;
  const double* row;  ///< (sites,) complex numbers
  Index sites;
  template <class T>
  LINDRIFT_HD void accumulate(Index j, ProfileSums<T>& sum) const {
    const double square = row[2 * j] * row[2 * j] + row[2 * j + 1] * row[2 * j + 1];
    sum.norm += square;
    sum.moment += static_cast<double>(2 * j >= sites + sites % 2 ? j - sites : j) * square;
  }
};

/// |psi(-L/2)|^2 of every row.
struct AntipodeRows {
  const double* rows;
  double* square;
  Index sites;
  LINDRIFT_HD void operator()(Index t) const {
    const double* value = rows + 2 * (t * sites + sites / 2);
    square[t] = sites % 2 == 0 ? value[0] * value[0] + value[1] * value[1] : 0.0;
  }
};

/// G(j,t) = -i factor psi(j) in the order of the labels, from psi in FFT order.
struct GreenRows {
  const double* rows;
  double* green;
  const double* factor;  ///< (count,)
  Index sites;
  LINDRIFT_HD void operator()(Index i) const {
    const Index row = i / sites, label = i - row * sites, half = sites / 2;
    const Index j = label >= half ? label - half : label - half + sites;
    const double* value = rows + 2 * (row * sites + j);
    green[2 * i] = factor[row] * value[1];
    green[2 * i + 1] = -factor[row] * value[0];
  }
};

/// Spectral function, self-energy and propagator at one momentum and frequency                 (Eqs. 43 to 45)
struct Spectral {
  SpectralTables tables;
  const double* frequency;    ///< (frequencies,)
  double* spectral_function;  ///< (momenta, frequencies)
  double* self_energy;        ///< (momenta, frequencies) complex numbers
  double* green;              ///< (momenta, frequencies) complex numbers

  LINDRIFT_HD void operator()(Index i) const {
    const Index k = i / tables.frequencies;
    const double n = tables.particles[k], h = tables.holes[k], u = tables.interaction;
    const double width = 0.5 * tables.up_rate[k], detuning = frequency[i - k * tables.frequencies] - tables.energy[k];
    // y = x - U h + i Gamma; the pole of Sigma has the weight U^2 n h.
    const double y_re = detuning - u * h, y_im = width + tables.broadening + tables.down_rate[k];
    const double pole = u * u * n * h, square = y_re * y_re + y_im * y_im;
    double re = 0.0, im = 0.0;  // of pole / y
    if (pole > 0.0) {
      if (square == 0.0) {  // exactly at an undamped pole: nothing propagates
        spectral_function[i] = green[2 * i] = green[2 * i + 1] = self_energy[2 * i + 1] = 0.0;
        self_energy[2 * i] = INFINITY;
        return;
      }
      re = pole * (y_re / square);
      im = -pole * (y_im / square);
    }
    const double s = width + tables.broadening - im, r = detuning - u * n - re, magnitude = r * r + s * s;
    self_energy[2 * i] = u * n + re;
    self_energy[2 * i + 1] = im - width;
    // Without any width the peak is a delta function: infinite at its centre.
    spectral_function[i] = magnitude > 0.0 ? 2.0 * s / magnitude : INFINITY;
    green[2 * i] = magnitude > 0.0 ? r / magnitude : 0.0;
    green[2 * i + 1] = magnitude > 0.0 ? -s / magnitude : -INFINITY;
  }
};

}  // namespace hatsugai_kohmoto
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
