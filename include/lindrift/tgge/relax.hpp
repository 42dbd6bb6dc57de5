#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lindrift/arguments.hpp"
#include "lindrift/monitor.hpp"
#include "lindrift/tgge/rate_equation.hpp"

namespace lindrift {

/// Linear multistep method of the time integration.
enum class Integrator {
  automatic,  ///< bdf if the fastest rate would limit the explicit step severely, else adams
  adams,      ///< Adams-Moulton with fixed-point iteration: non-stiff problems
  bdf         ///< backward differentiation in lambda and the logarithm of time: stiff problems, cold baths
};

template <>
inline constexpr auto names_of<Integrator> = std::array{
    std::pair{Integrator::automatic, "auto"}, std::pair{Integrator::adams, "adams"}, std::pair{Integrator::bdf, "bdf"}};

/// Options of relax().
struct RelaxOptions {
  double tolerance = default_tolerance;        ///< relative error of the results
  std::int64_t max_steps = default_max_steps;  ///< over the whole time grid
  Integrator integrator = Integrator::automatic;
  Monitor monitor = {};  ///< progress is reported after each output time
};

template <>
inline auto description<RelaxOptions>() {
  return std::tuple(field(&RelaxOptions::integrator, {.path = "solver.integrator",
                                                      .help = "adams for moderate rates, bdf for stiff ones such as "
                                                              "those of cold baths; auto decides by the fastest rate"}),
                    field(&RelaxOptions::tolerance, tolerance_parameter()),
                    field(&RelaxOptions::max_steps, max_steps_parameter()));
}

/// Trajectory at the output times. `lagrange_multiplier` and `occupation` have shape (times, modes).
struct RelaxResult {
  std::vector<double> times;
  std::vector<double> lagrange_multiplier;
  std::vector<double> occupation;
  std::vector<double> current;          ///< (times, dimensions), units of energy
  std::vector<double> orbital_current;  ///< (times, dimensions, orbitals), units of energy; empty for one orbital
  /// <c+_b c_a> of the orbitals, (times, cells, orbitals, orbitals); empty unless RateEquation::has_density_matrix.
  /// Where bands are degenerate, it contains more information than `occupation`, which holds the eigenvalues of each
  /// block in descending order.
  std::vector<std::complex<double>> density_matrix;
  /// Multipliers of the blocks of degenerate bands, one row per time, see MatrixRateEquation; empty unless
  /// RateEquation::matrix is set.
  std::vector<double> block_multiplier;
  std::vector<double> particle_number;                    ///< (times,)
  std::vector<double> density_per_cell, energy_per_cell;  ///< (times,)
  std::vector<double> residual;                           ///< (times,), see balance_residual()
  bool converged = false;  ///< every time was reached; rows beyond the last time reached are NaN
  bool stopped = false;    ///< the monitor stopped the run before the last time
  std::int64_t steps = 0;  ///< total number of integrator steps
  std::int64_t rate_evaluations = 0;
  Integrator integrator = Integrator::adams;  ///< as chosen, never automatic
  std::string message;  ///< why it did not converge, that the tolerance cannot be guaranteed, or the time after which
                        ///< nothing changes; otherwise empty
};

template <>
inline auto description<RelaxResult>() {
  return occupation_observables<RelaxResult>({"time"});
}

/// Integrates dn/dt (docs/physics.md, Eq. 7) from the given state at t = 0 over `times`.
///
/// The integrator restarts at every output time, so that a run continued from a stored time gives the same bits.
/// @param lagrange_multiplier  initial log((1-n)/n), shape (modes,), finite
/// @param times                >= 0, strictly ascending, in 1/energy
/// @throws ParameterError, ShapeError; NumericalError naming the time and the momentum if a rate is not finite
RelaxResult relax(const RateEquation& equation, std::span<const double> lagrange_multiplier,
                  std::span<const double> times, const RelaxOptions& options = {});

}  // namespace lindrift
