#pragma once

#include <cstddef>

namespace lindrift::kernels {

struct DeviceKernels;

/// The one symbol of the plug-in with the CUDA backend: returns its table, or null to a program of another version.
using PluginEntry = const DeviceKernels* (*)(const char* version, std::size_t table_size);
inline constexpr const char* plugin_entry = "lindrift_cuda_kernels";

}  // namespace lindrift::kernels
