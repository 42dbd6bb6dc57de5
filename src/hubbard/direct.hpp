#pragma once

#include <complex>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "engine/device_memory.hpp"
#include "hubbard/modes.hpp"
#include "hubbard/staged_sum.hpp"
#include "kernels/hubbard/self_energy_kernel.hpp"
#include "lindrift/backend.hpp"

namespace lindrift {

/// Sigma(k, w + i eta) of the Hubbard model as the double sum over momenta (docs/physics.md, Eq. 64), on either
/// backend: O(L^2) per momentum and frequency. Without the Hartree shift. Ranks of execution.communicator share the
/// rows q.
class DirectSelfEnergy {
 public:
  /// @param slow  momenta p whose pairs are summed, ascending; empty: all
  DirectSelfEnergy(const HubbardModes& modes, const Execution& execution, std::span<const std::size_t> slow = {});
  ~DirectSelfEnergy();

  /// @param momentum  m = 0 .. L-1, one per frequency      @return one value per pair
  std::vector<std::complex<double>> points(std::span<const std::size_t> momentum, std::span<const double> frequency,
                                           double broadening);

  /// Adds to the rows of a grid: rows[m] points to one value per frequency, or is null if a momentum is not requested.
  /// Folds k and -k, and (k,w) and (pi-k,-w), if the chain has these symmetries. Takes stage_count() stages of
  /// `stages`.
  void add_grid(std::span<std::complex<double>* const> rows, std::span<const double> frequency, double broadening,
                StagedSum& stages);
  void add_grid(std::span<std::complex<double>* const> rows, std::span<const double> frequency, double broadening) {
    StagedSum stages;
    add_grid(rows, frequency, broadening, stages);
  }
  std::size_t stage_count(std::size_t momenta, std::span<const double> frequency) const;

  /// Bytes that add_grid() takes on the device.
  /// @throws DeviceMemoryError if the memory available to this process is not enough
  double device_bytes(std::size_t momenta, std::span<const double> frequency) const;

  /// Terms in one evaluation of the grid, after the savings by symmetries.
  double terms(std::size_t momenta, std::span<const double> frequency) const;

 private:
  struct Rows {
    std::size_t first, last;
  };
  bool folds(std::size_t momenta) const { return modes_.even_probe && 2 * momenta > modes_.sites; }
  /// Number of momenta, or of frequencies if momenta are folded, per stage and in all.
  struct Portion {
    std::size_t each, all;
  };
  Portion portion(std::size_t momenta, std::span<const double> frequency) const;
  double rows() const;
  /// The largest call to the kernel: frequencies for all momenta if these are folded, otherwise pairs of momentum and
  /// frequency.
  struct Call {
    bool folded;
    std::size_t count;
  };
  Call call_for(std::size_t momenta, std::span<const double> frequency) const;
  kernels::SelfEnergyTables tables() const;
  DeviceBatch device_buffer(const Call& call) const;
  kernels::SelfEnergyKernel& kernel(const Call& call);
  template <class Evaluate>
  void sum(std::size_t results, const Evaluate& evaluate, std::vector<double>& re, std::vector<double>& im);

  HubbardModes modes_;
  Execution execution_;
  double unit_;  ///< factor of all energies: a power of two, so that it costs no digits
  /// Energies in that unit, occupations, and the terms of a row if not all are used (kernels::SelfEnergyTables).
  struct Arrays {
    std::vector<double> energy, down_energy, half_rate, half_probe_loss, coupling, occupation, hole;
    std::vector<std::int64_t> columns;
  } arrays_;
  std::vector<Rows> blocks_;
  std::size_t columns_ = 0;  ///< terms per row
  std::unique_ptr<kernels::SelfEnergyKernel> kernel_;
};

}  // namespace lindrift
