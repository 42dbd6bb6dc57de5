#include "lindrift/backend.hpp"

#include <cstdlib>

#include "lindrift/error.hpp"
#ifdef LINDRIFT_HAVE_CUDA
#include "kernels/cuda/device.hpp"
#endif

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

#ifdef LINDRIFT_HAVE_CUDA
bool cuda_compiled() noexcept { return true; }
int cuda_device_count() noexcept { return kernels::cuda::device_count(nullptr); }
std::string cuda_device_name(int device) { return kernels::cuda::device_name(device); }
#else
bool cuda_compiled() noexcept { return false; }
int cuda_device_count() noexcept { return 0; }
std::string cuda_device_name(int device) {
  throw DeviceError("CUDA device " + std::to_string(device) + ": this build has no CUDA backend");
}
#endif

Backend resolve_backend(Backend requested, std::string* reason) {
  std::string why = "this build has no CUDA backend";
  int devices = 0;
#ifdef LINDRIFT_HAVE_CUDA
  if (requested != Backend::cpu) devices = kernels::cuda::device_count(&why);
#endif
  const auto explain = [&](const std::string& text) {
    if (reason) *reason = text;
  };
  if (requested == Backend::cpu) {
    explain("as asked");
    return Backend::cpu;
  }
  if (devices > 0) {
    explain(requested == Backend::cuda ? "as asked" : "a CUDA device is there");
    return Backend::cuda;
  }
  if (requested == Backend::cuda)
    throw UnsupportedError("backend = cuda cannot be had: " + why + "; use backend = cpu or auto");
  explain("no CUDA device: " + why);
  return Backend::cpu;
}

std::string_view simd_level() {
  static const std::string_view level = [] {
    int supported = 0;
#ifdef LINDRIFT_SIMD_VARIANTS
    __builtin_cpu_init();
    if (__builtin_cpu_supports("x86-64-v3")) supported = 1;
    if (supported == 1 && __builtin_cpu_supports("x86-64-v4")) supported = 2;
    if (const char* wanted = std::getenv("LINDRIFT_SIMD")) {
      const std::string_view text = wanted;
      if (text == "baseline") supported = 0;
      if (text == "x86-64-v3" && supported > 1) supported = 1;
    }
#endif
    constexpr std::string_view names[] = {"baseline", "x86-64-v3", "x86-64-v4"};
    return names[supported];
  }();
  return level;
}

}  // namespace lindrift
