#include "hatsugai_kohmoto/windings.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "engine/parallel.hpp"

namespace lindrift {

namespace {

using Complex = std::complex<double>;

constexpr double pi = std::numbers::pi, missing = std::numeric_limits<double>::quiet_NaN();

/// (E - E_1)(E - E_2) = x (x - U + i Gamma) - i U kappa with x = E - eps + i Gamma_up/2, as a function of one component
/// of the momentum.
class Characteristic {
 public:
  Characteristic(const Zone& zone, Complex energy, int direction)
      : zone_(zone),
        energy_(energy),
        direction_(static_cast<std::size_t>(direction)),
        table_slope_(zone.table_slope(direction)),
        curvature_(zone.curvature(direction)) {}

  struct At {
    Complex value;
    double change;  ///< bound on the change within `reach`
  };
  At at(Momentum k, double place, double reach) const {
    k[direction_] = place;
    const ZoneMode mode = zone_.at(k);
    const double u = zone_.interaction(), rate = mode.gain.value + mode.loss.value;
    const Complex x = energy_ - mode.energy.value + Complex(0.0, 0.5 * mode.up_rate.value);
    const Complex other = x - u + Complex(0.0, rate);
    // The slope at the centre counts, not the largest in the zone: where large rates vanish, they are flat.
    const auto change = [&](Slope ZoneMode::*part) {
      const double slope = std::fabs((mode.*part).derivative[direction_]) + 2.0 * (table_slope_.*part).value;
      return reach * (slope + 0.5 * (curvature_.*part).value * reach);
    };
    const double of_x = change(&ZoneMode::energy) + 0.5 * change(&ZoneMode::up_rate), of_gain = change(&ZoneMode::gain);
    const double of_other = of_x + of_gain + change(&ZoneMode::loss);
    return {x * other - Complex(0.0, u * mode.gain.value),
            std::abs(x) * of_other + std::abs(other) * of_x + of_x * of_other + std::fabs(u) * of_gain};
  }

  /// Phase gained between two points; NaN if the function vanishes in between.
  double phase(const Momentum& k, double from, double to, Complex at_from, Complex at_to, int depth) const {
    const double middle = 0.5 * (from + to), reach = 0.5 * (to - from);
    const At centre = at(k, middle, reach);
    // All values lie in a disk around the middle one that excludes 0, so the phase changes by less than pi.
    if (std::abs(centre.value) > 1.01 * centre.change)
      return std::arg(centre.value * std::conj(at_from)) + std::arg(at_to * std::conj(centre.value));
    constexpr int deepest = 44;
    if (depth == deepest) return missing;
    // A function that vanishes or is not finite all along the line would be divided into 2^deepest parts.
    Calculation::look_up();
    const double first = phase(k, from, middle, at_from, centre.value, depth + 1);
    return std::isnan(first) ? missing : first + phase(k, middle, to, centre.value, at_to, depth + 1);
  }

 private:
  const Zone& zone_;
  Complex energy_;
  std::size_t direction_;
  ZoneMode table_slope_, curvature_;
};

/// Follows both poles of a chain, E and dE/dk, around the zone at `count` momenta.
struct Loop {
  std::array<double, 2> area{};
  bool exchanged = false;
  bool met = false;

