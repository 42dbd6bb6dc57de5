#pragma once

#include <complex>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/device_memory.hpp"
#include "hubbard/memory_kernel.hpp"
#include "hubbard/modes.hpp"
#include "hubbard/quadrature.hpp"
#include "hubbard/staged_sum.hpp"
#include "lindrift/backend.hpp"

namespace lindrift {

/// Transform from time to frequency: by matrix products, by chirps (Bluestein's algorithm), or by matrix products on a
/// device.
enum class TimeTransform { matrix, chirp, device };

/// How the self-energy is computed from the memory kernel, and at what cost.
struct FftPlan {
  TimeTransform transform = TimeTransform::matrix;
  double cut = 0.0;           ///< pairs in which both momenta decay more slowly than this are summed directly; 0: none
  std::size_t slow = 0;       ///< number of such momenta
  double end = 0.0;           ///< K(k,t) is neglected after this time
  std::size_t nodes = 0;      ///< estimated number of times at which K is evaluated
  double seconds = 0.0;       ///< estimate, for one core
  double memory_bytes = 0.0;  ///< in addition to the result
  double transform_operations = 0.0;  ///< in the Fourier transforms that give K at the nodes
  double product_operations = 0.0;    ///< in matrix products
  std::string reason;
};

/// A grid of frequencies, and the symmetries that save work on it.
struct FrequencyGrid {
  /// @param frequency  ascending, at least one
  /// @param mirrored   whether Sigma(pi-k,-w) = -conj Sigma(k,w) on this chain
  FrequencyGrid(std::span<const double> frequency, bool mirrored);

  std::vector<double> frequency;
  double centre = 0.0;         ///< offsets are measured from here
  bool symmetric = false;      ///< about the centre
  bool mirrored = false;       ///< symmetric about 0 on a mirrored chain: half of the momenta suffice
  bool uniform = false;        ///< equal steps
  double step = 0.0;           ///< if uniform
  double largest = 0.0;        ///< max |w|
  std::vector<double> offset;  ///< from the centre: all, or only those >= 0 if symmetric
};

/// On a device: the maximum numbers of kernel values and of waves that it holds, and the shape of the products. The
/// bits depend on it.
struct DeviceShape {
  std::size_t values = std::size_t{1} << 26, momenta = 2048, frequencies = 8192;
};

/// Sigma(k, w + i eta) of the Hubbard chain at all momenta from its memory kernel in time (docs/physics.md, Eqs. 68 to
/// 76): O(L log L) for each of a few hundred times, followed by a matrix product, or by chirps for a uniform grid of
/// very many frequencies. Excludes the Hartree shift. Ranks of execution.communicator share first the times, then the
/// momenta.
class FftSelfEnergy {
 public:
  using Complex = std::complex<double>;
  using Rows = std::span<Complex* const>;

  /// @param frequency  ascending, at least one    @param broadening  eta >= 0
  /// @param tolerance  allowed absolute error
  /// @param scale      cells of the system for each of `modes`, which may stand for a larger one, but only in a plan
  /// @throws ParameterError if the frequencies need too many times
  FftSelfEnergy(const HubbardModes& modes, std::span<const double> frequency, double broadening, double tolerance,
                const Execution& execution, double scale = 1.0);

  const FftPlan& plan() const { return plan_; }

  /// Bytes that add_grid() takes on the device for this number of momenta; 0 if the plan needs none.
  /// @throws DeviceMemoryError if the memory available to this process is not enough
  double device_bytes(std::size_t momenta) const;

  /// Adds to rows[m], m = 0 .. L-1, one value per frequency each; a row may be null. The rows must contain zeros, or
  /// the result of the stages completed earlier.
  /// @return a bound of the error: truncation and quadrature, plus an estimate of rounding
  /// @throws DeviceError
  double add_grid(Rows rows, StagedSum&& stages = StagedSum()) { return add_grid(rows, stages); }
  double add_grid(Rows rows, StagedSum& stages);

  /// Makes add_grid() use one particular transform, for tests and benchmarks that compare them. `cut` as in FftPlan.
  void force(TimeTransform transform, double cut);
  /// Uses another device, for tests that emulate one.
  using DeviceMaker = std::function<std::unique_ptr<kernels::TimeDevice>(const kernels::TimeTables&)>;
  void force(DeviceMaker maker, double cut, const DeviceShape& shape);

 private:
  void choose_plan();
  FftPlan plan_for(TimeTransform transform, double cut) const;
  FftPlan plan_for(TimeTransform transform, const MemoryKernel& kernel, double cut, double end) const;
  double end_of(const MemoryKernel& kernel) const;
  double plan_products(FftPlan& plan, const Exponents& exponents, double momenta) const;
  double plan_chirps(FftPlan& plan, const Exponents& exponents, double momenta) const;
  Exponents exponents_of(const MemoryKernel& kernel) const;
  double add_by_matrix(const MemoryKernel& kernel, Rows rows, StagedSum& stages) const;
  double add_by_chirp(const MemoryKernel& kernel, Rows rows, StagedSum& stages) const;
  double add_by_device(const MemoryKernel& kernel, Rows rows, StagedSum& stages) const;
  Quadrature nodes_for(const MemoryKernel& kernel) const;
  DeviceBatch device_values(const MemoryKernel& kernel, std::size_t nodes) const;
  std::size_t device_times(std::int64_t values, std::size_t nodes) const;
  std::size_t device_width() const { return std::min(grid_.frequency.size(), shape_.frequencies); }
  double rounding(const MemoryKernel& kernel, std::span<const double> times, std::span<const double> weights) const;

  HubbardModes modes_;
  FrequencyGrid grid_;
  double broadening_, tolerance_;
  double scale_;
  Execution execution_;
  int threads_;
  FftPlan plan_;
  DeviceMaker make_device_;  ///< empty: the device of the execution
  DeviceShape shape_;        ///< its values are halved where memory is short
};

}  // namespace lindrift
