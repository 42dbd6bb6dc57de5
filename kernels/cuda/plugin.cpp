// The CUDA backend is a library of its own, with the 1.3 GB of CUDA's libraries that it needs: it is opened when a
// device is looked for, and only where there is a driver. So a program without a card starts at once.
#include <dlfcn.h>

#include <array>
#include <filesystem>
#include <string>
#include <system_error>

#include "kernels/cuda/plugin.hpp"
#include "kernels/table.hpp"
#include "lindrift/error.hpp"

namespace lindrift::kernels {

namespace {

constexpr const char* driver = "libcuda.so.1";
constexpr const char* plugin = "liblindrift_cuda.so";

struct Backend {
  const DeviceKernels* kernels = nullptr;
  std::string missing;  ///< why there are none
};

/// Where the plug-in may lie: beside the program or the library that holds this code, in the folder of libraries next
/// to it, where it was built, and where it was to be installed.
std::array<std::filesystem::path, 6> places() {
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  Dl_info info{};
  std::filesystem::path library = program;
  if (::dladdr(reinterpret_cast<const void*>(&find_device_kernels), &info) != 0 && info.dli_fname != nullptr)
    if (const auto found = std::filesystem::canonical(info.dli_fname, error); !error) library = found.parent_path();
  const std::filesystem::path installed = LINDRIFT_PLUGIN_INSTALL_FOLDER;
  return {library,
          program,
          library.parent_path() / installed.filename(),
          program.parent_path() / installed.filename(),
          LINDRIFT_PLUGIN_BUILD_FOLDER,
          installed};
}

Backend open_backend() {
  Backend backend;
  // No driver, no device: what follows would take a hundred milliseconds to find that out.
  void* const drivers = ::dlopen(driver, RTLD_LAZY | RTLD_LOCAL);
  if (drivers == nullptr) {
    backend.missing = "no driver, or one older than the toolkit";
    return backend;
  }
  ::dlclose(drivers);
  for (const std::filesystem::path& place : places()) {
    std::error_code error;
    const std::filesystem::path file = place / plugin;
    if (!std::filesystem::exists(file, error)) continue;
    void* const opened = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (opened == nullptr) {
      backend.missing = ::dlerror();
      continue;
    }
    const auto entry = reinterpret_cast<PluginEntry>(::dlsym(opened, plugin_entry));
    backend.kernels = entry != nullptr ? entry(LINDRIFT_PLUGIN_VERSION, sizeof(DeviceKernels)) : nullptr;
    if (backend.kernels != nullptr) return backend;
    backend.missing = file.string() + " belongs to another version";
  }
  if (backend.missing.empty())
    backend.missing = std::string(plugin) + " is neither beside the program nor where it was installed";
  return backend;
}

const Backend& backend() {
  static const Backend opened = open_backend();
  return opened;
}

DeviceError missing(int device) {
  return DeviceError("CUDA device " + std::to_string(device) + ": " + backend().missing);
}

/// Stands for the device where there is none; what would make something or count is null.
DeviceKernels no_device() {
  DeviceKernels kernels{};
  kernels.count = [](std::string* reason) noexcept {
    if (reason != nullptr) *reason = backend().missing;
    return 0;
  };
  kernels.name = [](int device) -> std::string { throw missing(device); };
  kernels.memory = [](int device) -> DeviceMemory { throw missing(device); };
  return kernels;
}

}  // namespace

const DeviceKernels* find_device_kernels() noexcept {
  static const DeviceKernels none = no_device();
  return backend().kernels != nullptr ? backend().kernels : &none;
}

}  // namespace lindrift::kernels
