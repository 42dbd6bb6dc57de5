#include "hubbard/ladder.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>

#include "engine/linear_algebra.hpp"
#include "engine/parallel.hpp"
#include "hubbard/direct.hpp"
#include "hubbard/node_products.hpp"
#include "hubbard/quadrature.hpp"
#include "hubbard/volterra.hpp"
#include "kernels/table.hpp"
#include "lindrift/communicator.hpp"
#include "lindrift/error.hpp"

namespace lindrift {

namespace {

using Complex = std::complex<double>;
using kernels::VolterraTables;

constexpr auto margin = static_cast<std::size_t>(VolterraTables::margin);
constexpr auto start = static_cast<std::size_t>(VolterraTables::start);
constexpr auto circle_points = static_cast<std::size_t>(VolterraTables::circle_points);
constexpr auto series_terms = static_cast<std::size_t>(VolterraTables::series_terms);
constexpr std::size_t group = VolterraMarch::group;
static_assert(margin <= start, "the series around t = 0 gives the rows before it");

/// Number of times that a thread transforms together.
constexpr std::size_t times_at_once = 16;
constexpr double max_steps = 2e7;
/// Number of times after which the result can be stopped and saved.
constexpr std::size_t batch_times = 512;
/// Seconds of one core per momentum for a step of the integral equation and its transforms; and per operation of a
/// matrix product.
constexpr double seconds_per_step = 1.2e-7, seconds_per_product = 1.0 / 6e10;

/// Calls work(first, count) for every block of times of this rank, on the threads of the execution.
template <class Work>
void share_times(std::size_t first, std::size_t last, const Execution& execution, const Work& work) {
  const std::size_t blocks = (last - first + times_at_once - 1) / times_at_once;
  in_parts(threads_of(execution), blocks, [&](std::size_t block, std::size_t end, std::size_t) {
    for (; block < end; ++block) {
      const std::size_t begin = first + block * times_at_once;
      work(begin, std::min(times_at_once, last - begin));
    }
  });
}

/// The factors of one ladder in MemoryKernel::transforms(): the partner of the probe in the pair, and the line that
/// closes the pair.
struct Lines {
  std::size_t partner, closing;
};

/// Propagation of free pairs by total momentum Q, from the transforms of their lines                      (Eq. 81)
void free_pairs(const Fourier& fourier, Lines lines, std::size_t count, const Complex* transforms, Complex* pairs) {
  const std::size_t sites = fourier.length();
  const double over = 1.0 / static_cast<double>(sites), scale = over * over;
  for (std::size_t t = 0; t < count; ++t) {
    const Complex *partner = transforms + (3 * t + lines.partner) * sites, *probe = transforms + (3 * t + 2) * sites;
    for (std::size_t r = 0; r < sites; ++r) pairs[t * sites + r] = scale * (partner[r] * probe[r]);
  }
  fourier.forward(pairs, count);
}

/// K(k,t) from tau(Q,t), in place: times the line that closes the pair, summed over its momentum         (Eq. 83)
void close_pairs(const Fourier& fourier, Lines lines, std::size_t count, const Complex* transforms, Complex* pairs) {
  const std::size_t sites = fourier.length();
  const double over = 1.0 / static_cast<double>(sites), scale = over * over;
  fourier.backward(pairs, count);
  for (std::size_t t = 0; t < count; ++t) {
    const Complex* closing = transforms + (3 * t + lines.closing) * sites;
    for (std::size_t r = 0; r < sites; ++r) pairs[t * sites + r] *= scale * closing[r];
  }
  fourier.forward(pairs, count);
}

/// tau around t = 0 as a series in t / radius, from the propagation of free pairs on a circle of that radius (Eq. 85)
std::array<Complex, series_terms> series_of(const Complex* circle, std::size_t stride, double interaction, Complex rate,
                                            double radius) {
  std::array<Complex, series_terms> free{}, tau{};
  for (std::size_t n = 0; n < series_terms; ++n) {
    for (std::size_t l = 0; l < circle_points; ++l)
      free[n] += circle[l * stride] *
                 std::polar(1.0, -2.0 * std::numbers::pi * static_cast<double>(n * l % circle_points) / circle_points);
    free[n] /= static_cast<double>(circle_points);
  }
  for (std::size_t n = 0; n < series_terms; ++n) {
    // int_0^t of the powers i and j is i! j! / (i+j+1)! times the power i+j+1 = n.
    Complex sum = 0.0;
    double beta = n > 0 ? 1.0 / static_cast<double>(n) : 0.0;
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t j = n - 1 - i;
      sum += beta * free[i] * tau[j];
      if (j > 0) beta *= static_cast<double>(i + 1) / static_cast<double>(j);
    }
    tau[n] = interaction * interaction * free[n] - radius * rate * sum;
  }
  return tau;
}

Complex value_of(const std::array<Complex, series_terms>& series, Complex x) {
  Complex value = 0.0;
  for (std::size_t n = series_terms; n-- > 0;) value = value * x + series[n];
  return value;
}

/// Replaces the propagation of free pairs by tau, for a group of momenta.
/// @param rate  i U for a particle, -i U for a hole
void collide(const VolterraMarch& march, std::size_t first, double interaction, Complex rate, std::size_t sites,
             Complex* rows, Complex* circle, VolterraMarch::Workspace& workspace) {
  const auto count = static_cast<std::size_t>(march.tables().count);
  const double step = march.tables().step;
  const std::size_t lanes = std::min(group, sites - first);
  const kernels::VolterraArrays arrays = march.arrays(workspace);
  // The equation is implicit in the newest value: (1 + step w_0 rate Pi(0)) tau_n = U^2 Pi_n - ... Multiplied by that
  // factor, the values obey an explicit equation with the kernel divided by it.
  std::array<Complex, group> factor;
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    Complex* column = rows + first + lane;
    factor[lane] = 1.0 + step * (1.0 + march.tables().end[0]) * rate * column[margin * sites];
    const auto series = series_of(circle + first + lane, sites, interaction, rate, static_cast<double>(start) * step);
    for (std::size_t n = 0; n < count; ++n) {
      const std::size_t at = n * group + lane;
      const Complex free = column[(margin + n) * sites], q = rate * free / factor[lane],
                    drive = -interaction * interaction * free / step;
      arrays.q_re[at] = q.real();
      arrays.q_im[at] = q.imag();
      arrays.sum_re[at] = drive.real();
      arrays.sum_im[at] = drive.imag();
    }
    for (std::size_t i = 0; i < margin + start; ++i) {
      const double x = (static_cast<double>(i) - static_cast<double>(margin)) / static_cast<double>(start);
      column[i * sites] = value_of(series, x);
      if (i < margin) continue;
      const Complex g = factor[lane] * column[i * sites];
      arrays.g_re[(i - margin) * group + lane] = g.real();
      arrays.g_im[(i - margin) * group + lane] = g.imag();
    }
    for (std::size_t l = 0; l < circle_points; ++l)
      circle[l * sites + first + lane] = value_of(
          series,
          std::polar(1.0, 2.0 * std::numbers::pi * static_cast<double>(l) / static_cast<double>(circle_points)));
  }
  for (std::size_t lane = lanes; lane < group; ++lane)
    for (std::size_t n = 0; n < count; ++n)
      for (double* array : {arrays.q_re, arrays.q_im, arrays.g_re, arrays.g_im}) array[n * group + lane] = 0.0;
  march.advance(first, arrays, workspace);
  for (std::size_t lane = 0; lane < lanes; ++lane)
    for (std::size_t n = start; n < count; ++n)
      rows[(margin + n) * sites + first + lane] =
          Complex(arrays.g_re[n * group + lane], arrays.g_im[n * group + lane]) / factor[lane];
}

}  // namespace

