#pragma once

#include <array>
#include <complex>
#include <cstddef>
#include <span>
#include <vector>

#include "engine/fourier.hpp"
#include "hubbard/modes.hpp"
#include "kernels/hubbard/volterra_tables.hpp"

namespace lindrift {

/// The tables of a run over `steps` steps, an even number, and of a run with twice the step, and the arrays that they
/// point to.
class VolterraEquation {
 public:
  /// @param at  times at which G is requested, at most steps * step
  VolterraEquation(const HubbardModes& modes, std::span<const double> at, std::size_t steps, double step);
  VolterraEquation(const VolterraEquation&) = delete;
  VolterraEquation& operator=(const VolterraEquation&) = delete;

  /// Times at which K is needed: the steps with both margins.
  std::vector<double> grid() const;
  /// Times on the circles of both runs.
  std::vector<std::complex<double>> circles() const;

  kernels::VolterraTables fine, rough;

 private:
  std::vector<double> at_, energy_, level_, decay_, turns_, weights_;
  std::vector<std::int64_t> first_;
};

/// Solves an integral equation with a known kernel from its starting values to the last step, for a group of momenta:
/// O(steps (log steps)^2) per momentum. The past of the convolution is added by transforms, block by block, and its
/// last few hundred steps term by term.
class VolterraMarch {
 public:
  static constexpr auto group = static_cast<std::size_t>(kernels::VolterraTables::group);

  /// @param tables  what they point to must outlive the object
  explicit VolterraMarch(const kernels::VolterraTables& tables);

  /// Memory of one thread; it can be reused.
  struct Workspace {
    std::vector<double> arrays;
    std::vector<std::complex<double>> rows, spectra;
  };

  const kernels::VolterraTables& tables() const { return tables_; }
  /// Arrays of a group in the workspace, with all sums at zero.
  kernels::VolterraArrays arrays(Workspace& workspace) const;
  /// Computes all steps after the starting values.
  void advance(std::size_t first, const kernels::VolterraArrays& arrays, Workspace& workspace) const;

  /// Multiplications and additions per momentum and step, including the starting values.
  static double operations(double steps);

 private:
  void advance(std::size_t first, const kernels::VolterraArrays& arrays, Workspace& workspace, std::size_t begin,
               std::size_t length) const;

  kernels::VolterraTables tables_;
  std::size_t block_ = 0;         ///< number of steps that are added term by term
  std::vector<Fourier> fourier_;  ///< for the lengths 2 block, 4 block, ... until all steps are covered
};

/// Longest step for an integral equation whose exponents are at most `fastest`, for a given tolerance of its result.
/// Measured errors are 3e-14, and 3e-11 for tolerances from 1e-9 on.
double volterra_step(double fastest, double tolerance);
/// Halving the step reduces an error of order 10 by 2^10; this much is assumed.
inline constexpr double claimed_gain = 256.0;

/// VolterraTables::turns.
std::vector<double> turns_of_circle();

/// Times on a circle around 0, for the series that start an integral equation.
std::vector<std::complex<double>> circle_of_times(double step);

/// Gregory corrections to the weight 1 of the first and last points of an integral with equal steps.
std::array<double, static_cast<std::size_t>(kernels::VolterraTables::order)> gregory_corrections();

/// Solves the integral equation for the propagator of the Hubbard chain on the CPU, for groups of momenta
/// (docs/physics.md, Eqs. 77 to 80), and again with twice the step.
class VolterraSolver {
 public:
  static constexpr std::size_t group = VolterraMarch::group;

  /// The arrays that the tables point to must outlive this object.
  VolterraSolver(const kernels::VolterraTables& fine, const kernels::VolterraTables& rough);

  /// Memory of one thread; can be reused.
  struct Workspace {
    VolterraMarch::Workspace fine, rough;
  };

  /// G(k,t) of the momenta first .. first + group - 1, as far as they exist; first is a multiple of the group size.
  /// @param rows, circles  as in VolterraFunctions::prepare; the circles of both runs follow each other
  /// @param rough_rows     rows for the run with twice the step: the same ones unless its stride is 1
  /// @param green          (sites, times), of which these rows are written
  /// @param difference     (group,) largest difference between the two runs
  void solve(std::size_t first, const std::complex<double>* rows, const std::complex<double>* rough_rows,
             const std::complex<double>* circles, Workspace& workspace, std::complex<double>* green,
             double* difference) const;

  /// Multiplications and additions of both runs per momentum and step.
  static double operations(double steps);

 private:
  VolterraMarch fine_, rough_;
};

}  // namespace lindrift
