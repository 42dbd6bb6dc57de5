#pragma once

#include "kernels/complex.hpp"
#include "kernels/lattice/band_tables.hpp"
#include "kernels/lattice/phase.hpp"

/// The bands of hopping terms: assembly of h(k), eigenvectors of two orbitals, velocities. On a device the functors at
/// the end; on the host src/lattice/tight_binding.cpp calls the same formulas.

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace lattice {

/// An element of h(k) and of its derivatives by k.
struct BlochElement {
  ComplexOf<double> value{}, slope[3]{};
};

/// @param phases  e^{ik.R} of every displacement, complex                                          (Eqs. 100, 101)
LINDRIFT_HD BlochElement bloch_element(const HoppingTables& hopping, Index element, const double* phases) {
  BlochElement sum{};
  for (Index t = hopping.first[element]; t < hopping.first[element + 1]; ++t) {
    const ComplexOf<double> term = complex_at(phases, hopping.place[t]) * complex_at(hopping.amplitude, t);
    sum.value = sum.value + term;
    LINDRIFT_UNROLL
    for (int i = 0; i < 3; ++i)
      sum.slope[i] = sum.slope[i] + scaled(hopping.distance[3 * t + i], ComplexOf<double>{-term.im, term.re});
  }
  return sum;
}

/// Writes an element into h(k) and its derivatives, (1 + directions, orbitals, orbitals).
LINDRIFT_HD void set_element(const HoppingTables& hopping, Index element, const double* phases, double* matrices) {
  const BlochElement sum = bloch_element(hopping, element, phases);
  set_complex(matrices, element, sum.value);
  for (int i = 0; i < hopping.directions; ++i)
    set_complex(matrices, (1 + i) * hopping.orbitals * hopping.orbitals + element, sum.slope[i]);
}

/// Eigenvalues of a Hermitian 2 x 2 matrix in ascending order; the eigenvectors replace its columns. Accurate to
/// rounding, without cancellation.
LINDRIFT_HD void eigen_of_two(double* h, double* energy) {
  const double above = h[0], below = h[6], mean = 0.5 * (above + below), half = 0.5 * (above - below);
  const ComplexOf<double> off = complex_at(h, 1);
  const double coupling = std::hypot(off.re, off.im), radius = std::hypot(half, coupling);
  energy[0] = mean - radius;
  energy[1] = mean + radius;
  const double larger = radius > 0.0 ? std::sqrt(0.5 * (1.0 + std::fabs(half) / radius)) : 1.0;
  const double smaller = radius > 0.0 ? coupling / (2.0 * radius * larger) : 0.0;
  const ComplexOf<double> direction =
      coupling > 0.0 ? ComplexOf<double>{off.re / coupling, off.im / coupling} : ComplexOf<double>{1.0, 0.0};
  // The upper state; the lower one is orthogonal to it.
  const ComplexOf<double> real{larger, 0.0};
  const ComplexOf<double> upper_0 = half >= 0.0 ? real : scaled(smaller, direction);
  const ComplexOf<double> upper_1 = half >= 0.0 ? scaled(smaller, conjugate(direction)) : real;
  set_complex(h, 0, -conjugate(upper_1));
  set_complex(h, 2, conjugate(upper_0));
  set_complex(h, 1, upper_0);
  set_complex(h, 3, upper_1);
}

/// u^+ (dh/dk_i) u of one mode                                                                            (Eq. 101)
/// @param derivative      (orbitals, orbitals)
/// @param vectors, first  u_b is the complex number first + b stride
LINDRIFT_HD double band_velocity(Index orbitals, const double* derivative, const double* vectors, Index first,
                                 Index stride) {
  double velocity = 0.0;
  for (Index a = 0; a < orbitals; ++a) {
    ComplexOf<double> sum{};
    for (Index b = 0; b < orbitals; ++b)
      sum = sum + complex_at(derivative, a * orbitals + b) * complex_at(vectors, first + b * stride);
    velocity += (conjugate(complex_at(vectors, first + a * stride)) * sum).re;
  }
  return velocity;
}

/// Where the results for some momenta lie: rows over the momenta, so that the host copies them as they are.
struct BandRows {
  Index orbitals, directions, count;

  LINDRIFT_HD Index energy(Index band) const { return band * count; }
  LINDRIFT_HD Index velocity(Index direction, Index band) const { return (orbitals * (1 + direction) + band) * count; }
  /// Whether the eigensolve has failed: 0 if not. Not there for a closed form.
  LINDRIFT_HD Index failed() const { return orbitals * (1 + directions) * count; }
  LINDRIFT_HD bool may_fail() const { return orbitals > closed_form_orbitals; }
  /// Component of a band on an orbital, complex. Not there for one orbital.
  LINDRIFT_HD Index eigenvector(Index orbital, Index band) const {
    return (orbitals * (1 + directions) + (may_fail() ? 1 : 0) + 2 * (orbital * orbitals + band)) * count;
  }
  LINDRIFT_HD Index size() const { return orbitals > 1 ? eigenvector(orbitals, 0) : failed(); }
};

/// e^{ik.R} of every momentum from `first_momentum` on and every displacement, (momenta, displacements).
struct BlochPhases {
  HoppingTables hopping;
  Index first_momentum;
  double* phases;

  LINDRIFT_HD void operator()(Index i) const {
    const Index* const displacement = hopping.displacement + 3 * (i % hopping.displacements);
    Index rest = first_momentum + i / hopping.displacements, m[3] = {0, 0, 0};
    for (int direction = hopping.directions; direction-- > 0; rest /= hopping.cells[direction])
      m[direction] = hopping.lowest[direction] + rest % hopping.cells[direction];
    const Index turns = turns_of(hopping.directions, hopping.cells, hopping.period, m, displacement);
    if (hopping.phases != nullptr)
      set_complex(phases, i, complex_at(hopping.phases, turns));
    else
      set_complex(phases, i, {cos_pi(2 * turns, hopping.period), sin_pi(2 * turns, hopping.period)});
  }
};

/// All modes of a momentum with one orbital or two.
template <int Orbitals>
struct FewOrbitals {
  HoppingTables hopping;
  const double* phases;  ///< (momenta, displacements)
  BandRows rows;
  double* results;

  LINDRIFT_HD void operator()(Index k) const {
    constexpr Index elements = Orbitals * Orbitals;
    double matrices[2 * 4 * elements], energy[Orbitals];
    for (Index e = 0; e < elements; ++e) set_element(hopping, e, phases + 2 * k * hopping.displacements, matrices);
    if constexpr (Orbitals == 2)
      eigen_of_two(matrices, energy);
    else
      energy[0] = matrices[0];
    for (Index band = 0; band < Orbitals; ++band) {
      results[rows.energy(band) + k] = energy[band];
      for (int i = 0; i < hopping.directions; ++i) {
        const double* const derivative = matrices + 2 * (1 + i) * elements;
        results[rows.velocity(i, band) + k] =
            Orbitals == 1 ? derivative[0] : band_velocity(Orbitals, derivative, matrices, band, Orbitals);
      }
      for (Index a = 0; a < Orbitals && Orbitals > 1; ++a)
        set_complex(results + rows.eigenvector(a, band), k, complex_at(matrices, a * Orbitals + band));
    }
  }
};

/// h(k), whose columns lie one after the other as LAPACK has them, and its derivatives.
struct BlochMatrices {
  HoppingTables hopping;
  const double* phases;  ///< (momenta, displacements)
  double* matrices;      ///< (momenta, orbitals, orbitals)
  double* derivatives;   ///< (momenta, directions, orbitals, orbitals)

  LINDRIFT_HD void operator()(Index i) const {
    const Index n = hopping.orbitals, elements = n * n, k = i / elements, e = i % elements;
    const BlochElement sum = bloch_element(hopping, e, phases + 2 * k * hopping.displacements);
    set_complex(matrices, k * elements + e % n * n + e / n, sum.value);
    for (int direction = 0; direction < hopping.directions; ++direction)
      set_complex(derivatives, (k * hopping.directions + direction) * elements + e, sum.slope[direction]);
  }
};

/// Writes the modes of many orbitals from what an eigensolver has found.
struct SolvedModes {
  Index orbitals;
  const double *vectors, *derivatives;  ///< as in BlochMatrices, the vectors in the columns
  const double* energies;               ///< (momenta, orbitals)
  const int* failed;                    ///< (momenta,)
  BandRows rows;
  double* results;

  LINDRIFT_HD void operator()(Index i) const {
    const Index n = orbitals, elements = n * n, k = i / n, band = i % n, first = k * elements + band * n;
    results[rows.energy(band) + k] = energies[i];
    for (Index direction = 0; direction < rows.directions; ++direction)
      results[rows.velocity(direction, band) + k] =
          band_velocity(n, derivatives + 2 * (k * rows.directions + direction) * elements, vectors, first, 1);
    for (Index a = 0; a < n; ++a) set_complex(results + rows.eigenvector(a, band), k, complex_at(vectors, first + a));
    if (band == 0) results[rows.failed() + k] = failed[k];
  }
};

}  // namespace lattice
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
