#include "hubbard/fft.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numbers>

#include "engine/complex_product.hpp"
#include "engine/device_memory.hpp"
#include "engine/linear_algebra.hpp"
#include "engine/parallel.hpp"
#include "hubbard/direct.hpp"
#include "hubbard/node_products.hpp"
#include "kernels/table.hpp"
#include "lindrift/error.hpp"

namespace lindrift {

namespace {

using Complex = std::complex<double>;

constexpr double epsilon = std::numeric_limits<double>::epsilon();

/// Number of times for which the kernel is held for all momenta at once.
constexpr std::size_t max_values = std::size_t{1} << 25, min_batch = 256, max_batch = 1024;
/// Chirps hold the kernel at all times; above this size it does not fit next to the result.
constexpr double max_chirp_bytes = 2e9;
/// Stages of a transform by chirps.
constexpr std::size_t max_rounds = 16;
/// Momenta whose chirps are transformed together, in the lanes of a vector if the transforms are short.
constexpr std::size_t chirp_rows = 8;
constexpr double max_nodes = 2e7;

/// Measured times on one core of current processors with AVX2, accurate to a factor of two, which is enough to choose a
/// transform. A device is faster in all of them.
constexpr double seconds_per_product = 1.0 / 6e10;  ///< per operation of a matrix product
/// Per operation of a transform, 5 n log2 n of them: of chirps, and of the lattice with rows beyond the caches.
constexpr double seconds_per_transform = 1.0 / 1.2e10, seconds_per_lattice_transform = 1.0 / 5e9;
constexpr double seconds_per_exponential = 2.5e-8;  ///< for the amplitudes and products of one momentum
constexpr double seconds_per_phase = 0.6e-9;        ///< on a uniform grid
constexpr double seconds_per_sine = 15e-9;          ///< on any other grid
constexpr double seconds_per_term = 1.0 / 2.5e9;    ///< of the direct sum

double transform_operations(double length, double count) {
  return count * 5.0 * length * std::max(1.0, std::log2(length));
}
double transform_seconds(double length, double count) {
  return transform_operations(length, count) * seconds_per_transform;
}

/// At a time, half as many doubles of amplitudes as kernel values are transformed.
kernels::TimeTables device_tables(const MemoryKernel& kernel, std::int64_t values) {
  kernels::TimeTables tables = kernel.tables();
  tables.device_buffer = std::min(tables.device_buffer, values / 2);
  return tables;
}

/// The time after which the tail is below the tolerance, accurate to 1 in 200.
double end_time(const MemoryKernel& kernel, double broadening, double tolerance) {
  double high = 1.0 / (kernel.modes().fastest_rate + broadening), low = 0.0;
  while (kernel.tail(high, broadening) > tolerance && high < 1e300) {
    low = high;
    high *= 2.0;
  }
  while (high - low > 0.005 * high) {
    const double middle = 0.5 * (low + high);
    (kernel.tail(middle, broadening) > tolerance ? low : high) = middle;
  }
  return high;
}

/// sum_j f_j e^{i step h j n}, n = 0 .. count-1, by Bluestein's algorithm: with j n = (j^2 + n^2 - (n-j)^2)/2 the sum
/// is a convolution with a chirp.
class Chirps {
 public:
  Chirps(const FrequencyGrid& grid, const CorrectedTrapezoid& rule, std::span<const double> at,
         std::span<const double> weight, double broadening)
      : nodes_(at.size()),
        count_(grid.frequency.size()),
        fourier_(smooth_length(nodes_ + count_)),
        unit_(static_cast<long double>(grid.step) * static_cast<long double>(rule.step()) / 2.0L) {
    const std::size_t length = fourier_.length();
    into_.resize(nodes_);
    out_.resize(count_);
    convolved_.resize(length);
    for (std::size_t j = 0; j < nodes_; ++j)
      into_[j] = times(chirp(j), weight[j] * std::exp(Complex(-broadening, grid.frequency[0]) * at[j]));
    for (std::size_t n = 0; n < count_; ++n) {
      // Index 0 is the time at[0] < 0.
      const double phase = static_cast<double>(n) * grid.step * at[0];
      out_[n] = times(chirp(n), Complex(std::sin(phase), -std::cos(phase))) / static_cast<double>(length);
    }
    for (std::size_t n = 0; n < count_; ++n) convolved_[n] = std::conj(chirp(n));
    for (std::size_t j = 1; j < nodes_; ++j) convolved_[length - j] = std::conj(chirp(j));
    fourier_.forward(convolved_.data(), 1);
  }

