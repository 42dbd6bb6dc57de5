#pragma once

#include <cstdint>
#include <functional>

#include "lindrift/backend.hpp"

/// Memory of a device, planned before anything runs: what a computation will call is called on objects that only count
/// what they would allocate.

namespace lindrift {

namespace kernels {
struct DeviceKernels;
}

/// Makes the objects of a computation and calls them as it will. Arrays that would only be copied may be null.
using DeviceCalls = std::function<void(const kernels::DeviceKernels& kernels)>;

/// Bytes that the calls take on the device at most.
/// @throws UnsupportedError without a CUDA backend, DeviceError
double device_bytes(const DeviceCalls& calls);

/// Refuses what would not fit, before anything is allocated. Each rank answers for itself.
/// @throws DeviceMemoryError with what is needed and what there is
void require_device_memory(double bytes, const Execution& execution);

/// A number of things that a device holds at once, and the bytes that go with it.
struct DeviceBatch {
  std::int64_t size;
  double bytes;
};

/// The largest of `most`, most/2, most/4, ... >= least whose calls fit into the memory that every rank of
/// execution.communicator may use. Collective.
/// @throws DeviceMemoryError on every rank if none does
DeviceBatch largest_on_device(
    std::int64_t most, std::int64_t least, const Execution& execution,
    const std::function<void(const kernels::DeviceKernels& kernels, std::int64_t size)>& calls);

}  // namespace lindrift
