#include "hubbard/volterra.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "engine/complex_product.hpp"
#include "hubbard/quadrature.hpp"
#include "kernels/table.hpp"

namespace lindrift {

namespace {

using Complex = std::complex<double>;
using kernels::VolterraArrays;
using kernels::VolterraTables;

constexpr auto order = static_cast<std::size_t>(VolterraTables::order);
constexpr auto margin = static_cast<std::size_t>(VolterraTables::margin);
constexpr auto stencil = static_cast<std::size_t>(VolterraTables::stencil);
constexpr auto circle_points = static_cast<std::size_t>(VolterraTables::circle_points);
constexpr std::size_t group = VolterraSolver::group;

/// Number of steps up to which a convolution costs less term by term.
constexpr std::size_t max_direct_steps = 384;

/// Reorders a group's arrays to one row of complex numbers per momentum, padded with zeros.
void gather(const double* re, const double* im, std::size_t first, std::size_t count, std::size_t length,
            Complex* rows) {
  for (std::size_t lane = 0; lane < group; ++lane) {
    Complex* row = rows + lane * length;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t place = (first + i) * group + lane;
      row[i] = {re[place], im[place]};
    }
    std::fill(row + count, row + length, Complex(0.0));
  }
}

/// Interpolating polynomial through the steps nearest to `position`: its first step, and the weight of each step.
std::size_t interpolation(double position, std::size_t count, double* weight) {
  const auto nearest = static_cast<std::ptrdiff_t>(std::floor(position));
  const auto last = static_cast<std::ptrdiff_t>(count - stencil);
  const auto first = static_cast<std::size_t>(
      std::clamp(nearest - static_cast<std::ptrdiff_t>(stencil / 2) + 1, std::ptrdiff_t{0}, last));
  double sum = 0.0, binomial = 1.0;
  for (std::size_t i = 0; i < stencil; ++i) {
    const double distance = position - static_cast<double>(first + i);
    if (distance == 0.0) {
      std::fill_n(weight, stencil, 0.0);
      weight[i] = 1.0;
      return first;
    }
    weight[i] = binomial / distance;
    sum += weight[i];
    binomial *= -static_cast<double>(stencil - 1 - i) / static_cast<double>(i + 1);
  }
  for (std::size_t i = 0; i < stencil; ++i) weight[i] /= sum;
  return first;
}

}  // namespace

std::array<double, order> gregory_corrections() {
  std::array<double, order + 1> a{1.0};  // of -x / log(1-x): coefficients of differences
  for (std::size_t n = 1; n <= order; ++n)
    for (std::size_t k = 0; k < n; ++k) a[n] -= a[k] / static_cast<double>(n + 1 - k);
  std::array<double, order> weight{};
  weight[0] = -0.5;
  for (std::size_t m = 1; m < order; ++m) {
    double binomial = 1.0;
    for (std::size_t j = 0; j <= m; ++j) {
      weight[j] += a[m + 1] * (j % 2 == 0 ? binomial : -binomial);
      binomial = binomial * static_cast<double>(m - j) / static_cast<double>(j + 1);
    }
  }
  return weight;
}

VolterraEquation::VolterraEquation(const HubbardModes& modes, std::span<const double> at, std::size_t steps,
                                   double step)
    : at_(at.begin(), at.end()) {
  const std::size_t sites = modes.sites, padded = (sites + group - 1) / group * group;
  energy_.resize(padded);
  level_.resize(padded);
  decay_.resize(padded);
  for (std::size_t m = 0; m < sites; ++m) {
    level_[m] = modes.energy[m] + modes.level_shift();
    energy_[m] = level_[m] - modes.argument_shift();
    decay_[m] = 0.5 * modes.probe_loss[m];
  }
  turns_ = turns_of_circle();
  weights_.resize(at_.size() * stencil);
  for (std::size_t t = 0; t < at_.size(); ++t)
    first_.push_back(static_cast<std::int64_t>(interpolation(at_[t] / step, steps + 1, weights_.data() + t * stencil)));

  const auto end = gregory_corrections();
  static_assert(CorrectedTrapezoid::corrections == VolterraTables::order);
  for (std::size_t j = 0; j < order; ++j) {
    fine.end[j] = end[j];
    fine.correction[j] = CorrectedTrapezoid::weight(static_cast<std::ptrdiff_t>(j + 1)) - 1.0;
  }
  fine.sites = static_cast<std::int64_t>(sites);
  fine.count = static_cast<std::int64_t>(steps + 1);
  fine.step = step;
  fine.energy = energy_.data();
  fine.level = level_.data();
  fine.decay = decay_.data();
  fine.turns = turns_.data();
  fine.times = static_cast<std::int64_t>(at_.size());
  fine.at = at_.data();
  fine.first = first_.data();
  fine.weights = weights_.data();
  rough = fine;
  rough.count = static_cast<std::int64_t>(steps / 2 + 1);
  rough.stride = 2;
  rough.step = 2.0 * step;
}