  /// Numbers that add() works on per momentum.
  std::size_t length() const { return fourier_.length(); }

  /// Adds the sums to the rows of momenta first .. last-1.
  /// @param values  K at the nodes, shape (nodes, sites)
  void add(const Complex* values, std::size_t sites, const SharedRows& momenta, std::size_t first, std::size_t last,
           Complex* work) const {
    const std::size_t length = fourier_.length();
    for (std::size_t i = first; i < last; ++i) {
      Complex* row = work + (i - first) * length;
      const Complex* column = values + momenta[i].m;
      for (std::size_t j = 0; j < nodes_; ++j) row[j] = times(into_[j], column[j * sites]);
      std::fill(row + nodes_, row + length, Complex(0.0));
    }
    fourier_.forward(work, last - first);
    for (std::size_t i = 0; i < last - first; ++i)
      for (std::size_t f = 0; f < length; ++f) work[i * length + f] = times(work[i * length + f], convolved_[f]);
    fourier_.backward(work, last - first);
    for (std::size_t i = first; i < last; ++i) {
      const Complex* row = work + (i - first) * length;
      for (std::size_t n = 0; n < count_; ++n) {
        const Complex value = times(row[n], out_[n]);
        if (momenta[i].row != nullptr) momenta[i].row[n] += value;
        if (momenta[i].mirror != nullptr) momenta[i].mirror[count_ - 1 - n] -= std::conj(value);
      }
    }
  }

 private:
  /// e^{i step h j^2 / 2}; the phase is reduced in extended precision because j^2 makes it large.
  Complex chirp(std::size_t j) const {
    const auto square = static_cast<long double>(j) * static_cast<long double>(j);
    const auto phase = static_cast<double>(std::remainder(unit_ * square, 2.0L * std::numbers::pi_v<long double>));
    return {std::cos(phase), std::sin(phase)};
  }

