#include "lindrift/lattice/lattice.hpp"

#include <cmath>
#include <numbers>
#include <numeric>
#include <string>

#include "lindrift/error.hpp"

namespace lindrift {

namespace {

/// x mod n in [0, n).
std::int64_t modulo(std::int64_t x, std::int64_t n) { return ((x % n) + n) % n; }

/// sin(pi p / q) for 0 <= p/q <= 1/4, and cos likewise: the range in which the library functions do not lose accuracy.
double sine_of_octant(std::int64_t p, std::int64_t q) {
  return std::sin(std::numbers::pi * (static_cast<double>(p) / static_cast<double>(q)));
}
double cosine_of_octant(std::int64_t p, std::int64_t q) {
  return std::cos(std::numbers::pi * (static_cast<double>(p) / static_cast<double>(q)));
}

}  // namespace

double sin_pi(std::int64_t numerator, std::int64_t denominator) {
  double sign = 1.0;
  std::int64_t p = numerator % (2 * denominator);
  if (p < 0) {
    p = -p;
    sign = -1.0;
  }
  // sin(pi (1 + x)) = -sin(pi x) and sin(pi (1 - x)) = sin(pi x), applied exactly in integers.
  if (p >= denominator) {
    p -= denominator;
    sign = -sign;
  }
  if (2 * p > denominator) p = denominator - p;
  if (p == 0) return 0.0;
  // Above pi/4 the complementary angle is smaller.
  return sign * (4 * p <= denominator ? sine_of_octant(p, denominator)
                                      : cosine_of_octant(denominator - 2 * p, 2 * denominator));
}

double cos_pi(std::int64_t numerator, std::int64_t denominator) {
  double sign = 1.0;
  std::int64_t p = numerator % (2 * denominator);
  if (p < 0) p = -p;
  if (p > denominator) p = 2 * denominator - p;
  if (2 * p > denominator) {
    p = denominator - p;
    sign = -1.0;
  }
  if (2 * p == denominator) return 0.0;
  return sign * (4 * p <= denominator ? cosine_of_octant(p, denominator)
                                      : sine_of_octant(denominator - 2 * p, 2 * denominator));
}

std::vector<double> momenta(std::int64_t cells) {
  std::vector<double> result(static_cast<std::size_t>(cells));
  const std::int64_t first = first_momentum_index(cells);
  for (std::int64_t i = 0; i < cells; ++i)
    result[static_cast<std::size_t>(i)] =
        2.0 * std::numbers::pi * (static_cast<double>(first + i) / static_cast<double>(cells));
  return result;
}

Lattice::Lattice(const std::vector<std::int64_t>& cells) : dimensions_(static_cast<int>(cells.size())) {
  if (cells.empty() || cells.size() > cells_.size())
    throw ParameterError("model.cells",
                         std::to_string(cells.size()) + " directions are not allowed: must be 1, 2 or 3");
  constexpr double max_size = 0x1p52;
  double size = 1.0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (cells[i] < 1 || cells[i] > max_cells)
      throw ParameterError("model.cells[" + std::to_string(i) + "]",
                           std::to_string(cells[i]) + " is not allowed: must be in 1 .. 2^32");
    size *= static_cast<double>(cells[i]);
    if (size > max_size) throw ParameterError("model.cells", "the lattice has more than 2^52 cells");
    cells_[i] = cells[i];
    size_ *= static_cast<std::size_t>(cells[i]);
    period_ = std::lcm(period_, cells[i]);
  }
}

LatticeVector Lattice::momentum(std::size_t k) const {
  LatticeVector result{};
  auto rest = static_cast<std::int64_t>(k);
  for (auto i = static_cast<std::size_t>(dimensions_); i-- > 0; rest /= cells_[i])
    result[i] = first_momentum_index(cells_[i]) + rest % cells_[i];
  return result;
}

std::size_t Lattice::index_of(const LatticeVector& momentum) const {
  std::int64_t result = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(dimensions_); ++i)
    result = result * cells_[i] + modulo(momentum[i] - first_momentum_index(cells_[i]), cells_[i]);
  return static_cast<std::size_t>(result);
}

LatticeVector Lattice::wrapped(const LatticeVector& displacement) const {
  LatticeVector result{};
  for (std::size_t i = 0; i < static_cast<std::size_t>(dimensions_); ++i)
    result[i] = modulo(displacement[i], cells_[i]);
  return result;
}

Phase Lattice::phase(std::size_t k, const LatticeVector& displacement) const {
  const LatticeVector m = momentum(k), r = wrapped(displacement);
  std::int64_t turns = 0;  // in units of 2 pi / period
  for (std::size_t i = 0; i < static_cast<std::size_t>(dimensions_); ++i)
    turns = (turns + modulo(m[i] * r[i], cells_[i]) * (period_ / cells_[i])) % period_;
  return {cos_pi(2 * turns, period_), sin_pi(2 * turns, period_)};
}

Lattice ring_lattice(std::int64_t sites) {
  if (sites < 1 || sites > max_cells)
    throw ParameterError("model.sites", std::to_string(sites) + " is not allowed: must be in 1 .. 2^32");
  return Lattice({sites});
}

}  // namespace lindrift
