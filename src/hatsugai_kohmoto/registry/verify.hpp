#pragma once

#include "registry/verification.hpp"

namespace lindrift {

/// Compare stored Green's functions and densities with the exponential of the generator of each momentum
/// (docs/physics.md, Eq. 33), in extended precision, and with plain sums over momenta.
void verify_hatsugai_kohmoto_green(Verification& verification);
void verify_hatsugai_kohmoto_density(Verification& verification);
/// Compares stored spectra with Eqs. 43 to 45.
void verify_hatsugai_kohmoto_spectral(Verification& verification);

}  // namespace lindrift
