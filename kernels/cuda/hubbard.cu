#include "kernels/cuda/engine.hpp"

#include "kernels/cuda/complex_product.hpp"
#include "kernels/cuda/fourier.hpp"
#include "kernels/hubbard/ladder_device_of.hpp"
#include "kernels/hubbard/self_energy_kernel_of.hpp"

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {

namespace {

using cuda::ComplexProductOn, cuda::EngineOn, cuda::FourierOn;

template <class Device>
TimeDevice* time_device_on(const TimeTables& tables, int device) {
  return new hubbard::TimeDeviceOf<EngineOn<Device>, FourierOn<Device>, ComplexProductOn<Device>>(tables, device);
}
template <class Device>
LadderDevice* ladder_device_on(const TimeTables& tables, int device) {
  return new hubbard::LadderDeviceOf<EngineOn<Device>, FourierOn<Device>, ComplexProductOn<Device>>(tables, device);
}

}  // namespace

SelfEnergyKernel* make_self_energy_kernel(const SelfEnergyTables& tables, int threads, int device) {
  return new hubbard::SelfEnergyKernelOf<cuda::Engine>(tables, threads, device);
}
SelfEnergyKernel* count_self_energy_kernel(const SelfEnergyTables& tables, int threads, int device) {
  return new hubbard::SelfEnergyKernelOf<cuda::EngineOn<cuda::MemoryCounter>>(tables, threads, device);
}

TimeDevice* make_time_device(const TimeTables& tables, int device) {
  return time_device_on<cuda::PhysicalDevice>(tables, device);
}
TimeDevice* count_time_device(const TimeTables& tables, int device) {
  return time_device_on<cuda::MemoryCounter>(tables, device);
}

LadderDevice* make_ladder_device(const TimeTables& tables, int device) {
  return ladder_device_on<cuda::PhysicalDevice>(tables, device);
}
LadderDevice* count_ladder_device(const TimeTables& tables, int device) {
  return ladder_device_on<cuda::MemoryCounter>(tables, device);
}

}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
