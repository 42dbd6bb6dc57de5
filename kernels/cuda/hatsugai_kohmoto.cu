#include "kernels/cuda/engine.hpp"

#include "kernels/cuda/fourier.hpp"
#include "kernels/hatsugai_kohmoto/device_of.hpp"

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {

PropagatorDevice* make_propagator_device(const PropagatorTables& tables, int device) {
  return new hatsugai_kohmoto::DeviceOf<cuda::Engine, cuda::Fourier>(tables, device);
}

void map_spectral(const SpectralTables& tables, const double* frequency, double* spectral_function, double* self_energy,
                  double* green, int device) {
  cuda::Engine engine(1, device, nullptr);
  hatsugai_kohmoto::spectral_on(engine, tables, frequency, spectral_function, self_energy, green);
}

}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
