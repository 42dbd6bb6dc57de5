#pragma once

#include <complex>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "hubbard/memory_kernel.hpp"
#include "hubbard/modes.hpp"
#include "hubbard/staged_sum.hpp"
#include "lindrift/backend.hpp"

namespace lindrift {

/// The kernel K(k,t) of the self-energy in the ladder approximation (docs/physics.md, Eqs. 81 to 86): the repeated
/// collisions of the probe with one particle, or one hole, of the open species obey a Volterra equation for each total
/// momentum of the pair. Its solution replaces the free motion of the pair in second order. On the CPU.
class LadderKernel {
 public:
  /// @param modes  of a chain with Approximation::ladder
  explicit LadderKernel(const HubbardModes& modes) : modes_(modes), second_order_(modes_) {}

  /// K(k,t), by momenta m = 0 .. L-1, at the times (i - VolterraTables::margin) step and on the circle of radius
  /// VolterraTables::start * step, in the layout that VolterraFunctions::prepare takes.
  struct Run {
    std::vector<std::complex<double>> rows, circle;
  };
  /// Ranks and threads share the times and the momenta. Collective. O(sites steps (log(steps)^2 + log(sites))).
  /// @param count  number of times >= 0, not counting the margin after the last
  Run evaluate(double step, std::size_t count, const Execution& execution) const;

  /// Bounds |K(k,t)| for every k and t >= 0: a colliding pair decays no more slowly than its slowest momentum.
  double bound(double time) const;
  /// Upper bound on int_T^inf |K(k,t)| e^{-eta t} dt.
  double tail(double time, double broadening) const;
  double slowest_decay() const { return modes_.slowest_rate; }

  /// Memory of evaluate() and its result, in bytes.
  static double bytes(double sites, double steps);

 private:
  void add_ladder(bool hole, double step, std::size_t count, const Execution& execution, Run& run) const;

  HubbardModes modes_;
  MemoryKernel second_order_;
};

/// Largest |Re| of the exponents of the pair and the closing line together, not counting |w|: collisions add at most
/// |U| to the energies of three particles.
double ladder_bandwidth(const HubbardModes& modes);

/// Longest step that the integral equation of the ladder may take; its error is estimated from twice the step.
double ladder_step(const HubbardModes& modes, double tolerance);

/// Sigma(k, w + i eta) of the ladder at single points, as a sum over pairs of momenta at complex frequencies (Eq. 87),
/// without the mean field: O(L^2) each. Independent of LadderKernel.
/// @param momentum, frequency  one per point, m = 0 .. L-1
std::vector<std::complex<double>> ladder_self_energy(const HubbardModes& modes, std::span<const std::size_t> momentum,
                                                     std::span<const double> frequency, double broadening, int threads);

/// The same on a grid, by way of time: the kernel at equal steps, then a matrix product.
class LadderSelfEnergy {
 public:
  /// @param tolerance  allowed absolute error
  /// @throws ParameterError if the frequencies need too many times
  LadderSelfEnergy(const HubbardModes& modes, std::span<const double> frequency, double broadening, double tolerance,
                   const Execution& execution);

  double seconds() const { return seconds_; }  ///< estimate, for one core
  double memory_bytes() const;                 ///< in addition to the result
  std::size_t nodes() const { return nodes_; }

  /// Adds to rows[m], m = 0 .. L-1, one value per frequency each; a row may be null.
  /// @return an estimate of the error
  double add_grid(std::span<std::complex<double>* const> rows, StagedSum& stages) const;

 private:
  HubbardModes modes_;
  LadderKernel kernel_;
  std::vector<double> frequency_;
  double broadening_;
  Execution execution_;
  double end_ = 0.0, step_ = 0.0, quadrature_error_ = 0.0, seconds_ = 0.0;
  std::size_t nodes_ = 0;
};

}  // namespace lindrift
