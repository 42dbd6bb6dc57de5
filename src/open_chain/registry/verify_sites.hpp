#pragma once

#include "registry/verification.hpp"

namespace lindrift {

/// Rows over sites against rows over momenta, by plain Fourier sums, and against their norm and drift.
/// @param allowed  error of a propagator, absolute
void verify_propagator_rows(Verification& verification, double allowed);

/// Spectral function, self energy and Green's function of the same entries against each other (Eq. 43).
/// @param allowed  error, relative to the largest value of each
void verify_spectral_entries(Verification& verification, double allowed);

}  // namespace lindrift
