#pragma once

#include <cmath>

#include "kernels/elementary.hpp"
#include "kernels/functor.hpp"
#include "kernels/tgge/rescale.hpp"

/// Even part sigma of the thermal bath's spectrum, S(x) = e^{beta x/2} sigma(x) for the energy x that a hop releases
/// (docs/physics.md, Eq. 4): detailed balance S(x) = S(-x) e^{beta x} then holds by construction.
///
/// A spectrum whose sums depend on the row has mode<T>(s) for source modes, row(s), and pair(row, source), which
/// returns the factors of the source's thermal particle and thermal hole without the constant scale(). It may have
/// pairs(row, other row, source) if the factors of two rows are cheaper together; rows_per_lane rows of a device's lane
/// share a column. A steep spectrum falls as e^{-beta |x|/2}. Its product with a Boltzmann factor may be of order one
/// even if neither is in range, so its Rescaled form adds the exponents first.

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

template <class T>
struct ThermalFactors {
  T particle, hole;
};

/// sigma = 1: its sums are the same for every row, the thermal moments.
struct ExponentialSpectrum {
  static constexpr bool steep = false, separates = true;
  using Rescaled = ExponentialSpectrum;
  const double* energy = nullptr;
};

/// sigma = 1 / (1 + (x/width)^2) = width^2 / (width^2 + x^2); the factor width^2 is applied at the end of a sum.
/// Energies are in units of a power of two close to the width, which is exact and keeps every square in range.
struct LorentzianSpectrum {
  static constexpr bool steep = false, separates = false;
  static constexpr int rows_per_lane = 4;
  using Rescaled = LorentzianSpectrum;

  double width_squared, over_unit;
  const double* energy = nullptr;  ///< of ScaledEnergies

  /// @param largest_energy  max |E_s|; a smaller width than 1e-60 of it is replaced by that, so sigma >= about 1e-120
  static LorentzianSpectrum of(double width, double largest_energy) {
    const double least = largest_energy * 1e-60, chosen = width > least ? width : least;
    int exponent;
    frexp(chosen, &exponent);
    constexpr int most = 1021;  // beyond this, the inverse of the unit would be infinite for a subnormal width
    const double over_unit = ldexp(1.0, -exponent < most ? -exponent : most), scaled = chosen * over_unit;
    return {scaled * scaled, over_unit};
  }

  /// sigma(E_from - E_to)
  LINDRIFT_HD double operator()(double to, double from) const {
    const double x = (from - to) * over_unit;
    return width_squared / (width_squared + x * x);
  }

  template <class T>
  struct Mode {
    T energy;
  };
  template <class T>
  LINDRIFT_HD Mode<T> mode(Index s) const {
    return {load<T>(energy, s)};
  }
  LINDRIFT_HD Mode<double> row(Index s) const { return {energy[s]}; }
  template <class T>
  LINDRIFT_HD ThermalFactors<T> pair(const Mode<double>& row, const Mode<T>& source) const {
    const T sigma = reciprocal(denominator(row, source));
    return {sigma, sigma};
  }
  /// One division for two rows: 1/a = b / (ab).
  template <class T>
  LINDRIFT_HD void pairs(const Mode<double>& row, const Mode<double>& other, const Mode<T>& source,
                         ThermalFactors<T>& factors, ThermalFactors<T>& others) const {
    const T a = denominator(row, source), b = denominator(other, source), over = reciprocal(a * b);
    const T sigma = b * over, other_sigma = a * over;
    factors = {sigma, sigma};
    others = {other_sigma, other_sigma};
  }
  LINDRIFT_HD double scale() const { return width_squared; }

 private:
  template <class T>
  LINDRIFT_HD T denominator(const Mode<double>& row, const Mode<T>& source) const {
    const T x = source.energy - row.energy;
    return width_squared + x * x;
  }
};

/// Energies in the unit of a LorentzianSpectrum.
struct ScaledEnergies {
  double over_unit;
  const double* energy;
  double* scaled;
  LINDRIFT_HD void operator()(Index s) const { scaled[s] = over_unit * energy[s]; }
};

struct RescaledOhmicSpectrum;

/// sigma = |x| e^{-|x|/width} / (2 sinh(beta |x|/2)), 1/beta at x = 0; beta > 0.
struct OhmicSpectrum {
  static constexpr bool steep = true, separates = false;
  static constexpr int rows_per_lane = 2;
  using Rescaled = RescaledOhmicSpectrum;

