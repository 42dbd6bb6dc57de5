// Compiled once per CPU instruction set; LINDRIFT_ISA names the variant.
#include "kernels/tgge/rate_kernel_on.hpp"

#include "kernels/cpu/engine.hpp"

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {

RateKernel* make_rate_kernel(const RateTables& tables, bool direct, int threads, int device) {
  return tgge::make_kernel<cpu::Engine>(tables, direct, threads, device);
}

}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
