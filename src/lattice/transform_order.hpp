#pragma once

#include <array>
#include <cstddef>

#include "lindrift/lattice/lattice.hpp"

namespace lindrift {

/// Momenta, or sites, of a lattice in the order of Fourier transforms: row-major with integers 0 .. cells-1 along every
/// direction. The ascending order starts at -floor(cells/2) along each.
class TransformOrder {
 public:
  explicit TransformOrder(const Lattice& lattice) : directions_(static_cast<std::size_t>(lattice.dimensions())) {
    for (std::size_t i = 0; i < directions_; ++i)
      cells_[i] = static_cast<std::size_t>(lattice.cells(static_cast<int>(i)));
  }

  std::size_t directions() const { return directions_; }
  std::size_t cells(std::size_t direction) const { return cells_[direction]; }
  std::size_t size() const { return cells_[0] * cells_[1] * cells_[2]; }
  bool is_even() const {
    for (std::size_t i = 0; i < directions_; ++i)
      if (cells_[i] % 2 != 0) return false;
    return true;
  }

  /// Position of the element that has the index `ascending` in the ascending order.
  std::size_t position(std::size_t ascending) const {
    return combined(ascending, ascending,
                    [](std::size_t a, std::size_t, std::size_t n) { return (a + n - n / 2) % n; });
  }
  std::size_t sum(std::size_t a, std::size_t b) const {
    return combined(a, b, [](std::size_t x, std::size_t y, std::size_t n) { return (x + y) % n; });
  }
  std::size_t difference(std::size_t a, std::size_t b) const {
    return combined(a, b, [](std::size_t x, std::size_t y, std::size_t n) { return (x + n - y) % n; });
  }
  std::size_t opposite(std::size_t a) const { return difference(0, a); }
  /// pi - k along every direction; only for an even lattice.
  std::size_t reflected(std::size_t a) const {
    return combined(a, a, [](std::size_t x, std::size_t, std::size_t n) { return (n + n / 2 - x) % n; });
  }
  /// The integer of a position along one direction.
  std::size_t along(std::size_t position, std::size_t direction) const {
    for (std::size_t i = directions_; i-- > direction + 1;) position /= cells_[i];
    return position % cells_[direction];
  }
  /// The label of that integer, in -floor(cells/2) .. ceil(cells/2)-1.
  std::int64_t label(std::size_t integer, std::size_t direction) const {
    const std::size_t n = cells_[direction];
    return static_cast<std::int64_t>(integer) - (integer >= n - n / 2 ? static_cast<std::int64_t>(n) : 0);
  }

  /// Calls use(ascending, position, count) for runs that are contiguous in both orders, in ascending order.
  template <class Use>
  void for_each_run(const Use& use) const {
    const std::size_t last = cells_[directions_ - 1], half = last / 2;
    for (std::size_t first = 0, end = size(); first < end; first += last) {
      const std::size_t to = position(first) - (last - half) % last;
      if (half > 0) use(first, to + last - half, half);
      use(first + half, to, last - half);
    }
  }

 private:
  template <class Combine>
  std::size_t combined(std::size_t a, std::size_t b, const Combine& combine) const {
    std::size_t result = 0, stride = 1;
    for (std::size_t i = directions_; i-- > 0; stride *= cells_[i], a /= cells_[i], b /= cells_[i])
      result += stride * combine(a % cells_[i], b % cells_[i], cells_[i]);
    return result;
  }

  std::size_t directions_;
  std::array<std::size_t, 3> cells_{1, 1, 1};
};

}  // namespace lindrift
