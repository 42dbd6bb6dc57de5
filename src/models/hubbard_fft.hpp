#pragma once

#include <complex>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lindrift/backend.hpp"
#include "models/hubbard_memory_kernel.hpp"
#include "models/hubbard_modes.hpp"
#include "models/hubbard_staged_sum.hpp"

namespace lindrift {

/// How times become frequencies: by a product of matrices, by chirps, or by a product on a device.
enum class TimeTransform { matrix, chirp, device };

/// How the self-energy will be found from its kernel in time, and what that costs.
struct FftPlan {
  TimeTransform transform = TimeTransform::matrix;
  double cut = 0.0;           ///< pairs of momenta that both decay more slowly are summed directly; 0: none
  std::size_t slow = 0;       ///< such momenta
  double end = 0.0;           ///< time at which K(k,t) is given up
  std::size_t nodes = 0;      ///< times at which it is evaluated, before they are made: an estimate
  double seconds = 0.0;       ///< of one core, an estimate
  double memory_bytes = 0.0;  ///< beside the result
  std::string reason;
};

/// Sigma(k, w + i eta) of the Hubbard chain for all momenta by way of time (docs/physics.md, Eqs. 68 to 76): O(L log L)
/// for each of a few hundred times, then a product of matrices, or chirps where a uniform grid has very many
/// frequencies. Without a Hartree shift. Ranks of execution.communicator share the times, then the momenta.
class FftSelfEnergy {
 public:
  /// @param frequency  ascending; as many as there are, at least one    @param broadening  eta >= 0
  /// @param tolerance  absolute error that is allowed
  /// @throws ParameterError if the frequencies need more times than can be had
  FftSelfEnergy(const HubbardModes& modes, std::span<const double> frequency, double broadening, double tolerance,
                const Execution& execution);

  const FftPlan& plan() const { return plan_; }

  /// Adds to rows[m], m = 0 .. L-1, each of as many values as there are frequencies; a row may be null. The rows hold
  /// zeros, or what the stages of `stages` that were done before had left there.
  /// @return a bound of the error: of leaving out late times, of the quadrature, and an estimate of rounding
  /// @throws DeviceError
  double add_grid(std::span<std::complex<double>* const> rows, StagedSum&& stages = StagedSum());
  double add_grid(std::span<std::complex<double>* const> rows, StagedSum& stages);

  /// On a device: values of the kernel, and of the waves, that it holds, and the shape of the products. The bits depend
  /// on it.
  struct DeviceShape {
    std::size_t values = std::size_t{1} << 26, momenta = 2048, frequencies = 8192;
  };
  /// The way that add_grid() takes, for tests and benchmarks that compare ways. `cut` as in FftPlan.
  void force(TimeTransform transform, double cut);
  /// A device other than that of the backend, for tests that emulate one.
  using DeviceMaker = std::function<std::unique_ptr<kernels::TimeDevice>(const kernels::TimeTables&)>;
  void force(DeviceMaker maker, double cut, const DeviceShape& shape);

 private:
  struct Grid {
    double centre = 0.0;         ///< frequencies are taken relative to it
    bool symmetric = false;      ///< around the centre
    bool mirrored = false;       ///< and Sigma(pi-k,-w) = -conj Sigma(k,w): half of the momenta do
    bool uniform = false;        ///< equal steps
    double step = 0.0;           ///< if so
    double widest = 0.0;         ///< max |w|
    std::vector<double> offset;  ///< from the centre: all, or where symmetric those >= 0
  };
  FftPlan plan_for(TimeTransform transform, double cut) const;
  double add_by_matrix(const MemoryKernel& kernel, std::span<std::complex<double>* const> rows,
                       StagedSum& stages) const;
  double add_by_chirp(const MemoryKernel& kernel, std::span<std::complex<double>* const> rows, StagedSum& stages) const;
  double add_by_device(const MemoryKernel& kernel, std::span<std::complex<double>* const> rows,
                       StagedSum& stages) const;
  void evaluate(const MemoryKernel& kernel, std::span<const double> times, std::complex<double>* values) const;
  double rounding(const MemoryKernel& kernel, std::span<const double> times, std::span<const double> weights) const;

  HubbardModes modes_;
  std::vector<double> frequency_;
  double broadening_, tolerance_;
  Execution execution_;
  int threads_;
  Grid grid_;
  FftPlan plan_;
  DeviceMaker make_device_;
  DeviceShape shape_;
};

}  // namespace lindrift
