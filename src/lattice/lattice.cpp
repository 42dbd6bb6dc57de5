#include "lindrift/lattice/lattice.hpp"

#include <numbers>
#include <numeric>
#include <string>

#include "kernels/lattice/phase.hpp"
#include "lindrift/error.hpp"

namespace lindrift {

using kernels::lattice::modulo;

double sin_pi(std::int64_t numerator, std::int64_t denominator) {
  return kernels::lattice::sin_pi(numerator, denominator);
}
double cos_pi(std::int64_t numerator, std::int64_t denominator) {
  return kernels::lattice::cos_pi(numerator, denominator);
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
  const std::int64_t turns = kernels::lattice::turns_of(dimensions_, cells_.data(), period_, m.data(), r.data());
  return {cos_pi(2 * turns, period_), sin_pi(2 * turns, period_)};
}

Lattice ring_lattice(std::int64_t sites) {
  if (sites < 1 || sites > max_cells)
    throw ParameterError("model.sites", std::to_string(sites) + " is not allowed: must be in 1 .. 2^32");
  return Lattice({sites});
}

}  // namespace lindrift