  double over_width, beta, over_beta;
  const double* energy = nullptr;

  static OhmicSpectrum of(double width, double beta) { return {1.0 / width, beta, 1.0 / beta}; }

  /// sigma e^{slope |x|}, at most |x| + 1/beta
  template <class T>
  LINDRIFT_HD T prefactor(T distance) const {
    // y / sinh y = 2 y e^{-y} / (1 - e^{-2y}) neither overflows nor cancels. Where it is 1 to all digits, the inverse
    // of a very small number might overflow.
    constexpr double least = 1e-100;
    const T twice = beta * distance, quotient = -twice * reciprocal(exponential(-twice).minus_one);
    return over_beta * (twice > broadcast<T>(least) ? quotient : broadcast<T>(1.0));
  }
  LINDRIFT_HD double slope() const { return 0.5 * beta + over_width; }
  template <class T>
  LINDRIFT_HD T operator()(double to, T from) const {
    const T distance = magnitude(from - to);
    return prefactor(distance) * exponential(-(slope() * distance)).value;
  }

  template <class T>
  struct Mode {
    T energy;
  };
  template <class T>
  LINDRIFT_HD Mode<T> mode(Index s) const {
    return {load<T>(energy, s)};
  }
  LINDRIFT_HD Mode<double> row(Index s) const { return {energy[s]}; }
  template <class T>
  LINDRIFT_HD ThermalFactors<T> pair(const Mode<double>& row, const Mode<T>& source) const {
    const T sigma = (*this)(row.energy, source.energy);
    return {sigma, sigma};
  }
  LINDRIFT_HD double scale() const { return 1.0; }
};

/// The ohmic spectrum times the Boltzmann factors of the source modes, which are given as exponents, divided by the
/// largest such product in the row.
struct RescaledOhmicSpectrum {
  static constexpr bool separates = false;
  static constexpr int rows_per_lane = 2;

  OhmicSpectrum plain;
  const double *particle, *hole;          ///< exponents of the source modes
  const double *row_particle, *row_hole;  ///< largest exponents of the rows

  template <class T>
  struct Mode {
    T energy, particle, hole;
  };
  template <class T>
  LINDRIFT_HD Mode<T> mode(Index s) const {
    return {load<T>(plain.energy, s), load<T>(particle, s), load<T>(hole, s)};
  }
  LINDRIFT_HD Mode<double> row(Index s) const { return {plain.energy[s], row_particle[s], row_hole[s]}; }
  template <class T>
  LINDRIFT_HD ThermalFactors<T> pair(const Mode<double>& row, const Mode<T>& source) const {
    const T distance = magnitude(source.energy - row.energy), prefactor = plain.prefactor(distance),
            fall = plain.slope() * distance;
    return {prefactor * exponential((source.particle - fall) - row.particle).value,
            prefactor * exponential((source.hole - fall) - row.hole).value};
  }
  LINDRIFT_HD double scale() const { return 1.0; }
};

/// The largest exponents of the rows of a RescaledOhmicSpectrum: a sum over pairs with the maximum as its addition.
struct SteepExponents {
  template <class T>
  using Sum = LargestExponents<T>;
  using Row = OhmicSpectrum::Mode<double>;
  template <class T>
  using Column = RescaledOhmicSpectrum::Mode<T>;
  static constexpr int rows_per_lane = RescaledOhmicSpectrum::rows_per_lane;

  Index size;
  RescaledOhmicSpectrum spectrum;
  double *row_particle, *row_hole;

  LINDRIFT_HD Row row(Index s) const { return spectrum.plain.row(s); }
  template <class T>
  LINDRIFT_HD Column<T> column(Index s) const {
    return spectrum.mode<T>(s);
  }
  template <class T>
  LINDRIFT_HD void accumulate(const Row& row, const Column<T>& column, Sum<T>& sum) const {
    const T fall = spectrum.plain.slope() * magnitude(column.energy - row.energy);
    sum += Sum<T>{column.particle - fall, column.hole - fall};
  }
  LINDRIFT_HD void finish(Index s, const Sum<double>& sum) const {
    row_particle[s] = sum.particle;
    row_hole[s] = sum.hole;
  }
};

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
