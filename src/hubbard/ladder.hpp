#pragma once

#include <complex>
#include <cstddef>
#include <vector>

#include "hubbard/memory_kernel.hpp"
#include "hubbard/modes.hpp"
#include "kernels/hubbard/ladder_tables.hpp"
#include "lindrift/backend.hpp"

namespace lindrift {

/// Tables of the integral equation of pairs with equal steps, and what they point to.
class LadderEquation {
 public:
  /// @param hole  whether the partner of the probe is a hole    @param count  as in LadderKernel::evaluate()
  LadderEquation(const HubbardModes& modes, bool hole, double step, std::size_t count);
  LadderEquation(const LadderEquation&) = delete;
  LadderEquation& operator=(const LadderEquation&) = delete;

  kernels::LadderTables tables;

 private:
  std::vector<double> turns_;
};

/// The kernel K(k,t) of the self-energy in the ladder approximation (docs/physics.md, Eqs. 81 to 86): the repeated
/// collisions of the probe with one particle, or one hole, of the open species obey a Volterra equation for each total
/// momentum of the pair. Its solution replaces the free motion of the pair in second order.
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

  /// The same on a device, which keeps the rows. Ranks share the momenta of pairs.
  /// @param[out] circle  Run::circle; null: only makes the calls that take memory of the device
  void evaluate_on(kernels::LadderDevice& device, double step, std::size_t count, const Execution& execution,
                   std::complex<double>* circle) const;
  /// Amplitudes of the lines, for the kernels of any backend; valid as long as this object.
  const kernels::TimeTables& tables() const { return second_order_.tables(); }

  /// Bounds |K(k,t)| for every k and t >= 0: a colliding pair decays no more slowly than its slowest momentum.
  double bound(double time) const;
  /// Upper bound on int_T^inf |K(k,t)| e^{-eta t} dt.
  double tail(double time, double broadening) const;
  double slowest_decay() const { return modes_.slowest_rate; }

  /// Memory of evaluate() and its result, in bytes.
  static double bytes(double sites, double steps);

 private:
  void add_ladder(bool hole, double step, std::size_t count, const Execution& execution, Run& run) const;
  void add_ladder_on(kernels::LadderDevice& device, bool hole, double step, std::size_t count,
                     const Execution& execution, std::complex<double>* circle) const;
  void collide_on(kernels::LadderDevice& device, const kernels::LadderTables& tables, std::size_t times,
                  const Execution& execution, std::vector<std::complex<double>>& circle) const;

  HubbardModes modes_;
  MemoryKernel second_order_;
};

/// Largest |Re| of the exponents of the pair and the closing line together, not counting |w|: collisions add at most
/// |U| to the energies of three particles.
double ladder_bandwidth(const HubbardModes& modes);

/// Longest step that the integral equation of the ladder may take; its error is estimated from twice the step.
double ladder_step(const HubbardModes& modes, double tolerance);

}  // namespace lindrift
