#pragma once

#include <complex>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "hubbard/fft.hpp"
#include "hubbard/staged_sum.hpp"

namespace lindrift {

/// Tile sizes of the matrix products. Neither they nor the bits depend on threads or ranks.
inline constexpr std::size_t max_tile_momenta = 72, tile_offsets = 256;

/// Divides into as few tiles of equal size as possible.
std::size_t momenta_per_tile(std::size_t momenta);

/// Sums over the nodes of a quadrature, sum_t weight_t K(k,t) e^{i w t}, as matrix products.
///
/// With K e^{i centre t} = R + i I, a symmetric grid multiplies the rows R and I of each momentum by a cosine and a
/// sine column for each offset; the four sums give the frequencies on both sides of the centre. On any other grid, the
/// rows (I, R) and (-R, I), which span the nodes twice, times a column of cosines above sines give Re and Im of -i
/// times the integral.
class NodeProducts {
 public:
  /// @param grid  must outlive the object
  NodeProducts(const FrequencyGrid& grid, std::size_t batch, std::size_t tile_momenta, int threads);

  /// Sets the nodes of the next add().
  void set_nodes(std::span<const double> at, std::span<const double> weight, double broadening);

  /// Adds the sums over these nodes to the rows of the momenta `own`.
  /// @param values  K at the nodes, shape (nodes, sites)
  void add(const std::complex<double>* values, std::size_t sites, const SharedRows& momenta, SharedRows::Range own);

 private:
  double* wave_tile(std::size_t tile) const {
    return waves_.get() + tile * tile_offsets * columns_per_offset_ * depth_;
  }
  void make_waves(std::size_t t, double time);
  void make_turns(double time, double* turn_cos, double* turn_sin) const;
  void load_rows(const std::complex<double>* column, std::size_t stride, double* upper) const;
  void add_product(const double* upper, std::size_t begin, std::size_t width,
                   const SharedRows::Momentum& momentum) const;

  const FrequencyGrid& grid_;
  std::size_t offsets_, offset_tiles_, columns_per_offset_, tile_momenta_;
  int threads_;
  std::size_t nodes_ = 0, depth_ = 0, left_size_ = 0, product_size_ = 0;
  std::vector<std::complex<double>> factor_;  ///< weight_t e^{(i centre - eta) t}
  std::unique_ptr<double[]> waves_;           ///< tile after tile
  std::unique_ptr<double[]> left_;            ///< for each thread: the rows of a tile of momenta
  std::unique_ptr<double[]> products_;        ///< for each thread
};

/// The same on a device that holds K.
class DeviceProducts {
 public:
  /// @param frequency  must outlive the object
  DeviceProducts(const DeviceShape& shape, std::span<const double> frequency, int threads);

  /// Adds the sums over nodes, every stride-th time of the device from `first` on, to the rows of the momenta `own`.
  void add(kernels::TimeDevice& device, std::size_t first, std::size_t stride, std::span<const double> weight,
           const SharedRows& momenta, SharedRows::Range own);

 private:
  void add_runs(kernels::TimeDevice& device, std::size_t begin, std::size_t columns, const SharedRows& momenta,
                SharedRows::Range own);

  DeviceShape shape_;
  std::span<const double> frequency_;
  int threads_;
  std::vector<std::complex<double>> sums_;
};

}  // namespace lindrift
