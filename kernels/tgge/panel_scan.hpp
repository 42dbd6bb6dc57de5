#pragma once

#include "kernels/carver.hpp"
#include "kernels/elementary.hpp"
#include "kernels/functor.hpp"
#include "kernels/tgge/panel_tables.hpp"
#include "kernels/tgge/source_mode.hpp"

/// Sums over the even part of a thermal spectrum for all levels at once, in O(levels) operations (docs/physics.md,
/// section 5, Eqs. 12a-12d):
///
///   gain_i = sum_j sigma(E_j - E_i) particle_j,   loss_i likewise with holes,   sigma(x) = e^{-slope |x|} k(|x|).
///
/// The sources in a panel act on other panels through moments: sums over Chebyshev polynomials of the position,
/// weighted with the decay up to the edge through which they leave. Boxes of two, four, ... panels transfer what is far
/// away. Within a panel k may be continued through x = 0, so ascending and descending sums over the levels suffice; if
/// sigma itself is analytic (slope = 0, "smooth"), the panel counts as its own neighbour and these sums are not needed.
///
/// Sources may be scaled by an exponent per panel; the sums in the panel are then scaled by the same exponent.
/// Exponents of neighbouring panels differ by at most `decay`, so no product leaves the range of a double.
///
/// Sets of moments. Smooth: particles, holes. Steep: particles that leave upwards, particles that leave downwards, and
/// the same for holes. Sets of expansions: contributions that enter from below, from above.

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

/// T_0 .. T_{order-1} at y.
template <class T>
LINDRIFT_HD void chebyshev(T y, T (&polynomial)[panel_order]) {
  polynomial[0] = T{} + 1.0;
  polynomial[1] = y;
  const T twice = y + y;
  LINDRIFT_UNROLL
  for (int a = 2; a < panel_order; ++a) polynomial[a] = twice * polynomial[a - 1] - polynomial[a - 2];
}

// Pairs of numbers that are read in random order are stored next to each other, in one cache line.
template <class T>
LINDRIFT_HD void store_pair(double* pairs, Index i, T first, T second) {
  if constexpr (sizeof(T) == sizeof(double)) {
    pairs[2 * i] = first;
    pairs[2 * i + 1] = second;
  } else {
    store_interleaved(first, second, pairs + 2 * i);
  }
}
template <class T>
LINDRIFT_HD void load_pair(const double* pairs, Index i, T& first, T& second) {
  if constexpr (sizeof(T) == sizeof(double)) {
    first = pairs[2 * i];
    second = pairs[2 * i + 1];
  } else {
    load_interleaved(pairs + 2 * i, first, second);
  }
}

/// Writes the thermal source modes in the order of the modes; FoldSlots adds them up.
template <class Source>
struct StoreThermal {
  Source source;
  double* pairs;  ///< (modes, 2)
  LINDRIFT_HD void operator()(Index s) const { at<double>(s); }
  template <class T>
  LINDRIFT_HD void at(Index s) const {
    const SourceMode<T> from = source.template mode<T>(s);
    store_pair(pairs, s, from.thermal_particle, from.thermal_hole);
  }
};
/// Adds up the thermal source modes of each slot.
struct FoldSlots {
  const Index *first, *member;
  const double* pairs;
  double *particle, *hole;
  LINDRIFT_HD void operator()(Index slot) const {
    double particles = 0.0, holes = 0.0;
    for (Index i = first[slot]; i < first[slot + 1]; ++i) {
      const Index s = member[i];
      particles += pairs[2 * s];
      holes += pairs[2 * s + 1];
    }
    particle[slot] = particles;
    hole[slot] = holes;
  }
};
/// The thermal sums of a mode's slot, combined with sums over the hop weights of any form.
template <class WeightSums>
struct SumsOfSlots {
  WeightSums weight_sums;
  const double* pairs;
  const Index* slot_of;
  template <class T>
  LINDRIFT_HD PairSums<T> at(Index s) const {
    PairSums<T> sum = weight_sums.template at<T>(s);
    if constexpr (sizeof(T) == sizeof(double)) {
      load_pair(pairs, slot_of[s], sum.thermal_gain, sum.thermal_loss);
    } else {
      for (std::size_t i = 0; i < sizeof(T) / sizeof(double); ++i) {
        const Index slot = slot_of[s + static_cast<Index>(i)];
        sum.thermal_gain[i] = pairs[2 * slot];
        sum.thermal_loss[i] = pairs[2 * slot + 1];
      }
    }
    return sum;
  }
};

