// Compiled once per backend and per CPU instruction set; LINDRIFT_ISA names the variant.
#include "kernels/tgge/rate_kernel_on.hpp"

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

RateKernel* make_rate_kernel(const RateTables& tables, bool direct, int threads, int device) {
  return tgge::make_kernel<Engine>(tables, direct, threads, device);
}

}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
