#include "hubbard/node_products.hpp"

#include <algorithm>
#include <cmath>

#include "engine/complex_product.hpp"
#include "engine/linear_algebra.hpp"
#include "engine/parallel.hpp"

namespace lindrift {

namespace {

using Complex = std::complex<double>;

/// Offsets of a uniform grid whose phases follow by multiplication from one exponential.
constexpr std::size_t phase_block = 64, phase_root = 8;

}  // namespace

std::size_t momenta_per_tile(std::size_t momenta) {
  const std::size_t tiles = std::max<std::size_t>(1, (momenta + max_tile_momenta - 1) / max_tile_momenta);
  return std::max<std::size_t>(1, (momenta + tiles - 1) / tiles);
}

NodeProducts::NodeProducts(const FrequencyGrid& grid, std::size_t batch, std::size_t tile_momenta, int threads)
    : grid_(grid),
      offsets_(grid.offset.size()),
      offset_tiles_((offsets_ + tile_offsets - 1) / tile_offsets),
      columns_per_offset_(grid.symmetric ? 2 : 1),
      tile_momenta_(tile_momenta),
      threads_(threads) {
  const std::size_t depth = grid.symmetric ? batch : 2 * batch;
  left_size_ = 2 * tile_momenta * depth;
  product_size_ = 2 * tile_momenta * columns_per_offset_ * tile_offsets;
  factor_.resize(batch);
  waves_ = std::make_unique_for_overwrite<double[]>(depth * columns_per_offset_ * offsets_);
  left_ = std::make_unique_for_overwrite<double[]>(static_cast<std::size_t>(threads) * left_size_);
  products_ = std::make_unique_for_overwrite<double[]>(static_cast<std::size_t>(threads) * product_size_);
}

void NodeProducts::set_nodes(std::span<const double> at, std::span<const double> weight, double broadening) {
  nodes_ = at.size();
  depth_ = grid_.symmetric ? nodes_ : 2 * nodes_;
  in_parts(nodes_ * offsets_ > 10000 ? threads_ : 1, nodes_, [&](std::size_t t, std::size_t last, std::size_t) {
    for (; t < last; ++t) {
      factor_[t] = weight[t] * std::exp(Complex(-broadening, grid_.centre) * at[t]);
      make_waves(t, at[t]);
    }
  });
}

void NodeProducts::add(const Complex* values, std::size_t sites, const SharedRows& momenta, SharedRows::Range own) {
  const std::size_t momentum_tiles = (own.last - own.first + tile_momenta_ - 1) / tile_momenta_;
  // A tile of momenta is prepared once and multiplied by several tiles of offsets: by all of them, or by fewer if
  // threads would be idle.
  const std::size_t chunks = std::min(offset_tiles_, (4 * static_cast<std::size_t>(threads_) + momentum_tiles) /
                                                         std::max<std::size_t>(1, momentum_tiles));
  in_parts(threads_, momentum_tiles * chunks, [&](std::size_t item, std::size_t end, std::size_t thread) {
    double *left = left_.get() + thread * left_size_, *product = products_.get() + thread * product_size_;
    for (; item < end; ++item) {
      const std::size_t first = own.first + item / chunks * tile_momenta_, chunk = item % chunks;
      const std::size_t count = std::min(tile_momenta_, own.last - first);
      for (std::size_t i = 0; i < count; ++i) load_rows(values + momenta[first + i].m, sites, left + 2 * i * depth_);
      for (std::size_t tile = offset_tiles_ * chunk / chunks; tile < offset_tiles_ * (chunk + 1) / chunks; ++tile) {
        const std::size_t begin = tile * tile_offsets, width = std::min(tile_offsets, offsets_ - begin);
        const std::size_t columns = columns_per_offset_ * width;
        linear_algebra::multiply(2 * count, columns, depth_, left, depth_, wave_tile(tile), columns, product, columns);
        for (std::size_t i = 0; i < count; ++i)
          add_product(product + 2 * i * columns, begin, width, momenta[first + i]);
      }
    }
  });
}

/// Fills row t of every tile of waves: cosines, then sines of the tile's offsets, or the sines `nodes` rows below.
void NodeProducts::make_waves(std::size_t t, double time) {
  double turn_cos[phase_block], turn_sin[phase_block];
  if (grid_.uniform) make_turns(time, turn_cos, turn_sin);
  for (std::size_t tile = 0; tile < offset_tiles_; ++tile) {
    const std::size_t begin = tile * tile_offsets, width = std::min(tile_offsets, offsets_ - begin);
    double* cosine = wave_tile(tile) + t * columns_per_offset_ * width;
    double* sine = grid_.symmetric ? cosine + width : cosine + nodes_ * width;
    for (std::size_t j = 0; j < width; j += phase_block) {
      const std::size_t count = std::min(phase_block, width - j);
      if (grid_.uniform) {
        const double c = std::cos(grid_.offset[begin + j] * time), s = std::sin(grid_.offset[begin + j] * time);
        for (std::size_t i = 0; i < count; ++i) {
          cosine[j + i] = c * turn_cos[i] - s * turn_sin[i];
          sine[j + i] = s * turn_cos[i] + c * turn_sin[i];
        }
      } else {
        for (std::size_t i = j; i < j + count; ++i) {
          cosine[i] = std::cos(grid_.offset[begin + i] * time);
          sine[i] = std::sin(grid_.offset[begin + i] * time);
        }
      }
    }
  }
}

/// e^{i j step t}, j = 0 .. phase_block-1: every phase_root-th from the library, the others by one multiplication.
void NodeProducts::make_turns(double time, double* turn_cos, double* turn_sin) const {
  for (std::size_t j = 0; j < phase_block; ++j) {
    const std::size_t rest = j % phase_root, whole = j - rest;
    if (rest == 0 || whole == 0) {
      turn_cos[j] = std::cos(static_cast<double>(j) * grid_.step * time);
      turn_sin[j] = std::sin(static_cast<double>(j) * grid_.step * time);
    } else {
      turn_cos[j] = turn_cos[whole] * turn_cos[rest] - turn_sin[whole] * turn_sin[rest];
      turn_sin[j] = turn_sin[whole] * turn_cos[rest] + turn_cos[whole] * turn_sin[rest];
    }
  }
}

/// Fills the two rows of a momentum on the left of the product.
/// @param column  K(k,t) at the nodes, `stride` apart
void NodeProducts::load_rows(const Complex* column, std::size_t stride, double* upper) const {
  double* lower = upper + depth_;
  for (std::size_t t = 0; t < nodes_; ++t) {
    const Complex value = times(factor_[t], column[t * stride]);
    if (grid_.symmetric) {
      upper[t] = value.real();
      lower[t] = value.imag();
    } else {
      upper[t] = lower[nodes_ + t] = value.imag();
      upper[nodes_ + t] = value.real();
      lower[t] = -value.real();
    }
  }
}

/// Adds the two rows of a product, whose offsets start at `begin`, to a row of the result and to its mirror image.
void NodeProducts::add_product(const double* upper, std::size_t begin, std::size_t width,
                               const SharedRows::Momentum& momentum) const {
  const double* lower = upper + columns_per_offset_ * width;
  Complex *row = momentum.row, *mirror = momentum.mirror;
  if (!grid_.symmetric) {
    for (std::size_t j = 0; j < width && row != nullptr; ++j) row[begin + j] += Complex(upper[j], lower[j]);
    return;
  }
  const std::size_t count = grid_.frequency.size();
  for (std::size_t j = 0; j < width; ++j) {
    const double rc = upper[j], rs = upper[width + j], ic = lower[j], is = lower[width + j];
    const Complex above(ic + rs, is - rc), below(ic - rs, -rc - is);  // at +offset and at -offset
    const std::size_t up = count - offsets_ + begin + j, down = count - 1 - up;
    if (row != nullptr) {
      row[up] += above;
      if (down != up) row[down] += below;
    }
    if (mirror != nullptr) {
      mirror[up] -= std::conj(down != up ? below : above);  // one value in the middle, even if it is not quite at 0
      if (down != up) mirror[down] -= std::conj(above);
    }
  }
}

DeviceProducts::DeviceProducts(const DeviceShape& shape, std::span<const double> frequency, int threads)
    : shape_(shape),
      frequency_(frequency),
      threads_(threads),
      sums_(shape.momenta * std::min(shape.frequencies, frequency.size())) {}

void DeviceProducts::add(kernels::TimeDevice& device, std::size_t first, std::size_t stride,
                         std::span<const double> weight, const SharedRows& momenta, SharedRows::Range own) {
  for (std::size_t begin = 0; begin < frequency_.size(); begin += shape_.frequencies) {
    const std::size_t columns = std::min(shape_.frequencies, frequency_.size() - begin);
    device.choose(static_cast<std::int64_t>(first), static_cast<std::int64_t>(stride),
                  static_cast<std::int64_t>(weight.size()), weight.data(), frequency_.data() + begin,
                  static_cast<std::int64_t>(columns));
    add_runs(device, begin, columns, momenta, own);
  }
}

/// Adds the columns of the frequencies from `begin` on, which the device has chosen.
void DeviceProducts::add_runs(kernels::TimeDevice& device, std::size_t begin, std::size_t columns,
                              const SharedRows& momenta, SharedRows::Range own) {
  for (std::size_t run = own.first; run < own.last;) {
    // A run of consecutive m, at most to the end of this block of shape_.momenta.
    const std::size_t m = momenta[run].m, end = std::min(own.last, (run / shape_.momenta + 1) * shape_.momenta);
    std::size_t next = run + 1;
    while (next < end && momenta[next].m == m + (next - run)) ++next;
    device.integrate(static_cast<std::int64_t>(m), static_cast<std::int64_t>(m + (next - run)),
                     reinterpret_cast<double*>(sums_.data()));
    const int threads = (next - run) * columns > 10000 ? threads_ : 1;
    in_parts(threads, next - run, [&](std::size_t i, std::size_t last, std::size_t) {
      for (; i < last; ++i)
        for (std::size_t w = 0; w < columns; ++w) momenta[run + i].row[begin + w] += sums_[i * columns + w];
    });
    run = next;
  }
}

}  // namespace lindrift