/// Layout of the boxes of one generation in an array: they start at `offset`, between halos of zeros that stand for
/// boxes beyond the ends.
struct BoxRow {
  static constexpr Index halo = farthest_box + 1;
  Index offset, count;
  LINDRIFT_HD Index padded() const { return (count + panel_lanes - 1) / panel_lanes * panel_lanes; }
  LINDRIFT_HD static BoxRow first(Index panels) { return {halo, panels}; }
  LINDRIFT_HD BoxRow next() const { return {end(), count / 2}; }
  LINDRIFT_HD Index end() const { return offset + padded() + halo; }
};

/// Exponents of the topmost and of the lowest panel in each box, as arrays over boxes.
struct BoxExponents {
  const double *top, *bottom;  ///< null: all zero
  template <class T>
  LINDRIFT_HD T factor(const double* from, Index from_box, const double* to, Index to_box, double fall) const {
    T exponent = T{} - fall;
    if (from != nullptr) {
      exponent += load<T>(from, from_box) - load<T>(to, to_box);
      const T most = T{} + 10.0;  // only boxes beyond the ends exceed this
      exponent = exponent < most ? exponent : most;
    }
    return exponential(exponent).value;
  }
};

struct PanelLanes {
  const double *position, *rise;
  const Index *group_first, *group_panel;  ///< of PanelTables
  LINDRIFT_HD Index first(Index lane) const { return group_first[lane / panel_lanes] + lane % panel_lanes; }
  LINDRIFT_HD Index steps(Index lane) const {
    const Index group = lane / panel_lanes;
    return (group_first[group + 1] - group_first[group]) / panel_lanes;
  }
  LINDRIFT_HD Index panel(Index lane) const { return group_panel[lane / panel_lanes]; }
};

/// Moments of the sources in every lane, at [value][lane] with value = set * order + polynomial.
template <bool Steep>
struct LaneMoments {
  static constexpr int sets = Steep ? 4 : 2;
  PanelLanes lanes;
  const double *particle, *hole;  ///< (slots,)
  double* moment;
  Index count;  ///< lanes

  LINDRIFT_HD void operator()(Index lane) const { at<double>(lane); }
  template <class T>
  LINDRIFT_HD void at(Index lane) const {
    T sum[sets * panel_order]{};
    const Index first = lanes.first(lane), last = first + lanes.steps(lane) * panel_lanes;
    for (Index slot = first; slot < last; slot += panel_lanes) {
      T polynomial[panel_order];
      chebyshev(load<T>(lanes.position, slot), polynomial);
      const T p = load<T>(particle, slot), h = load<T>(hole, slot);
      T weight[sets];
      if constexpr (Steep) {
        const T rise = load<T>(lanes.rise, slot), fall = 1.0 / rise;
        weight[0] = p * rise;
        weight[1] = p * fall;
        weight[2] = h * rise;
        weight[3] = h * fall;
      } else {
        weight[0] = p;
        weight[1] = h;
      }
      LINDRIFT_UNROLL
      for (int set = 0; set < sets; ++set) LINDRIFT_UNROLL
      for (int a = 0; a < panel_order; ++a) sum[set * panel_order + a] += weight[set] * polynomial[a];
    }
    for (int value = 0; value < sets * panel_order; ++value) store(moment + value * count, lane, sum[value]);
  }
};

/// Adds the moments of a panel's lanes. Leaves in each lane the sum over the lanes before it for moments that go up,
/// and over those after it for moments that go down. Element: panel * values + value.
template <bool Steep>
struct PanelMoments {
  static constexpr int values = LaneMoments<Steep>::sets * panel_order;
  const Index* panel_first;
  double* lane_moment;
  Index count;  ///< lanes
  double edge;  ///< e^{-decay}
  double* box_moment;
  Index boxes;
  BoxRow row;

