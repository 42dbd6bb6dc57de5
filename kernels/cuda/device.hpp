#pragma once

#include <string>

namespace lindrift::kernels::cuda {

/// Usable devices; 0 without a driver or a card, and then the runtime's words in `reason`.
int device_count(std::string* reason) noexcept;

/// @throws DeviceError
std::string device_name(int device);

}  // namespace lindrift::kernels::cuda
