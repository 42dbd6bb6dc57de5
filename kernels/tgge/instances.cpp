// Compiled once per backend and per CPU instruction set; LINDRIFT_ISA names the variant.
#include "kernels/tgge/rate_kernel_of.hpp"

#ifdef __CUDACC__
#include "kernels/cuda/engine.hpp"
#else
#include "kernels/cpu/engine.hpp"
#endif

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {

#ifdef __CUDACC__
using Engine = cuda::Engine;
#else
using Engine = cpu::Engine;
#endif

RateKernel* make_rate_kernel(const FactorisedRateTables& tables, bool direct, int threads, int device) {
  if (direct) return new tgge::RateKernelOf<Engine, true>(tables, threads, device);
  return new tgge::RateKernelOf<Engine, false>(tables, threads, device);
}

}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