  LINDRIFT_HD void operator()(Index element) const {
    const Index panel = element / values, value = element % values;
    double* const moment = lane_moment + value * count;
    const Index first = panel_first[panel] * panel_lanes, last = panel_first[panel + 1] * panel_lanes;
    double sum = 0.0, total;
    if (!Steep) {
      for (Index lane = first; lane < last; ++lane) sum += moment[lane];
      total = sum;
    } else if (value / panel_order % 2 == 0) {
      for (Index lane = first; lane < last; ++lane) {
        const double own = moment[lane];
        moment[lane] = sum;
        sum += own;
      }
      total = sum * edge;
    } else {
      for (Index lane = last; lane-- > first;) {
        const double own = moment[lane];
        moment[lane] = sum;
        sum += own;
      }
      total = sum;
    }
    box_moment[value * boxes + row.offset + panel] = total;
  }
};

/// Data for the transfer between two generations of boxes.
template <bool Steep>
struct BoxTransfer {
  static constexpr int sets = LaneMoments<Steep>::sets;
  const double* halves;
  double decay;  ///< of a box of the lower generation
  BoxExponents particle, hole;
  BoxRow lower, upper;
  Index boxes;

  LINDRIFT_HD const BoxExponents& exponents(int set) const { return set < sets / 2 ? particle : hole; }
  /// Coefficients [a][b] that relate the polynomials of a child on this side to those of its parent.
  LINDRIFT_HD const double* half(Index side) const { return halves + side * panel_order * panel_order; }
};

/// Moments of a box from those of its halves.
template <bool Steep>
struct JoinMoments {
  BoxTransfer<Steep> transfer;
  double* moment;

  LINDRIFT_HD void operator()(Index box) const {
    const auto& t = transfer;
    for (int set = 0; set < t.sets; ++set) {
      const Index parent = t.upper.offset + box, child = t.lower.offset + 2 * box;
      const bool upwards = Steep && set % 2 == 0;
      double factor[2] = {1.0, 1.0};  // of the lower half, of the upper
      const BoxExponents& x = t.exponents(set);
      if (Steep && upwards) factor[0] = x.template factor<double>(x.top, child, x.top, parent, t.decay);
      if (Steep && !upwards) factor[1] = x.template factor<double>(x.bottom, child + 1, x.bottom, parent, t.decay);
      double* const values = moment + set * panel_order * t.boxes;
      double from[2][panel_order];
      for (int b = 0; b < panel_order; ++b)
        for (int side = 0; side < 2; ++side) from[side][b] = factor[side] * values[b * t.boxes + child + side];
      for (int a = 0; a < panel_order; ++a) {
        double sum = 0.0;
        for (int side = 0; side < 2; ++side)
          for (int b = 0; b <= a; ++b) sum += t.half(side)[a * panel_order + b] * from[side][b];
        values[a * t.boxes + parent] = sum;
      }
    }
  }
};

/// Adds to the expansion of a box the expansion of its parent.
template <bool Steep>
struct SplitExpansion {
  BoxTransfer<Steep> transfer;
  double* expansion;

  LINDRIFT_HD void operator()(Index box) const {
    const auto& t = transfer;
    const Index child = t.lower.offset + box, parent = t.upper.offset + box / 2, side = box % 2;
    const double* const half = t.half(side);
    for (int set = 0; set < t.sets; ++set) {
      const bool from_below = Steep && set % 2 == 0;
      const BoxExponents& x = t.exponents(set);
      double factor = 1.0;
      if (Steep && from_below && side == 1)
        factor = x.template factor<double>(x.bottom, parent, x.bottom, child, t.decay);
      if (Steep && !from_below && side == 0) factor = x.template factor<double>(x.top, parent, x.top, child, t.decay);
      double* const values = expansion + set * panel_order * t.boxes;
      for (int b = 0; b < panel_order; ++b) {
        double sum = 0.0;
        for (int a = b; a < panel_order; ++a) sum += half[a * panel_order + b] * values[a * t.boxes + parent];
        values[b * t.boxes + child] += factor * sum;
      }
    }
  }
};

/// Expansions of the boxes of one generation from the moments of all boxes that are far from it but whose parents are
/// near its parent; in the first generation also from those of near boxes.
template <bool Steep>
struct BoxExpansion {
  static constexpr int sets = LaneMoments<Steep>::sets;
  BoxRow row;
  Index boxes;
  const double* core;     ///< Chebyshev coefficients of the kernels at the distances of this generation
  int nearest, farthest;  ///< distances, in boxes, that are summed here
  bool has_parents;       ///< a coarser generation sums the boxes farthest_box apart whose parents are not near
  double decay;           ///< slope of the scales times the width of a box
  BoxExponents particle, hole;
  const double* moment;
  double* expansion;

