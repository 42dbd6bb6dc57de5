#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/fourier/plan.hpp"
#include "kernels/hatsugai_kohmoto/tables.hpp"
#include "kernels/hubbard/self_energy_kernel.hpp"
#include "kernels/hubbard/time_tables.hpp"
#include "kernels/hubbard/volterra_tables.hpp"
#include "kernels/tgge/rate_kernel.hpp"
#include "lindrift/backend.hpp"

/// The entry points of the kernels, one table for each CPU instruction set and one for the device. Nothing else asks
/// which of them this build contains. Makers hand over what they return.
namespace lindrift::kernels {

/// What CPUs and devices both have. `threads` is read by CPUs, `device` by devices.
struct Kernels {
  RateKernel* (*make_rate_kernel)(const RateTables& tables, bool direct, int threads, int device);
  SelfEnergyKernel* (*make_self_energy_kernel)(const SelfEnergyTables& tables, int threads, int device);
};

struct CpuKernels : Kernels {
  std::string_view instruction_set;  ///< as lindrift::simd_level() names it
  FourierPlan* (*make_fourier_plan)(std::int64_t length);
  FourierPlan* (*make_lattice_fourier_plan)(const std::int64_t* lengths, int directions);
  PropagatorFunctions propagator;
  TimeFunctions time;
  VolterraFunctions volterra;
};

/// A square matrix on a device that multiplies rows.
class MatrixProduct {
 public:
  virtual ~MatrixProduct();
  /// product = rows * matrix; both (count, size) on the host. The copies are part of the call.
  virtual void multiply(const double* rows, std::int64_t count, double* product) = 0;
};

struct DeviceMemory {
  double free = 0.0, total = 0.0;  ///< bytes
};

/// What a device does at most, each in a second.
struct DeviceCeilings {
  double multiply_adds = 0.0;       ///< of doubles, in registers
  double read_bytes = 0.0;          ///< of a sum of a_i b_i
  double triad_bytes = 0.0;         ///< of a_i = b_i + x c_i: two reads and a write
  double product_operations = 0.0;  ///< of products of matrices, multiplications and additions
};

struct DeviceKernels : Kernels {
  TimeDevice* (*make_time_device)(const TimeTables& tables, int device);
  PropagatorDevice* (*make_propagator_device)(const PropagatorTables& tables, int device);
  /// Spectral for the whole map; every pointer is the host's.
  void (*map_spectral)(const SpectralTables& tables, const double* frequency, double* spectral_function,
                       double* self_energy, double* green, int device);
  /// @param matrix  (size, size), row-major, on the host; copied
  MatrixProduct* (*make_matrix_product)(std::int64_t size, const double* matrix, int device);
  /// Solves the points of a batch, each in one thread block, with one launch and three copies for all of them.
  /// @param[out] results  (points, moment_batch_result): MomentBatchOutcome, Lagrange multipliers, occupations
  void (*solve_moment_batch)(const MomentBatchTables& tables, double* results, int device);

  /// Usable devices; 0 without a driver or a card, and then why in `reason` if that is not null.
  int (*count)(std::string* reason) noexcept;
  /// @throws DeviceError
  std::string (*name)(int device);
  /// @throws DeviceError
  DeviceMemory (*memory)(int device);
  /// Measures them. Takes 1.5 GiB of the device's memory and less than a second on a card.
  /// @throws DeviceError
  DeviceCeilings (*measure_ceilings)(int device);

  /// The same entry points for planning: what they make allocates, copies and computes nothing on the device, writes
  /// zeros or nothing to results, and counts the memory that the same calls would take (src/engine/device_memory.hpp).
  /// Null in this table, and where there is no device.
  const DeviceKernels* counting;
  /// Bytes at most, of the calling thread's objects, since begin_count().
  void (*begin_count)() noexcept;
  std::int64_t (*counted_bytes)() noexcept;
};

/// The variants that this build has and this processor can run, narrowest first.
const std::vector<CpuKernels>& all_cpu_kernels();
/// The widest of them that LINDRIFT_SIMD allows.
const CpuKernels& cpu_kernels();

/// Null if this build has no device backend.
const DeviceKernels* find_device_kernels() noexcept;
/// @throws UnsupportedError if this build has no device backend
const DeviceKernels& device_kernels();

/// Those of the device for Backend::cuda, else those of the processor.
const Kernels& kernels_for(Backend backend);

}  // namespace lindrift::kernels
