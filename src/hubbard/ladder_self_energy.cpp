#include "hubbard/ladder_self_energy.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>

#include "engine/linear_algebra.hpp"
#include "engine/parallel.hpp"
#include "hubbard/direct.hpp"
#include "hubbard/node_products.hpp"
#include "hubbard/volterra.hpp"
#include "kernels/table.hpp"
#include "lindrift/error.hpp"

namespace lindrift {

namespace {

using Complex = std::complex<double>;

constexpr auto margin = static_cast<std::size_t>(kernels::VolterraTables::margin);
constexpr auto circle_points = static_cast<std::size_t>(kernels::VolterraTables::circle_points);
/// Times of the quadrature before t = 0, on every second step: they begin with the first row of K.
constexpr auto before = static_cast<std::size_t>(CorrectedTrapezoid::corrections);
static_assert(margin == 2 * before);

constexpr double max_steps = 2e7;
/// Number of times after which the result can be stopped and saved.
constexpr std::size_t batch_times = 512;
/// Seconds of one core per momentum for a step of the integral equation and its transforms; and per operation of a
/// matrix product.
constexpr double seconds_per_step = 1.2e-7, seconds_per_product = 1.0 / 6e10;

}  // namespace

// --- single points, in frequency ---

namespace {

/// Sum over the line that closes the pairs of one ladder                                                 (Eq. 87)
Complex ladder_point(const HubbardModes& modes, bool hole, std::size_t k, Complex w) {
  const std::size_t sites = modes.sites;
  const auto over = 1.0 / static_cast<double>(sites);
  const double u = hole ? -modes.interaction : modes.interaction;
  // Exponents of a particle p, of a hole p and of the probe; a hole pairs like the absence of a particle.
  const auto particle = [&](std::size_t p) { return Complex(modes.down_energy[p], -0.5 * modes.rate[p]); };
  const auto absence = [&](std::size_t p) { return Complex(-modes.down_energy[p], -0.5 * modes.rate[p]); };
  const auto probe = [&](std::size_t p) { return Complex(modes.energy[p], -0.5 * modes.probe_loss[p]); };
  Complex sum = 0.0;
  for (std::size_t p = 0; p < sites; ++p) {
    const double weight = hole ? modes.hole[p] : modes.occupation[p];
    if (weight == 0.0) continue;
    const std::size_t total = hole ? modes.order.difference(k, p) : modes.order.sum(k, p);
    const Complex x = w - (hole ? particle(p) : absence(p));
    Complex pairs = 0.0;
    for (std::size_t s = 0; s < sites; ++s) {
      const double share = hole ? modes.occupation[s] : modes.hole[s];
      const std::size_t other = hole ? modes.order.sum(total, s) : modes.order.difference(total, s);
      pairs += share / (x - (hole ? absence(s) : particle(s)) - probe(other));
    }
    pairs *= over;
    sum += weight * u * u * pairs / (1.0 - u * pairs);
  }
  return over * sum;
}

}  // namespace

std::vector<Complex> ladder_self_energy(const HubbardModes& modes, std::span<const std::size_t> momentum,
                                        std::span<const double> frequency, double broadening, int threads) {
  std::vector<Complex> result(frequency.size());
  in_parts(threads, frequency.size(), [&](std::size_t i, std::size_t last, std::size_t) {
    for (; i < last; ++i) {
      const Complex w(frequency[i], broadening);
      if (modes.ladder != Ladder::hole) result[i] += ladder_point(modes, false, momentum[i], w);
      if (modes.ladder != Ladder::particle) result[i] += ladder_point(modes, true, momentum[i], w);
    }
  });
  if (modes.ladder == Ladder::both) {
    const Execution execution{.backend = Backend::cpu, .threads = threads};
    const auto second = DirectSelfEnergy(modes, execution).points(momentum, frequency, broadening);
    for (std::size_t i = 0; i < result.size(); ++i) result[i] -= second[i];
  }
  return result;
}

// --- a grid, in time ---

LadderSelfEnergy::LadderSelfEnergy(const HubbardModes& modes, std::span<const double> frequency, double broadening,
                                   double tolerance, const Execution& execution, double scale)
    : modes_(modes),
      kernel_(modes_),
      grid_(frequency, false),
      broadening_(broadening),
      scale_(scale),
      execution_(execution) {
  if (modes_.first_moment == 0.0) return;
  end_ = 1.0 / (modes_.fastest_rate + broadening);
  while (kernel_.tail(end_, broadening) > tolerance / 3.0 && end_ < 1e300) end_ *= 1.05;
  Exponents exponents;
  exponents.frequency = std::max(std::fabs(frequency.front()), std::fabs(frequency.back())) + ladder_bandwidth(modes_);
  exponents.slowest = modes_.slowest_rate + broadening;
  exponents.fastest = modes_.fastest_rate + 0.5 * modes_.fastest_probe_loss + broadening;
  exponents.bound = [this](double t) { return kernel_.bound(t); };
  const CorrectedTrapezoid rule(exponents, end_, tolerance / 3.0);
  quadrature_error_ = rule.error();
  // The quadrature uses every second step of the integral equation, so that its corrections, which reach back ten of
  // its own steps before t = 0, have values there.
  step_ = std::min(ladder_step(modes_, tolerance / modes_.first_moment), 0.5 * rule.step());
  const double nodes = std::ceil(end_ / (2.0 * step_)) + 1.0;
  if (nodes > max_steps)
    throw ParameterError("task.frequencies",
                         "the ladder's memory lasts for " + std::to_string(static_cast<std::int64_t>(nodes)) +
                             " steps: more than the fft algorithm can take; use solver.algorithm = direct");
  nodes_ = static_cast<std::size_t>(nodes);
  const double sites = scale_ * static_cast<double>(modes_.sites);
  seconds_ = (modes_.ladder == Ladder::both ? 2.0 : 1.0) * 3.0 * nodes * sites * seconds_per_step +
             8.0 * sites * nodes * static_cast<double>(frequency.size()) * seconds_per_product;
}

double LadderSelfEnergy::memory_bytes(Backend backend) const {
  const double sites = scale_ * static_cast<double>(modes_.sites), nodes = static_cast<double>(nodes_);
  const auto count = static_cast<double>(grid_.frequency.size());
  if (is_device(backend))
    return 16.0 * static_cast<double>(shape_.momenta) * std::min(count, static_cast<double>(shape_.frequencies)) +
           LadderKernel::bytes(sites, 0.0);
  return LadderKernel::bytes(sites, 2.0 * nodes) + 16.0 * sites * nodes +
         16.0 * static_cast<double>(batch_times) * (sites + count);
}

double LadderSelfEnergy::add_grid(Rows rows, StagedSum& stages) const {
  if (modes_.first_moment == 0.0) return 0.0;
  const Nodes nodes = quadrature();
  const double difference =
      is_device(execution_.backend) ? add_by_device(nodes, rows, stages) : add_by_matrix(nodes, rows, stages);
  return kernel_.tail(end_, broadening_) + quadrature_error_ + difference / claimed_gain +
         0.5 * std::numeric_limits<double>::epsilon() * nodes.rounding;
}

LadderSelfEnergy::Nodes LadderSelfEnergy::quadrature() const {
  const std::size_t count = nodes_ + before;
  Nodes nodes{std::vector<double>(count), std::vector<double>(count), 0.0};
  for (std::size_t j = 0; j < count; ++j) {
    const std::ptrdiff_t index = static_cast<std::ptrdiff_t>(j) - static_cast<std::ptrdiff_t>(before);
    nodes.at[j] = 2.0 * step_ * static_cast<double>(index);
    nodes.weight[j] = 2.0 * step_ * CorrectedTrapezoid::weight(index);
    if (j % 16 == 0)
      nodes.rounding += 16.0 * std::fabs(nodes.weight[j]) * kernel_.bound(std::max(0.0, nodes.at[j])) *
                        (8.0 + (grid_.largest + ladder_bandwidth(modes_)) * std::fabs(nodes.at[j]));
  }
  return nodes;
}

double LadderSelfEnergy::add_by_matrix(const Nodes& nodes, Rows rows, StagedSum& stages) const {
  linear_algebra::require_library();
  const std::size_t sites = modes_.sites, all_nodes = nodes.at.size();
  const LadderKernel::Run fine = kernel_.evaluate(step_, 2 * nodes_, execution_);
  double difference = 0.0;
  {
    const LadderKernel::Run rough = kernel_.evaluate(2.0 * step_, nodes_, execution_);
    for (std::size_t i = 0; i < nodes_; ++i) {
      double largest = 0.0;
      for (std::size_t m = 0; m < sites; ++m)
        largest =
            std::max(largest, std::abs(fine.rows[(margin + 2 * i) * sites + m] - rough.rows[(margin + i) * sites + m]));
      difference += 2.0 * step_ * largest;
    }
  }
  SharedRows momenta(rows, grid_.frequency.size(), false, execution_.communicator);
  const std::size_t tile = momenta_per_tile(momenta.size());
  const SharedRows::Range all{0, momenta.size()}, own = momenta.share(all, tile);
  const auto complete = [&] { momenta.gather(all, tile); };
  NodeProducts products(grid_, std::min(batch_times, all_nodes), tile, threads_of(execution_));
  std::vector<Complex> values(std::min(batch_times, all_nodes) * sites);
  stages.expect((all_nodes + batch_times - 1) / batch_times);
  for (std::size_t first = 0; first < all_nodes; first += batch_times) {
    if (stages.skips()) continue;
    const std::size_t count = std::min(batch_times, all_nodes - first);
    for (std::size_t i = 0; i < count; ++i)
      std::copy_n(fine.rows.begin() + static_cast<std::ptrdiff_t>(2 * (first + i) * sites), sites,
                  values.begin() + static_cast<std::ptrdiff_t>(i * sites));
    products.set_nodes(std::span<const double>(nodes.at).subspan(first, count),
                       std::span<const double>(nodes.weight).subspan(first, count), broadening_);
    products.add(values.data(), sites, momenta, own);
    stages.finished(complete);
  }
  if (!stages.stopped()) complete();
  return difference;
}

// --- on a device ---

/// Both runs; the longer one stays for the products.
/// @param circle  as in LadderKernel::evaluate_on()
void LadderSelfEnergy::fill(kernels::LadderDevice& device, Complex* circle) const {
  kernel_.evaluate_on(device, 2.0 * step_, nodes_, execution_, circle);
  device.set_aside();
  kernel_.evaluate_on(device, step_, 2 * nodes_, execution_, circle);
}

std::size_t LadderSelfEnergy::device_nodes() const {
  const std::size_t width = std::min(grid_.frequency.size(), shape_.frequencies);
  return std::min(nodes_ + before, std::max<std::size_t>(1, shape_.values / std::max(modes_.sites, width)));
}

/// Doubles of amplitudes that the device transforms at once. Neither the bits nor the stages depend on it.
DeviceBatch LadderSelfEnergy::device_buffer() const {
  kernels::TimeTables tables = kernel_.tables();
  const auto most = std::min(tables.device_buffer, static_cast<std::int64_t>(shape_.values / 2));
  constexpr std::int64_t least = 1 << 16;
  return largest_on_device(most, least, execution_, [&](const kernels::DeviceKernels& kernels, std::int64_t size) {
    tables.device_buffer = size;
    const std::unique_ptr<kernels::LadderDevice> device(kernels.make_ladder_device(tables, execution_.device));
    fill(*device, nullptr);
    device->compare(static_cast<std::int64_t>(nodes_), nullptr);
    device->choose(0, 2, static_cast<std::int64_t>(device_nodes()), nullptr, nullptr,
                   static_cast<std::int64_t>(std::min(grid_.frequency.size(), shape_.frequencies)));
    device->integrate(0, static_cast<std::int64_t>(std::min(modes_.sites, shape_.momenta)), nullptr);
  });
}

double LadderSelfEnergy::device_bytes() const { return modes_.first_moment == 0.0 ? 0.0 : device_buffer().bytes; }

double LadderSelfEnergy::add_by_device(const Nodes& nodes, Rows rows, StagedSum& stages) const {
  kernels::TimeTables tables = kernel_.tables();
  tables.device_buffer = device_buffer().size;
  const std::unique_ptr<kernels::LadderDevice> device(
      kernels::device_kernels().make_ladder_device(tables, execution_.device));
  {
    std::vector<Complex> circle(circle_points * modes_.sites);
    fill(*device, circle.data());
  }
  std::vector<double> largest(nodes_), weight(nodes.at.size());
  device->compare(static_cast<std::int64_t>(nodes_), largest.data());
  double difference = 0.0;
  for (const double value : largest) difference += 2.0 * step_ * value;
  for (std::size_t j = 0; j < weight.size(); ++j) weight[j] = nodes.weight[j] * std::exp(-broadening_ * nodes.at[j]);

  SharedRows momenta(rows, grid_.frequency.size(), false, execution_.communicator);
  const SharedRows::Range all{0, momenta.size()}, own = momenta.share(all, shape_.momenta);
  const auto complete = [&] { momenta.gather(all, shape_.momenta); };
  DeviceProducts products(shape_, grid_.frequency, threads_of(execution_));
  const std::size_t batch = device_nodes();
  stages.expect((weight.size() + batch - 1) / batch);
  for (std::size_t first = 0; first < weight.size(); first += batch) {
    if (stages.skips()) continue;
    const std::size_t some = std::min(batch, weight.size() - first);
    products.add(*device, 2 * first, 2, std::span<const double>(weight).subspan(first, some), momenta, own);
    stages.finished(complete);
  }
  if (!stages.stopped()) complete();
  return difference;
}

}  // namespace lindrift