  LINDRIFT_HD void operator()(Index box) const { at<double>(box); }
  template <class T>
  LINDRIFT_HD void at(Index box) const {
    T sum[sets * panel_order]{};
    const Index to = row.offset + box;
    const bool odd_first = box % 2 != 0;
    for (int apart = nearest; apart <= farthest; ++apart) {
      const double* const k = core + (apart - nearest) * panel_order * panel_order;
      const bool parity = has_parents && apart == farthest_box;
      const T below = parity ? alternate<T>(odd_first) : T{} + 1.0, above = parity ? 1.0 - below : below;
      if constexpr (Steep) {
        const double fall = decay * (apart - 1);
        add<false>(k, 0, to - apart, below * particle.factor<T>(particle.top, to - apart, particle.bottom, to, fall),
                   sum);
        add<true>(k, 1, to + apart, above * particle.factor<T>(particle.bottom, to + apart, particle.top, to, fall),
                  sum);
        add<false>(k, 2, to - apart, below * hole.factor<T>(hole.top, to - apart, hole.bottom, to, fall), sum);
        add<true>(k, 3, to + apart, above * hole.factor<T>(hole.bottom, to + apart, hole.top, to, fall), sum);
      } else {
        for (int set = 0; set < sets; ++set) {
          add<false>(k, set, to - apart, below, sum);
          if (apart > 0) add<true>(k, set, to + apart, above, sum);
        }
      }
    }
    for (int value = 0; value < sets * panel_order; ++value) store(expansion + value * boxes, to, sum[value]);
  }

 private:
  /// 1 for odd boxes and 0 for even ones; `odd` refers to the first box of the pack.
  template <class T>
  LINDRIFT_HD static T alternate(bool odd) {
    if constexpr (sizeof(T) == sizeof(double)) {
      return odd ? 1.0 : 0.0;
    } else {
      T result{};
      for (std::size_t i = odd ? 0 : 1; i < sizeof(T) / sizeof(double); i += 2) result[i] = 1.0;
      return result;
    }
  }
  template <bool Transposed, class T>
  LINDRIFT_HD void add(const double* k, int set, Index from, T factor, T (&sum)[sets * panel_order]) const {
    T* const target = sum + set * panel_order;
    LINDRIFT_ROLLED  // so that only one row of the coefficients is in registers
        for (int b = 0; b < panel_order; ++b) {
      const T source = factor * load<T>(moment + (set * panel_order + b) * boxes, from);
      LINDRIFT_UNROLL
      for (int a = 0; a < panel_order; ++a)
        target[a] += k[Transposed ? b * panel_order + a : a * panel_order + b] * source;
    }
  }
};

/// The sums of every slot: from the expansions of its panel and, if sigma has a cusp, from the sources below and above
/// it in the panel.
template <bool Steep>
struct SlotSums {
  static constexpr int sets = LaneMoments<Steep>::sets;
  PanelLanes lanes;
  const double *particle, *hole;
  const double* core;         ///< between a panel and itself
  const double* lane_moment;  ///< of PanelMoments
  Index count;                ///< lanes
  double edge;                ///< e^{-decay}
  const double* expansion;
  Index boxes;
  BoxRow row;
  double* sums;  ///< (slots, 2): gain and loss

  LINDRIFT_HD void operator()(Index lane) const { at<double>(lane); }
  template <class T>
  LINDRIFT_HD void at(Index lane) const {
    const Index first = lanes.first(lane), last = first + lanes.steps(lane) * panel_lanes;
    const Index box = row.offset + lanes.panel(lane);
    double coefficient[sets * panel_order];
    for (int value = 0; value < sets * panel_order; ++value) coefficient[value] = expansion[value * boxes + box];
    if constexpr (Steep) {
      ascend<T>(lane, first, last, coefficient);
      descend<T>(lane, first, last, coefficient);
    } else {
      for (Index slot = first; slot < last; slot += panel_lanes) {
        T polynomial[panel_order];
        chebyshev(load<T>(lanes.position, slot), polynomial);
        T p = T{}, h = T{};
        LINDRIFT_UNROLL
        for (int a = 0; a < panel_order; ++a) {
          p += coefficient[a] * polynomial[a];
          h += coefficient[panel_order + a] * polynomial[a];
        }
        store_pair(sums, slot, p, h);
      }
    }
  }

