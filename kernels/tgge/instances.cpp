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

RateKernel* make_rate_kernel(const RateTables& tables, bool direct, int threads, int device) {
  switch (tables.weight) {
    case WeightKind::operators:
      return tgge::make_kernel_with<Engine, tgge::OperatorWeightOn<Engine>>(tables, direct, threads, device);
    case WeightKind::table:
      return tgge::make_kernel_with<Engine, tgge::TableWeightOn<Engine>>(tables, direct, threads, device);
    case WeightKind::product:
      break;
  }
  if (tables.rank == 2)
    return tgge::make_kernel_with<Engine, tgge::ProductWeightOn<Engine, 2>>(tables, direct, threads, device);
  return tgge::make_kernel_with<Engine, tgge::ProductWeightOn<Engine, 1>>(tables, direct, threads, device);
}

}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
