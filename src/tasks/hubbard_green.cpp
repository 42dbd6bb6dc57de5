#include "lindrift/tasks/hubbard_green.hpp"

#include <omp.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "fourier.hpp"
#include "lindrift/error.hpp"
#include "lindrift/team.hpp"
#include "models/hubbard_kernel.hpp"
#include "models/hubbard_quadrature.hpp"

namespace lindrift {

namespace {

using Complex = std::complex<double>;

/// Order of the quadrature's end corrections, in the integral equation and in its kernel; the first 2 order values come
/// from a Taylor series.
constexpr std::size_t order = 10;
constexpr std::size_t start = 2 * order;
/// step * (largest exponent): the error is 3e-14 and 3e-11, measured.
constexpr double fine_step = 0.28, coarse_step = 0.56, coarse_tolerance = 1e-9;
constexpr int most_halvings = 3;
/// The error of order 10 falls by 2^10 with half the step; this much of it is claimed.
constexpr double claimed_gain = 256.0;
/// What rounding leaves: sums of some thousand terms of order one.
constexpr double rounding = 2e-14;
/// Terms of the series at the start, points on the circle that they come from.
constexpr std::size_t series_terms = 60, circle_points = 96;
/// Points of the interpolation between steps.
constexpr std::size_t stencil = 16;
/// Momenta that one thread solves at a time; their columns of K share cache lines.
constexpr std::size_t momenta_at_once = 4;
/// Times that a run looks whether it should stop.
constexpr std::size_t rounds = 16;

inline Complex times(Complex a, Complex b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

/// What is added to the weight 1 of the first and last `order` points: Gregory's coefficients of the differences.
std::array<double, order> gregory_weights() {
  std::array<double, order + 1> a{1.0};  // of -x / log(1-x)
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

/// sum_{j=1}^{n} Q_j g_{n-j} with eight interleaved partial sums.
Complex convolution(const double* kernel_re, const double* kernel_im, const double* reversed_re,
                    const double* reversed_im, std::size_t count) {
  constexpr std::size_t lanes = 8;
  double re[lanes]{}, im[lanes]{};
  std::size_t j = 0;
  for (; j + lanes <= count; j += lanes)
    for (std::size_t l = 0; l < lanes; ++l) {
      const double a = kernel_re[j + l], b = kernel_im[j + l], c = reversed_re[j + l], d = reversed_im[j + l];
      re[l] += a * c - b * d;
      im[l] += a * d + b * c;
    }
  for (; j < count; ++j) {
    re[0] += kernel_re[j] * reversed_re[j] - kernel_im[j] * reversed_im[j];
    im[0] += kernel_re[j] * reversed_im[j] + kernel_im[j] * reversed_re[j];
  }
  Complex sum = 0.0;
  for (std::size_t l = 0; l < lanes; ++l) sum += Complex(re[l], im[l]);
  return sum;
}

/// g at steps 0 .. 2 order - 1 of equal length from its Taylor series, whose coefficients follow from those of the
/// kernel kt (Eq. 79): values of kt on a circle of this radius.
std::vector<Complex> taylor_start(std::vector<Complex> circle, double radius, double step) {
  // kt(t) = sum_i a_i (t/radius)^i, g likewise with b_i.
  std::vector<Complex> a(series_terms), b(series_terms);
  for (std::size_t i = 0; i < series_terms; ++i) {
    for (std::size_t l = 0; l < circle_points; ++l) {
      const double phase =
          -2.0 * std::numbers::pi * static_cast<double>(i * l % circle_points) / static_cast<double>(circle_points);
      a[i] += times(circle[l], std::polar(1.0 / static_cast<double>(circle_points), phase));
    }
  }
  b[0] = 1.0;
  for (std::size_t n = 1; n + 1 < series_terms; ++n) {
    // -int_0^t kt(t-t') g(t') dt' of powers i and j is i! j! / (i+j+1)! of power i+j+1 = n.
    Complex sum = 0.0;
    double beta = 1.0 / static_cast<double>(n);  // i! j! / n! at i = 0
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t j = n - 1 - i;
      sum += beta * times(a[i], b[j]);
      if (j > 0) beta *= static_cast<double>(i + 1) / static_cast<double>(j);
    }
    b[n + 1] = -radius * radius / static_cast<double>(n + 1) * sum;
  }
  std::vector<Complex> values(start);
  for (std::size_t n = 0; n < start; ++n) {
    const double x = static_cast<double>(n) * step / radius;
    for (std::size_t i = series_terms; i-- > 0;) values[n] = values[n] * x + b[i];
  }
  return values;
}

/// g at all steps from kt at steps -order .. count-1+order: g(t) = 1 - int_0^t Q(t-t') g(t') dt' with Q the integral of
/// kt, which vanishes at 0 and makes every step explicit.
std::vector<Complex> integrate(const std::vector<Complex>& kt, std::size_t count, double step,
                               const std::vector<Complex>& first_values) {
  static const std::array<double, order> end = gregory_weights();
  static_assert(CorrectedTrapezoid::corrections == order);
  std::vector<double> q_re(count), q_im(count), g_re(count), g_im(count);
  // g backwards in time, so that a convolution runs forwards over both: reversed[count - 1 - n] = g_n.
  Complex running = 0.0;
  for (std::size_t n = 0; n < count; ++n) {
    Complex value = running + 0.5 * (kt[order] + kt[order + n]);
    if (n == 0) value = 0.0;
    for (std::size_t j = 1; j <= order && n > 0; ++j) {
      const double c = CorrectedTrapezoid::weight(static_cast<std::ptrdiff_t>(j)) - 1.0;
      value += c * ((kt[order + j] - kt[order - j]) - (kt[order + n + j] - kt[order + n - j]));
    }
    q_re[n] = step * value.real();
    q_im[n] = step * value.imag();
    if (n > 0) running += kt[order + n];
  }
  std::vector<Complex> g(count);
  for (std::size_t n = 0; n < count; ++n) {
    if (n < start) {
      g[n] = first_values[n];
    } else {
      const std::size_t back = count - n;  // reversed index of g_{n-1}
      Complex sum = convolution(q_re.data() + 1, q_im.data() + 1, g_re.data() + back, g_im.data() + back, n);
      for (std::size_t j = 0; j < order; ++j) {
        sum += end[j] * times(Complex(q_re[n - j], q_im[n - j]), g[j]);
        if (j > 0) sum += end[j] * times(Complex(q_re[j], q_im[j]), g[n - j]);
      }
      g[n] = 1.0 - step * sum;
    }
    g_re[count - 1 - n] = g[n].real();
    g_im[count - 1 - n] = g[n].imag();
  }
  return g;
}

/// Polynomial through the nearest steps.
Complex interpolate(const std::vector<Complex>& g, double position) {
  const auto nearest = static_cast<std::ptrdiff_t>(std::floor(position));
  const auto last = static_cast<std::ptrdiff_t>(g.size()) - static_cast<std::ptrdiff_t>(stencil);
  const std::ptrdiff_t first = std::clamp(nearest - static_cast<std::ptrdiff_t>(stencil / 2) + 1, std::ptrdiff_t{0},
                                          std::max<std::ptrdiff_t>(last, 0));
  Complex numerator = 0.0;
  double denominator = 0.0, binomial = 1.0;
  for (std::size_t i = 0; i < stencil; ++i) {
    const auto index = static_cast<std::size_t>(first) + i;
    const double distance = position - static_cast<double>(index);
    if (distance == 0.0) return g[index];
    const double weight = binomial / distance;
    numerator += weight * g[index];
    denominator += weight;
    binomial *= -static_cast<double>(stencil - 1 - i) / static_cast<double>(i + 1);
  }
  return numerator / denominator;
}

/// Largest exponent of kt: energies of three particles against one, and their decay.
double largest_exponent(const HubbardModes& modes) {
  return std::hypot(8.0 * std::fabs(modes.hopping) + std::fabs(modes.level_shift() - modes.argument_shift()),
                    modes.fastest_rate + 0.5 * modes.fastest_probe_loss) +
         std::sqrt(modes.first_moment);
}

std::size_t steps_for(double last, double step) {
  return std::max<std::size_t>(2 * (start + stencil), 2 * (static_cast<std::size_t>(std::ceil(last / step)) / 2 + 1));
}

/// G(k,t) in the order of the transforms, (sites, times), and how far two steps differ.
struct Solution {
  std::vector<Complex> green;
  double difference = 0.0;
  bool stopped = false;
};

Solution solve(const HubbardModes& modes, std::span<const double> at, double step, const Execution& execution,
               const std::function<bool(double)>& progress) {
  const std::size_t sites = modes.sites, steps = steps_for(at.back(), step), count = steps + 1;
  const int threads = execution.threads > 0 ? execution.threads : omp_get_max_threads();
  const HubbardKernel kernel(modes);
  Team* team = execution.team != nullptr && execution.team->size() > 1 ? execution.team : nullptr;

  // The coarse run takes every other value, and end corrections twice as far out.
  const std::size_t margin = 2 * order, rows = count + 2 * margin;
  std::vector<double> grid(rows);
  for (std::size_t i = 0; i < rows; ++i) grid[i] = (static_cast<double>(i) - static_cast<double>(margin)) * step;
  std::vector<Complex> values(rows * sites), circle(2 * circle_points * sites);
  const auto evaluate = [&](std::span<const double> times_there, Complex* to) {
    if (team == nullptr) return kernel.evaluate(times_there, to, threads);
    const auto shares = share_bounds(*team, times_there.size());
    const auto rank = static_cast<std::size_t>(team->rank());
    kernel.evaluate(times_there.subspan(shares[rank], shares[rank + 1] - shares[rank]), to + shares[rank] * sites,
                    threads);
    team->all_gather({reinterpret_cast<double*>(to), 2 * times_there.size() * sites},
                     share_bounds(*team, times_there.size(), 1, 2 * sites));
  };
  evaluate(grid, values.data());
  std::vector<Complex> circle_times(2 * circle_points);
  const double radius[2] = {static_cast<double>(start) * step, 2.0 * static_cast<double>(start) * step};
  for (std::size_t l = 0; l < circle_points; ++l)
    for (std::size_t level = 0; level < 2; ++level)
      circle_times[level * circle_points + l] =
          std::polar(radius[level], 2.0 * std::numbers::pi * static_cast<double>(l) / circle_points);
  kernel.evaluate(circle_times, circle.data());

  Solution solution;
  solution.green.resize(sites * at.size());
  std::vector<double> differences(sites, 0.0);
  std::vector<std::size_t> shares = {0, sites};
  std::size_t rank = 0;
  if (team != nullptr) {
    shares = share_bounds(*team, sites, momenta_at_once);
    rank = static_cast<std::size_t>(team->rank());
  }
  const std::size_t blocks = (shares[rank + 1] - shares[rank] + momenta_at_once - 1) / momenta_at_once;
  // Rounds as many on every member of a team: all look at the progress in the same places.
  for (std::size_t round = 0; round < rounds && !solution.stopped; ++round) {
#pragma omp parallel for schedule(dynamic) num_threads(threads)
    for (std::size_t block = blocks * round / rounds; block < blocks * (round + 1) / rounds; ++block) {
      for (std::size_t m = shares[rank] + block * momenta_at_once;
           m < std::min(shares[rank] + (block + 1) * momenta_at_once, shares[rank + 1]); ++m) {
        // kt(t) = K(k,t) e^{i (E_k - s) t}, E_k = e_k + H' - (i/2) gup_k
        const Complex exponent(0.5 * modes.probe_loss[m],
                               modes.energy[m] + modes.level_shift() - modes.argument_shift());
        const auto dressed = [&](std::size_t stride) {
          const std::size_t points = steps / stride + 1;
          std::vector<Complex> kt(points + 2 * order);
          for (std::size_t i = 0; i < kt.size(); ++i) {
            const std::size_t row = margin + stride * i - stride * order;
            kt[i] = times(values[row * sites + m], std::exp(exponent * grid[row]));
          }
          return kt;
        };
        const auto dressed_circle = [&](std::size_t level) {
          std::vector<Complex> kt(circle_points);
          for (std::size_t l = 0; l < circle_points; ++l) {
            const std::size_t row = level * circle_points + l;
            kt[l] = times(circle[row * sites + m], std::exp(exponent * circle_times[row]));
          }
          return kt;
        };
        const auto g = integrate(dressed(1), count, step, taylor_start(dressed_circle(0), radius[0], step));
        const auto rough =
            integrate(dressed(2), steps / 2 + 1, 2.0 * step, taylor_start(dressed_circle(1), radius[1], 2.0 * step));
        // Where the probe decays g may grow: differences count as those of G.
        for (std::size_t n = 0; n < rough.size(); ++n)
          differences[m] =
              std::max(differences[m], std::abs(rough[n] - g[2 * n]) *
                                           std::exp(-exponent.real() * 2.0 * static_cast<double>(n) * step));
        const Complex back(-0.5 * modes.probe_loss[m], -(modes.energy[m] + modes.level_shift()));
        for (std::size_t t = 0; t < at.size(); ++t)
          solution.green[m * at.size() + t] =
              times(Complex(0.0, -1.0), times(std::exp(back * at[t]), interpolate(g, at[t] / step)));
      }
    }
    solution.stopped = progress && !progress(static_cast<double>(round + 1) / static_cast<double>(rounds));
  }
  if (team != nullptr) {
    std::vector<std::size_t> bounds;
    for (const std::size_t share : shares) bounds.push_back(2 * at.size() * share);
    team->all_gather({reinterpret_cast<double*>(solution.green.data()), 2 * solution.green.size()}, bounds);
    team->all_gather(differences, shares);
  }
  solution.difference = *std::max_element(differences.begin(), differences.end());
  return solution;
}

double first_step(const HubbardModes& modes, double tolerance) {
  return (tolerance >= coarse_tolerance ? coarse_step : fine_step) / largest_exponent(modes);
}

}  // namespace

std::size_t green_steps(const HubbardChain& chain, double last_time, double tolerance) {
  return steps_for(last_time, first_step(hubbard_modes(chain), tolerance));
}

HubbardGreen green(const HubbardChain& chain, std::span<const double> at, const HubbardGreenOptions& options,
                   const Execution& execution) {
  const HubbardModes modes = hubbard_modes(chain);
  if (at.empty()) throw ParameterError("task.times", "at least one time is needed");
  for (std::size_t i = 0; i < at.size(); ++i)
    if (!(std::isfinite(at[i]) && at[i] >= 0.0 && (i == 0 || at[i] > at[i - 1])))
      throw ParameterError("task.times",
                           std::to_string(at[i]) + " is not allowed: must be finite, >= 0 and strictly ascending");
  if (!(options.tolerance >= 1e-13 && options.tolerance <= 1e-2))
    throw ParameterError("solver.tolerance", std::to_string(options.tolerance) + " is not allowed: in [1e-13, 1e-2]");
  if (execution.backend == Backend::cuda)
    throw UnsupportedError(
        "backend = cuda is not there for the propagator, which a processor integrates; use cpu or auto");

  const std::size_t sites = modes.sites;
  HubbardGreen result;
  result.times.assign(at.begin(), at.end());
  Solution solution;
  double step = first_step(modes, options.tolerance);
  for (int halving = 0;; ++halving) {
    solution = solve(modes, at, step, execution, options.on_progress);
    result.steps = steps_for(at.back(), step);
    result.error = solution.difference / claimed_gain + rounding;
    if (result.error <= std::max(options.tolerance, 2.0 * rounding) || halving == most_halvings || solution.stopped)
      break;
    step *= 0.5;
  }
  result.stopped = solution.stopped;
  result.converged = !solution.stopped && result.error <= options.tolerance;
  if (solution.stopped)
    result.message = "stopped";
  else if (!result.converged)
    result.message = "the estimated error " + std::to_string(result.error) + " exceeds the tolerance";

  const Fourier fourier(sites);
  const double over = 1.0 / static_cast<double>(sites), missing = std::numeric_limits<double>::quiet_NaN();
  if (options.keep_momenta) result.green_retarded_momentum.resize(at.size() * sites);
  if (options.keep_sites) result.green_retarded.resize(at.size() * sites);
  std::vector<Complex> row(sites), ordered(sites);
  for (std::size_t t = 0; t < at.size(); ++t) {
    for (std::size_t m = 0; m < sites; ++m) row[m] = solution.stopped ? missing : solution.green[m * at.size() + t];
    if (options.keep_momenta)
      for (std::size_t i = 0; i < sites; ++i)
        result.green_retarded_momentum[t * sites + i] = row[transform_order(i, sites)];
    fourier.backward(row.data(), 1);
    for (std::size_t i = 0; i < sites; ++i) ordered[i] = over * row[transform_order(i, sites)];
    if (options.keep_sites)
      std::copy(ordered.begin(), ordered.end(), result.green_retarded.begin() + static_cast<std::ptrdiff_t>(t * sites));
    const Spreading moments = spreading(ordered);
    result.norm.push_back(moments.norm);
    result.drift.push_back(moments.drift);
    result.drift_symmetric.push_back(moments.drift_symmetric);
  }
  return result;
}

}  // namespace lindrift
