#pragma once

#include <cstdint>

namespace lindrift::kernels {

/// The integral equation of the Hubbard model's propagator (docs/physics.md, Eqs. 77 to 79) in equal steps. Arrays over
/// the momenta m = 0 .. sites-1 are padded with zeros to the next multiple of `group`.
///
/// If the probe decays, the g of Eq. 77 may grow without bound. The program computes g e^{-gup t/2}, which is
/// i G e^{i (e_k + H') t}, and Q e^{-gup t/2} instead: they obey the same equation and do not grow.
struct VolterraTables {
  /// Order of the quadrature's end corrections, in the integral equation and in its kernel. A Taylor series gives the
  /// first 2 order values.
  static constexpr std::int64_t order = 10, start = 2 * order;
  /// Terms of that series, and points on the circle from which they are computed.
  static constexpr std::int64_t series_terms = 60, circle_points = 96;
  /// Rows of K before t = 0 and after the last step: twice the order, because a run with twice the step uses every
  /// other row.
  static constexpr std::int64_t margin = 2 * order;
  /// Points of the interpolation between steps.
  static constexpr std::int64_t stencil = 16;
  /// Momenta that one call on a CPU treats at once.
  static constexpr std::int64_t group = 8;

  std::int64_t sites = 0;
  std::int64_t count = 0;   ///< values of g: steps + 1
  std::int64_t stride = 1;  ///< rows of K per step
  double step = 0.0;
  const double* energy = nullptr;  ///< e_k + H' - s
  const double* level = nullptr;   ///< e_k + H'
  const double* decay = nullptr;   ///< gup_k / 2
  double end[order] = {};          ///< Gregory's corrections to the weight 1 of the first and last points
  double correction[order] = {};   ///< c_j of Eq. 74
  bool driven = false;             ///< see VolterraArrays::sum_re
  const double* turns = nullptr;   ///< (2, circle_points) cos, then sin of 2 pi l / circle_points

  std::int64_t times = 0;               ///< number of times at which G is computed
  const double* at = nullptr;           ///< (times,)
  const std::int64_t* first = nullptr;  ///< (times,) first step of the interpolation
  const double* weights = nullptr;      ///< (times, stencil)
};

/// Working memory for momenta side by side: each array has shape (rows, lanes).
struct VolterraArrays {
  std::int64_t lanes = 0;
  double *k_re = nullptr, *k_im = nullptr;  ///< count + 2 order rows: K e^{i energy t} from step -order on
  double *q_re = nullptr, *q_im = nullptr;  ///< count rows: Q e^{-decay t}
  double *g_re = nullptr, *g_im = nullptr;  ///< count rows: g e^{-decay t}
  /// count rows: the part of the convolution that is known already. For a driven equation, whose right side is
  /// f - int_0^t Q(t-t') g(t') dt' instead of 1 - ..., also -f / step.
  double *sum_re = nullptr, *sum_im = nullptr;
};

/// The functions of one CPU instruction set, for a group of momenta first .. first + group - 1; each call runs on the
/// calling thread.
struct VolterraFunctions {
  /// k, q and the first values of g.
  /// @param rows    K(k,t) at the steps from -margin on, (rows, sites) complex numbers; readable one group past the end
  /// @param circle  K on a circle of the radius start * step, (circle_points, sites), likewise
  void (*prepare)(const VolterraTables& tables, std::int64_t first, const double* rows, const double* circle,
                  const VolterraArrays& arrays);
  /// g at the steps begin .. end-1. All earlier ones are known, and `sum` holds the contribution of those before
  /// `from`.
  void (*advance)(const VolterraTables& tables, std::int64_t first, const VolterraArrays& arrays, std::int64_t from,
                  std::int64_t begin, std::int64_t end);
  /// max |g - rough g| over the steps of a run with twice the step: (group,).
  void (*compare)(const VolterraTables& rough, const VolterraArrays& rough_arrays, const VolterraArrays& arrays,
                  double* difference);
  /// G(k,t) of the group's momenta below `sites`.
  /// @param green  (sites, times) complex numbers
  void (*finish)(const VolterraTables& tables, std::int64_t first, const VolterraArrays& arrays, double* green);
};

}  // namespace lindrift::kernels