 private:
  template <class T>
  LINDRIFT_HD void ascend(Index lane, Index first, Index last, const double* coefficient) const {
    T p_moment[panel_order], h_moment[panel_order], polynomial[panel_order];
    for (int a = 0; a < panel_order; ++a) {
      p_moment[a] = load<T>(lane_moment + a * count, lane);
      h_moment[a] = load<T>(lane_moment + (2 * panel_order + a) * count, lane);
    }
    for (Index slot = first; slot < last; slot += panel_lanes) {
      chebyshev(load<T>(lanes.position, slot), polynomial);
      const T rise = load<T>(lanes.rise, slot), fall = 1.0 / rise;
      const T p = load<T>(particle, slot) * rise, h = load<T>(hole, slot) * rise;
      T p_sum = T{}, h_sum = T{};
      LINDRIFT_UNROLL
      for (int b = 0; b < panel_order; ++b) {
        p_moment[b] += p * polynomial[b];
        h_moment[b] += h * polynomial[b];
        T k = T{};
        LINDRIFT_UNROLL
        for (int a = 0; a < panel_order; ++a) k += core[a * panel_order + b] * polynomial[a];
        p_sum += k * p_moment[b] + coefficient[b] * polynomial[b];
        h_sum += k * h_moment[b] + coefficient[2 * panel_order + b] * polynomial[b];
      }
      store_pair(sums, slot, fall * p_sum, fall * h_sum);
    }
  }
  template <class T>
  LINDRIFT_HD void descend(Index lane, Index first, Index last, const double* coefficient) const {
    T p_moment[panel_order], h_moment[panel_order], polynomial[panel_order];
    for (int a = 0; a < panel_order; ++a) {
      p_moment[a] = load<T>(lane_moment + (panel_order + a) * count, lane);
      h_moment[a] = load<T>(lane_moment + (3 * panel_order + a) * count, lane);
    }
    for (Index slot = last - panel_lanes; slot >= first; slot -= panel_lanes) {
      chebyshev(load<T>(lanes.position, slot), polynomial);
      const T rise = load<T>(lanes.rise, slot), fall = 1.0 / rise;
      const T p = load<T>(particle, slot) * fall, h = load<T>(hole, slot) * fall;
      T p_sum = T{}, h_sum = T{};
      LINDRIFT_UNROLL
      for (int b = 0; b < panel_order; ++b) {
        T k = T{};
        LINDRIFT_UNROLL
        for (int a = 0; a < panel_order; ++a) k += core[b * panel_order + a] * polynomial[a];
        p_sum += k * p_moment[b] + (edge * coefficient[panel_order + b]) * polynomial[b];
        h_sum += k * h_moment[b] + (edge * coefficient[3 * panel_order + b]) * polynomial[b];
        p_moment[b] += p * polynomial[b];
        h_moment[b] += h * polynomial[b];
      }
      T below_p, below_h;
      load_pair(sums, slot, below_p, below_h);
      store_pair(sums, slot, below_p + rise * p_sum, below_h + rise * h_sum);
    }
  }
};

// --- exponents of the panels ---

struct FillBoxes {
  double value;
  double* target;
  LINDRIFT_HD void operator()(Index i) const { target[i] = value; }
};

/// Largest exponents of the sources of each group of slots, then of each panel.
struct LargestOfGroups {
  const Index *group_first, *slot_first, *member;  ///< of PanelTables
  const double *particle, *hole;                   ///< exponents of the modes
  double *group_particle, *group_hole;
  LINDRIFT_HD void operator()(Index group) const {
    const Index first = slot_first[group_first[group]], last = slot_first[group_first[group + 1]];
    double p = -1e300, h = -1e300;
    for (Index i = first; i < last; ++i) {
      const Index s = member[i];
      p = maximum(p, particle[s]);
      h = maximum(h, hole[s]);
    }
    group_particle[group] = p;
    group_hole[group] = h;
  }
};
struct LargestOfPanels {
  const Index* panel_first;
  const double *group_particle, *group_hole;
  double *particle, *hole;  ///< (panels,)
  LINDRIFT_HD void operator()(Index panel) const {
    double p = -1e300, h = -1e300;
    for (Index g = panel_first[panel]; g < panel_first[panel + 1]; ++g) {
      p = maximum(p, group_particle[g]);
      h = maximum(h, group_hole[g]);
    }
    particle[panel] = p;
    hole[panel] = h;
  }
};
/// The largest of a panel's exponent and those of the panels at the distance `apart`, the latter reduced by `fall`.
/// After apart = 1, 2, 4, ... with fall = decay * apart no exponent exceeds that of its neighbour by more than the
/// decay.
struct SpreadExponents {
  Index panels, apart;
  double fall;
  const double *particle, *hole;
  double *next_particle, *next_hole;
  LINDRIFT_HD void operator()(Index panel) const {
    next_particle[panel] = largest(particle, panel);
    next_hole[panel] = largest(hole, panel);
  }