  std::size_t nodes_, count_;
  Fourier fourier_;
  long double unit_;
  std::vector<Complex> into_, out_, convolved_;
};

/// Every so many of the momenta, on which bounds are averaged; what else the modes say stays that of all.
HubbardModes sample_of(const HubbardModes& modes) {
  constexpr std::size_t most = 8192;
  const std::size_t stride = (modes.sites + most - 1) / most;
  HubbardModes few = modes;
  few.sites = (modes.sites + stride - 1) / stride;
  few.lattice = Lattice({static_cast<std::int64_t>(few.sites)});
  few.order = TransformOrder(few.lattice);
  for (auto* values :
       {&few.energy, &few.down_energy, &few.rate, &few.occupation, &few.hole, &few.probe_loss, &few.coupling}) {
    for (std::size_t i = 0; i < few.sites; ++i) (*values)[i] = (*values)[i * stride];
    values->resize(few.sites);
  }
  return few;
}

}  // namespace

FrequencyGrid::FrequencyGrid(std::span<const double> frequencies, bool mirrored_chain)
    : frequency(frequencies.begin(), frequencies.end()), symmetric(true), uniform(frequencies.size() > 1) {
  const std::size_t count = frequency.size();
  const double first = frequency.front(), last = frequency.back();
  largest = std::max(std::fabs(first), std::fabs(last));
  const double rounding_of_grid = 4.0 * epsilon * largest;
  centre = 0.5 * (first + last);
  if (std::fabs(centre) <= rounding_of_grid) centre = 0.0;
  step = count > 1 ? (last - first) / static_cast<double>(count - 1) : 0.0;
  for (std::size_t i = 0; i < count; ++i) {
    const double sum = (frequency[i] - centre) + (frequency[count - 1 - i] - centre);
    symmetric = symmetric && std::fabs(sum) <= rounding_of_grid;
    uniform = uniform && std::fabs(first + static_cast<double>(i) * step - frequency[i]) <= rounding_of_grid;
  }
  mirrored = symmetric && centre == 0.0 && mirrored_chain;
  for (std::size_t i = symmetric ? count / 2 : 0; i < count; ++i) offset.push_back(frequency[i] - centre);
}

FftSelfEnergy::FftSelfEnergy(const HubbardModes& modes, std::span<const double> frequency, double broadening,
                             double tolerance, const Execution& execution, double scale)
    : modes_(modes),
      grid_(frequency, modes.mirrored),
      broadening_(broadening),
      tolerance_(tolerance),
      scale_(scale),
      execution_(execution),
      threads_(threads_of(execution)) {
  choose_plan();
  if (static_cast<double>(plan_.nodes) > max_nodes)
    throw ParameterError("task.frequencies",
                         "frequencies up to " + std::to_string(grid_.largest) + " oscillate " +
                             std::to_string(plan_.nodes / 2) +
                             " times before the self-energy has decayed: the fft algorithm cannot resolve them; use "
                             "solver.algorithm = direct or fewer frequencies");
}

/// Chooses by a sample of the momenta where there are many, because bounds cost a sum over all.
void FftSelfEnergy::choose_plan() {
  const HubbardModes sample = sample_of(modes_);
  const bool on_device = is_device(execution_.backend);
  const TimeTransform product = on_device ? TimeTransform::device : TimeTransform::matrix;
  plan_.seconds = std::numeric_limits<double>::infinity();
  const auto consider = [&](double cut) {
    const MemoryKernel kernel(sample, cut);
    if (cut > 0.0 && kernel.slow().empty()) return;
    const double end = end_of(kernel);
    for (const TimeTransform transform : {product, TimeTransform::chirp}) {
      if (transform == TimeTransform::chirp && (!grid_.uniform || on_device)) continue;
      const FftPlan plan = plan_for(transform, kernel, cut, end);
      if (plan.seconds < plan_.seconds) plan_ = plan;
    }
  };
  consider(0.0);
  // If a few slow momenta prolong the kernel, summing their pairs directly costs less than the late times.
  const double range = modes_.fastest_rate / modes_.slowest_rate;
  if (plan_.end * modes_.fastest_rate > 100.0)
    for (double share = 0.1; share < 1.0; share += 0.1) consider(modes_.slowest_rate * std::pow(range, share));
  if (sample.sites < modes_.sites) plan_ = plan_for(plan_.transform, plan_.cut);
}

double FftSelfEnergy::end_of(const MemoryKernel& kernel) const {
  return modes_.first_moment == 0.0 ? 0.0 : end_time(kernel, broadening_, tolerance_ / 3.0);
}

FftPlan FftSelfEnergy::plan_for(TimeTransform transform, double cut) const {
  const MemoryKernel kernel(modes_, cut);
  return plan_for(transform, kernel, cut, end_of(kernel));
}

/// @param end  end_of(kernel)
FftPlan FftSelfEnergy::plan_for(TimeTransform transform, const MemoryKernel& kernel, double cut, double end) const {
  FftPlan plan;
  plan.transform = transform;
  plan.cut = kernel.slow().empty() ? 0.0 : cut;
  plan.slow = static_cast<std::size_t>(scale_ * static_cast<double>(modes_.sites * kernel.slow().size()) /
                                       static_cast<double>(kernel.modes().sites));
  if (modes_.first_moment == 0.0) return {.nodes = 0, .reason = "the self-energy vanishes"};
  plan.end = end;
  const Exponents exponents = exponents_of(kernel);
  const double sites = scale_ * static_cast<double>(modes_.sites);
  const double momenta = grid_.mirrored ? 0.5 * sites : sites;
  const double nodes = transform == TimeTransform::chirp ? plan_chirps(plan, exponents, momenta)
                                                         : plan_products(plan, exponents, momenta);
  plan.nodes = static_cast<std::size_t>(std::min(nodes, 1e18));
  plan.memory_bytes += threads_ * MemoryKernel::working_bytes(static_cast<std::size_t>(sites));
  const double transforms = (modes_.on_site ? 4.0 : 6.0) + (plan.slow > 0 ? 2.0 : 0.0);
  plan.seconds += nodes * (transform_operations(sites, transforms) * seconds_per_lattice_transform +
                           sites * seconds_per_exponential);
  plan.transform_operations += nodes * transform_operations(sites, transforms);
  if (plan.slow > 0) {
    const auto slow = static_cast<double>(plan.slow);
    plan.seconds +=
        slow * std::min(2.0 * slow, sites) * momenta * static_cast<double>(grid_.frequency.size()) * seconds_per_term;
    plan.reason += "; " + std::to_string(plan.slow) + " slow momenta are paired directly";
  }
  return plan;
}

/// Fills in seconds, memory and reason. Returns the number of nodes.
double FftSelfEnergy::plan_products(FftPlan& plan, const Exponents& exponents, double momenta) const {
  const double sites = scale_ * static_cast<double>(modes_.sites), count = static_cast<double>(grid_.frequency.size());
  const double nodes = legendre_panel_count(exponents, plan.end);
  const double batch = std::clamp(static_cast<double>(max_values) / sites, static_cast<double>(min_batch),
                                  static_cast<double>(max_batch));
  plan.memory_bytes =
      plan.transform == TimeTransform::device
          ? 16.0 * static_cast<double>(shape_.momenta) * std::min(count, static_cast<double>(shape_.frequencies))
          : 8.0 * std::min(batch, nodes) * (2.0 * sites + 2.0 * count) +
                8.0 * threads_ * 4.0 * static_cast<double>(max_tile_momenta) *
                    (std::min(batch, nodes) + static_cast<double>(tile_offsets));
  plan.product_operations = momenta * count * nodes * (grid_.symmetric ? 4.0 : 8.0);
  plan.seconds += plan.product_operations * seconds_per_product;
  plan.seconds += nodes * count * (grid_.uniform ? seconds_per_phase : seconds_per_sine);
  plan.reason =
      "in time the sum over pairs of momenta factorises; Gauss-Legendre nodes and a product of matrices "
      "lead back to the frequencies";
  return nodes;
}

double FftSelfEnergy::plan_chirps(FftPlan& plan, const Exponents& exponents, double momenta) const {
  const double sites = scale_ * static_cast<double>(modes_.sites), count = static_cast<double>(grid_.frequency.size());
  const double radius = std::hypot(exponents.frequency, exponents.fastest);
  const double digits = -std::log10(std::clamp(tolerance_ / modes_.first_moment, 1e-16, 1e-2));
  const double nodes = plan.end * radius / std::max(0.3, 2.0 - 0.1 * digits);
  const auto length = static_cast<double>(smooth_length(static_cast<std::size_t>(std::min(nodes + count, 1e12))));
  const double blocks = std::ceil(momenta / static_cast<double>(chirp_rows));
  plan.memory_bytes =
      16.0 * nodes * sites + 16.0 * static_cast<double>(chirp_rows) * length * std::min<double>(threads_, blocks);
  plan.transform_operations = transform_operations(length, 2.0 * momenta);
  plan.seconds += transform_seconds(length, 2.0 * momenta) + 4e-9 * length * momenta;
  if (16.0 * nodes * sites > max_chirp_bytes) plan.seconds = std::numeric_limits<double>::infinity();
  plan.reason =
      "in time the sum over pairs of momenta factorises; equal steps with corrected ends and chirps lead back "
      "to the many frequencies of a uniform grid";
  return nodes;
}

Exponents FftSelfEnergy::exponents_of(const MemoryKernel& kernel) const {
  Exponents exponents;
  exponents.frequency = grid_.largest + modes_.kernel_bandwidth;
  exponents.slowest = modes_.slowest_rate + broadening_;
  exponents.fastest = modes_.fastest_rate + 0.5 * modes_.fastest_probe_loss + broadening_;
  // The integrand excludes the pairs that are summed directly.
  exponents.slowest = std::max(exponents.slowest, kernel.slowest_decay() + broadening_);
  exponents.bound = [&kernel, broadening = broadening_](double t) {
    return kernel.bound(t) * std::exp(-broadening * t);
  };
  return exponents;
}

void FftSelfEnergy::force(TimeTransform transform, double cut) {
  if (transform == TimeTransform::chirp && !grid_.uniform)
    throw ParameterError("task.frequencies", "chirps need equal steps between the frequencies");
  plan_ = plan_for(transform, cut);
}

void FftSelfEnergy::force(DeviceMaker maker, double cut, const DeviceShape& shape) {
  shape_ = shape;
  plan_ = plan_for(TimeTransform::device, cut);
  make_device_ = std::move(maker);
}

double FftSelfEnergy::add_grid(Rows rows, StagedSum& stages) {
  if (modes_.first_moment == 0.0) return 0.0;
  const MemoryKernel kernel(modes_, plan_.cut);
  std::unique_ptr<DirectSelfEnergy> pairs;
  if (!kernel.slow().empty()) {
    Execution execution = execution_;
    if (plan_.transform != TimeTransform::device) execution.backend = Backend::cpu;
    pairs = std::make_unique<DirectSelfEnergy>(modes_, execution, kernel.slow());
    stages.expect(pairs->stage_count(
        static_cast<std::size_t>(std::count_if(rows.begin(), rows.end(), [](const Complex* row) { return row; })),
        grid_.frequency));
  }
  double error = kernel.tail(plan_.end, broadening_);
  switch (plan_.transform) {
    case TimeTransform::matrix:
      error += add_by_matrix(kernel, rows, stages);
      break;
    case TimeTransform::chirp:
      error += add_by_chirp(kernel, rows, stages);
      break;
    case TimeTransform::device:
      error += add_by_device(kernel, rows, stages);
      break;
  }
  if (pairs) pairs->add_grid(rows, grid_.frequency, broadening_, stages);
  return error;
}

/// Estimated rounding error: a few of the last bits of K at every time, and of the phases w t.
double FftSelfEnergy::rounding(const MemoryKernel& kernel, std::span<const double> at,
                               std::span<const double> weights) const {
  double sum = 0.0;
  const std::size_t stride = 1 + at.size() / 64;  // bound() costs a sum over all momenta, and decreases slowly
  for (std::size_t i = 0; i < at.size(); i += stride)
    sum += static_cast<double>(stride) * std::fabs(weights[i]) * kernel.whole_bound(std::max(0.0, at[i])) *
           std::exp(-broadening_ * at[i]) * (8.0 + (grid_.largest + modes_.kernel_bandwidth) * std::fabs(at[i]));
  return 0.5 * epsilon * sum;
}

double FftSelfEnergy::add_by_matrix(const MemoryKernel& kernel, Rows rows, StagedSum& stages) const {
  linear_algebra::require_library();
  const Quadrature quadrature = nodes_for(kernel);
  const std::span<const double> node(quadrature.node), weight(quadrature.weight);
  SharedRows momenta(rows, grid_.frequency.size(), grid_.mirrored, execution_.communicator);
  const std::size_t tile_momenta = momenta_per_tile(momenta.size());
  const SharedRows::Range all{0, momenta.size()}, own = momenta.share(all, tile_momenta);
  const auto complete = [&] { momenta.gather(all, tile_momenta); };

  const std::size_t batch = std::min(node.size(), std::clamp(max_values / modes_.sites, min_batch, max_batch));
  std::vector<Complex> values(batch * modes_.sites);
  NodeProducts products(grid_, batch, tile_momenta, threads_);
  stages.expect((node.size() + batch - 1) / batch);
  for (std::size_t first = 0; first < node.size(); first += batch) {
    if (stages.skips()) continue;
    const std::size_t count = std::min(batch, node.size() - first);
    kernel.evaluate(node.subspan(first, count), values.data(), execution_);
    products.set_nodes(node.subspan(first, count), weight.subspan(first, count), broadening_);
    products.add(values.data(), modes_.sites, momenta, own);
    stages.finished(complete);
  }
  if (!stages.stopped()) complete();
  return quadrature.error + rounding(kernel, node, weight);
}

double FftSelfEnergy::add_by_chirp(const MemoryKernel& kernel, Rows rows, StagedSum& stages) const {
  const CorrectedTrapezoid rule(exponents_of(kernel), plan_.end, tolerance_ / 3.0);
  const std::size_t sites = modes_.sites, nodes = rule.nodes() + CorrectedTrapezoid::corrections;
  std::vector<double> at(nodes), weight(nodes);
  for (std::size_t j = 0; j < nodes; ++j) {
    const std::ptrdiff_t index = static_cast<std::ptrdiff_t>(j) - CorrectedTrapezoid::corrections;
    at[j] = static_cast<double>(index) * rule.step();
    weight[j] = rule.step() * CorrectedTrapezoid::weight(index);
  }
  std::vector<Complex> values(nodes * sites);
  kernel.evaluate(at, values.data(), execution_);
  const Chirps chirps(grid_, rule, at, weight, broadening_);

  SharedRows momenta(rows, grid_.frequency.size(), grid_.mirrored, execution_.communicator);
  const std::size_t blocks = (momenta.size() + chirp_rows - 1) / chirp_rows;
  const std::size_t rounds = std::min(blocks, max_rounds);
  const int workers = static_cast<int>(std::min(static_cast<std::size_t>(threads_), std::max<std::size_t>(1, blocks)));
  const std::size_t work_size = chirp_rows * chirps.length();
  std::vector<Complex> work(static_cast<std::size_t>(workers) * work_size);
  stages.expect(rounds);
  for (std::size_t round = 0; round < rounds; ++round) {
    if (stages.skips()) continue;
    const SharedRows::Range range{blocks * round / rounds * chirp_rows,
                                  std::min(momenta.size(), blocks * (round + 1) / rounds * chirp_rows)};
    const SharedRows::Range own = momenta.share(range, chirp_rows);
    in_parts(
        workers, own.last - own.first,
        [&](std::size_t begin, std::size_t end, std::size_t thread) {
          for (std::size_t first = own.first + begin; first < own.first + end; first += chirp_rows)
            chirps.add(values.data(), sites, momenta, first, std::min(first + chirp_rows, own.first + end),
                       work.data() + thread * work_size);
        },
        chirp_rows);
    momenta.gather(range, chirp_rows);
    stages.finished();
  }
  return rule.error() + rounding(kernel, at, weight);
}

Quadrature FftSelfEnergy::nodes_for(const MemoryKernel& kernel) const {
  return legendre_panels(exponents_of(kernel), plan_.end, tolerance_ / 3.0);
}

/// Number of kernel values that a device holds at once.
DeviceBatch FftSelfEnergy::device_values(const MemoryKernel& kernel, std::size_t nodes) const {
  const auto most = static_cast<std::int64_t>(shape_.values);
  if (make_device_) return {most, 0.0};
  const auto width = static_cast<std::int64_t>(device_width());
  const auto tile = static_cast<std::int64_t>(std::min(modes_.sites, shape_.momenta));
  return largest_on_device(most, static_cast<std::int64_t>(modes_.sites), execution_,
                           [&](const kernels::DeviceKernels& kernels, std::int64_t values) {
                             const std::unique_ptr<kernels::TimeDevice> device(
                                 kernels.make_time_device(device_tables(kernel, values), execution_.device));
                             const auto batch = static_cast<std::int64_t>(device_times(values, nodes));
                             device->evaluate(nullptr, batch);
                             device->choose(0, 1, batch, nullptr, nullptr, width);
                             device->integrate(0, tile, nullptr);
                             if (const auto rest = static_cast<std::int64_t>(nodes) % batch; rest > 0)
                               device->evaluate(nullptr, rest);
                           });
}

/// Number of times that correspond to this number of kernel values.
std::size_t FftSelfEnergy::device_times(std::int64_t values, std::size_t nodes) const {
  const std::size_t fitting = static_cast<std::size_t>(values) / std::max(modes_.sites, device_width());
  return std::min(nodes, std::max<std::size_t>(1, fitting));
}

double FftSelfEnergy::device_bytes(std::size_t momenta) const {
  if (modes_.first_moment == 0.0 || plan_.transform != TimeTransform::device) return 0.0;
  const MemoryKernel kernel(modes_, plan_.cut);
  double bytes = device_values(kernel, nodes_for(kernel).node.size()).bytes;
  if (!kernel.slow().empty())
    bytes = std::max(bytes, DirectSelfEnergy(modes_, execution_, kernel.slow()).device_bytes(momenta, grid_.frequency));
  return bytes;
}

double FftSelfEnergy::add_by_device(const MemoryKernel& kernel, Rows rows, StagedSum& stages) const {
  const Quadrature quadrature = nodes_for(kernel);
  const std::size_t nodes = quadrature.node.size();
  const std::int64_t values = device_values(kernel, nodes).size;
  const std::size_t batch = device_times(values, nodes);
  const kernels::TimeTables tables = device_tables(kernel, values);
  const std::unique_ptr<kernels::TimeDevice> device =
      make_device_
          ? make_device_(tables)
          : std::unique_ptr<kernels::TimeDevice>(kernels::device_kernels().make_time_device(tables, execution_.device));
  // Computing all momenta costs the device less than mirroring would cost the host.
  SharedRows momenta(rows, grid_.frequency.size(), false, execution_.communicator);
  const SharedRows::Range all{0, momenta.size()}, own = momenta.share(all, shape_.momenta);
  const auto complete = [&] { momenta.gather(all, shape_.momenta); };

  std::vector<double> weight(nodes);
  for (std::size_t t = 0; t < nodes; ++t)
    weight[t] = quadrature.weight[t] * std::exp(-broadening_ * quadrature.node[t]);
  DeviceProducts products(shape_, grid_.frequency, threads_);
  stages.expect((nodes + batch - 1) / batch);
  for (std::size_t first = 0; first < nodes; first += batch) {
    if (stages.skips()) continue;
    const std::size_t some = std::min(batch, nodes - first);
    device->evaluate(quadrature.node.data() + first, static_cast<std::int64_t>(some));
    products.add(*device, 0, 1, std::span<const double>(weight).subspan(first, some), momenta, own);
    stages.finished(complete);
  }
  if (!stages.stopped()) complete();
  return quadrature.error + rounding(kernel, quadrature.node, quadrature.weight);
}

}  // namespace lindrift
