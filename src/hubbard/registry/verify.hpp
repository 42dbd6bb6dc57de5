#pragma once

#include "registry/verification.hpp"

namespace lindrift {

/// Compares stored propagators: rows over sites, momenta and their sums with each other, and the initial value.
void verify_hubbard_green(Verification& verification);
/// Compares some entries of stored spectra with the double sum over momenta.
void verify_hubbard_spectral(Verification& verification);

}  // namespace lindrift