  Loop(const Zone& zone, std::size_t count) {
    const double step = 2.0 * pi / static_cast<double>(count), u = zone.interaction();
    Complex before, first;
    for (std::size_t i = 0; i <= count; ++i) {
      // Between the momenta, where interpolated rates are smooth. The last momentum is the first again: which root it
      // takes says whether the poles changed places.
      const ZoneMode mode = zone.at({-pi + step * (static_cast<double>(i % count) + 0.5)});
      const Zone::Splitting square = zone.splitting(mode);
      Complex s = std::sqrt(square.value);
      met = met || s == 0.0;
      if (i > 0 && (std::conj(before) * s).real() < 0.0) s = -s;
      if (i == 0) first = s;
      before = s;
      if (i == count) break;
      const double rate = mode.gain.value + mode.loss.value;
      const double slope_of_rate = mode.gain.derivative[0] + mode.loss.derivative[0];
      const Complex mean(mode.energy.value + 0.5 * u, -0.5 * (mode.up_rate.value + rate));
      const Complex slope_of_mean(mode.energy.derivative[0], -0.5 * (mode.up_rate.derivative[0] + slope_of_rate));
      const Complex half(0.0, 0.5);
      for (const std::size_t pole : {0, 1}) {
        const double sign = pole == 0 ? 1.0 : -1.0;
        const Complex energy = mean + sign * half * s;
        const Complex slope = slope_of_mean + sign * half * (square.derivative[0] / (2.0 * s));
        area[pole] += 0.5 * step * (std::conj(energy) * slope).imag();
      }
    }
    exchanged = (std::conj(first) * before).real() < 0.0;
    if (exchanged) area[0] = area[1] = 0.5 * (area[0] + area[1]);
  }
};

}  // namespace

double winding(const Zone& zone, Complex energy, int direction) {
  const Characteristic function(zone, energy, direction);
  const auto d = static_cast<std::size_t>(direction);
  const Lattice& lattice = zone.lattice();
  const std::int64_t cells = lattice.cells(direction), steps = cells * ((64 + cells - 1) / cells);
  // One line for each momentum with the lowest component along the direction.
  const std::size_t lines = lattice.size() / static_cast<std::size_t>(cells);
  std::vector<double> turns(lines);
  in_parts(lines > 16 ? Calculation::threads() : 1, lines, [&](std::size_t line, std::size_t last, std::size_t) {
    for (; line < last; ++line) {
      std::size_t rest = line;
      Momentum k{};
      for (int i = lattice.dimensions(); i-- > 0;)
        if (i != direction) {
          const auto size = static_cast<std::size_t>(lattice.cells(i));
          k[static_cast<std::size_t>(i)] = 2.0 * pi * static_cast<double>(rest % size) / static_cast<double>(size);
          rest /= size;
        }
      k[d] = 0.0;
      const Complex start = function.at(k, 0.0, 0.0).value;
      Complex before = start;
      double sum = 0.0;
      for (std::int64_t i = 0; i < steps; ++i) {
        const double from = 2.0 * pi * static_cast<double>(i) / static_cast<double>(steps),
                     to = 2.0 * pi * static_cast<double>(i + 1) / static_cast<double>(steps);
        const Complex after = i + 1 < steps ? function.at(k, to, 0.0).value : start;
        sum += function.phase(k, from, to, before, after, 0);
        before = after;
      }
      turns[line] = std::nearbyint(sum / (2.0 * pi));
    }
  });
  double sum = 0.0;
  for (const double one : turns) sum += one;
  return sum / static_cast<double>(lines);
}

std::array<double, 2> loop_areas(const Zone& zone) {
  // Whole multiples of the momenta, where tabulated rates have their kinks: with those the error falls as a square.
  const auto cells = static_cast<std::size_t>(zone.lattice().cells(0));
  const std::size_t fewest = cells * ((511 + cells) / cells), most = std::max(std::size_t{1} << 16, 2 * fewest);
  constexpr double rounding = 1e-13, accepted = 1e-7;
  Loop now(zone, fewest);
  double change = 0.0, size = 0.0;
  for (std::size_t count = 2 * fewest; count <= most; count *= 2) {
    const Loop finer(zone, count);
    if (finer.met) return {missing, missing};
    change = size = 0.0;
    for (const std::size_t pole : {0, 1}) {
      change = std::max(change, std::fabs(finer.area[pole] - now.area[pole]));
      size = std::max(size, std::fabs(finer.area[pole]));
    }
    const bool same = finer.exchanged == now.exchanged;
    now = finer;
    if (same && change <= rounding * (1.0 + size)) return now.area;
  }
  // If poles nearly meet between two momenta of the grid, whether they are exchanged depends on the grid.
  if (!(change <= accepted * (1.0 + size))) return {missing, missing};
  return now.area;
}

}  // namespace lindrift
