#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "kernels/tgge/panel_tables.hpp"
#include "lindrift/tgge/bath.hpp"
#include "tgge/energy_levels.hpp"

namespace lindrift {

/// The even part of a thermal spectrum in the form that the panels use, sigma(x) = e^{-slope |x|} k(|x|) (Eq. 12a).
struct PanelSpectrum {
  double slope = 0.0;                                              ///< 0 where sigma itself is analytic
  double radius = 0.0;                                             ///< distance of the nearest pole of k from x = 0
  double (*k)(double x, const PanelSpectrum& spectrum) = nullptr;  ///< also for x < 0, by continuation
  double width = 0.0, inverse_temperature = 0.0;

  /// @return nothing for the exponential spectrum, whose even part is 1
  static std::optional<PanelSpectrum> of(const TggeBath& bath);
  double panel_width() const;
};

/// The arrays that kernels::PanelTables points to.
class EnergyPanels {
 public:
  EnergyPanels(const PanelSpectrum& spectrum, const EnergyLevels& levels);

  /// Renames the modes: mode i is mode[i] so far.
  void reorder(const std::vector<std::size_t>& mode);

  /// Valid until this object changes.
  kernels::PanelTables tables() const;
  std::size_t panels() const { return panels_; }

  /// Number of panels for energies in a given range; a double because it may be arbitrarily large.
  static double count(const PanelSpectrum& spectrum, double lowest, double highest);

 private:
  void place(const PanelSpectrum& spectrum, const EnergyLevels& levels, double width);
  void set_cores(const PanelSpectrum& spectrum, double width);
  void set_halves();

  std::size_t panels_ = 1;
  int generations_ = 1;
  double decay_ = 0.0;
  std::vector<std::int64_t> slot_first_, member_, slot_of_, panel_of_, group_first_, group_panel_, panel_first_;
  std::vector<double> position_, rise_, core_, halves_;
};

}  // namespace lindrift
