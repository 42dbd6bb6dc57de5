#include "tgge/spectrum_slope.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>

#include "engine/parallel.hpp"

namespace lindrift {

namespace {

/// Logarithms of n and 1-n, which do not leave the range of a double.
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

// --- ohmic: every pair ---

/// log S up to the logarithm of a factor, the factor, and the derivatives of log S, for the released energy x.
struct Slopes {
  double exponent, factor;
  double energy, inverse_temperature, width;
};

Slopes ohmic(double x, double beta, double width) {
  const double distance = std::fabs(x), scaled = beta * x;
  const double factor = x == 0.0 ? 1.0 / beta : distance / -std::expm1(-beta * distance);
  // 1/x - beta / (e^{beta x} - 1), by its series where it cancels.
  double energy, by_beta;
  if (std::fabs(scaled) < 0.05) {
    const double square = scaled * scaled;
    energy = beta * (0.5 - scaled / 12.0 * (1.0 - square / 60.0 * (1.0 - square / 42.0 * (1.0 - square / 40.0))));
    by_beta = (x * energy - 1.0) / beta;
  } else {
    energy = 1.0 / x - beta / std::expm1(scaled);
    by_beta = -x / std::expm1(scaled);
  }
  const double sign = x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : 0.0;
  return {-distance / width + std::fmin(scaled, 0.0), factor, energy - sign / width, by_beta,
          distance / (width * width)};
}

SpectrumSlope ohmic_slope(const TggeModel& model, const LogOccupations& log, const std::vector<double>& y) {
  const std::size_t size = model.bands.modes();
  const auto& energy = model.bands.energy;
  const double beta = model.bath.inverse_temperature, width = model.bath.spectrum_width;
  SpectrumSlope slope;
  slope.energy.resize(size);
  std::vector<double> by_beta(size), by_width(size);
  parallel_rows(size, [&](std::size_t to) {
    for (std::size_t from = 0; from < size; ++from) {
      const double x = energy[from] - energy[to], difference = y[to] - y[from];
      const Slopes in = ohmic(x, beta, width), out = ohmic(-x, beta, width);
      const double flow = difference * in.factor * std::exp(in.exponent + log.n[from] + log.h[to]);
      const double back = difference * out.factor * std::exp(out.exponent + log.n[to] + log.h[from]);
      slope.energy[to] -= in.energy * flow + out.energy * back;
      by_beta[to] += in.inverse_temperature * flow;
      by_width[to] += in.width * flow;
    }
  });
  slope.inverse_temperature = parallel_sum(size, [&](std::size_t s) { return by_beta[s]; });
  slope.width = parallel_sum(size, [&](std::size_t s) { return by_width[s]; });
  return slope;
}

// --- lorentzian: sums with smooth kernels of x = E_from - E_to ---

/// d sigma/dx and d sigma/d width of sigma = 1 / (1 + (x/width)^2).
struct LorentzianKernels {
  double width;
  std::array<double, 2> operator()(double x) const {
    const double quotient = x / width, sigma = 1.0 / (1.0 + quotient * quotient);
    return {-2.0 * quotient * sigma * sigma / width, 2.0 * quotient * quotient * sigma * sigma / width};
  }
};

/// Sources of a mode: e^{beta E/2} n and e^{-beta E/2} (1-n) over their largest, each also times y.
using Sources = std::array<double, 4>;
/// Sums over d sigma/dx with all sources, and over d sigma/d width with the first two.
using Sums = std::array<double, 6>;

void accumulate(const std::array<double, 2>& kernel, const Sources& source, Sums& sum) {
  for (std::size_t v = 0; v < 4; ++v) sum[v] += kernel[0] * source[v];
  for (std::size_t v = 0; v < 2; ++v) sum[4 + v] += kernel[1] * source[v];
}

/// Chebyshev polynomials of a panel an eighth of the width wide: the poles of sigma are eight panels away.
constexpr std::size_t order = 12;
constexpr double panels_per_width = 8.0;
using Polynomials = std::array<double, order>;

Polynomials polynomials(double position) {
  Polynomials t{1.0, position};
  for (std::size_t a = 2; a < order; ++a) t[a] = 2.0 * position * t[a - 1] - t[a - 2];
  return t;
}

/// Sums of every mode over all, as products of Chebyshev polynomials between panels of the energy axis.
class PanelSums {
 public:
  PanelSums(const std::vector<double>& energy, double width) : kernels_{width} {
    const auto [low, high] = std::minmax_element(energy.begin(), energy.end());
    low_ = *low;
    panels_ = std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil((*high - low_) / width * panels_per_width)));
    panel_width_ = *high > low_ ? (*high - low_) / static_cast<double>(panels_) : width;
  }

  /// Operations, compared with those of a pair.
  static double cost(const std::vector<double>& energy, double width) {
    const auto [low, high] = std::minmax_element(energy.begin(), energy.end());
    const double panels = 1.0 + (*high - *low) / width * panels_per_width;
    return panels * panels * order * order + static_cast<double>(energy.size()) * 4 * order;
  }