namespace {

std::vector<double> times_of_rows(double step, std::size_t rows) {
  std::vector<double> times(rows);
  for (std::size_t i = 0; i < rows; ++i) times[i] = (static_cast<double>(i) - static_cast<double>(margin)) * step;
  return times;
}

}  // namespace

LadderKernel::Run LadderKernel::evaluate(double step, std::size_t count, const Execution& execution) const {
  const std::size_t sites = modes_.sites, times = count + 2 * margin;
  // Vectors of momenta read beyond the last momentum.
  Run run{std::vector<Complex>(times * sites + group), std::vector<Complex>(circle_points * sites + group)};
  if (modes_.ladder != Ladder::hole) add_ladder(false, step, count, execution, run);
  if (modes_.ladder != Ladder::particle) add_ladder(true, step, count, execution, run);
  if (modes_.ladder == Ladder::both) {
    std::vector<Complex> second(std::max(times, circle_points) * sites);
    second_order_.evaluate(times_of_rows(step, times), second.data(), execution);
    for (std::size_t i = 0; i < times * sites; ++i) run.rows[i] -= second[i];
    second_order_.evaluate(circle_of_times(step), second.data());
    for (std::size_t i = 0; i < circle_points * sites; ++i) run.circle[i] -= second[i];
  }
  return run;
}

