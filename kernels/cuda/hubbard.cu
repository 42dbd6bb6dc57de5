#include "kernels/cuda/engine.hpp"

#include "kernels/cuda/complex_product.hpp"
#include "kernels/cuda/fourier.hpp"
#include "kernels/hubbard/self_energy_kernel_of.hpp"
#include "kernels/hubbard/time_device_of.hpp"

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {

SelfEnergyKernel* make_self_energy_kernel(const SelfEnergyTables& tables, int threads, int device) {
  return new hubbard::SelfEnergyKernelOf<cuda::Engine>(tables, threads, device);
}

TimeDevice* make_time_device(const TimeTables& tables, int device) {
  return new hubbard::TimeDeviceOf<cuda::Engine, cuda::Fourier, cuda::ComplexProduct>(tables, device);
}

}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
