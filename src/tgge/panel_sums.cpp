#include "tgge/panel_sums.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/parallel.hpp"

namespace lindrift {

namespace {

/// Panels per radius of convergence: the polynomials converge as 32^-order.
constexpr double panels_per_radius = 8.0;
/// Largest exponent of the growth of the exponential factors within a panel.
constexpr double most_growth = 2.0;
/// Levels per chunk, which one thread processes.
constexpr std::size_t chunk_levels = 1024;

}  // namespace

/// Data that the sums of both sides share.
struct PanelSums::Sum {
  const SidedKernels& kernels;
  std::vector<std::vector<double>> source;  ///< (sources, levels)
  std::vector<std::vector<double>> value;   ///< (sources * kernels, levels)

  std::size_t kernel_count() const { return kernels.same.size(); }
};

PanelSums::PanelSums(const std::vector<double>& energy, double radius, double decay) : levels_(energy_levels(energy)) {
  const double low = levels_.energy.front(), span = levels_.energy.back() - low;
  width_ = radius / panels_per_radius;
  if (decay > 0.0) width_ = std::min(width_, most_growth / decay);
  const double panels = std::floor(span / width_) + 1.0, levels = static_cast<double>(levels_.size());
  // A pair of levels costs about 20 products, a level 500, and a pair of panels twice the square of the order.
  pairs_ = 20.0 * levels * levels < 2.0 * order * order * panels * panels + 500.0 * levels;
  if (pairs_) return;
  panels_ = static_cast<std::size_t>(panels);
  std::size_t first = 0;
  for (std::size_t panel = 0; panel < panels_; ++panel) {
    const double upper = low + static_cast<double>(panel + 1) * width_;
    std::size_t last = first;
    while (last < levels_.size() && (levels_.energy[last] < upper || panel + 1 == panels_)) ++last;
    for (; first < last; first = chunks_.back().last)
      chunks_.push_back({panel, first, std::min(first + chunk_levels, last)});
  }
}

std::vector<std::vector<double>> PanelSums::operator()(const SidedKernels& kernels,
                                                       const std::vector<std::vector<double>>& sources) const {
  const std::size_t size = levels_.size();
  Sum sum{kernels, {}, {}};
  for (const auto& of_modes : sources) {
    auto& of_levels = sum.source.emplace_back(size);
    parallel_for(size, [&](std::size_t l) {
      for (auto m = static_cast<std::size_t>(levels_.first[l]); m < static_cast<std::size_t>(levels_.first[l + 1]); ++m)
        of_levels[l] += of_modes[static_cast<std::size_t>(levels_.member[m])];
    });
    for (const double same : kernels.same) {
      auto& value = sum.value.emplace_back(size);
      for (std::size_t l = 0; l < size; ++l) value[l] = same * of_levels[l];
    }
  }
  if (pairs_) {
    add_pairs(sum);
  } else {
    add_side(true, sum);
    add_side(false, sum);
  }
  std::vector<std::vector<double>> result;
  for (const auto& value : sum.value) {
    auto& of_modes = result.emplace_back(levels_.level_of.size());
    parallel_for(of_modes.size(),
                 [&](std::size_t s) { of_modes[s] = value[static_cast<std::size_t>(levels_.level_of[s])]; });
  }
  return result;
}

void PanelSums::add_pairs(Sum& sum) const {
  const std::size_t kernels = sum.kernel_count();
  parallel_rows(levels_.size(), [&](std::size_t to) {
    std::array<double, most_kernels> value;
    for (std::size_t from = 0; from < levels_.size(); ++from) {
      if (from == to) continue;
      const auto& side = from > to ? sum.kernels.above : sum.kernels.below;
      const double distance = std::fabs(levels_.energy[from] - levels_.energy[to]);
      side.functions(distance, value.data());
      const double factor = std::exp(-side.decay * distance);
      for (std::size_t v = 0; v < sum.source.size(); ++v)
        for (std::size_t k = 0; k < kernels; ++k)
          sum.value[v * kernels + k][to] += factor * value[k] * sum.source[v][from];
    }
  });
}

namespace {

template <std::size_t Order>
std::array<double, Order> chebyshev(double position) {
  std::array<double, Order> t{1.0, position};
  for (std::size_t a = 2; a < Order; ++a) t[a] = 2.0 * position * t[a - 1] - t[a - 2];
  return t;
}

}  // namespace

/// Row kernel * order + a: coefficients of T_a(to) T_b(from), b = 0, 1, ..., in the expansion of the functions at
/// distance + (from - to) width / 2.
std::vector<PanelSums::Polynomials> PanelSums::core(const SidedKernels::Side& side, std::size_t kernels,
                                                    double distance) const {
  static const auto at_node = [] {
    std::array<Polynomials, order> values;
    for (std::size_t i = 0; i < order; ++i)
      values[i] = chebyshev<order>(std::cos(std::numbers::pi * (static_cast<double>(i) + 0.5) / order));
    return values;
  }();
  std::vector<Polynomials> half(kernels * order, Polynomials{}),
      result = half;  // half: expanded in T_a, at the nodes of the sources
  std::array<double, most_kernels> value;
  for (std::size_t i = 0; i < order; ++i)
    for (std::size_t j = 0; j < order; ++j) {
      side.functions(distance + 0.5 * width_ * (at_node[j][1] - at_node[i][1]), value.data());
      for (std::size_t k = 0; k < kernels; ++k)
        for (std::size_t a = 0; a < order; ++a)
          half[k * order + a][j] += (a == 0 ? 1.0 : 2.0) / order * at_node[i][a] * value[k];
    }
  for (std::size_t row = 0; row < kernels * order; ++row)
    for (std::size_t j = 0; j < order; ++j)
      for (std::size_t b = 0; b < order; ++b)
        result[row][b] += (b == 0 ? 1.0 : 2.0) / order * half[row][j] * at_node[j][b];
  return result;
}

double PanelSums::from_edge(bool above, std::size_t panel, std::size_t level) const {
  const double inside = (levels_.energy[level] - levels_.energy.front()) - static_cast<double>(panel) * width_;
  return above ? inside : width_ - inside;
}

void PanelSums::add_side(bool above, Sum& sum) const {
  const SidedKernels::Side& side = above ? sum.kernels.above : sum.kernels.below;
  const std::size_t kernels = sum.kernel_count(), sources = sum.source.size();
  const int threads = parallel_threads(levels_.size());
  const auto for_each = [&](std::size_t count, const auto& body) {
    in_parts(threads, count, [&](std::size_t i, std::size_t last, std::size_t) {
      for (; i < last; ++i) body(i);
    });
  };
  // Moments of every chunk; later, of all levels of its panel that the sum has passed before it.
  using Moments = std::array<Polynomials, most_sources>;
  std::vector<Moments> before(chunks_.size(), Moments{}), of_panel(panels_, Moments{});
  const auto add_level = [&](std::size_t level, const Polynomials& t, double fall, Moments& moments) {
    for (std::size_t v = 0; v < sources; ++v)
      for (std::size_t b = 0; b < order; ++b) moments[v][b] += fall * sum.source[v][level] * t[b];
  };
  for_each(chunks_.size(), [&](std::size_t c) {
    const auto [panel, first, last] = chunks_[c];
    for (std::size_t level = first; level < last; ++level) {
      const double distance = from_edge(above, panel, level);
      add_level(level, chebyshev<order>(2.0 * distance / width_ - 1.0), std::exp(-side.decay * distance), before[c]);
    }
  });
  for (std::size_t i = 0; i < chunks_.size(); ++i) {
    const std::size_t c = above ? chunks_.size() - 1 - i : i;
    Moments& panel = of_panel[chunks_[c].panel];
    const Moments own = before[c];
    before[c] = panel;
    for (std::size_t v = 0; v < sources; ++v)
      for (std::size_t b = 0; b < order; ++b) panel[v][b] += own[v][b];
  }
  // In each panel, one polynomial for every source and kernel: what all panels beyond it contribute.
  using Expansion = std::array<Polynomials, most_sources * most_kernels>;
  std::vector<Expansion> entering(panels_, Expansion{});
  std::vector<std::vector<Polynomials>> cores(panels_);
  for_each(panels_, [&](std::size_t apart) {
    cores[apart] = core(side, kernels, static_cast<double>(apart) * width_);
    const double factor = apart > 0 ? std::exp(-side.decay * width_ * static_cast<double>(apart)) : 1.0;
    for (Polynomials& row : cores[apart])
      for (double& element : row) element *= factor;
  });
  for_each(panels_, [&](std::size_t to) {
    for (std::size_t apart = 1; apart < panels_; ++apart) {
      if (above ? to + apart >= panels_ : apart > to) break;
      const Moments& from = of_panel[above ? to + apart : to - apart];
      for (std::size_t v = 0; v < sources; ++v)
        for (std::size_t row = 0; row < kernels * order; ++row) {
          double total = 0.0;
          for (std::size_t b = 0; b < order; ++b) total += cores[apart][row][b] * from[v][b];
          entering[to][v * kernels + row / order][row % order] += total;
        }
    }
  });
  for_each(chunks_.size(), [&](std::size_t c) {
    const auto [panel, first, last] = chunks_[c];
    const std::vector<Polynomials>& own = cores.front();
    Moments& met = before[c];
    for (std::size_t i = first; i < last; ++i) {
      const std::size_t level = above ? last - 1 - (i - first) : i;
      const double distance = from_edge(above, panel, level), fall = std::exp(-side.decay * distance);
      const Polynomials t = chebyshev<order>(2.0 * distance / width_ - 1.0);
      for (std::size_t k = 0; k < kernels; ++k) {
        Polynomials at_level{};
        for (std::size_t a = 0; a < order; ++a)
          for (std::size_t b = 0; b < order; ++b) at_level[b] += own[k * order + a][b] * t[a];
        for (std::size_t v = 0; v < sources; ++v) {
          double total = 0.0;
          for (std::size_t b = 0; b < order; ++b)
            total += at_level[b] * met[v][b] + t[b] * entering[panel][v * kernels + k][b];
          sum.value[v * kernels + k][level] += total / fall;
        }
      }
      add_level(level, t, fall, met);
    }
  });
}

}  // namespace lindrift
