#include "kernels/cuda/engine.hpp"

#include "kernels/cuda/fourier.hpp"
#include "kernels/hatsugai_kohmoto/device_of.hpp"

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {

namespace {

template <class Device>
PropagatorDevice* propagator_device_on(const PropagatorTables& tables, int device) {
  return new hatsugai_kohmoto::DeviceOf<cuda::EngineOn<Device>, cuda::FourierOn<Device>>(tables, device);
}

template <class Device>
void spectral_on(const SpectralTables& tables, const double* frequency, double* spectral_function, double* self_energy,
                 double* green, int device) {
  cuda::EngineOn<Device> engine(1, device, nullptr);
  hatsugai_kohmoto::spectral_on(engine, tables, frequency, spectral_function, self_energy, green);
}

}  // namespace

PropagatorDevice* make_propagator_device(const PropagatorTables& tables, int device) {
  return propagator_device_on<cuda::PhysicalDevice>(tables, device);
}
PropagatorDevice* count_propagator_device(const PropagatorTables& tables, int device) {
  return propagator_device_on<cuda::MemoryCounter>(tables, device);
}

void map_spectral(const SpectralTables& tables, const double* frequency, double* spectral_function, double* self_energy,
                  double* green, int device) {
  spectral_on<cuda::PhysicalDevice>(tables, frequency, spectral_function, self_energy, green, device);
}
void count_spectral(const SpectralTables& tables, const double* frequency, double* spectral_function,
                    double* self_energy, double* green, int device) {
  spectral_on<cuda::MemoryCounter>(tables, frequency, spectral_function, self_energy, green, device);
}

}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