 private:
  LINDRIFT_HD double largest(const double* exponent, Index panel) const {
    double x = exponent[panel];
    if (panel >= apart) x = maximum(x, exponent[panel - apart] - fall);
    if (panel + apart < panels) x = maximum(x, exponent[panel + apart] - fall);
    return x;
  }
};
/// Exponents of the topmost and of the lowest panel in each box.
struct ExponentsOfBoxes {
  BoxRow row;
  int generation;
  const double* panel;
  double *top, *bottom;
  LINDRIFT_HD void operator()(Index box) const {
    top[row.offset + box] = panel[((box + 1) << generation) - 1];
    bottom[row.offset + box] = panel[box << generation];
  }
};

/// The scan on an engine.
template <class Engine, bool Steep>
class PanelScanOn {
  using Buffer = typename Engine::Buffer;
  using IndexBuffer = typename Engine::IndexBuffer;
  static constexpr int sets = LaneMoments<Steep>::sets, values = sets * panel_order;

 public:
  PanelScanOn(Engine& engine, const PanelTables* given, Index modes) : numbers_(*given), modes_(modes) {
    const PanelTables& tables = numbers_;
    engine.copy_in(tables.position, tables.slots, position_);
    engine.copy_in(tables.rise, tables.slots, rise_);
    engine.copy_in(tables.slot_first, tables.slots + 1, slot_first_);
    engine.copy_in(tables.member, modes, member_);
    engine.copy_in(tables.slot_of, modes, slot_of_);
    if constexpr (Steep) engine.copy_in(tables.panel_of, modes, panel_of_);
    engine.copy_in(tables.group_first, groups() + 1, group_first_);
    engine.copy_in(tables.group_panel, groups(), group_panel_);
    engine.copy_in(tables.panel_first, tables.panels + 1, panel_first_);
    constexpr Index square = Index{panel_order} * panel_order;
    constexpr Index far = farthest_box - near_boxes;
    engine.copy_in(tables.core, square * (farthest_box + 1 + far * (tables.generations - 1)), core_);
    engine.copy_in(tables.halves, 2 * square, halves_);
    boxes_ = row_of(tables.generations - 1).end();
    box_moment_.resize(values * boxes_);
    clear_halos(engine);
    expansion_.resize(values * boxes_);
    lane_moment_.resize(values * numbers_.lanes);
    particle_.resize(numbers_.slots);
    hole_.resize(numbers_.slots);
    pairs_.resize(2 * modes);
    sums_.resize(2 * numbers_.slots);
  }

  /// For an engine that owns no memory: the arrays of the tables are used where they are. clear_halos() comes first.
  /// @param work  for what is written to
  LINDRIFT_HD PanelScanOn(const PanelTables& given, Index modes, Carver& work)
      : numbers_(given), modes_(modes), boxes_(row_of(given.generations - 1).end()) {
    const auto refer = [](const double* array) { return Buffer{const_cast<double*>(array)}; };
    const auto refer_to_integers = [](const Index* array) { return IndexBuffer{const_cast<Index*>(array)}; };
    position_ = refer(given.position);
    rise_ = refer(given.rise);
    slot_first_ = refer_to_integers(given.slot_first);
    member_ = refer_to_integers(given.member);
    slot_of_ = refer_to_integers(given.slot_of);
    panel_of_ = refer_to_integers(given.panel_of);
    group_first_ = refer_to_integers(given.group_first);
    group_panel_ = refer_to_integers(given.group_panel);
    panel_first_ = refer_to_integers(given.panel_first);
    core_ = refer(given.core);
    halves_ = refer(given.halves);
    box_moment_ = {work.take(values * boxes_)};
    expansion_ = {work.take(values * boxes_)};
    lane_moment_ = {work.take(values * given.lanes)};
    particle_ = {work.take(given.slots)};
    hole_ = {work.take(given.slots)};
    pairs_ = {work.take(2 * modes)};
    sums_ = {work.take(2 * given.slots)};
    if constexpr (Steep) {
      for (Buffer& buffer : group_exponent_) buffer = {work.take(groups())};
      for (Buffer& buffer : panel_exponent_) buffer = {work.take(given.panels)};
      for (Buffer& buffer : box_exponent_) buffer = {work.take(boxes_)};
    }
  }
  /// Boxes beyond the ends have no moments.
  LINDRIFT_ANY_ENGINE void clear_halos(Engine& engine) {
    engine.map(values * boxes_, FillBoxes{0.0, box_moment_.data()});
  }