void LadderKernel::add_ladder(bool hole, double step, std::size_t count, const Execution& execution, Run& run) const {
  const std::size_t sites = modes_.sites, times = count + 2 * margin;
  const Lines lines = hole ? Lines{0, 1} : Lines{1, 0};
  const Complex rate(0.0, hole ? -modes_.interaction : modes_.interaction);
  const Fourier fourier(modes_.order);
  Communicator& communicator = communicator_of(execution);
  const auto rank = static_cast<std::size_t>(communicator.rank());
  const auto shares = share_bounds(communicator, times);
  const std::vector<double> at = times_of_rows(step, times);
  std::vector<Complex> rows(times * sites + group), circle(circle_points * sites), on_circle(3 * circle_points * sites);
  const auto each_time = [&](const auto& use) {
    share_times(shares[rank], shares[rank + 1], execution, [&](std::size_t first, std::size_t some) {
      std::vector<Complex> transforms(3 * some * sites);
      second_order_.transforms(std::span<const double>(at).subspan(first, some), transforms.data());
      use(some, transforms.data(), rows.data() + first * sites);
    });
    communicator.all_gather({reinterpret_cast<double*>(rows.data()), 2 * times * sites},
                            share_bounds(communicator, times, 1, 2 * sites));
  };
  each_time([&](std::size_t some, const Complex* transforms, Complex* pairs) {
    free_pairs(fourier, lines, some, transforms, pairs);
  });
  second_order_.transforms(circle_of_times(step), on_circle.data());
  free_pairs(fourier, lines, circle_points, on_circle.data(), circle.data());

  VolterraTables tables;
  tables.sites = static_cast<std::int64_t>(sites);
  tables.count = static_cast<std::int64_t>(count + margin);
  tables.step = step;
  tables.driven = true;
  const auto corrections = gregory_corrections();
  std::copy(corrections.begin(), corrections.end(), tables.end);
  const VolterraMarch march(tables);
  const std::size_t groups = (sites + group - 1) / group;
  const int threads = threads_of(execution);
  std::vector<VolterraMarch::Workspace> workspaces(static_cast<std::size_t>(threads));
  in_parts(threads, groups, [&](std::size_t g, std::size_t last, std::size_t thread) {
    for (; g < last; ++g)
      collide(march, g * group, modes_.interaction, rate, sites, rows.data(), circle.data(), workspaces[thread]);
  });

  each_time([&](std::size_t some, const Complex* transforms, Complex* pairs) {
    close_pairs(fourier, lines, some, transforms, pairs);
  });
  close_pairs(fourier, lines, circle_points, on_circle.data(), circle.data());
  for (std::size_t i = 0; i < times * sites; ++i) run.rows[i] += rows[i];
  for (std::size_t i = 0; i < circle_points * sites; ++i) run.circle[i] += circle[i];
}

double LadderKernel::bound(double time) const {
  double particles = 0.0, holes = 0.0;
  for (std::size_t p = 0; p < modes_.sites; ++p) {
    particles += modes_.occupation[p] * std::exp(-0.5 * modes_.rate[p] * time);
    holes += modes_.hole[p] * std::exp(-0.5 * modes_.rate[p] * time);
  }
  const double over = 1.0 / static_cast<double>(modes_.sites), square = modes_.interaction * modes_.interaction;
  const double slowest = std::exp(-0.5 * modes_.slowest_rate * time);
  // |tau| <= U^2 mean e^{-slowest t / 2}: the pair's matrix is symmetric, and its anti-Hermitian part contains only the
  // rates.
  double sum = 0.0;
  if (modes_.ladder != Ladder::hole) sum += square * over * particles * (1.0 - modes_.mean_occupation) * slowest;
  if (modes_.ladder != Ladder::particle) sum += square * over * holes * modes_.mean_occupation * slowest;
  if (modes_.ladder == Ladder::both) sum += square * over * particles * over * holes;
  return sum;
}

double LadderKernel::tail(double time, double broadening) const {
  return bound(time) * std::exp(-broadening * time) / (slowest_decay() + broadening);
}

double LadderKernel::bytes(double sites, double steps) {
  return 16.0 * sites * (2.0 * steps + 5.0 * static_cast<double>(circle_points));
}

