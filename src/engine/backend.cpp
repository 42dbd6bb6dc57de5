#include "lindrift/backend.hpp"

#include "kernels/table.hpp"
#include "lindrift/error.hpp"

namespace lindrift {

std::string_view name(Backend backend) {
  switch (backend) {
    case Backend::cpu:
      return "cpu";
    case Backend::cuda:
      return "cuda";
    case Backend::automatic:
      break;
  }
  return "auto";
}

std::string_view name(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::direct:
      return "direct";
    case Algorithm::separable:
      return "separable";
    case Algorithm::fft:
      return "fft";
    case Algorithm::automatic:
      break;
  }
  return "auto";
}

bool cuda_compiled() noexcept { return kernels::find_device_kernels() != nullptr; }

int cuda_device_count() noexcept {
  const kernels::DeviceKernels* device = kernels::find_device_kernels();
  return device ? device->count(nullptr) : 0;
}

std::string cuda_device_name(int device) {
  if (const kernels::DeviceKernels* kernels = kernels::find_device_kernels()) return kernels->name(device);
  throw DeviceError("CUDA device " + std::to_string(device) + ": this build has no CUDA backend");
}

Backend resolve_backend(Backend requested, std::string* reason) {
  std::string why = "this build has no CUDA backend";
  int devices = 0;
  const auto explain = [&](const std::string& text) {
    if (reason) *reason = text;
  };
  if (requested == Backend::cpu) {
    explain("as asked");
    return Backend::cpu;
  }
  if (const kernels::DeviceKernels* device = kernels::find_device_kernels()) devices = device->count(&why);
  if (devices > 0) {
    explain(requested == Backend::cuda ? "as asked" : "a CUDA device is there");
    return Backend::cuda;
  }
  if (requested == Backend::cuda)
    throw UnsupportedError("backend = cuda cannot be had: " + why + "; use backend = cpu or auto");
  explain("no CUDA device: " + why);
  return Backend::cpu;
}

Backend choose_backend(Backend requested, bool enough_work, const std::string& too_little, std::string* reason) {
  const Backend possible = resolve_backend(requested, reason);
  if (requested != Backend::automatic || possible == Backend::cpu || enough_work) return possible;
  if (reason) *reason = too_little + "; " + std::string(name(Backend::cuda)) + " can be asked for";
  return Backend::cpu;
}

Backend only_on_cpu(Backend requested, const std::string& what, std::string* reason) {
  if (requested == Backend::cuda)
    throw UnsupportedError("backend = cuda is impossible: " + what + " on the CPU only; use cpu or auto");
  if (reason) *reason = requested == Backend::cpu ? "as asked" : what + " on the CPU only";
  return Backend::cpu;
}

std::string_view simd_level() { return kernels::cpu_kernels().instruction_set; }

}  // namespace lindrift