  std::vector<Sums> operator()(const std::vector<double>& energy, const std::vector<Sources>& source) const {
    std::vector<std::array<Sources, order>> moment(panels_);
    for (std::size_t s = 0; s < energy.size(); ++s) {
      const auto [panel, position] = place(energy[s]);
      const Polynomials t = polynomials(position);
      for (std::size_t a = 0; a < order; ++a)
        for (std::size_t v = 0; v < 4; ++v) moment[panel][a][v] += t[a] * source[s][v];
    }
    std::vector<std::array<Sums, order>> expansion(panels_);
    for (std::size_t apart = 0; apart < 2 * panels_ - 1; ++apart) {
      const auto distance = static_cast<double>(apart) - static_cast<double>(panels_ - 1);  // from - to
      const auto core = core_at(distance * panel_width_);
      for (std::size_t to = 0; to < panels_; ++to) {
        const std::size_t from = to + apart;  // counted from panels - 1
        if (from < panels_ - 1 || from - (panels_ - 1) >= panels_) continue;
        const auto& given = moment[from - (panels_ - 1)];
        for (std::size_t a = 0; a < order; ++a)
          for (std::size_t b = 0; b < order; ++b) accumulate(core[a * order + b], given[b], expansion[to][a]);
      }
    }
    std::vector<Sums> result(energy.size());
    parallel_for(energy.size(), [&](std::size_t s) {
      const auto [panel, position] = place(energy[s]);
      const Polynomials t = polynomials(position);
      for (std::size_t a = 0; a < order; ++a)
        for (std::size_t v = 0; v < result[s].size(); ++v) result[s][v] += t[a] * expansion[panel][a][v];
    });
    return result;
  }

 private:
  std::pair<std::size_t, double> place(double energy) const {
    const double panels = (energy - low_) / panel_width_;
    const std::size_t panel = std::min(panels_ - 1, static_cast<std::size_t>(panels));
    return {panel, 2.0 * (panels - static_cast<double>(panel)) - 1.0};
  }

  /// Coefficients of T_a(to) T_b(from) in both kernels for panels whose edges are `distance` apart.
  std::array<std::array<double, 2>, order * order> core_at(double distance) const {
    std::array<Polynomials, order> at_node;
    std::array<double, order> node;
    for (std::size_t i = 0; i < order; ++i) {
      node[i] = std::cos(std::numbers::pi * (static_cast<double>(i) + 0.5) / static_cast<double>(order));
      at_node[i] = polynomials(node[i]);
    }
    std::array<std::array<double, 2>, order * order> core{};
    for (std::size_t i = 0; i < order; ++i)
      for (std::size_t j = 0; j < order; ++j) {
        const auto value = kernels_(distance + 0.5 * panel_width_ * (node[j] - node[i]));
        for (std::size_t a = 0; a < order; ++a)
          for (std::size_t b = 0; b < order; ++b) {
            const double factor = at_node[i][a] * at_node[j][b] * (a > 0 ? 2.0 : 1.0) * (b > 0 ? 2.0 : 1.0) /
                                  static_cast<double>(order * order);
            for (std::size_t v = 0; v < 2; ++v) core[a * order + b][v] += factor * value[v];
          }
      }
    return core;
  }

  LorentzianKernels kernels_;
  double low_ = 0.0, panel_width_ = 1.0;
  std::size_t panels_ = 1;
};

std::vector<Sums> sums_over_pairs(const std::vector<double>& energy, const std::vector<Sources>& source, double width) {
  const LorentzianKernels kernels{width};
  std::vector<Sums> result(energy.size());
  parallel_rows(energy.size(), [&](std::size_t to) {
    for (std::size_t from = 0; from < energy.size(); ++from)
      accumulate(kernels(energy[from] - energy[to]), source[from], result[to]);
  });
  return result;
}

SpectrumSlope lorentzian_slope(const TggeModel& model, const LogOccupations& log, const std::vector<double>& y) {
  const std::size_t size = model.bands.modes();
  const auto& energy = model.bands.energy;
  const double half_beta = 0.5 * model.bath.inverse_temperature, width = model.bath.spectrum_width;
  const auto given = [&](std::size_t s) { return half_beta * energy[s] + log.n[s]; };
  const auto taken = [&](std::size_t s) { return log.h[s] - half_beta * energy[s]; };
  const double most_given = parallel_maximum(size, -INFINITY, given),
               most_taken = parallel_maximum(size, -INFINITY, taken);
  std::vector<Sources> source(size);
  parallel_for(size, [&](std::size_t s) {
    const double particle = std::exp(given(s) - most_given), hole = std::exp(taken(s) - most_taken);
    source[s] = {particle, particle * y[s], hole, hole * y[s]};
  });
  const double pairs = static_cast<double>(size) * static_cast<double>(size);
  const std::vector<Sums> sums = PanelSums::cost(energy, width) < pairs ? PanelSums(energy, width)(energy, source)
                                                                        : sums_over_pairs(energy, source, width);
  SpectrumSlope slope;
  slope.energy.resize(size);
  const double scale = std::exp(most_given + most_taken);
  slope.width = scale * parallel_sum(size, [&](std::size_t s) {
                  const auto& [particle, particle_y, hole, hole_y] = source[s];
                  const Sums& sum = sums[s];
                  slope.energy[s] = scale * (particle * (y[s] * sum[2] - sum[3]) - hole * (y[s] * sum[0] - sum[1]));
                  return hole * (y[s] * sum[4] - sum[5]);
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
