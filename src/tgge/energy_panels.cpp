#include "tgge/energy_panels.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "engine/parallel.hpp"

namespace lindrift {

namespace {

using kernels::panel_lanes, kernels::panel_order, kernels::near_boxes, kernels::farthest_box;

/// Largest number of steps per lane; the cost of the lane's moments is then small compared with that of the levels.
constexpr std::size_t max_steps = 32;

double lorentzian(double x, const PanelSpectrum& spectrum) {
  const double y = x / spectrum.width;
  return 1.0 / (1.0 + y * y);
}

double ohmic(double x, const PanelSpectrum& spectrum) {
  return x == 0.0 ? 1.0 / spectrum.inverse_temperature : -x / std::expm1(-spectrum.inverse_temperature * x);
}

/// Coefficients of T_a(t) T_b(s) in k(distance + (t - s) width / 2), from its values at the Chebyshev nodes.
void chebyshev_core(const PanelSpectrum& spectrum, double distance, double width, double* core) {
  constexpr int p = panel_order;
  static const auto polynomial = [] {
    std::array<std::array<double, p>, p> values{};  // T_a at node i
    for (int a = 0; a < p; ++a)
      for (int i = 0; i < p; ++i)
        values[static_cast<std::size_t>(a)][static_cast<std::size_t>(i)] =
            std::cos(std::numbers::pi * (a * (2 * i + 1) % (4 * p)) / (2 * p));
    return values;
  }();
  const auto& t = polynomial;
  double sample[p][p], half[p][p];
  for (std::size_t i = 0; i < p; ++i)
    for (std::size_t j = 0; j < p; ++j)
      sample[i][j] = spectrum.k(distance + 0.5 * width * (t[1][i] - t[1][j]), spectrum);
  for (std::size_t a = 0; a < p; ++a)
    for (std::size_t j = 0; j < p; ++j) {
      half[a][j] = 0.0;
      for (std::size_t i = 0; i < p; ++i) half[a][j] += t[a][i] * sample[i][j];
      half[a][j] *= (a == 0 ? 1.0 : 2.0) / p;
    }
  for (std::size_t a = 0; a < p; ++a)
    for (std::size_t b = 0; b < p; ++b) {
      double sum = 0.0;
      for (std::size_t j = 0; j < p; ++j) sum += half[a][j] * t[b][j];
      core[a * p + b] = sum * (b == 0 ? 1.0 : 2.0) / p;
    }
}

}  // namespace

std::optional<PanelSpectrum> PanelSpectrum::of(const TggeBath& bath) {
  if (bath.spectrum == Spectrum::exponential) return {};
  PanelSpectrum result;
  result.width = bath.spectrum_width;
  result.inverse_temperature = bath.inverse_temperature;
  if (bath.spectrum == Spectrum::lorentzian) {
    result.radius = bath.spectrum_width;
    result.k = lorentzian;
  } else {
    result.slope = 0.5 * bath.inverse_temperature + 1.0 / bath.spectrum_width;
    result.radius = 2.0 * std::numbers::pi / bath.inverse_temperature;
    result.k = ohmic;
  }
  return result;
}

double PanelSpectrum::panel_width() const {
  // Ten polynomials in each variable converge as 32^-10, and the weights within a panel vary by at most e^2.
  const double by_poles = radius / 8.0;
  return slope > 0.0 ? std::min(by_poles, 2.0 / slope) : by_poles;
}

double EnergyPanels::count(const PanelSpectrum& spectrum, double lowest, double highest) {
  return std::floor((highest - lowest) / spectrum.panel_width()) + 1.0;
}

EnergyPanels::EnergyPanels(const PanelSpectrum& spectrum, const EnergyLevels& levels) {
  const double width = spectrum.panel_width();
  panels_ = static_cast<std::size_t>(count(spectrum, levels.energy.front(), levels.energy.back()));
  // Another generation of boxes pays off while some boxes would be far apart.
  for (std::size_t boxes = panels_; boxes > std::size_t{farthest_box} + 1; boxes = (boxes + 1) / 2) ++generations_;
  const std::size_t multiple = std::size_t{1} << (generations_ - 1);
  panels_ = (panels_ + multiple - 1) / multiple * multiple;
  decay_ = spectrum.slope * width;
  place(spectrum, levels, width);
  set_cores(spectrum, width);
  set_halves();
}

void EnergyPanels::place(const PanelSpectrum& spectrum, const EnergyLevels& levels, double width) {
  // In extended precision, so that a narrow spectrum keeps its digits far above the lowest energy.
  const auto distance = [&](std::size_t level) {
    return static_cast<long double>(levels.energy[level]) - levels.energy.front();
  };
  slot_of_.resize(levels.member.size());
  panel_of_.resize(levels.member.size());
  slot_first_ = {0};
  constexpr std::size_t most = max_steps * panel_lanes;
  std::size_t first = 0;
  for (std::size_t panel = 0; panel < panels_; ++panel) {
    panel_first_.push_back(static_cast<std::int64_t>(group_panel_.size()));
    const long double lower = static_cast<long double>(panel) * width;
    std::size_t last = first;
    while (last < levels.size() && (distance(last) < lower + width || panel + 1 == panels_)) ++last;
    const std::size_t groups = (last - first + most - 1) / most;
    for (std::size_t group = 0; group < groups; ++group) {
      const std::size_t begin = first + group * (last - first) / groups,
                        end = first + (group + 1) * (last - first) / groups,
                        steps = (end - begin + panel_lanes - 1) / panel_lanes;
      group_first_.push_back(static_cast<std::int64_t>(position_.size()));
      group_panel_.push_back(static_cast<std::int64_t>(panel));
      for (std::size_t slot = 0; slot < steps * panel_lanes; ++slot) {
        const std::size_t level = begin + slot % panel_lanes * steps + slot / panel_lanes;
        const bool taken = level < end;
        if (taken)
          for (auto m = static_cast<std::size_t>(levels.first[level]);
               m < static_cast<std::size_t>(levels.first[level + 1]); ++m) {
            const auto mode = static_cast<std::size_t>(levels.member[m]);
            member_.push_back(levels.member[m]);
            slot_of_[mode] = static_cast<std::int64_t>(position_.size());
            panel_of_[mode] = static_cast<std::int64_t>(panel);
          }
        const long double inside = taken ? distance(level) - lower : 0.0L;
        position_.push_back(static_cast<double>(2.0L * inside / width - 1.0L));
        rise_.push_back(std::exp(spectrum.slope * static_cast<double>(inside)));
        slot_first_.push_back(static_cast<std::int64_t>(member_.size()));
      }
    }
    first = last;
  }
  panel_first_.push_back(static_cast<std::int64_t>(group_panel_.size()));
  group_first_.push_back(static_cast<std::int64_t>(position_.size()));
}

void EnergyPanels::set_cores(const PanelSpectrum& spectrum, double width) {
  constexpr std::size_t square = std::size_t{panel_order} * panel_order;
  for (int generation = 0; generation < generations_; ++generation, width *= 2.0)
    for (int apart = generation == 0 ? 0 : near_boxes + 1; apart <= farthest_box; ++apart) {
      core_.resize(core_.size() + square);
      chebyshev_core(spectrum, apart * width, width, core_.data() + core_.size() - square);
    }
}

void EnergyPanels::set_halves() {
  constexpr int p = panel_order;
  halves_.assign(2 * p * p, 0.0);
  for (const int side : {-1, 1}) {
    double* const half = halves_.data() + (side < 0 ? 0 : p * p);
    half[0] = 1.0;
    // 2 z T_a(z) = T_{a+1}(z) + T_{a-1}(z) with z = (y + side)/2 and y T_b(y) = (T_{b+1}(y) + T_{b-1}(y))/2.
    for (int a = 0; a + 1 < p; ++a)
      for (int b = 0; b <= a + 1; ++b) {
        const auto at = [&](int row, int column) {
          return row < 0 || column < 0 || column >= p ? 0.0 : half[row * p + column];
        };
        const double moved = b == 0 ? 0.5 * at(a, 1) : (b == 1 ? at(a, 0) : 0.5 * at(a, b - 1)) + 0.5 * at(a, b + 1);
        const double twice = moved + side * at(a, b);
        half[(a + 1) * p + b] = a == 0 ? 0.5 * twice : twice - at(a - 1, b);
      }
  }
}

void EnergyPanels::reorder(const std::vector<std::size_t>& mode) {
  std::vector<std::int64_t> other(mode.size());
  for (auto* of_modes : {&slot_of_, &panel_of_}) {
    parallel_for(mode.size(), [&](std::size_t i) { other[i] = (*of_modes)[mode[i]]; });
    of_modes->swap(other);
  }
  parallel_for(mode.size(), [&](std::size_t i) { other[mode[i]] = static_cast<std::int64_t>(i); });
  parallel_for(mode.size(), [&](std::size_t m) { member_[m] = other[static_cast<std::size_t>(member_[m])]; });
}

kernels::PanelTables EnergyPanels::tables() const {
  kernels::PanelTables tables;
  tables.slots = static_cast<std::int64_t>(position_.size());
  tables.lanes = static_cast<std::int64_t>(group_panel_.size()) * panel_lanes;
  tables.panels = static_cast<std::int64_t>(panels_);
  tables.generations = generations_;
  tables.decay = decay_;
  tables.position = position_.data();
  tables.rise = rise_.data();
  tables.slot_first = slot_first_.data();
  tables.member = member_.data();
  tables.slot_of = slot_of_.data();
  tables.panel_of = panel_of_.data();
  tables.group_first = group_first_.data();
  tables.group_panel = group_panel_.data();
  tables.panel_first = panel_first_.data();
  tables.core = core_.data();
  tables.halves = halves_.data();
  return tables;
}

}  // namespace lindrift
