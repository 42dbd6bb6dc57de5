#include "tgge/spectrum_slope.hpp"

#include <cmath>

#include "engine/parallel.hpp"

namespace lindrift {

namespace {

/// log S up to the logarithm of a factor, the factor, and the derivatives of log S, for the released energy x.
struct Slopes {
  double exponent, factor;
  double energy, inverse_temperature, width;
};

Slopes lorentzian(double x, double beta, double width) {
  const double quotient = x / width, denominator = 1.0 + quotient * quotient;
  return {0.5 * beta * x, 1.0 / denominator, 0.5 * beta - 2.0 * quotient / (width * denominator), 0.5 * x,
          2.0 * quotient * quotient / (width * denominator)};
}

Slopes ohmic(double x, double beta, double width) {
  const double distance = std::fabs(x), scaled = beta * x;
  const double factor = x == 0.0 ? 1.0 / beta : distance / -std::expm1(-beta * distance);
  // 1/x - beta / (e^{beta x} - 1), by its series where it cancels.
  double energy, by_beta;
  if (std::fabs(scaled) < 0.05) {
    const double square = scaled * scaled;
    energy = beta * (0.5 - scaled / 12.0 * (1.0 - square / 60.0 * (1.0 - square / 42.0 * (1.0 - square / 40.0))));
    by_beta = x * energy - 1.0;
    by_beta /= beta;
  } else {
    energy = 1.0 / x - beta / std::expm1(scaled);
    by_beta = -x / std::expm1(scaled);
  }
  const double sign = x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : 0.0;
  return {-distance / width + std::fmin(scaled, 0.0), factor, energy - sign / width, by_beta,
          distance / (width * width)};
}

}  // namespace

SpectrumSlope spectrum_slope(const TggeModel& model, const std::vector<double>& lagrange_multiplier,
                             const std::vector<double>& y) {
  const std::size_t size = model.bands.modes();
  // Logarithms of n and 1-n do not leave the range of a double.
  std::vector<double> log_n(size), log_h(size);
  parallel_for(size, [&](std::size_t s) {
    const double lambda = lagrange_multiplier[s], shared = std::log1p(std::exp(-std::fabs(lambda)));
    log_n[s] = -std::fmax(lambda, 0.0) - shared;
    log_h[s] = std::fmin(lambda, 0.0) - shared;
  });
  const auto& energy = model.bands.energy;
  const double beta = model.bath.inverse_temperature, width = model.bath.spectrum_width;
  const bool is_ohmic = model.bath.spectrum == Spectrum::ohmic;
  SpectrumSlope slope;
  slope.energy.resize(size);
  std::vector<double> by_beta(size), by_width(size);
  const auto row = [&](const auto& spectrum, std::size_t to) {
    double by_energy = 0.0, by_beta_sum = 0.0, by_width_sum = 0.0;
    for (std::size_t from = 0; from < size; ++from) {
      const double x = energy[from] - energy[to], difference = y[to] - y[from];
      const Slopes in = spectrum(x, beta, width), out = spectrum(-x, beta, width);
      const double flow = difference * in.factor * std::exp(in.exponent + log_n[from] + log_h[to]);
      const double back = difference * out.factor * std::exp(out.exponent + log_n[to] + log_h[from]);
      by_energy -= in.energy * flow + out.energy * back;
      by_beta_sum += in.inverse_temperature * flow;
      by_width_sum += in.width * flow;
    }
    slope.energy[to] = by_energy;
    by_beta[to] = by_beta_sum;
    by_width[to] = by_width_sum;
  };
#pragma omp parallel for schedule(static) if (size > 256)
  for (std::size_t to = 0; to < size; ++to) is_ohmic ? row(ohmic, to) : row(lorentzian, to);
  const double over_cells = 1.0 / static_cast<double>(model.bands.lattice.size());
  parallel_for(size, [&](std::size_t s) { slope.energy[s] *= over_cells; });
  slope.inverse_temperature = over_cells * parallel_sum(size, [&](std::size_t s) { return by_beta[s]; });
  slope.width = over_cells * parallel_sum(size, [&](std::size_t s) { return by_width[s]; });
  return slope;
}

}  // namespace lindrift
