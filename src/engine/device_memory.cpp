#include "engine/device_memory.hpp"

#include <algorithm>
#include <string>

#include "engine/short_text.hpp"
#include "kernels/table.hpp"
#include "lindrift/communicator.hpp"
#include "lindrift/error.hpp"

namespace lindrift {

namespace {

/// Fraction of the free memory that plans may use: drivers allocate in pieces of 2 MiB.
constexpr double usable_part = 0.95;

[[noreturn]] void refuse(double bytes, double usable) {
  throw DeviceMemoryError("it needs " + short_text(bytes / 1e9) + " GB of the device's memory, and " +
                          short_text(usable / 1e9) + " GB can be used");
}

}  // namespace

double usable_device_memory(const Execution& execution) {
  const kernels::DeviceMemory memory = kernels::device_kernels().memory(execution.device);
  return usable_part * std::min(memory.free, memory.total / std::max(1, execution.device_sharers));
}

double device_bytes(const DeviceCalls& calls) {
  const kernels::DeviceKernels& device = kernels::device_kernels();
  if (device.counting == nullptr) throw DeviceError("memory is planned for a CUDA device, and there is none");
  device.begin_count();
  calls(*device.counting);
  return static_cast<double>(device.counted_bytes());
}

void require_device_memory(double bytes, const Execution& execution) {
  if (const double usable = usable_device_memory(execution); bytes > usable) refuse(bytes, usable);
}

DeviceBatch largest_on_device(
    std::int64_t most, std::int64_t least, const Execution& execution,
    const std::function<void(const kernels::DeviceKernels& kernels, std::int64_t size)>& calls) {
  const double usable = usable_device_memory(execution);
  for (std::int64_t size = most;; size /= 2) {
    const double bytes = device_bytes([&](const kernels::DeviceKernels& kernels) { calls(kernels, size); });
    if (true_on_all_ranks(execution.communicator, bytes <= usable)) return {size, bytes};
    if (size / 2 < least) refuse(bytes, usable);
  }
}

}  // namespace lindrift
