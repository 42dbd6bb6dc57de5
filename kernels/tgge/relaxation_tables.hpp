#pragma once

#include "kernels/tgge/rate_kernel.hpp"

namespace lindrift::kernels {

/// What a relaxation has for itself.
struct RelaxationPoint {
  double scale;      ///< epsilon J
  double tolerance;  ///< of RelaxationLimits
};

/// Relaxations of many points, each of a product of weights, at the same output times. Arrays are on the host and are
/// copied. The number of particles is not used; nor are the panels where there are none.
struct RelaxationTables : PointBatchTables {
  std::int64_t times = 0;
  const double* time = nullptr;          ///< (times,) >= 0, strictly ascending
  const RelaxationPoint* own = nullptr;  ///< (points,)
  const double* const* start = nullptr;  ///< (points,) vectors (modes,): n where n <= 1/2, else n - 1; none is zero
  double smallest_tolerance = 0.0, stiff_steps = 0.0;  ///< of RelaxationLimits (kernels/tgge/relaxation.hpp)
};

/// How a relaxation ended. In the results balance_residual() of the states follows, (times,), and the states, (times,
/// modes), of which those beyond `done` mean nothing.
struct RelaxationOutcome {
  double steps, rate_evaluations;
  double scale;  ///< estimate of the largest multiplier to come, at most 1
  double done;   ///< number of output times
};

}  // namespace lindrift::kernels
