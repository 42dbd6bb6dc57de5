#pragma once

#include <cstdint>

namespace lindrift::kernels {

/// Chebyshev polynomials per panel; lanes per group; distance up to which boxes are near; largest distance between
/// boxes whose parents are near.
inline constexpr int panel_order = 10, panel_lanes = 8, near_boxes = 7, farthest_box = 2 * near_boxes + 1;

/// The energy axis cut into panels of equal width, for sums over the even part sigma of a thermal spectrum
/// (kernels/tgge/panel_scan.hpp; made by src/tgge/energy_panels.cpp). sigma(x) = e^{-slope |x|} k(|x|), where k is
/// analytic around x = 0 and slope may be zero (Eq. 12a).
///
/// A level is a distinct energy and occupies one slot. The levels of a group lie in one panel and form eight ascending
/// runs ("lanes") of equal length; slot (step, lane) of a group has the number step * 8 + lane in it. Spare slots have
/// no members. Pairs of panels form boxes, pairs of boxes form larger boxes, and so on down to a few.
/// Arrays are on the host and are copied.
struct PanelTables {
  std::int64_t slots = 0;
  std::int64_t lanes = 0;   ///< eight per group
  std::int64_t panels = 0;  ///< a multiple of 2^(generations - 1)
  int generations = 1;      ///< of boxes; the panels are the first generation
  double decay = 0.0;       ///< slope times the width of a panel; 0: sigma is analytic

  const double* position = nullptr;  ///< (slots,) within the panel, from -1 to 1
  const double* rise = nullptr;      ///< (slots,) e^{slope x} for the distance x from the lower edge of the panel
  const std::int64_t* slot_first =
      nullptr;                           ///< (slots + 1,): members slot_first[i] .. slot_first[i + 1] - 1 are in slot i
  const std::int64_t* member = nullptr;  ///< (modes,)
  const std::int64_t* slot_of = nullptr;      ///< (modes,)
  const std::int64_t* panel_of = nullptr;     ///< (modes,)
  const std::int64_t* group_first = nullptr;  ///< (lanes / 8 + 1,): first slot
  const std::int64_t* group_panel = nullptr;  ///< (lanes / 8,)
  const std::int64_t* panel_first = nullptr;  ///< (panels + 1,): first group
  /// Coefficients of T_a(target) T_b(source) in k(x_target - x_source + g box width), at [a][b]: for panels at the
  /// distances g = 0 .. 15, then for boxes at g = 8 .. 15 in each further generation.
  const double* core = nullptr;
  /// T_a((y - 1)/2) and T_a((y + 1)/2) in terms of T_b(y): (2, order, order)
  const double* halves = nullptr;

  /// Calls visit(array, size) for all of them, of doubles or integers.
  template <class Visit>
  void for_each_array(std::int64_t modes, const Visit& visit) {
    constexpr std::int64_t square = std::int64_t{panel_order} * panel_order, far = farthest_box - near_boxes;
    const std::int64_t groups = lanes / panel_lanes;
    visit(position, slots);
    visit(rise, slots);
    visit(slot_first, slots + 1);
    visit(member, modes);
    visit(slot_of, modes);
    visit(panel_of, modes);
    visit(group_first, groups + 1);
    visit(group_panel, groups);
    visit(panel_first, panels + 1);
    visit(core, square * (farthest_box + 1 + far * (generations - 1)));
    visit(halves, 2 * square);
  }
};

}  // namespace lindrift::kernels
