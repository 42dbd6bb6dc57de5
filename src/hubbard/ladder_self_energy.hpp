#pragma once

#include <complex>
#include <cstddef>
#include <span>
#include <vector>

#include "engine/device_memory.hpp"
#include "hubbard/fft.hpp"
#include "hubbard/ladder.hpp"
#include "hubbard/modes.hpp"
#include "hubbard/quadrature.hpp"
#include "hubbard/staged_sum.hpp"
#include "lindrift/backend.hpp"

namespace lindrift {

/// Sigma(k, w + i eta) of the ladder at single points, as a sum over pairs of momenta at complex frequencies (Eq. 87),
/// without the mean field: O(L^2) each. Independent of LadderKernel.
/// @param momentum, frequency  one per point, m = 0 .. L-1
std::vector<std::complex<double>> ladder_self_energy(const HubbardModes& modes, std::span<const std::size_t> momentum,
                                                     std::span<const double> frequency, double broadening, int threads);

/// The same on a grid, by way of time: the kernel at equal steps, then a matrix product.
class LadderSelfEnergy {
 public:
  /// @param tolerance  allowed absolute error    @param scale  as of FftSelfEnergy
  /// @throws ParameterError if the frequencies need too many times
  LadderSelfEnergy(const HubbardModes& modes, std::span<const double> frequency, double broadening, double tolerance,
                   const Execution& execution, double scale = 1.0);

  double seconds() const { return seconds_; }  ///< estimate, for one core
  double memory_bytes(Backend backend) const;  ///< of the host, in addition to the result
  std::size_t nodes() const { return nodes_; }
  /// Steps of the integral equation.
  std::size_t steps() const { return 2 * nodes_; }
  /// Bytes that add_grid() takes on the device.
  /// @throws DeviceMemoryError if the memory available to this process is not enough
  double device_bytes() const;

  using Rows = std::span<std::complex<double>* const>;
  /// Adds to rows[m], m = 0 .. L-1, one value per frequency each; a row may be null. On the backend of the execution.
  /// @return an estimate of the error
  /// @throws DeviceError
  double add_grid(Rows rows, StagedSum& stages) const;

  /// Another shape on the device, for tests.
  void force(const DeviceShape& shape) { shape_ = shape; }

 private:
  /// Times and weights of the quadrature, every second row of K, and the sum that estimates their rounding errors.
  struct Nodes {
    std::vector<double> at, weight;
    double rounding;
  };
  Nodes quadrature() const;
  /// @return largest difference of both runs' K over the momenta, integrated over time
  double add_by_matrix(const Nodes& nodes, Rows rows, StagedSum& stages) const;
  double add_by_device(const Nodes& nodes, Rows rows, StagedSum& stages) const;
  void fill(kernels::LadderDevice& device, std::complex<double>* circle) const;
  DeviceBatch device_buffer() const;
  std::size_t device_nodes() const;

  HubbardModes modes_;
  LadderKernel kernel_;
  FrequencyGrid grid_;
  DeviceShape shape_;
  double broadening_, scale_;
  Execution execution_;
  double end_ = 0.0, step_ = 0.0, quadrature_error_ = 0.0, seconds_ = 0.0;
  std::size_t nodes_ = 0;
};

}  // namespace lindrift
