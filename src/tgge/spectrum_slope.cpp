#include "tgge/spectrum_slope.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "engine/parallel.hpp"
#include "tgge/panel_sums.hpp"

namespace lindrift {

namespace {

using Vectors = std::vector<std::vector<double>>;

/// Logarithms of n and 1-n, which stay in the range of a double.
struct LogOccupations {
  std::vector<double> n, h;
  explicit LogOccupations(const std::vector<double>& lagrange_multiplier)
      : n(lagrange_multiplier.size()), h(lagrange_multiplier.size()) {
    parallel_for(n.size(), [&](std::size_t s) {
      const double lambda = lagrange_multiplier[s], shared = std::log1p(std::exp(-std::fabs(lambda)));
      n[s] = -std::fmax(lambda, 0.0) - shared;
      h[s] = std::fmin(lambda, 0.0) - shared;
    });
  }
};

/// Two sources for every mode, e^{exponent} and the same times y.
template <class Exponent>
Vectors with_adjoint(const std::vector<double>& y, const Exponent& exponent) {
  Vectors source(2, std::vector<double>(y.size()));
  parallel_for(y.size(), [&](std::size_t s) {
    source[0][s] = std::exp(exponent(s));
    source[1][s] = source[0][s] * y[s];
  });
  return source;
}

/// x / (1 - e^{-beta x}) and its derivative with respect to x, for any x.
std::pair<double, double> ohmic_factor(double x, double beta) {
  const double t = beta * x, square = t * t;
  if (std::fabs(t) < 0.1)  // series, against cancellation: the next term is below 1e-15 of the result
    return {
        (1.0 + 0.5 * t + square / 12.0 * (1.0 - square / 60.0 * (1.0 - square / 42.0 * (1.0 - square / 40.0)))) / beta,
        0.5 + t / 6.0 * (1.0 - square / 30.0 * (1.0 - square / 28.0 * (1.0 - square / 30.0)))};
  const double over = -1.0 / std::expm1(-t);  // 1 / (1 - e^{-t})
  return {x * over, over - t * std::exp(-t) * over * over};
}

/// S', dS/dbeta and dS/dwidth of S(x) = e^{-|x|/width} x / (1 - e^{-beta x}), without the factors e^{-x/width} for x >
/// 0 and e^{-(beta + 1/width)|x|} for x < 0.
SidedKernels ohmic_kernels(double beta, double width) {
  const double fall = 1.0 / width;
  SidedKernels kernels;
  kernels.above = {fall, [=](double x, double* values) {
                     const auto [k, slope] = ohmic_factor(x, beta);
                     values[0] = slope - fall * k;
                     values[1] = -std::exp(-beta * x) * k * k;
                     values[2] = fall * fall * x * k;
                   }};
  kernels.below = {beta + fall, [=](double x, double* values) {
                     const auto [k, slope] = ohmic_factor(x, beta);
                     values[0] = (beta + fall) * k - slope;
                     values[1] = -k * k;
                     values[2] = fall * fall * x * k;
                   }};
  // At the cusp, the mean of both slopes.
  kernels.same = {0.5, -1.0 / (beta * beta), 0.0};
  return kernels;
}

/// The first of these kernels at -x.
SidedKernels mirrored_slope(const SidedKernels& kernels) {
  return {kernels.below, kernels.above, {kernels.same.front()}};
}

SpectrumSlope ohmic_slope(const TggeModel& model, const LogOccupations& log, const std::vector<double>& y) {
  const double beta = model.bath.inverse_temperature, width = model.bath.spectrum_width;
  const SidedKernels kernels = ohmic_kernels(beta, width);
  const PanelSums sums(model.bands.energy, 2.0 * std::numbers::pi / beta, kernels.below.decay);
  const Vectors gained = sums(kernels, with_adjoint(y, [&](std::size_t s) { return log.n[s]; })),
                lost = sums(mirrored_slope(kernels), with_adjoint(y, [&](std::size_t s) { return log.h[s]; }));
  SpectrumSlope slope;
  slope.energy.resize(y.size());
  const auto totals = parallel_sums<2>(y.size(), [&](std::size_t s) {
    const double n = std::exp(log.n[s]), h = std::exp(log.h[s]);
    const auto of = [&](const Vectors& sum, std::size_t kernel, std::size_t kernel_count) {
      return y[s] * sum[kernel][s] - sum[kernel_count + kernel][s];
    };
    slope.energy[s] = -h * of(gained, 0, 3) - n * of(lost, 0, 1);
    return std::array<double, 2>{h * of(gained, 1, 3), h * of(gained, 2, 3)};
  });
  slope.inverse_temperature = totals[0];
  slope.width = totals[1];
  return slope;
}

/// d sigma/dx and d sigma/d width of sigma = 1 / (1 + (x/width)^2), x = E_from - E_to.
SidedKernels lorentzian_kernels(double width) {
  const auto side = [width](double sign) {
    return [=](double distance, double* values) {
      const double quotient = distance / width, sigma = 1.0 / (1.0 + quotient * quotient);
      values[0] = -2.0 * sign * quotient * sigma * sigma / width;
      values[1] = 2.0 * quotient * quotient * sigma * sigma / width;
    };
  };
  return {{0.0, side(1.0)}, {0.0, side(-1.0)}, {0.0, 0.0}};
}

SpectrumSlope lorentzian_slope(const TggeModel& model, const LogOccupations& log, const std::vector<double>& y) {
  const std::size_t size = model.bands.modes();
  const auto& energy = model.bands.energy;
  const double half_beta = 0.5 * model.bath.inverse_temperature, width = model.bath.spectrum_width;
  const auto given = [&](std::size_t s) { return half_beta * energy[s] + log.n[s]; };
  const auto taken = [&](std::size_t s) { return log.h[s] - half_beta * energy[s]; };
  const double most_given = parallel_maximum(size, -INFINITY, given),
               most_taken = parallel_maximum(size, -INFINITY, taken);
  const Vectors particles = with_adjoint(y, [&](std::size_t s) { return given(s) - most_given; }),
                holes = with_adjoint(y, [&](std::size_t s) { return taken(s) - most_taken; });
  const SidedKernels kernels = lorentzian_kernels(width);
  const PanelSums sums(energy, width, 0.0);
  const Vectors gained = sums(kernels, particles);
  SidedKernels slope_alone = kernels;
  slope_alone.same.resize(1);
  const Vectors lost = sums(slope_alone, holes);
  SpectrumSlope slope;
  slope.energy.resize(size);
  const double scale = std::exp(most_given + most_taken);
  slope.width = scale * parallel_sum(size, [&](std::size_t s) {
                  slope.energy[s] = scale * (particles[0][s] * (y[s] * lost[0][s] - lost[1][s]) -
                                             holes[0][s] * (y[s] * gained[0][s] - gained[2][s]));
                  return holes[0][s] * (y[s] * gained[1][s] - gained[3][s]);
                });
  return slope;
}

}  // namespace

SpectrumSlope spectrum_slope(const TggeModel& model, const std::vector<double>& lagrange_multiplier,
                             const std::vector<double>& y) {
  const LogOccupations log(lagrange_multiplier);
  SpectrumSlope slope =
      model.bath.spectrum == Spectrum::ohmic ? ohmic_slope(model, log, y) : lorentzian_slope(model, log, y);
  const double over_cells = 1.0 / static_cast<double>(model.bands.lattice.size());
  parallel_for(slope.energy.size(), [&](std::size_t s) { slope.energy[s] *= over_cells; });
  slope.inverse_temperature *= over_cells;
  slope.width *= over_cells;
  return slope;
}

}  // namespace lindrift
