#include "kernels/table.hpp"

#include <cstdlib>

#include "lindrift/error.hpp"

namespace lindrift::kernels {

#define LINDRIFT_DECLARE_VARIANT(isa)                                                                 \
  namespace isa {                                                                                     \
  RateKernel* make_rate_kernel(const RateTables& tables, bool direct, int threads, int device);       \
  SelfEnergyKernel* make_self_energy_kernel(const SelfEnergyTables& tables, int threads, int device); \
  FourierPlan* make_fourier_plan(std::int64_t length);                                                \
  FourierPlan* make_lattice_fourier_plan(const std::int64_t* lengths, int directions);                \
  PropagatorFunctions propagator_functions();                                                         \
  TimeFunctions time_functions();                                                                     \
  VolterraFunctions volterra_functions();                                                             \
  CpuKernels table(std::string_view name) {                                                           \
    return {{make_rate_kernel, make_self_energy_kernel},                                              \
            name,                                                                                     \
            make_fourier_plan,                                                                        \
            make_lattice_fourier_plan,                                                                \
            propagator_functions(),                                                                   \
            time_functions(),                                                                         \
            volterra_functions()};                                                                    \
  }                                                                                                   \
  }
LINDRIFT_DECLARE_VARIANT(baseline)
#ifdef LINDRIFT_SIMD_VARIANTS
LINDRIFT_DECLARE_VARIANT(v3)
LINDRIFT_DECLARE_VARIANT(v4)
#endif
#undef LINDRIFT_DECLARE_VARIANT

const std::vector<CpuKernels>& all_cpu_kernels() {
  static const std::vector<CpuKernels> all = [] {
    std::vector<CpuKernels> found{baseline::table("baseline")};
#ifdef LINDRIFT_SIMD_VARIANTS
    __builtin_cpu_init();
    if (__builtin_cpu_supports("x86-64-v3")) found.push_back(v3::table("x86-64-v3"));
    if (found.size() == 2 && __builtin_cpu_supports("x86-64-v4")) found.push_back(v4::table("x86-64-v4"));
#endif
    return found;
  }();
  return all;
}

const CpuKernels& cpu_kernels() {
  static const CpuKernels& chosen = []() -> const CpuKernels& {
    const auto& all = all_cpu_kernels();
    if (const char* wanted = std::getenv("LINDRIFT_SIMD"))
      for (const CpuKernels& kernels : all)
        if (kernels.instruction_set == wanted) return kernels;
    return all.back();
  }();
  return chosen;
}

const DeviceKernels& device_kernels() {
  if (const DeviceKernels* found = find_device_kernels()) return *found;
  throw UnsupportedError("backend = cuda: this build has no CUDA");
}

const Kernels& kernels_for(Backend backend) {
  if (is_device(backend)) return device_kernels();
  return cpu_kernels();
}

MatrixProduct::~MatrixProduct() = default;
ClusterDevice::~ClusterDevice() = default;
BandDevice::~BandDevice() = default;

}  // namespace lindrift::kernels
