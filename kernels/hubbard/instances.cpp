// Compiled once per backend and per CPU instruction set; LINDRIFT_ISA names the variant.
#include "kernels/hubbard/self_energy_kernel_of.hpp"

#ifdef __CUDACC__
#include "kernels/cuda/engine.hpp"
#else
#include "kernels/cpu/engine.hpp"
#endif

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {

SelfEnergyKernel* make_self_energy_kernel(const SelfEnergyTables& tables, int threads, int device) {
#ifdef __CUDACC__
  return new hubbard::SelfEnergyKernelOf<cuda::Engine>(tables, threads, device);
#else
  return new hubbard::SelfEnergyKernelOf<cpu::Engine>(tables, threads, device);
#endif
}

}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
