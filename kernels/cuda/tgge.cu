#include "kernels/cuda/engine.hpp"

#include "kernels/tgge/rate_kernel_on.hpp"

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {

RateKernel* make_rate_kernel(const RateTables& tables, bool direct, int threads, int device) {
  return tgge::make_kernel<cuda::Engine>(tables, direct, threads, device);
}
RateKernel* count_rate_kernel(const RateTables& tables, bool direct, int threads, int device) {
  return tgge::make_kernel<cuda::EngineOn<cuda::MemoryCounter>>(tables, direct, threads, device);
}

}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
