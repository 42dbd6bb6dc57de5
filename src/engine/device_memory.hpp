#pragma once

#include <cstdint>
#include <functional>

#include "lindrift/backend.hpp"

/// Plans the memory of a device before anything runs: the calls of a computation are made on objects that only count
/// what they would allocate.

namespace lindrift {

namespace kernels {
struct DeviceKernels;
}

/// Creates the objects of a computation and makes its calls. Arrays that would only be copied may be null.
using DeviceCalls = std::function<void(const kernels::DeviceKernels& kernels)>;

/// Peak number of bytes that the calls take on the device.
double device_bytes(const DeviceCalls& calls);

/// Rejects what would not fit, before anything is allocated. Each rank checks for itself.
/// @throws DeviceMemoryError that states the memory needed and available
void require_device_memory(double bytes, const Execution& execution);

/// How many items a device holds at once, and the bytes they take.
struct DeviceBatch {
  std::int64_t size;
  double bytes;
};

/// The largest of `most`, most/2, most/4, ... >= least whose calls fit into the memory that every rank of
/// execution.communicator may use. Collective.
/// @throws DeviceMemoryError on every rank if none fits
DeviceBatch largest_on_device(
    std::int64_t most, std::int64_t least, const Execution& execution,
    const std::function<void(const kernels::DeviceKernels& kernels, std::int64_t size)>& calls);

}  // namespace lindrift