  LINDRIFT_UNCHECKED LINDRIFT_BOTH const Index* panel_of() const { return panel_of_.data(); }
  /// Exponents of the panels, after set_exponents().
  LINDRIFT_UNCHECKED LINDRIFT_BOTH double* particle_exponent() const { return panel_exponent_[0].data(); }
  LINDRIFT_UNCHECKED LINDRIFT_BOTH double* hole_exponent() const { return panel_exponent_[1].data(); }

  /// Chooses the exponents of the panels, given those of the modes' sources.
  LINDRIFT_ANY_ENGINE void set_exponents(Engine& engine, const double* particle, const double* hole) {
    const Index panels = numbers_.panels;
    double *group_particle = group_exponent_[0].resize(groups()), *group_hole = group_exponent_[1].resize(groups());
    engine.map(groups(), LargestOfGroups{group_first_.data(), slot_first_.data(), member_.data(), particle, hole,
                                         group_particle, group_hole});
    for (Buffer& buffer : panel_exponent_) buffer.resize(panels);
    Buffer *now = panel_exponent_, *next = panel_exponent_ + 2;
    engine.map(panels, LargestOfPanels{panel_first_.data(), group_particle, group_hole, now[0].data(), now[1].data()});
    // Levels in neighbouring panels may be arbitrarily close, so nothing falls off over the first panel.
    spread(engine, 1, 0.0, now, next);
    int rounds = 1;
    for (Index apart = 1; apart < panels; apart *= 2, ++rounds)
      spread(engine, apart, numbers_.decay * static_cast<double>(apart), now, next);
    if (rounds % 2 != 0) spread(engine, panels, 0.0, now, next);  // so that the result ends up in the first two
    for (int of = 0; of < 2; ++of) {
      double *top = box_exponent_[2 * of].resize(boxes_), *bottom = box_exponent_[2 * of + 1].resize(boxes_);
      engine.map(boxes_, FillBoxes{-1e300, top});
      engine.map(boxes_, FillBoxes{-1e300, bottom});
      BoxRow row = BoxRow::first(panels);
      for (int generation = 0; generation < numbers_.generations; ++generation, row = row.next())
        engine.map(row.count, ExponentsOfBoxes{row, generation, panel_exponent_[of].data(), top, bottom});
    }
  }

  /// @param relative  the source modes are scaled by the exponents of their panels
  /// @return the thermal sums combined with those over the hop weights
  LINDRIFT_UNCHECKED
  template <class Source, class WeightSums>
  LINDRIFT_BOTH SumsOfSlots<WeightSums> sum(Engine& engine, bool relative, const Source& source,
                                            const WeightSums& weight_sums) {
    engine.map(modes_, StoreThermal<Source>{source, pairs_.data()});
    engine.map(numbers_.slots,
               FoldSlots{slot_first_.data(), member_.data(), pairs_.data(), particle_.data(), hole_.data()});
    scan(engine, relative);
    return {weight_sums, sums_.data(), slot_of_.data()};
  }

 private:
  static constexpr Index work_of_expansion = 500, work_of_transfer = 50;

  /// Exchanges the buffers of the exponents, too.
  LINDRIFT_ANY_ENGINE void spread(Engine& engine, Index apart, double fall, Buffer*& now, Buffer*& next) const {
    engine.map(numbers_.panels, SpreadExponents{numbers_.panels, apart, fall, now[0].data(), now[1].data(),
                                                next[0].data(), next[1].data()});
    Buffer* const other = now;
    now = next;
    next = other;
  }

