#include "lindrift/hatsugai_kohmoto/orbitals.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "clusters/cluster_state.hpp"
#include "clusters/cost.hpp"
#include "clusters/device_clusters.hpp"
#include "engine/complex_product.hpp"
#include "engine/device_thresholds.hpp"
#include "engine/fourier.hpp"
#include "engine/side_by_side.hpp"
#include "engine/validate.hpp"
#include "hatsugai_kohmoto/orbital_cluster.hpp"
#include "lindrift/communicator.hpp"
#include "lindrift/error.hpp"
#include "open_chain/propagator.hpp"

namespace lindrift {

namespace {

using clusters::ClusterGreen;
using clusters::ClusterState;
using Complex = std::complex<double>;

constexpr double missing = std::numeric_limits<double>::quiet_NaN();
/// Largest Krylov space. If more vectors are needed, the residual shows it.
constexpr std::size_t max_vectors = 1500;

OpenLattice cells_of(const OrbitalHatsugaiKohmoto& model) {
  OpenLattice lattice;
  lattice.cells = model.cells;
  return lattice;
}

/// What all items of a calculation give: `width` complex numbers and a residual each.
struct Items {
  std::size_t count, width;
  std::vector<Complex> values = std::vector<Complex>(count * width);
  std::vector<double> residuals = std::vector<double>(count);

