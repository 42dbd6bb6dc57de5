#include "models/hubbard_fft.hpp"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numbers>

#include "kernels/table.hpp"
#include "lindrift/communicator.hpp"
#include "lindrift/error.hpp"
#include "linear_algebra.hpp"
#include "models/hubbard_direct.hpp"
#include "models/hubbard_quadrature.hpp"

namespace lindrift {

namespace {

using Complex = std::complex<double>;

constexpr double epsilon = std::numeric_limits<double>::epsilon();

/// Shapes of the tiles that are multiplied, which know neither threads nor processes, so that the bits do not.
constexpr std::size_t max_tile_momenta = 72;
constexpr std::size_t tile_offsets = 256;
/// Times that are held for all momenta at once.
constexpr std::size_t max_values = std::size_t{1} << 25, min_batch = 256, max_batch = 1024;
/// Beyond, the kernel at all times that a chirp needs does not fit beside the result.
constexpr double max_chirp_bytes = 2e9;
/// Times that chirps look whether they should stop.
constexpr std::size_t max_rounds = 16;
/// Momenta whose chirps are transformed together: the lanes of a vector, where transforms are short.
constexpr std::size_t chirp_rows = 8;
constexpr double max_nodes = 2e7;
/// Offsets of a uniform grid whose phases come from one exponential by multiplication.
constexpr std::size_t phase_block = 64, phase_root = 8;

/// Seconds of one core, for choosing between ways: measured on current processors, right within a factor of two. A
/// device is faster in all of them.
constexpr double seconds_per_product = 1.0 / 6e10;      ///< of an operation of a matrix product
constexpr double seconds_per_transform = 1.0 / 1.2e10;  ///< of one of the 5 n log2 n operations of a transform
constexpr double seconds_per_exponential = 4e-9;        ///< of the amplitudes of a momentum
constexpr double seconds_per_phase = 0.6e-9;            ///< of a uniform grid
constexpr double seconds_per_sine = 15e-9;              ///< of any other grid
constexpr double seconds_per_term = 1.0 / 5e9;          ///< of the direct sum

inline Complex times(Complex a, Complex b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

/// Momenta in tiles of the same size, as few as can be.
std::size_t momenta_of_tile(std::size_t momenta) {
  const std::size_t tiles = std::max<std::size_t>(1, (momenta + max_tile_momenta - 1) / max_tile_momenta);
  return std::max<std::size_t>(1, (momenta + tiles - 1) / tiles);
}

double transform_seconds(double length, double count) {
  return count * 5.0 * length * std::max(1.0, std::log2(length)) * seconds_per_transform;
}

/// Time from which on the tail is below the tolerance, to one part in 200.
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

Exponents exponents_of(const MemoryKernel& kernel, double widest, double broadening) {
  const HubbardModes& modes = kernel.modes();
  Exponents exponents;
  exponents.frequency = widest + 6.0 * std::fabs(modes.hopping);
  exponents.slowest = modes.slowest_rate + broadening;
  exponents.fastest = modes.fastest_rate + 0.5 * modes.fastest_probe_loss + broadening;
  // The pairs that were taken out are no part of the integrand.
  exponents.slowest = std::max(exponents.slowest, kernel.slowest_decay() + broadening);
  exponents.bound = [&kernel, broadening](double t) { return kernel.bound(t) * std::exp(-broadening * t); };
  return exponents;
}

}  // namespace

FftSelfEnergy::FftSelfEnergy(const HubbardModes& modes, std::span<const double> frequency, double broadening,
                             double tolerance, const Execution& execution)
    : modes_(modes),
      frequency_(frequency.begin(), frequency.end()),
      broadening_(broadening),
      tolerance_(tolerance),
      execution_(execution),
      threads_(execution.threads > 0 ? execution.threads : omp_get_max_threads()),
      make_device_([device = execution.device](const kernels::TimeTables& tables) {
        return std::unique_ptr<kernels::TimeDevice>(kernels::device_kernels().make_time_device(tables, device));
      }) {
  const std::size_t count = frequency_.size();
  const double first = frequency_.front(), last = frequency_.back();
  grid_.widest = std::max(std::fabs(first), std::fabs(last));
  const double rounding_of_grid = 4.0 * epsilon * grid_.widest;
  grid_.symmetric = true;
  grid_.centre = 0.5 * (first + last);
  if (std::fabs(grid_.centre) <= rounding_of_grid) grid_.centre = 0.0;
  grid_.step = count > 1 ? (last - first) / static_cast<double>(count - 1) : 0.0;
  grid_.uniform = count > 1;
  for (std::size_t i = 0; i < count; ++i) {
    const double sum = (frequency_[i] - grid_.centre) + (frequency_[count - 1 - i] - grid_.centre);
    grid_.symmetric = grid_.symmetric && std::fabs(sum) <= rounding_of_grid;
    grid_.uniform =
        grid_.uniform && std::fabs(first + static_cast<double>(i) * grid_.step - frequency_[i]) <= rounding_of_grid;
  }
  grid_.mirrored = grid_.symmetric && grid_.centre == 0.0 && modes_.mirrored;
  for (std::size_t i = grid_.symmetric ? count / 2 : 0; i < count; ++i)
    grid_.offset.push_back(frequency_[i] - grid_.centre);

  const bool on_device = execution_.backend == Backend::cuda;
  const TimeTransform product = on_device ? TimeTransform::device : TimeTransform::matrix;
  plan_ = plan_for(product, 0.0);
  const auto consider = [&](const FftPlan& plan) {
    if (plan.seconds < plan_.seconds) plan_ = plan;
  };
  if (grid_.uniform && !on_device) consider(plan_for(TimeTransform::chirp, 0.0));
  // A few slow momenta make the kernel last: then their pairs cost less than the times.
  const double range = modes_.fastest_rate / modes_.slowest_rate;
  if (plan_.end * modes_.fastest_rate > 100.0)
    for (double share = 0.1; share < 1.0; share += 0.1) {
      const double cut = modes_.slowest_rate * std::pow(range, share);
      if (MemoryKernel(modes_, cut).slow().empty()) continue;
      consider(plan_for(product, cut));
      if (grid_.uniform && !on_device) consider(plan_for(TimeTransform::chirp, cut));
    }
  if (static_cast<double>(plan_.nodes) > max_nodes)
    throw ParameterError("task.frequencies",
                         "frequencies up to " + std::to_string(grid_.widest) + " oscillate " +
                             std::to_string(plan_.nodes / 2) +
                             " times before the self-energy has decayed: the fft algorithm cannot resolve them; use "
                             "solver.algorithm = direct or fewer frequencies");
}

FftPlan FftSelfEnergy::plan_for(TimeTransform transform, double cut) const {
  const MemoryKernel kernel(modes_, cut);
  FftPlan plan;
  plan.transform = transform;
  plan.cut = kernel.slow().empty() ? 0.0 : cut;
  plan.slow = kernel.slow().size();
  if (modes_.first_moment == 0.0) return {.nodes = 0, .reason = "the self-energy vanishes"};
  plan.end = end_time(kernel, broadening_, tolerance_ / 3.0);
  const Exponents exponents = exponents_of(kernel, grid_.widest, broadening_);
  const auto sites = static_cast<double>(modes_.sites), count = static_cast<double>(frequency_.size());
  const double momenta = grid_.mirrored ? 0.5 * sites : sites;
  double nodes = 0.0;
  plan.seconds = 0.0;
  if (transform != TimeTransform::chirp) {
    nodes = legendre_panel_count(exponents, plan.end);
    const double batch = std::clamp(static_cast<double>(max_values) / sites, static_cast<double>(min_batch),
                                    static_cast<double>(max_batch));
    plan.memory_bytes =
        transform == TimeTransform::device
            ? 16.0 * static_cast<double>(shape_.momenta) * std::min(count, static_cast<double>(shape_.frequencies))
            : 8.0 * std::min(batch, nodes) * (2.0 * sites + 2.0 * count) +
                  8.0 * threads_ * 4.0 * static_cast<double>(max_tile_momenta) *
                      (std::min(batch, nodes) + static_cast<double>(tile_offsets));
    plan.seconds += momenta * count * nodes * (grid_.symmetric ? 4.0 : 8.0) * seconds_per_product;
    plan.seconds += nodes * count * (grid_.uniform ? seconds_per_phase : seconds_per_sine);
    plan.reason =
        "in time the sum over pairs of momenta factorises; Gauss-Legendre nodes and a product of matrices "
        "lead back to the frequencies";
  } else {
    const double radius = std::hypot(exponents.frequency, exponents.fastest);
    const double digits = -std::log10(std::clamp(tolerance_ / modes_.first_moment, 1e-16, 1e-2));
    nodes = plan.end * radius / std::max(0.3, 2.0 - 0.1 * digits);
    const auto length = static_cast<double>(smooth_length(static_cast<std::size_t>(std::min(nodes + count, 1e12))));
    const double blocks = std::ceil(momenta / static_cast<double>(chirp_rows));
    plan.memory_bytes =
        16.0 * nodes * sites + 16.0 * static_cast<double>(chirp_rows) * length * std::min<double>(threads_, blocks);
    plan.seconds += transform_seconds(length, 2.0 * momenta) + 4e-9 * length * momenta;
    if (16.0 * nodes * sites > max_chirp_bytes) plan.seconds = std::numeric_limits<double>::infinity();
    plan.reason =
        "in time the sum over pairs of momenta factorises; equal steps with corrected ends and chirps lead back "
        "to the many frequencies of a uniform grid";
  }
  plan.nodes = static_cast<std::size_t>(std::min(nodes, 1e18));
  plan.memory_bytes += threads_ * MemoryKernel::working_bytes(modes_.sites);
  plan.seconds += nodes * (transform_seconds(sites, (modes_.on_site ? 4.0 : 6.0) + (plan.slow > 0 ? 2.0 : 0.0)) +
                           sites * seconds_per_exponential);
  if (plan.slow > 0) {
    const auto slow = static_cast<double>(plan.slow);
    plan.seconds += slow * std::min(2.0 * slow, sites) * momenta * count * seconds_per_term;
    plan.reason += "; " + std::to_string(plan.slow) + " slow momenta are paired directly";
  }
  return plan;
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

double FftSelfEnergy::add_grid(std::span<Complex* const> rows, StagedSum&& stages) { return add_grid(rows, stages); }

double FftSelfEnergy::add_grid(std::span<Complex* const> rows, StagedSum& stages) {
  if (modes_.first_moment == 0.0) return 0.0;
  const MemoryKernel kernel(modes_, plan_.cut);
  std::unique_ptr<DirectSelfEnergy> pairs;
  if (!kernel.slow().empty()) {
    Execution execution = execution_;
    if (plan_.transform != TimeTransform::device) execution.backend = Backend::cpu;
    pairs = std::make_unique<DirectSelfEnergy>(modes_, execution, kernel.slow());
    stages.expect(pairs->stage_count(
        static_cast<std::size_t>(std::count_if(rows.begin(), rows.end(), [](const Complex* row) { return row; })),
        frequency_));
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
  if (pairs) pairs->add_grid(rows, frequency_, broadening_, stages);
  return error;
}

/// K at some times, all momenta; ranks share the times.
void FftSelfEnergy::evaluate(const MemoryKernel& kernel, std::span<const double> at, Complex* values) const {
  Communicator* communicator = execution_.communicator;
  if (communicator == nullptr || communicator->size() == 1) return kernel.evaluate(at, values, threads_);
  const auto shares = share_bounds(*communicator, at.size());
  const auto rank = static_cast<std::size_t>(communicator->rank());
  kernel.evaluate(at.subspan(shares[rank], shares[rank + 1] - shares[rank]), values + shares[rank] * modes_.sites,
                  threads_);
  communicator->all_gather({reinterpret_cast<double*>(values), 2 * at.size() * modes_.sites},
                           share_bounds(*communicator, at.size(), 1, 2 * modes_.sites));
}

/// What rounding may leave: a few last bits of K at every time, and of the phases w t.
double FftSelfEnergy::rounding(const MemoryKernel& kernel, std::span<const double> at,
                               std::span<const double> weights) const {
  double sum = 0.0;
  const std::size_t stride = 1 + at.size() / 64;  // bound() takes all momenta; it falls slowly
  for (std::size_t i = 0; i < at.size(); i += stride)
    sum += static_cast<double>(stride) * std::fabs(weights[i]) * kernel.whole_bound(std::max(0.0, at[i])) *
           std::exp(-broadening_ * at[i]) * (8.0 + (grid_.widest + 6.0 * std::fabs(modes_.hopping)) * std::fabs(at[i]));
  return 0.5 * epsilon * sum;
}

double FftSelfEnergy::add_by_matrix(const MemoryKernel& kernel, std::span<Complex* const> rows,
                                    StagedSum& stages) const {
  linear_algebra::require_library();
  const Quadrature quadrature =
      legendre_panels(exponents_of(kernel, grid_.widest, broadening_), plan_.end, tolerance_ / 3.0);
  const std::size_t sites = modes_.sites, count = frequency_.size(), offsets = grid_.offset.size();
  const std::size_t parts = grid_.symmetric ? 2 : 1;  // an offset has a cosine and a sine column, or one of both rows
  SharedRows momenta(rows, count, grid_.mirrored, execution_.communicator);
  const std::size_t tile_momenta = momenta_of_tile(momenta.size());
  const SharedRows::Range all{0, momenta.size()}, own = momenta.share(all, tile_momenta);
  const auto complete = [&] { momenta.gather(all, tile_momenta); };
  const std::size_t momentum_tiles = (own.last - own.first + tile_momenta - 1) / tile_momenta;
  const std::size_t offset_tiles = (offsets + tile_offsets - 1) / tile_offsets;
  // A tile of momenta, made once, is multiplied with several of offsets: all, or fewer if threads would be idle.
  const std::size_t chunks = std::min(offset_tiles, (4 * static_cast<std::size_t>(threads_) + momentum_tiles) /
                                                        std::max<std::size_t>(1, momentum_tiles));

  const std::size_t batch = std::min(quadrature.node.size(), std::clamp(max_values / sites, min_batch, max_batch));
  const std::size_t inner = grid_.symmetric ? batch : 2 * batch;
  std::vector<Complex> values(batch * sites), factor(batch);
  const auto waves = std::make_unique_for_overwrite<double[]>(inner * parts * offsets);
  const auto threads = static_cast<std::size_t>(threads_);
  const std::size_t left_size = 2 * tile_momenta * inner, product_size = 2 * tile_momenta * parts * tile_offsets;
  const auto left_of_threads = std::make_unique_for_overwrite<double[]>(threads * left_size),
             products = std::make_unique_for_overwrite<double[]>(threads * product_size);
  stages.expect((quadrature.node.size() + batch - 1) / batch);
  for (std::size_t first = 0; first < quadrature.node.size(); first += batch) {
    if (stages.skips()) continue;
    const std::size_t nodes = std::min(batch, quadrature.node.size() - first);
    const std::size_t depth = grid_.symmetric ? nodes : 2 * nodes;
    const std::span<const double> at(quadrature.node.data() + first, nodes);
    evaluate(kernel, at, values.data());

    // Tile by tile: rows are times, columns cosines, then sines of the tile's offsets; or rows are the times twice,
    // with cosines and with sines.
    const auto wave_tile = [&](std::size_t tile) { return waves.get() + tile * tile_offsets * parts * depth; };
#pragma omp parallel for schedule(static) num_threads(threads_) if (nodes * offsets > 10000)
    for (std::size_t t = 0; t < nodes; ++t) {
      factor[t] = quadrature.weight[first + t] * std::exp(Complex(-broadening_, grid_.centre) * at[t]);
      double turn_cos[phase_block], turn_sin[phase_block];
      if (grid_.uniform)
        for (std::size_t j = 0; j < phase_block; ++j) {
          // Multiples of the root from the library, those between them by one multiplication.
          const std::size_t rest = j % phase_root, whole = j - rest;
          if (rest == 0 || whole == 0) {
            turn_cos[j] = std::cos(static_cast<double>(j) * grid_.step * at[t]);
            turn_sin[j] = std::sin(static_cast<double>(j) * grid_.step * at[t]);
          } else {
            turn_cos[j] = turn_cos[whole] * turn_cos[rest] - turn_sin[whole] * turn_sin[rest];
            turn_sin[j] = turn_sin[whole] * turn_cos[rest] + turn_cos[whole] * turn_sin[rest];
          }
        }
      for (std::size_t tile = 0; tile < offset_tiles; ++tile) {
        const std::size_t begin = tile * tile_offsets, width = std::min(tile_offsets, offsets - begin);
        double* cosine = wave_tile(tile) + t * parts * width;
        double* sine = grid_.symmetric ? cosine + width : cosine + nodes * width;
        for (std::size_t j = 0; j < width; j += phase_block) {
          const std::size_t some = std::min(phase_block, width - j);
          if (grid_.uniform) {
            const double c = std::cos(grid_.offset[begin + j] * at[t]), s = std::sin(grid_.offset[begin + j] * at[t]);
            for (std::size_t i = 0; i < some; ++i) {
              cosine[j + i] = c * turn_cos[i] - s * turn_sin[i];
              sine[j + i] = s * turn_cos[i] + c * turn_sin[i];
            }
          } else {
            for (std::size_t i = j; i < j + some; ++i) {
              cosine[i] = std::cos(grid_.offset[begin + i] * at[t]);
              sine[i] = std::sin(grid_.offset[begin + i] * at[t]);
            }
          }
        }
      }
    }

#pragma omp parallel num_threads(threads_) if (momentum_tiles * chunks > 1)
    {
      const auto thread = static_cast<std::size_t>(omp_get_thread_num());
      double *left = left_of_threads.get() + thread * left_size, *product = products.get() + thread * product_size;
#pragma omp for schedule(dynamic)
      for (std::size_t item = 0; item < momentum_tiles * chunks; ++item) {
        const std::size_t k_begin = own.first + item / chunks * tile_momenta, chunk = item % chunks;
        const std::size_t some = std::min(tile_momenta, own.last - k_begin);
        // Of K e^{i centre t} = R + i I, one row R and one I; or the rows (I, R) and (-R, I) that give Re and Im of -i
        // times the integral at once.
        for (std::size_t i = 0; i < some; ++i) {
          double *upper = left + 2 * i * depth, *lower = upper + depth;
          const Complex* column = values.data() + momenta[k_begin + i].m;
          for (std::size_t t = 0; t < nodes; ++t) {
            const Complex value = times(factor[t], column[t * sites]);
            if (grid_.symmetric) {
              upper[t] = value.real();
              lower[t] = value.imag();
            } else {
              upper[t] = lower[nodes + t] = value.imag();
              upper[nodes + t] = value.real();
              lower[t] = -value.real();
            }
          }
        }
        for (std::size_t tile = offset_tiles * chunk / chunks; tile < offset_tiles * (chunk + 1) / chunks; ++tile) {
          const std::size_t begin = tile * tile_offsets, width = std::min(tile_offsets, offsets - begin);
          const std::size_t columns = parts * width;
          linear_algebra::multiply(2 * some, columns, depth, left, depth, wave_tile(tile), columns, product, columns);
          for (std::size_t i = 0; i < some; ++i) {
            const double *upper = product + 2 * i * columns, *lower = upper + columns;
            Complex *row = momenta[k_begin + i].row, *mirror = momenta[k_begin + i].mirror;
            for (std::size_t j = 0; j < width; ++j) {
              if (!grid_.symmetric) {
                if (row != nullptr) row[begin + j] += Complex(upper[j], lower[j]);
                continue;
              }
              const double rc = upper[j], rs = upper[width + j], ic = lower[j], is = lower[width + j];
              const Complex above(ic + rs, is - rc), below(ic - rs, -rc - is);  // at +offset and at -offset
              const std::size_t up = count - offsets + begin + j, down = count - 1 - up;
              if (row != nullptr) {
                row[up] += above;
                if (down != up) row[down] += below;
              }
              if (mirror != nullptr) {
                mirror[up] -= std::conj(down != up ? below : above);  // a middle that is not quite 0 has one value
                if (down != up) mirror[down] -= std::conj(above);
              }
            }
          }
        }
      }
    }
    stages.finished(complete);
  }
  if (!stages.stopped()) complete();
  return quadrature.error + rounding(kernel, quadrature.node, quadrature.weight);
}

double FftSelfEnergy::add_by_chirp(const MemoryKernel& kernel, std::span<Complex* const> rows,
                                   StagedSum& stages) const {
  const CorrectedTrapezoid rule(exponents_of(kernel, grid_.widest, broadening_), plan_.end, tolerance_ / 3.0);
  constexpr auto before = static_cast<std::size_t>(CorrectedTrapezoid::corrections);
  const std::size_t sites = modes_.sites, count = frequency_.size(), nodes = rule.nodes() + before;
  std::vector<double> at(nodes), weight(nodes);
  for (std::size_t j = 0; j < nodes; ++j) {
    const std::ptrdiff_t index = static_cast<std::ptrdiff_t>(j) - CorrectedTrapezoid::corrections;
    at[j] = static_cast<double>(index) * rule.step();
    weight[j] = rule.step() * CorrectedTrapezoid::weight(index);
  }
  std::vector<Complex> values(nodes * sites);
  evaluate(kernel, at, values.data());

  // sum_j f_j e^{i step h j n} with j n = (j^2 + n^2 - (n-j)^2)/2: a convolution with a chirp, by transforms. Phases
  // are reduced in extended precision, since j^2 makes them large.
  const std::size_t length = smooth_length(nodes + count);
  const long double unit = static_cast<long double>(grid_.step) * static_cast<long double>(rule.step()) / 2.0L;
  const auto chirp = [&](std::size_t j) {
    const auto square = static_cast<long double>(j) * static_cast<long double>(j);
    const auto phase = static_cast<double>(std::remainder(unit * square, 2.0L * std::numbers::pi_v<long double>));
    return Complex(std::cos(phase), std::sin(phase));
  };
  std::vector<Complex> into(nodes), out(count), convolved(length);
  for (std::size_t j = 0; j < nodes; ++j)
    into[j] = times(chirp(j), weight[j] * std::exp(Complex(-broadening_, frequency_[0]) * at[j]));
  for (std::size_t n = 0; n < count; ++n) {
    // Time starts before 0, with index 0.
    const double phase = static_cast<double>(n) * grid_.step * at[0];
    out[n] = times(chirp(n), Complex(std::sin(phase), -std::cos(phase))) / static_cast<double>(length);
  }
  for (std::size_t n = 0; n < count; ++n) convolved[n] = std::conj(chirp(n));
  for (std::size_t j = 1; j < nodes; ++j) convolved[length - j] = std::conj(chirp(j));
  const Fourier fourier(length);
  fourier.forward(convolved.data(), 1);

  SharedRows momenta(rows, count, grid_.mirrored, execution_.communicator);
  constexpr std::size_t rows_at_once = chirp_rows;
  const std::size_t blocks = (momenta.size() + rows_at_once - 1) / rows_at_once;
  const std::size_t rounds = std::min(blocks, max_rounds);
  const int workers = static_cast<int>(std::min(static_cast<std::size_t>(threads_), std::max<std::size_t>(1, blocks)));
  std::vector<Complex> work_of_threads(static_cast<std::size_t>(workers) * rows_at_once * length);
  stages.expect(rounds);
  for (std::size_t round = 0; round < rounds; ++round) {
    if (stages.skips()) continue;
    const SharedRows::Range range{blocks * round / rounds * rows_at_once,
                                  std::min(momenta.size(), blocks * (round + 1) / rounds * rows_at_once)};
    const SharedRows::Range own = momenta.share(range, rows_at_once);
#pragma omp parallel num_threads(workers) if (own.last - own.first > rows_at_once)
    {
      Complex* work = work_of_threads.data() + static_cast<std::size_t>(omp_get_thread_num()) * rows_at_once * length;
#pragma omp for schedule(dynamic)
      for (std::size_t begin = own.first; begin < own.last; begin += rows_at_once) {
        const std::size_t some = std::min(rows_at_once, own.last - begin);
        for (std::size_t i = 0; i < some; ++i) {
          Complex* row = work + i * length;
          const Complex* column = values.data() + momenta[begin + i].m;
          for (std::size_t j = 0; j < nodes; ++j) row[j] = times(into[j], column[j * sites]);
          std::fill(row + nodes, row + length, Complex(0.0));
        }
        fourier.forward(work, some);
        for (std::size_t i = 0; i < some; ++i)
          for (std::size_t f = 0; f < length; ++f) work[i * length + f] = times(work[i * length + f], convolved[f]);
        fourier.backward(work, some);
        for (std::size_t i = 0; i < some; ++i) {
          const Complex* row = work + i * length;
          const SharedRows::Momentum& momentum = momenta[begin + i];
          for (std::size_t n = 0; n < count; ++n) {
            const Complex value = times(row[n], out[n]);
            if (momentum.row != nullptr) momentum.row[n] += value;
            if (momentum.mirror != nullptr) momentum.mirror[count - 1 - n] -= std::conj(value);
          }
        }
      }
    }
    momenta.gather(range, rows_at_once);
    stages.finished();
  }
  return rule.error() + rounding(kernel, at, weight);
}

double FftSelfEnergy::add_by_device(const MemoryKernel& kernel, std::span<Complex* const> rows,
                                    StagedSum& stages) const {
  const Quadrature quadrature =
      legendre_panels(exponents_of(kernel, grid_.widest, broadening_), plan_.end, tolerance_ / 3.0);
  const std::size_t sites = modes_.sites, count = frequency_.size(), nodes = quadrature.node.size();
  const std::unique_ptr<kernels::TimeDevice> device = make_device_(kernel.tables());
  // The card does all momenta: their mirrors cost less there than here.
  SharedRows momenta(rows, count, false, execution_.communicator);
  const SharedRows::Range all{0, momenta.size()}, own = momenta.share(all, shape_.momenta);
  const auto complete = [&] { momenta.gather(all, shape_.momenta); };

  const std::size_t width = std::min(count, shape_.frequencies);
  const std::size_t batch = std::min(nodes, std::max<std::size_t>(1, shape_.values / std::max(sites, width)));
  std::vector<double> weight(nodes);
  for (std::size_t t = 0; t < nodes; ++t)
    weight[t] = quadrature.weight[t] * std::exp(-broadening_ * quadrature.node[t]);
  std::vector<Complex> sums(shape_.momenta * width);
  stages.expect((nodes + batch - 1) / batch);
  for (std::size_t first = 0; first < nodes; first += batch) {
    if (stages.skips()) continue;
    device->evaluate(quadrature.node.data() + first, static_cast<std::int64_t>(std::min(batch, nodes - first)));
    for (std::size_t begin = 0; begin < count; begin += width) {
      const std::size_t columns = std::min(width, count - begin);
      device->choose(weight.data() + first, frequency_.data() + begin, static_cast<std::int64_t>(columns));
      for (std::size_t tile = own.first; tile < own.last;) {
        // Momenta that stand side by side, to the end of a tile.
        const std::size_t m = momenta[tile].m, end = std::min(own.last, (tile / shape_.momenta + 1) * shape_.momenta);
        std::size_t next = tile + 1;
        while (next < end && momenta[next].m == m + (next - tile)) ++next;
        device->integrate(static_cast<std::int64_t>(m), static_cast<std::int64_t>(m + (next - tile)),
                          reinterpret_cast<double*>(sums.data()));
#pragma omp parallel for schedule(static) num_threads(threads_) if ((next - tile) * columns > 10000)
        for (std::size_t i = tile; i < next; ++i)
          for (std::size_t w = 0; w < columns; ++w) momenta[i].row[begin + w] += sums[(i - tile) * columns + w];
        tile = next;
      }
    }
    stages.finished(complete);
  }
  if (!stages.stopped()) complete();
  return quadrature.error + rounding(kernel, quadrature.node, quadrature.weight);
}

}  // namespace lindrift