  LINDRIFT_ANY_ENGINE void scan(Engine& engine, bool relative) {
    const BoxExponents none{nullptr, nullptr};
    const BoxExponents p = relative ? BoxExponents{box_exponent_[0].data(), box_exponent_[1].data()} : none,
                       h = relative ? BoxExponents{box_exponent_[2].data(), box_exponent_[3].data()} : none;
    const PanelLanes lanes{position_.data(), rise_.data(), group_first_.data(), group_panel_.data()};
    const Index count = numbers_.lanes, steps = numbers_.slots / count;
    const double edge = std::exp(-numbers_.decay);
    const BoxRow panels = BoxRow::first(numbers_.panels);
    engine.map(count, LaneMoments<Steep>{lanes, particle_.data(), hole_.data(), lane_moment_.data(), count},
               5 * sets * steps);
    engine.map(
        numbers_.panels * values,
        PanelMoments<Steep>{panel_first_.data(), lane_moment_.data(), count, edge, box_moment_.data(), boxes_, panels},
        1 + count / numbers_.panels);
    for (int generation = 0; generation + 1 < numbers_.generations; ++generation)
      engine.map(row_of(generation + 1).count, JoinMoments<Steep>{transfer(generation, p, h), box_moment_.data()},
                 work_of_transfer);
    for (int generation = numbers_.generations; generation-- > 0;) expand(engine, p, h, generation);
    engine.map(count,
               SlotSums<Steep>{lanes, particle_.data(), hole_.data(), core_.data(), lane_moment_.data(), count, edge,
                               expansion_.data(), boxes_, panels, sums_.data()},
               (Steep ? 200 : 20) * steps);
  }

  /// Computes the expansions of one generation of boxes, after those of their parents.
  LINDRIFT_ANY_ENGINE void expand(Engine& engine, const BoxExponents& p, const BoxExponents& h, int generation) {
    const bool has_parents = generation + 1 < numbers_.generations;
    const BoxRow row = row_of(generation);
    constexpr Index square = Index{panel_order} * panel_order, far = farthest_box - near_boxes;
    const int nearest = generation > 0 ? near_boxes + 1 : Steep ? 1 : 0;
    const Index first_core = generation == 0 ? nearest : farthest_box + 1 + (generation - 1) * far;
    const Index farthest = farthest_box < row.count - 1 ? farthest_box : row.count - 1;
    engine.map(row.padded(),
               BoxExpansion<Steep>{row, boxes_, core_.data() + first_core * square, nearest, static_cast<int>(farthest),
                                   has_parents, decay_of(generation), p, h, box_moment_.data(), expansion_.data()},
               work_of_expansion);
    if (has_parents)
      engine.map(row.count, SplitExpansion<Steep>{transfer(generation, p, h), expansion_.data()}, work_of_transfer);
  }
  LINDRIFT_UNCHECKED LINDRIFT_BOTH BoxTransfer<Steep> transfer(int generation, const BoxExponents& p,
                                                               const BoxExponents& h) const {
    return {halves_.data(), decay_of(generation), p, h, row_of(generation), row_of(generation + 1), boxes_};
  }
  LINDRIFT_BOTH double decay_of(int generation) const {
    return numbers_.decay * static_cast<double>(Index{1} << generation);
  }
  LINDRIFT_BOTH BoxRow row_of(int generation) const {
    BoxRow row = BoxRow::first(numbers_.panels);
    for (; generation > 0; --generation) row = row.next();
    return row;
  }
  LINDRIFT_BOTH Index groups() const { return numbers_.lanes / panel_lanes; }

  PanelTables numbers_;  ///< its pointers are not used after construction
  Index modes_, boxes_ = 0;
  IndexBuffer slot_first_, member_, slot_of_, panel_of_, group_first_, group_panel_, panel_first_;
  Buffer position_, rise_, core_, halves_;
  Buffer particle_, hole_;  ///< source modes of the slots
  Buffer pairs_, sums_;     ///< source modes, and the sums of the slots: (modes, 2), (slots, 2)
  Buffer lane_moment_, box_moment_, expansion_;
  Buffer group_exponent_[2], panel_exponent_[4];
  Buffer box_exponent_[4];  ///< particles: top, bottom; holes: top, bottom
};

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
