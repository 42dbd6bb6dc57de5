#include "clusters/device_clusters.hpp"

#include <algorithm>
#include <utility>

#include "engine/complex_product.hpp"
#include "engine/side_by_side.hpp"
#include "kernels/table.hpp"

namespace lindrift::clusters {

namespace {

using kernels::ClusterOptions, kernels::ClusterShape, kernels::ClusterSlot, kernels::ClusterWork;

Complex* complex(double* values) { return reinterpret_cast<Complex*>(values); }
const Complex* complex(const double* values) { return reinterpret_cast<const Complex*>(values); }

ClusterShape state_shape(const ClusterSizes& sizes, std::size_t count) {
  return {.work = ClusterWork::linear,
          .matrices = static_cast<std::int64_t>(count),
          .size = static_cast<std::int64_t>(sizes.state_operators),
          .elements = static_cast<std::int64_t>(sizes.state_elements),
          .vectors = static_cast<std::int64_t>(std::min(state_restart, sizes.state_operators))};
}

ClusterShape green_shape(const ClusterSizes& sizes, std::size_t count) {
  const auto orbitals = static_cast<std::int64_t>(sizes.orbitals);
  return {.work = sizes.times > 0 ? ClusterWork::times : ClusterWork::frequencies,
          .matrices = static_cast<std::int64_t>(count),
          .size = static_cast<std::int64_t>(sizes.green_operators),
          .elements = static_cast<std::int64_t>(sizes.green_elements),
          .starts = orbitals,
          .probes = orbitals,
          .vectors = static_cast<std::int64_t>(std::min(sizes.max_vectors, sizes.green_operators)),
          .arguments = static_cast<std::int64_t>(sizes.times > 0 ? sizes.times : sizes.frequencies)};
}

void copy_matrix(const Lindbladian& sector, const ClusterSlot& slot) {
  slot.header[0] = static_cast<double>(sector.size());
  slot.header[1] = sector.norm();
  sector.copy_to(slot.first, slot.column, complex(slot.value));
}

/// The equation of a steady state in the unknown times the preconditioner: (D + b Tr) / diagonal with b = -rho_0.
void copy_equation(const StateEquation& equation, const ClusterSlot& slot) {
  const Lindbladian& sector = equation.sector;
  copy_matrix(sector, slot);
  for (std::size_t e = 0; e < sector.elements(); ++e) complex(slot.value)[e] /= equation.diagonal[slot.column[e]];
  for (std::size_t i = 0; i < sector.size(); ++i) {
    const Pair pair = sector.basis()[i];
    complex(slot.starts)[i] = -equation.start[i];
    complex(slot.probes)[i] = pair.ket == pair.bra ? 1.0 / equation.diagonal[i] : Complex{};
  }
}

/// Bytes of a matrix and its vectors in a batch.
double slot_bytes(const ClusterShape& shape) {
  return 20.0 * static_cast<double>(shape.elements) +
         static_cast<double>(shape.size) * (4.0 + 16.0 * static_cast<double>(shape.starts + shape.probes)) +
         8.0 * static_cast<double>(shape.starts * shape.result_size());
}

/// Bytes on the host for each cluster of a batch.
double bytes_of_each(const ClusterSizes& sizes) {
  // The matrix also stays with its sector, and takes more while it is built.
  constexpr double while_built = 60.0;
  const double state = slot_bytes(state_shape(sizes, 1)) + while_built * static_cast<double>(sizes.state_elements);
  if (sizes.orbitals == 0) return state;
  return state + slot_bytes(green_shape(sizes, 1)) + while_built * static_cast<double>(sizes.green_elements);
}

/// Number of clusters in a batch that the host has room for.
std::size_t most_at_once(const ClusterSizes& sizes, std::size_t count) {
  constexpr double host_memory = 1e9;
  constexpr std::size_t most = 4096;  // several for each block that any device holds
  const auto fitting = static_cast<std::size_t>(std::max(1.0, host_memory / bytes_of_each(sizes)));
  return std::max<std::size_t>(1, std::min({count, fitting, most}));
}

}  // namespace

ClusterSizes sizes_of(const Cluster& pattern, bool up_empty, bool green) {
  ClusterSizes sizes;
  const auto count = [](const Lindbladian& sector, std::size_t& operators, std::size_t& elements) {
    operators = std::max(operators, sector.size());
    elements = std::max(elements, sector.elements());
  };
  count(state_sector(pattern, up_empty ? UpState::empty : UpState::driven), sizes.state_operators,
        sizes.state_elements);
  if (!green) return sizes;
  const bool apart = !pattern.momentum.empty();  // every momentum has a sector of its own
  sizes.orbitals = apart ? 1 : static_cast<std::size_t>(pattern.orbitals);
  for (int orbital = 0; orbital < (apart ? pattern.orbitals : 1); ++orbital)
    count(green_sector(pattern, up_empty, orbital), sizes.green_operators, sizes.green_elements);
  return sizes;
}

ClusterSizes sizes_of(const SectorCost& state) {
  return {.state_operators = static_cast<std::size_t>(state.operators),
          .state_elements = static_cast<std::size_t>(state.operators * state.elements)};
}

void add_green(ClusterSizes& sizes, const SectorCost& green, std::size_t orbitals) {
  sizes.green_operators = static_cast<std::size_t>(green.operators);
  sizes.green_elements = static_cast<std::size_t>(green.operators * green.elements);
  sizes.orbitals = orbitals;
}

std::size_t largest_share(const std::vector<std::size_t>& bounds) {
  std::size_t most = 0;
  for (std::size_t r = 0; r + 1 < bounds.size(); ++r) most = std::max(most, bounds[r + 1] - bounds[r]);
  return most;
}

DeviceClusters::DeviceClusters(const ClusterSizes& sizes, const Execution& execution)
    : sizes_(sizes), device_(kernels::device_kernels().make_cluster_device(execution.device)) {}

DeviceClusters::~DeviceClusters() = default;

double DeviceClusters::host_bytes(const ClusterSizes& sizes, std::size_t count) {
  return static_cast<double>(most_at_once(sizes, count)) * bytes_of_each(sizes);
}

DeviceBatch DeviceClusters::batch(const ClusterSizes& sizes, std::size_t count, const Execution& execution) {
  const std::size_t size = most_at_once(sizes, count);
  return largest_on_device(
      static_cast<std::int64_t>(size), 1, execution, [&](const kernels::DeviceKernels& kernels, std::int64_t matrices) {
        const std::unique_ptr<kernels::ClusterDevice> device(kernels.make_cluster_device(execution.device));
        const auto solve = [&](const ClusterShape& shape) {
          device->begin(shape);
          device->solve(matrices, {});
        };
        if (sizes.state_operators > 0) solve(state_shape(sizes, static_cast<std::size_t>(matrices)));
        if (sizes.orbitals > 0) solve(green_shape(sizes, static_cast<std::size_t>(matrices)));
      });
}

std::vector<ClusterState> DeviceClusters::steady_states(std::span<const Cluster> clusters, bool up_empty) {
  const ClusterShape shape = state_shape(sizes_, clusters.size());
  device_->begin(shape);
  std::vector<StateEquation> equations = made_side_by_side(clusters.size(), [&](std::size_t i) {
    StateEquation equation(clusters[i], up_empty ? UpState::empty : UpState::driven);
    copy_equation(equation, device_->slot(static_cast<std::int64_t>(i)));
    return equation;
  });
  const double* const results =
      device_->solve(shape.matrices, {.tolerance = state_tolerance, .max_products = state_products});
  return made_side_by_side(clusters.size(), [&](std::size_t i) {
    const Complex* solution = complex(results + i * static_cast<std::size_t>(shape.result_size()) + 1);
    StateEquation& equation = equations[i];
    std::vector<Complex> density(equation.sector.size());
    for (std::size_t j = 0; j < density.size(); ++j) density[j] = solution[j] / equation.diagonal[j];
    return state_from(std::move(equation), std::move(density));
  });
}

void DeviceClusters::begin_green(std::span<const ClusterGreen> greens) {
  const ClusterShape shape = green_shape(sizes_, greens.size());
  device_->begin(shape);
  side_by_side(greens.size(), [&](std::size_t i) {
    const ClusterSlot slot = device_->slot(static_cast<std::int64_t>(i));
    copy_matrix(greens[i].sector(), slot);
    const std::size_t stride = sizes_.green_operators, all = sizes_.orbitals * stride;
    greens[i].copy_to({complex(slot.starts), all}, {complex(slot.probes), all}, stride);
  });
}

void DeviceClusters::take(const double* results, std::span<Complex> green) const {
  const std::size_t n = sizes_.orbitals, arguments = sizes_.times + sizes_.frequencies, square = n * n;
  const std::size_t result_size = 1 + 2 * arguments * n;
  for (std::size_t i = 0; i < green.size() / (arguments * square); ++i)
    for (std::size_t b = 0; b < n; ++b) {
      const Complex* values = complex(results + (i * n + b) * result_size + 1);
      for (std::size_t x = 0; x < arguments; ++x)
        for (std::size_t a = 0; a < n; ++a)
          green[(i * arguments + x) * square + a * n + b] = lindrift::times({0.0, -1.0}, values[x * n + a]);
    }
}

std::vector<double> DeviceClusters::spectral(std::span<const ClusterGreen> greens, std::span<const double> frequencies,
                                             double broadening, std::span<Complex> green) {
  begin_green(greens);
  const double* const results =
      device_->solve(static_cast<std::int64_t>(greens.size()),
                     {.tolerance = krylov_tolerance, .broadening = broadening, .arguments = frequencies.data()});
  take(results, green);
  const std::size_t n = sizes_.orbitals, result_size = 1 + 2 * frequencies.size() * n;
  std::vector<double> residuals(greens.size(), 0.0);
  for (std::size_t i = 0; i < greens.size(); ++i)
    for (std::size_t b = 0; b < n; ++b) residuals[i] = std::max(residuals[i], results[(i * n + b) * result_size]);
  return residuals;
}

void DeviceClusters::at_times(std::span<const ClusterGreen> greens, std::span<const double> times,
                              std::span<Complex> green) {
  begin_green(greens);
  take(device_->solve(static_cast<std::int64_t>(greens.size()), {.arguments = times.data()}), green);
}

}  // namespace lindrift::clusters
