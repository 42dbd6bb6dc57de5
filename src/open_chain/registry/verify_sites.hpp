#pragma once

#include <complex>

#include "lindrift/baths/open_bath.hpp"
#include "registry/verification.hpp"

namespace lindrift {

/// A momentum of a lattice in extended precision, independent of the tables that a task uses.
class PlainMomentum {
 public:
  using Real = long double;
  PlainMomentum(const Lattice& lattice, std::size_t number);

  /// k.R
  Real phase(const LatticeVector& displacement) const;
  /// e_k of one spin (Eqs. 32 and 110).
  Real energy(const OpenLattice& model, Spin spin) const;
  /// de_k/dk along a direction.
  Real velocity(const OpenLattice& model, Spin spin, int direction) const;
  /// Gain and loss of a bath (Eqs. 31 and 111).
  struct Rates {
    Real gain = 0.0L, loss = 0.0L;
    Real total() const { return gain + loss; }
    Real occupation() const { return total() > 0.0L ? gain / total() : 0.0L; }
  };
  Rates rates(const OpenBath& bath) const;

 private:
  const Lattice& lattice_;
  std::size_t number_;
  LatticeVector integers_;
};

/// sum_k e^{ik.j} x_k / L at one site, with momenta in ascending order.
template <class Value>
std::complex<long double> plain_transform(const Value* values, const Lattice& lattice, const LatticeVector& site) {
  std::complex<long double> sum = 0.0L;
  for (std::size_t k = 0; k < lattice.size(); ++k)
    sum += std::complex<long double>(values[k]) * std::polar(1.0L, PlainMomentum(lattice, k).phase(site));
  return sum / static_cast<long double>(lattice.size());
}

/// Checks rows over sites against rows over momenta, by plain Fourier sums, and against their norm and drift.
/// @param allowed  absolute error of a propagator
void verify_propagator_rows(Verification& verification, double allowed);

/// Checks G(k,0) = -i, if the first time is 0.
/// @param allowed  absolute
void verify_propagator_start(Verification& verification, double allowed);

/// Checks spectral function, self-energy and Green's function of the same entries against each other (Eq. 43).
/// @param allowed  error relative to the largest value of each
void verify_spectral_entries(Verification& verification, double allowed);

}  // namespace lindrift
