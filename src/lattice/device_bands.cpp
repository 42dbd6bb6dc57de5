#include "lattice/device_bands.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>

#include "engine/device_memory.hpp"
#include "engine/device_thresholds.hpp"
#include "engine/parallel.hpp"
#include "engine/threads.hpp"
#include "kernels/lattice/bands.hpp"
#include "kernels/table.hpp"
#include "lindrift/error.hpp"

namespace lindrift {

namespace {

using kernels::Index, kernels::lattice::BandRows;

/// Doubles of all arrays of a batch, 64 MiB: on a card many times what its threads work on at once, and a copy that
/// takes far longer than it takes to start it.
constexpr Index batch_doubles = Index{1} << 23;

BandRows rows_of(const kernels::HoppingTables& tables, Index count) {
  return {tables.orbitals, tables.directions, count};
}

/// As many momenta as fit in the memory.
DeviceBatch batch_of(const kernels::HoppingTables& tables, Execution execution) {
  execution.communicator = nullptr;  // every rank computes all bands
  const Index momenta = tables.cells[0] * tables.cells[1] * tables.cells[2], elements = tables.elements();
  Index doubles = 2 * tables.displacements + rows_of(tables, 1).size();
  if (tables.orbitals > kernels::closed_form_orbitals)
    doubles += 2 * (1 + tables.directions) * elements + tables.orbitals + 1;
  return largest_on_device(
      std::clamp(batch_doubles / doubles, Index{1}, momenta), 1, execution,
      [&](const kernels::DeviceKernels& kernels, Index size) {
        const std::unique_ptr<kernels::BandDevice> device(kernels.make_band_device(tables, execution.device));
        device->compute(0, size);
      });
}

[[noreturn]] void fail_at(const Lattice& lattice, std::size_t k) {
  std::string where;
  for (int i = 0; i < lattice.dimensions(); ++i)
    where += (i > 0 ? ", " : "") + std::to_string(lattice.momentum(k)[static_cast<std::size_t>(i)]);
  throw NumericalError(
      "the eigenvalues of a Hermitian matrix did not converge on the device, at the momentum with "
      "integers m = " +
      where + ": is it finite?");
}

/// Copies the rows of a batch into the bands.
void take(const BandRows& rows, const double* results, std::size_t first, Bands& bands) {
  const auto count = static_cast<std::size_t>(rows.count);
  for (std::size_t k = 0; k < count; ++k) {
    bool good = !rows.may_fail() || results[static_cast<std::size_t>(rows.failed()) + k] == 0.0;
    for (Index band = 0; band < rows.orbitals; ++band)
      good = good && std::isfinite(results[static_cast<std::size_t>(rows.energy(band)) + k]);
    if (!good) fail_at(bands.lattice, first + k);
  }
  const auto orbitals = static_cast<std::size_t>(rows.orbitals);
  in_parts(parallel_threads(static_cast<std::size_t>(rows.size())), orbitals,
           [&](std::size_t b, std::size_t last, std::size_t) {
             for (; b < last; ++b) {
               const auto band = static_cast<Index>(b);
               const std::size_t s = bands.mode(b, first);
               std::copy_n(results + rows.energy(band), count, bands.energy.data() + s);
               for (std::size_t i = 0; i < bands.velocity.size(); ++i)
                 std::copy_n(results + rows.velocity(static_cast<Index>(i), band), count, bands.velocity[i].data() + s);
               for (std::size_t a = 0; a < bands.eigenvector.size(); ++a)
                 std::memcpy(static_cast<void*>(bands.eigenvector[a].data() + s),
                             results + rows.eigenvector(static_cast<Index>(a), band),
                             count * sizeof(bands.eigenvector[a][s]));
             }
           });
}

}  // namespace

bool bands_on_device(const TightBinding& model, const Lattice& lattice, const Execution& execution) {
  return is_device(execution.backend) && model.orbitals <= kernels::most_device_orbitals &&
         static_cast<double>(lattice.size()) * model.orbitals >= device_thresholds().band_modes;
}

double bands_on_device_bytes(const kernels::HoppingTables& tables, const Execution& execution) {
  return batch_of(tables, execution).bytes;
}

/// Eigenvectors come to the host, in pinned memory and all of a batch at once, because what follows is there: which
/// bands are degenerate decides on the equation, hop weights and panels are made from them, and observables read them.
void compute_on_device(const kernels::HoppingTables& tables, const Execution& execution, Bands& bands) {
  const auto momenta = static_cast<Index>(bands.lattice.size()), size = batch_of(tables, execution).size;
  const std::unique_ptr<kernels::BandDevice> device(
      kernels::device_kernels().make_band_device(tables, execution.device));
  for (Index first = 0; first < momenta; first += size) {
    Calculation::look_up();
    const Index count = std::min(size, momenta - first);
    take(rows_of(tables, count), device->compute(first, count), static_cast<std::size_t>(first), bands);
  }
}

}  // namespace lindrift