double volterra_step(double fastest, double tolerance) {
  constexpr double fine = 0.28, coarse = 0.56, coarse_tolerance = 1e-9;
  return (tolerance >= coarse_tolerance ? coarse : fine) / fastest;
}

std::vector<double> turns_of_circle() {
  std::vector<double> turns;
  for (const bool sine : {false, true})
    for (std::size_t l = 0; l < circle_points; ++l) {
      const double angle = 2.0 * std::numbers::pi * static_cast<double>(l) / circle_points;
      turns.push_back(sine ? std::sin(angle) : std::cos(angle));
    }
  return turns;
}

std::vector<Complex> circle_of_times(double step) {
  std::vector<Complex> times;
  for (std::size_t l = 0; l < circle_points; ++l)
    times.push_back(std::polar(static_cast<double>(VolterraTables::start) * step,
                               2.0 * std::numbers::pi * static_cast<double>(l) / circle_points));
  return times;
}

std::vector<double> VolterraEquation::grid() const {
  std::vector<double> times(static_cast<std::size_t>(fine.count) + 2 * margin);
  for (std::size_t i = 0; i < times.size(); ++i)
    times[i] = (static_cast<double>(i) - static_cast<double>(margin)) * fine.step;
  return times;
}

std::vector<Complex> VolterraEquation::circles() const {
  std::vector<Complex> times = circle_of_times(fine.step);
  const std::vector<Complex> others = circle_of_times(rough.step);
  times.insert(times.end(), others.begin(), others.end());
  return times;
}

VolterraMarch::VolterraMarch(const VolterraTables& tables) : tables_(tables) {
  const auto count = static_cast<std::size_t>(tables_.count);
  std::size_t blocks = 1;
  while ((count + blocks - 1) / blocks > max_direct_steps) blocks *= 2;
  block_ = smooth_length((count + blocks - 1) / blocks);
  for (std::size_t length = block_; length < count; length *= 2) fourier_.emplace_back(2 * length);
}

VolterraArrays VolterraMarch::arrays(Workspace& workspace) const {
  const auto count = static_cast<std::size_t>(tables_.count);
  const std::size_t ends = 2 * static_cast<std::size_t>(VolterraTables::order);
  workspace.arrays.resize(group * (8 * count + 2 * ends));
  double* next = workspace.arrays.data();
  const auto take = [&](std::size_t rows) {
    double* array = next;
    next += rows * group;
    return array;
  };
  VolterraArrays result;
  result.lanes = VolterraTables::group;
  result.k_re = take(count + ends);
  result.k_im = take(count + ends);
  for (double** array : {&result.q_re, &result.q_im, &result.g_re, &result.g_im, &result.sum_re, &result.sum_im})
    *array = take(count);
  std::fill(result.sum_re, result.sum_re + 2 * count * group, 0.0);
  return result;
}

void VolterraMarch::advance(std::size_t first, const VolterraArrays& arrays, Workspace& workspace) const {
  std::size_t length = block_;
  if (!fourier_.empty()) {
    const auto count = static_cast<std::size_t>(tables_.count);
    workspace.spectra.resize(std::max(workspace.spectra.size(), group * 2 * (fourier_.back().length() - block_)));
    Complex* spectrum = workspace.spectra.data();
    for (const Fourier& fourier : fourier_) {
      length = fourier.length();
      gather(arrays.q_re, arrays.q_im, 0, std::min(length, count), length, spectrum);
      fourier.forward(spectrum, group);
      const double over = 1.0 / static_cast<double>(length);
      for (std::size_t i = 0; i < group * length; ++i) spectrum[i] *= over;
      spectrum += group * length;
    }
  }
  advance(first, arrays, workspace, 0, length);
}

