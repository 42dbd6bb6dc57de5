#pragma once

#include <cstddef>

#include "kernels/tgge/source_mode.hpp"

/// Modes of the same energy as one source mode, and as one row, of the sums over the spectrum of the thermal bath.

namespace lindrift::kernels {
inline namespace LINDRIFT_ISA {
namespace tgge {

/// Adds the thermal source modes of a level.
template <class Source>
struct FoldLevels {
  Source source;
  const double *first, *member;  ///< of RateTables
  double *particle, *hole;       ///< (levels,)
  LINDRIFT_HD void operator()(Index level) const {
    double particles = 0.0, holes = 0.0;
    for (Index i = static_cast<Index>(first[level]); i < static_cast<Index>(first[level + 1]); ++i) {
      const SourceMode<double> from = source.template mode<double>(static_cast<Index>(member[i]));
      particles += from.thermal_particle;
      holes += from.thermal_hole;
    }
    particle[level] = particles;
    hole[level] = holes;
  }
};

/// Levels as source modes.
struct LevelSource {
  const double *particle, *hole;
  template <class T>
  LINDRIFT_HD SourceMode<T> mode(Index level) const {
    return {load<T>(particle, level), T{}, load<T>(hole, level), T{}};
  }
};

/// What the level of a mode, of each of T's modes from s on, has.
template <class T>
LINDRIFT_HD T load_level(const double* values, const double* level_of, Index s) {
  if constexpr (sizeof(T) == sizeof(double)) {
    return values[static_cast<Index>(level_of[s])];
  } else {
    T result;
    for (std::size_t i = 0; i < sizeof(T) / sizeof(double); ++i)
      result[i] = values[static_cast<Index>(level_of[s + static_cast<Index>(i)])];
    return result;
  }
}

}  // namespace tgge
}  // namespace LINDRIFT_ISA
}  // namespace lindrift::kernels