  std::span<Complex> row(std::size_t first, std::size_t items = 1) {
    return std::span(values).subspan(first * width, items * width);
  }
  /// Completes them on all ranks, each of which has those of its share.
  void gather(Communicator& communicator) {
    communicator.all_gather(residuals, share_bounds(communicator, count));
    communicator.all_gather({reinterpret_cast<double*>(values.data()), 2 * values.size()},
                            share_bounds(communicator, count, 1, 2 * width));
  }
};

/// Calls solve(i, row of i) for each item of this rank on the host; it returns the residual.
template <class Solve>
void share(const Execution& execution, Items& items, const Solve& solve) {
  Communicator& communicator = communicator_of(execution);
  const auto bounds = share_bounds(communicator, items.count);
  const auto rank = static_cast<std::size_t>(communicator.rank());
  side_by_side(bounds[rank + 1] - bounds[rank], [&](std::size_t i) {
    items.residuals[bounds[rank] + i] = solve(bounds[rank] + i, items.row(bounds[rank] + i));
  });
  items.gather(communicator);
}

/// Calls solve(device, first, rows, residuals) for batches of this rank's items on a device.
template <class Solve>
void share_on_device(const Execution& execution, const clusters::ClusterSizes& sizes, Items& items,
                     const Solve& solve) {
  Communicator& communicator = communicator_of(execution);
  const auto bounds = share_bounds(communicator, items.count);
  const auto rank = static_cast<std::size_t>(communicator.rank());
  clusters::in_batches(sizes, bounds[rank], bounds[rank + 1], clusters::largest_share(bounds), execution,
                       [&](clusters::DeviceClusters& device, std::size_t first, std::size_t some) {
                         solve(device, first, items.row(first, some), std::span(items.residuals).subspan(first, some));
                       });
  items.gather(communicator);
}

clusters::ClusterSizes sizes_of(const OrbitalMomenta& momenta, std::size_t frequencies, std::size_t times) {
  clusters::ClusterSizes sizes = clusters::sizes_of(momenta.pattern(), momenta.up_empty(), frequencies + times > 0);
  sizes.max_vectors = max_vectors;
  sizes.frequencies = frequencies;
  sizes.times = times;
  return sizes;
}

/// The steady states of some momenta on a device.
std::vector<ClusterState> states_on(clusters::DeviceClusters& device, const OrbitalMomenta& momenta,
                                    std::span<const std::size_t> some) {
  return device.steady_states(made_side_by_side(some.size(), [&](std::size_t i) { return momenta.cluster(some[i]); }),
                              momenta.up_empty());
}

double largest(const std::vector<double>& values) {
  return values.empty() ? 0.0 : *std::max_element(values.begin(), values.end());
}

std::vector<int> every_orbital(std::size_t n) {
  std::vector<int> all(n);
  for (std::size_t a = 0; a < n; ++a) all[a] = static_cast<int>(a);
  return all;
}

/// Green's function of momentum k in its steady state.
ClusterGreen green_at(const OrbitalMomenta& momenta, std::size_t k, double* residual) {
  const clusters::Cluster cluster = momenta.cluster(k);
  const ClusterState state = clusters::steady_state(cluster, momenta.up_empty());
  *residual = state.residual;
  return {cluster, state, momenta.up_empty(), every_orbital(momenta.orbitals())};
}

/// The Green's functions of some momenta in their steady states, which a device finds.
std::vector<ClusterGreen> greens_on(clusters::DeviceClusters& device, const OrbitalMomenta& momenta,
                                    std::span<const std::size_t> some, std::span<double> residuals) {
  const std::vector<ClusterState> states = states_on(device, momenta, some);
  return made_side_by_side(some.size(), [&](std::size_t i) {
    residuals[i] = states[i].residual;
    return ClusterGreen(momenta.cluster(some[i]), states[i], momenta.up_empty(), every_orbital(momenta.orbitals()));
  });
}

/// The backend of a calculation on which its ranks agree.
template <class Result>
bool on_device(const OrbitalPlan& plan, const Execution& execution, Result& result) {
  result.backend = agree_on_backend(execution.communicator, plan.backend, execution.backend == Backend::automatic);
  result.backend_reason = plan.backend_reason;
  return is_device(result.backend);
}

std::vector<std::size_t> every_momentum(std::size_t count) {
  std::vector<std::size_t> all(count);
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

/// Inverse of an (n, n) matrix by Gauss-Jordan elimination with pivoting; NaN if it is singular.
std::vector<Complex> inverse(std::vector<Complex> a, std::size_t n) {
  std::vector<Complex> result(n * n);
  for (std::size_t i = 0; i < n; ++i) result[i * n + i] = 1.0;
  for (std::size_t i = 0; i < n; ++i) {
    std::size_t pivot = i;
    for (std::size_t r = i + 1; r < n; ++r)
      if (std::abs(a[r * n + i]) > std::abs(a[pivot * n + i])) pivot = r;
    for (std::size_t c = 0; c < n; ++c) {
      std::swap(a[i * n + c], a[pivot * n + c]);
      std::swap(result[i * n + c], result[pivot * n + c]);
    }
    const Complex scale = 1.0 / a[i * n + i];
    for (std::size_t c = 0; c < n; ++c) {
      a[i * n + c] *= scale;
      result[i * n + c] *= scale;
    }
    for (std::size_t r = 0; r < n; ++r) {
      if (r == i) continue;
      const Complex factor = a[r * n + i];
      for (std::size_t c = 0; c < n; ++c) {
        a[r * n + c] -= times(factor, a[i * n + c]);
        result[r * n + c] -= times(factor, result[i * n + c]);
      }
    }
  }
  return result;
}

/// Transforms from momenta to sites, both (times, cells, n, n), and computes the moments.
void fill_sites(const OrbitalMomenta& momenta, std::size_t times, OrbitalGreen& result) {
  const TransformOrder order(momenta.lattice());
  const Fourier fourier(order);
  const std::size_t cells = momenta.size(), n = momenta.orbitals(), d = order.directions();
  result.green_retarded.resize(times * cells * n * n);
  result.norm.assign(times * n, 0.0);
  result.drift.assign(times * n * d, 0.0);
  result.drift_symmetric.assign(times * n * d, 0.0);
  std::vector<Complex> row(cells);
  for (std::size_t t = 0; t < times; ++t)
    for (std::size_t b = 0; b < n; ++b) {
      Profile sum;
      for (std::size_t a = 0; a < n; ++a) {
        const auto at = [&](std::size_t cell) { return ((t * cells + cell) * n + a) * n + b; };
        for (std::size_t k = 0; k < cells; ++k) row[order.position(k)] = result.green_retarded_momentum[at(k)];
        fourier.backward(row.data(), 1);
        for (Complex& value : row) value /= static_cast<double>(cells);
        for (std::size_t j = 0; j < cells; ++j) result.green_retarded[at(j)] = row[order.position(j)];
        const Profile profile = profile_of(row, order, SiteOrder::transform);
        sum.norm += profile.norm;
        for (std::size_t i = 0; i < d; ++i) {
          sum.moment[i] += profile.moment[i];
          sum.antipode[i] += profile.antipode[i];
        }
      }
      result.norm[t * n + b] = sum.norm;
      store_drift(sum, order, &result.drift[(t * n + b) * d], &result.drift_symmetric[(t * n + b) * d]);
    }
}

void fill(std::vector<Complex>& values, std::size_t count) { values.assign(count, {missing, missing}); }
void fill(std::vector<double>& values, std::size_t count) { values.assign(count, missing); }

void append(std::vector<Coordinate>& all, std::vector<Coordinate> more) {
  all.insert(all.end(), more.begin(), more.end());
}

std::vector<Coordinate> orbital_pair(const OrbitalHatsugaiKohmoto& model) {
  const auto n = static_cast<std::size_t>(model.orbitals);
  return {integer_coordinate("orbital", "orbital", n), integer_coordinate("orbital_2", "orbital", n)};
}

}  // namespace

OrbitalSteadyState orbital_steady_state(const OrbitalHatsugaiKohmoto& model, const OrbitalOptions& options,
                                        const Execution& execution) {
  const OrbitalMomenta momenta(model);
  const Calculation calculation(execution, options.monitor);
  const std::size_t size = momenta.size(), n = momenta.orbitals(), square = n * n;
  const auto directions = static_cast<std::size_t>(momenta.lattice().dimensions());
  OrbitalSteadyState result;
  fill(result.occupation_spin, 2 * size * n);
  fill(result.density_matrix, 2 * size * square);
  fill(result.current_spin, 2 * directions);
  fill(result.density_spin, 2);
  result.residual = missing;
  Items pairs{size, 2 * square};  // <c+_a c_b>, (momenta, spins, a, b)
  const auto fill_pairs = [square](const ClusterState& state, std::span<Complex> row) {
    for (const std::size_t s : {0, 1})
      std::ranges::copy(clusters::one_body(state, static_cast<int>(s)), row.begin() + static_cast<long>(s * square));
    return state.residual;
  };
  try {
    if (on_device(plan_orbitals(model, 0, 0, 0, 0.0, execution), execution, result)) {
      const std::vector<std::size_t> all = every_momentum(size);
      share_on_device(execution, sizes_of(momenta, 0, 0), pairs,
                      [&](auto& device, std::size_t first, std::span<Complex> rows, std::span<double> residuals) {
                        const auto states = states_on(device, momenta, std::span(all).subspan(first, residuals.size()));
                        side_by_side(states.size(), [&](std::size_t i) {
                          residuals[i] = fill_pairs(states[i], rows.subspan(i * pairs.width, pairs.width));
                        });
                      });
    } else {
      share(execution, pairs, [&](std::size_t k, std::span<Complex> row) {
        return fill_pairs(clusters::steady_state(momenta.cluster(k), momenta.up_empty()), row);
      });
    }
  } catch (const Interruption&) {
    result.stopped = true;
    return result;
  }
  const double each = 1.0 / static_cast<double>(size);
  for (std::size_t s = 0; s < 2; ++s) {
    double density = 0.0;
    std::vector<double> current(directions);
    for (std::size_t k = 0; k < size; ++k) {
      const Complex* pair = &pairs.values[(k * 2 + s) * square];
      for (std::size_t a = 0; a < n; ++a) {
        density += result.occupation_spin[(s * size + k) * n + a] = pair[a * n + a].real();
        for (std::size_t b = 0; b < n; ++b)
          result.density_matrix[(s * size + k) * square + a * n + b] = pair[b * n + a];
      }
      for (std::size_t i = 0; i < directions; ++i) {
        const auto slope = momenta.slope(k, s, static_cast<int>(i));
        for (std::size_t e = 0; e < square; ++e) current[i] += times(slope[e], pair[e]).real();
      }
    }
    result.density_spin[s] = each * density;
    for (std::size_t i = 0; i < directions; ++i) result.current_spin[s * directions + i] = each * current[i];
  }
  result.residual = largest(pairs.residuals);
  return result;
}

OrbitalSpectrum orbital_spectral(const OrbitalHatsugaiKohmoto& model, std::span<const double> frequencies,
                                 const OrbitalOptions& options, const Execution& execution) {
  check_list("task.frequencies", frequencies_parameter(), frequencies);
  check_number("task.broadening", broadening_parameter(), options.broadening);
  const OrbitalMomenta momenta(model);
  const std::vector<std::size_t> chosen = select_momenta(options.momenta, cells_of(model));
  const Calculation calculation(execution, options.monitor);
  const std::size_t n = momenta.orbitals(), square = n * n, count = frequencies.size();
  OrbitalSpectrum result;
  Items greens{chosen.size(), count * square};
  try {
    if (on_device(plan_orbitals(model, chosen.size(), count, 0, 0.0, execution), execution, result))
      share_on_device(execution, sizes_of(momenta, count, 0), greens,
                      [&](auto& device, std::size_t first, std::span<Complex> rows, std::span<double> residuals) {
                        const auto some =
                            greens_on(device, momenta, std::span(chosen).subspan(first, residuals.size()), residuals);
                        const auto left = device.spectral(some, frequencies, options.broadening, rows);
                        for (std::size_t i = 0; i < left.size(); ++i) residuals[i] = std::max(residuals[i], left[i]);
                      });
    else
      share(execution, greens, [&](std::size_t i, std::span<Complex> row) {
        double residual = 0.0;
        const ClusterGreen green = green_at(momenta, chosen[i], &residual);
        return std::max(residual, green.spectral(frequencies, options.broadening, max_vectors, row));
      });
  } catch (const Interruption&) {
    fill(result.green_retarded, chosen.size() * count * square);
    result.self_energy = result.green_retarded;
    fill(result.spectral_function, chosen.size() * count);
    result.residual = missing;
    result.stopped = true;
    return result;
  }
  result.green_retarded = std::move(greens.values);
  result.residual = largest(greens.residuals);
  result.self_energy.resize(result.green_retarded.size());
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const std::vector<Complex> h = momenta.cluster(chosen[i]).hamiltonian[0];
    for (std::size_t w = 0; w < count; ++w) {
      const auto first = result.green_retarded.begin() + static_cast<long>((i * count + w) * square);
      const std::vector<Complex> green(first, first + static_cast<long>(square)), inverted = inverse(green, n);
      double spectral = 0.0;
      for (std::size_t a = 0; a < n; ++a) {
        spectral -= 2.0 * green[a * n + a].imag();
        for (std::size_t b = 0; b < n; ++b)
          result.self_energy[(i * count + w) * square + a * n + b] =
              (a == b ? Complex(frequencies[w], options.broadening) : Complex()) - h[a * n + b] - inverted[a * n + b];
      }
      result.spectral_function.push_back(spectral);
    }
  }
  return result;
}

OrbitalGreen orbital_green(const OrbitalHatsugaiKohmoto& model, std::span<const double> times,
                           const OrbitalOptions& options, const Execution& execution) {
  check_list("task.times", times_parameter(), times);
  const OrbitalMomenta momenta(model);
  const Calculation calculation(execution, options.monitor);
  const std::size_t n = momenta.orbitals(), square = n * n, count = times.size(), cells = momenta.size();
  const auto directions = static_cast<std::size_t>(momenta.lattice().dimensions());
  OrbitalGreen result;
  Items rows{cells, count * square};  // (momenta, times, a, b)
  fill(result.green_retarded_momentum, count * cells * square);
  try {
    if (on_device(plan_orbitals(model, cells, 0, count, times.back(), execution), execution, result)) {
      const std::vector<std::size_t> all = every_momentum(cells);
      share_on_device(execution, sizes_of(momenta, 0, count), rows,
                      [&](auto& device, std::size_t first, std::span<Complex> some, std::span<double> residuals) {
                        device.at_times(
                            greens_on(device, momenta, std::span(all).subspan(first, residuals.size()), residuals),
                            times, some);
                      });
    } else {
      share(execution, rows, [&](std::size_t k, std::span<Complex> row) {
        double residual = 0.0;
        green_at(momenta, k, &residual).at_times(times, row);
        return residual;
      });
    }
  } catch (const Interruption&) {
    result.green_retarded = result.green_retarded_momentum;
    fill(result.norm, count * n);
    fill(result.drift, count * n * directions);
    fill(result.drift_symmetric, count * n * directions);
    result.stopped = true;
    return result;
  }
  for (std::size_t t = 0; t < count; ++t)
    for (std::size_t k = 0; k < cells; ++k)
      std::copy_n(rows.values.begin() + static_cast<long>((k * count + t) * square), square,
                  result.green_retarded_momentum.begin() + static_cast<long>((t * cells + k) * square));
  fill_sites(momenta, count, result);
  return result;
}

OrbitalPlan plan_orbitals(const OrbitalHatsugaiKohmoto& model, std::size_t momenta, std::size_t frequencies,
                          std::size_t times, double last_time, const Execution& execution) {
  const auto n = static_cast<std::size_t>(model.orbitals);
  const bool up_empty = has_no_gain(model.up);
  const clusters::SectorCost state = clusters::state_cost(n, up_empty), green = clusters::green_cost(n, up_empty);
  const auto cells = static_cast<double>(model.lattice().size());
  const double solved = momenta > 0 ? static_cast<double>(momenta) : cells;
  OrbitalPlan plan;
  plan.operators = momenta > 0 ? std::max(state.operators, green.operators) : state.operators;
  double one = state.operations, bytes = state.memory_bytes;
  const auto columns = static_cast<double>(n);
  if (momenta > 0) {
    bytes += green.memory_bytes + 16.0 * columns * green.operators;
    // As measured, per vector squared: at each frequency the Hessenberg matrix is solved anew as the space grows.
    constexpr double solution_operations = 200.0;
    if (frequencies > 0)
      one += columns * (green.operations +
                        solution_operations * green.vectors * green.vectors * static_cast<double>(frequencies));
    if (times > 0) {
      double scale = 0.0;
      for (const Spin spin : {Spin::up, Spin::down})
        for (const HoppingTerm& term : model.terms(spin)) scale += 2.0 * std::abs(term.amplitude);
      for (const OrbitalBath* bath : {&model.up, &model.down}) {
        scale += 2.0 * columns * (bath->gain + bath->loss);
        for (const OrbitalBathOperator& channel : bath->operators)
          for (const OrbitalTerm& term : channel.terms) scale += 2.0 * std::norm(term.amplitude);
      }
      for (const double u : model.interactions()) scale += std::fabs(u);
      one += columns * clusters::evolution_operations(green, scale, last_time, times);
    }
  }
  const double at_once = std::min<double>(threads_of(execution), solved);
  plan.memory_bytes = bytes * at_once;
  plan.operations = solved * one;
  plan.backend = choose_backend(execution.backend, device_thresholds().enough_for_clusters(plan.operations, solved),
                                too_little_for_clusters, &plan.backend_reason);
  if (is_device(plan.backend)) {
    clusters::ClusterSizes sizes = clusters::sizes_of(state);
    if (momenta > 0) {
      add_green(sizes, green, n);
      sizes.frequencies = frequencies;
      sizes.times = times;
    }
    plan.memory_bytes = clusters::DeviceClusters::host_bytes(sizes, static_cast<std::size_t>(solved));
  }
  plan.seconds = plan.operations / (at_once * clusters::operations_per_second);
  return plan;
}

double orbital_device_bytes(const OrbitalHatsugaiKohmoto& model, std::size_t momenta, std::size_t frequencies,
                            std::size_t times, const Execution& execution) {
  const OrbitalMomenta all(model);
  return clusters::DeviceClusters::batch(sizes_of(all, frequencies, times), momenta > 0 ? momenta : all.size(),
                                         execution)
      .bytes;
}

std::vector<Coordinate> orbital_steady_state_coordinates(const OrbitalHatsugaiKohmoto& model) {
  const OpenLattice lattice = cells_of(model);
  std::vector<Coordinate> all{spin_coordinate()};
  append(all, momentum_coordinates(lattice));
  if (model.cells.size() > 1) all.push_back(site_coordinates(lattice).back());  // the directions
  append(all, orbital_pair(model));
  return all;
}

std::vector<Coordinate> orbital_spectral_coordinates(const OrbitalHatsugaiKohmoto& model,
                                                     const std::vector<std::int64_t>& momenta,
                                                     const std::vector<double>& frequencies) {
  std::vector<Coordinate> all = momentum_coordinates(cells_of(model), momenta);
  all.push_back(frequency_coordinate(frequencies));
  append(all, orbital_pair(model));
  return all;
}

std::vector<Coordinate> orbital_green_coordinates(const OrbitalHatsugaiKohmoto& model,
                                                  const std::vector<double>& times) {
  const OpenLattice lattice = cells_of(model);
  std::vector<Coordinate> all{time_coordinate(times)};
  append(all, site_coordinates(lattice));
  append(all, momentum_coordinates(lattice));
  append(all, orbital_pair(model));
  return all;
}

}  // namespace lindrift