/// Computes the steps begin .. begin + length - 1, whose sums already include everything before them.
void VolterraMarch::advance(std::size_t first, const VolterraArrays& arrays, Workspace& workspace, std::size_t begin,
                            std::size_t length) const {
  const auto count = static_cast<std::size_t>(tables_.count);
  if (begin >= count) return;
  if (length == block_) {
    kernels::cpu_kernels().volterra.advance(tables_, static_cast<std::int64_t>(first), arrays,
                                            static_cast<std::int64_t>(begin),
                                            std::max(static_cast<std::int64_t>(begin), VolterraTables::start),
                                            static_cast<std::int64_t>(std::min(begin + length, count)));
    return;
  }
  const std::size_t half = length / 2, middle = begin + half;
  advance(first, arrays, workspace, begin, half);
  if (middle >= count) return;
  // Contribution of the first half to the sums of the second. A cyclic convolution of this length wraps around into the
  // first half only.
  std::size_t level = 0;
  while (fourier_[level].length() != length) ++level;
  workspace.rows.resize(std::max(workspace.rows.size(), group * length));
  Complex* rows = workspace.rows.data();
  gather(arrays.g_re, arrays.g_im, begin, half, length, rows);
  fourier_[level].forward(rows, group);
  // The spectra of the levels below come first; their lengths double from 2 block on.
  const Complex* spectrum = workspace.spectra.data() + group * (length - 2 * block_);
  for (std::size_t i = 0; i < group * length; ++i) rows[i] = times(rows[i], spectrum[i]);
  fourier_[level].backward(rows, group);
  for (std::size_t i = 0; i < std::min(half, count - middle); ++i)
    for (std::size_t lane = 0; lane < group; ++lane) {
      const std::size_t row = (middle + i) * group + lane;
      arrays.sum_re[row] += rows[lane * length + half + i].real();
      arrays.sum_im[row] += rows[lane * length + half + i].imag();
    }
  advance(first, arrays, workspace, middle, half);
}

VolterraSolver::VolterraSolver(const VolterraTables& fine, const VolterraTables& rough) : fine_(fine), rough_(rough) {}

void VolterraSolver::solve(std::size_t first, const Complex* rows, const Complex* rough_rows, const Complex* circles,
                           Workspace& workspace, Complex* green, double* difference) const {
  const VolterraArrays fine = fine_.arrays(workspace.fine), rough = rough_.arrays(workspace.rough);
  const auto momentum = static_cast<std::int64_t>(first);
  const kernels::VolterraFunctions& functions = kernels::cpu_kernels().volterra;
  const auto run = [&](const VolterraMarch& march, const VolterraArrays& own, const Complex* kernel,
                       const Complex* circle, VolterraMarch::Workspace& memory) {
    functions.prepare(march.tables(), momentum, reinterpret_cast<const double*>(kernel),
                      reinterpret_cast<const double*>(circle), own);
    march.advance(first, own, memory);
  };
  run(fine_, fine, rows, circles, workspace.fine);
  run(rough_, rough, rough_rows, circles + VolterraTables::circle_points * fine_.tables().sites, workspace.rough);
  functions.compare(rough_.tables(), rough, fine, difference);
  functions.finish(fine_.tables(), momentum, fine, reinterpret_cast<double*>(green));
}

double VolterraMarch::operations(double steps) {
  const double block = std::min(steps, static_cast<double>(max_direct_steps));
  double operations = 250.0 + 4.0 * block;
  for (double length = 2.0 * block; length < 2.0 * steps; length *= 2.0) operations += 10.0 * std::log2(length) + 20.0;
  return operations;
}

double VolterraSolver::operations(double steps) {
  return VolterraMarch::operations(steps) + 0.5 * VolterraMarch::operations(0.5 * steps);
}

}  // namespace lindrift
