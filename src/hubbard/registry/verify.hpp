#pragma once

#include "registry/verification.hpp"

namespace lindrift {

/// Stored propagators: rows over sites, momenta and their sums against each other, and the start.
void verify_hubbard_green(Verification& verification);
/// Stored spectra: some entries by the double sum over momenta.
void verify_hubbard_spectral(Verification& verification);

}  // namespace lindrift
