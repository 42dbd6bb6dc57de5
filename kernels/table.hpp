#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/clusters/tables.hpp"
#include "kernels/fourier/plan.hpp"
#include "kernels/hatsugai_kohmoto/tables.hpp"
#include "kernels/hubbard/ladder_tables.hpp"
#include "kernels/hubbard/self_energy_kernel.hpp"
#include "kernels/hubbard/time_tables.hpp"
#include "kernels/hubbard/volterra_tables.hpp"
#include "kernels/lattice/band_tables.hpp"
#include "kernels/tgge/rate_kernel.hpp"
#include "kernels/tgge/relaxation_tables.hpp"
#include "lindrift/backend.hpp"

/// The entry points of the kernels, one table per CPU instruction set and one for the device. Nothing else asks which
/// of them this build contains. Functions named make_... pass ownership of what they return.
namespace lindrift::kernels {

/// Entry points that CPUs and devices share. `threads` applies to CPUs, `device` to devices.
struct Kernels {
  RateKernel* (*make_rate_kernel)(const RateTables& tables, bool direct, int threads, int device);
  SelfEnergyKernel* (*make_self_energy_kernel)(const SelfEnergyTables& tables, int threads, int device);
};

struct CpuKernels : Kernels {
  std::string_view instruction_set;  ///< one of the names that lindrift::simd_level() returns
  FourierPlan* (*make_fourier_plan)(std::int64_t length);
  FourierPlan* (*make_lattice_fourier_plan)(const std::int64_t* lengths, int directions);
  PropagatorFunctions propagator;
  TimeFunctions time;
  VolterraFunctions volterra;
};

/// A square matrix, by which rows are multiplied, and the memory of the host for these rows and their products.
class MatrixProduct {
 public:
  virtual ~MatrixProduct();
  virtual double* rows() = 0;            ///< (count, size), zeros at first
  virtual const double* products() = 0;  ///< (count, size)
  /// Begins products = rows * matrix. Until wait() has returned, rows and products are not to be touched.
  virtual void start() = 0;
  virtual void wait() = 0;
};

struct DeviceMemory {
  double free = 0.0, total = 0.0;  ///< bytes
};

/// Ceilings of a device, per second.
struct DeviceCeilings {
  double multiply_adds = 0.0;       ///< in doubles, on registers
  double read_bytes = 0.0;          ///< by a sum of a_i b_i
  double triad_bytes = 0.0;         ///< by a_i = b_i + x c_i: two reads and a write
  double product_operations = 0.0;  ///< in matrix products; multiplications and additions both count
};

struct DeviceKernels : Kernels {
  TimeDevice* (*make_time_device)(const TimeTables& tables, int device);
  LadderDevice* (*make_ladder_device)(const TimeTables& tables, int device);
  PropagatorDevice* (*make_propagator_device)(const PropagatorTables& tables, int device);
  /// Spectral for the whole map; all pointers are to host memory.
  void (*map_spectral)(const SpectralTables& tables, const double* frequency, double* spectral_function,
                       double* self_energy, double* green, int device);
  /// @param count   rows that it multiplies at a time
  /// @param matrix  (size, size), row-major, on the host; copied
  MatrixProduct* (*make_matrix_product)(std::int64_t size, std::int64_t count, const double* matrix, int device);
  /// Solves the points of a batch, each in one thread block, with one launch and two copies for all of them: in the
  /// moments, or by sums over panels.
  /// @param[out] results  (points, BatchOutcome and 2 modes): the outcome, Lagrange multipliers, occupations
  void (*solve_moment_batch)(const PointBatchTables& tables, double* results, int device);
  void (*solve_panel_batch)(const PointBatchTables& tables, double* results, int device);
  /// The same for relaxations.
  /// @param[out] results  (points, RelaxationOutcome, times and times modes)
  void (*relax_moment_batch)(const RelaxationTables& tables, double* results, int device);
  void (*relax_panel_batch)(const RelaxationTables& tables, double* results, int device);
  ClusterDevice* (*make_cluster_device)(int device);
  BandDevice* (*make_band_device)(const HoppingTables& tables, int device);

  /// Number of usable devices; if there is no driver or card, returns 0 and sets `reason` unless it is null.
  int (*count)(std::string* reason) noexcept;
  /// @throws DeviceError
  std::string (*name)(int device);
  /// @throws DeviceError
  DeviceMemory (*memory)(int device);
  /// Measures the ceilings. Takes 1.5 GiB of the device's memory and less than a second on a GPU.
  /// @throws DeviceError
  DeviceCeilings (*measure_ceilings)(int device);

  /// The same entry points for planning: the objects that they make do not allocate, copy or compute anything on the
  /// device, write zeros or nothing to results, and count the memory that the same calls would take
  /// (src/engine/device_memory.hpp). Null in the counting table itself, and if there is no device.
  const DeviceKernels* counting;
  /// Peak number of bytes of the calling thread's objects since begin_count().
  void (*begin_count)() noexcept;
  std::int64_t (*counted_bytes)() noexcept;
};

/// The variants in this build that this processor can run, narrowest first.
const std::vector<CpuKernels>& all_cpu_kernels();
/// The widest of them, or the one that LINDRIFT_SIMD names.
const CpuKernels& cpu_kernels();

/// Null if this build has no device backend.
const DeviceKernels* find_device_kernels() noexcept;
/// @throws UnsupportedError if this build has no device backend
const DeviceKernels& device_kernels();

/// The kernels of the device for Backend::cuda, otherwise those of the CPU.
const Kernels& kernels_for(Backend backend);

}  // namespace lindrift::kernels