double ladder_bandwidth(const HubbardModes& modes) { return modes.kernel_bandwidth + std::fabs(modes.interaction); }

double ladder_step(const HubbardModes& modes, double tolerance) {
  const double fastest = std::hypot(ladder_bandwidth(modes), modes.fastest_rate + 0.5 * modes.fastest_probe_loss);
  return volterra_step(fastest, tolerance);
}

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
                                   double tolerance, const Execution& execution)
    : modes_(modes),
      kernel_(modes_),
      frequency_(frequency.begin(), frequency.end()),
      broadening_(broadening),
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
  const auto sites = static_cast<double>(modes_.sites);
  seconds_ = (modes_.ladder == Ladder::both ? 2.0 : 1.0) * 3.0 * nodes * sites * seconds_per_step +
             8.0 * sites * nodes * static_cast<double>(frequency.size()) * seconds_per_product;
}

double LadderSelfEnergy::memory_bytes() const {
  const auto sites = static_cast<double>(modes_.sites), nodes = static_cast<double>(nodes_);
  const auto count = static_cast<double>(frequency_.size());
  return LadderKernel::bytes(sites, 2.0 * nodes) + 16.0 * sites * nodes +
         16.0 * static_cast<double>(batch_times) * (sites + count);
}

double LadderSelfEnergy::add_grid(std::span<Complex* const> rows, StagedSum& stages) const {
  if (modes_.first_moment == 0.0) return 0.0;
  linear_algebra::require_library();
  constexpr auto before = static_cast<std::size_t>(CorrectedTrapezoid::corrections);
  const std::size_t sites = modes_.sites, nodes = nodes_ + before;
  const LadderKernel::Run fine = kernel_.evaluate(step_, 2 * nodes_, execution_);
  double difference = 0.0;
  {
    const LadderKernel::Run rough = kernel_.evaluate(2.0 * step_, nodes_, execution_);
    // Largest error of K over the momenta, integrated over time.
    for (std::size_t i = 0; i < nodes_; ++i) {
      double largest = 0.0;
      for (std::size_t m = 0; m < sites; ++m)
        largest =
            std::max(largest, std::abs(fine.rows[(margin + 2 * i) * sites + m] - rough.rows[(margin + i) * sites + m]));
      difference += 2.0 * step_ * largest;
    }
  }
  std::vector<double> at(nodes), weight(nodes);
  double rounding = 0.0;
  const FrequencyGrid grid(frequency_, false);
  for (std::size_t j = 0; j < nodes; ++j) {
    const std::ptrdiff_t index = static_cast<std::ptrdiff_t>(j) - static_cast<std::ptrdiff_t>(before);
    at[j] = 2.0 * step_ * static_cast<double>(index);
    weight[j] = 2.0 * step_ * CorrectedTrapezoid::weight(index);
    if (j % 16 == 0)
      rounding += 16.0 * std::fabs(weight[j]) * kernel_.bound(std::max(0.0, at[j])) *
                  (8.0 + (grid.largest + ladder_bandwidth(modes_)) * std::fabs(at[j]));
  }
  SharedRows momenta(rows, grid.frequency.size(), false, execution_.communicator);
  const std::size_t tile = momenta_per_tile(momenta.size());
  const SharedRows::Range all{0, momenta.size()}, own = momenta.share(all, tile);
  const auto complete = [&] { momenta.gather(all, tile); };
  NodeProducts products(grid, std::min(batch_times, nodes), tile, threads_of(execution_));
  std::vector<Complex> values(std::min(batch_times, nodes) * sites);
  stages.expect((nodes + batch_times - 1) / batch_times);
  for (std::size_t first = 0; first < nodes; first += batch_times) {
    if (stages.skips()) continue;
    const std::size_t count = std::min(batch_times, nodes - first);
    for (std::size_t i = 0; i < count; ++i)
      std::copy_n(fine.rows.begin() + static_cast<std::ptrdiff_t>((2 * (first + i) + margin - 2 * before) * sites),
                  sites, values.begin() + static_cast<std::ptrdiff_t>(i * sites));
    products.set_nodes(std::span<const double>(at).subspan(first, count),
                       std::span<const double>(weight).subspan(first, count), broadening_);
    products.add(values.data(), sites, momenta, own);
    stages.finished(complete);
  }
  if (!stages.stopped()) complete();
  return kernel_.tail(end_, broadening_) + quadrature_error_ + difference / claimed_gain +
         0.5 * std::numeric_limits<double>::epsilon() * rounding;
}

}  // namespace lindrift
