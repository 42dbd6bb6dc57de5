#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "lindrift/description.hpp"

namespace lindrift {

/// Lowest m along a direction with `cells` cells: k = 2 pi m / cells with m from -floor(cells/2) to ceil(cells/2) - 1.
constexpr std::int64_t first_momentum_index(std::int64_t cells) { return -(cells / 2); }

/// sin(pi numerator / denominator); exact at multiples of pi/2, and odd in its argument.
double sin_pi(std::int64_t numerator, std::int64_t denominator);

/// cos(pi numerator / denominator); exact at multiples of pi/2, and even in its argument.
double cos_pi(std::int64_t numerator, std::int64_t denominator);

/// Momenta 2 pi m / cells, ascending in [-pi, pi). Shape (cells,), radians per lattice constant.
std::vector<double> momenta(std::int64_t cells);

/// Largest number of cells along a direction: products of a momentum and a displacement must fit in an integer.
inline constexpr std::int64_t max_cells = std::int64_t{1} << 32;

/// Integers along the directions of a lattice: a displacement in cells, or a momentum in units of 2 pi / cells. Entries
/// beyond the lattice's dimensions are zero.
using LatticeVector = std::array<std::int64_t, 3>;

/// cos and sin of an angle.
struct Phase {
  double cosine = 1.0, sine = 0.0;
};

/// Periodic lattice in one to three dimensions, and its momenta. Momenta are numbered in row-major order of their
/// integers m (the last direction runs fastest), each ascending from first_momentum_index().
class Lattice {
 public:
  /// @param cells  number along each direction, any parity, each in [1, max_cells], at most 2^52 in total
  /// @throws ParameterError naming model.cells
  explicit Lattice(const std::vector<std::int64_t>& cells);

  int dimensions() const { return dimensions_; }
  std::int64_t cells(int direction) const { return cells_[static_cast<std::size_t>(direction)]; }
  /// Total number of cells, and of momenta.
  std::size_t size() const { return size_; }

  /// The integers m of the momentum with index k.
  LatticeVector momentum(std::size_t k) const;
  /// Index of the momentum with these integers, which may have any size and wrap around the zone.
  std::size_t index_of(const LatticeVector& momentum) const;

  /// The equivalent displacement with entries in [0, cells).
  LatticeVector wrapped(const LatticeVector& displacement) const;
  /// The phase k.R of the momentum with index k. It is reduced in integers before it is multiplied by 2 pi, so it is
  /// exact for every size and displacement.
  Phase phase(std::size_t k, const LatticeVector& displacement) const;

 private:
  int dimensions_;
  LatticeVector cells_{1, 1, 1};
  std::size_t size_ = 1;
  std::int64_t period_ = 1;  ///< least common multiple of the numbers of cells: phases are multiples of 2 pi / period
};

/// One-dimensional lattice with this number of sites.
/// @throws ParameterError naming model.sites
Lattice ring_lattice(std::int64_t sites);

/// The numbers of cells of a lattice with one to three directions.
inline Parameter cells_parameter() {
  return {.path = "model.cells",
          .help = "number of cells along each of one to three directions",
          .range = {.low = 1.0, .high = static_cast<double>(max_cells)},
          .sweepable = true,
          .resizes = true,
          .repeats = true,
          .details = "even or odd; limited by the machine's memory"};
}

/// The number of sites of any model.
inline Parameter sites_parameter(std::int64_t fewest) {
  return {.path = "model.sites",
          .help = "number of sites L",
          .range = {.low = static_cast<double>(fewest), .high = static_cast<double>(max_cells)},
          .sweepable = true,
          .resizes = true,
          .details = "even or odd; limited by the machine's memory"};
}

}  // namespace lindrift
