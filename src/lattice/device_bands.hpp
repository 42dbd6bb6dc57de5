#pragma once

#include "lattice/hopping_arrays.hpp"
#include "lindrift/backend.hpp"

namespace lindrift {

/// Whether a device computes bands: where it was asked for and there is enough to do.
bool bands_on_device(const TightBinding& model, const Lattice& lattice, const Execution& execution);

/// Device memory that this takes, in bytes.
/// @throws DeviceMemoryError if this process may not use as much
double bands_on_device_bytes(const kernels::HoppingTables& tables, const Execution& execution);

/// Fills energies, velocities and eigenvectors.
/// @throws NumericalError if an eigensolve fails, DeviceError
void compute_on_device(const kernels::HoppingTables& tables, const Execution& execution, Bands& bands);

}  // namespace lindrift
