#pragma once

#include <complex>
#include <cstddef>
#include <span>
#include <vector>

#include "engine/fourier.hpp"
#include "hubbard/modes.hpp"
#include "kernels/hubbard/time_tables.hpp"
#include "lindrift/backend.hpp"

namespace lindrift {

/// The kernel K(k,t) of the self-energy, Sigma(k,w) = -i int_0^inf e^{iwt} K(k,t) dt (docs/physics.md, Eqs. 68 to 70).
/// In time the sum over pairs of momenta factorises, and 4 to 8 lattice transforms give all k.
class MemoryKernel {
 public:
  /// @param cut  > 0: leaves out pairs in which both momenta decay more slowly than this rate; see slow()
  explicit MemoryKernel(const HubbardModes& modes, double cut = 0.0);
  MemoryKernel(const MemoryKernel&) = delete;  // the tables point into it
  MemoryKernel& operator=(const MemoryKernel&) = delete;

  /// Momenta that decay more slowly than the cut.
  const std::vector<std::size_t>& slow() const { return slow_; }
  const HubbardModes& modes() const { return modes_; }
  /// Tables for the kernels of any backend; valid as long as this object.
  const kernels::TimeTables& tables() const { return tables_; }

  /// K(k,t) at times that may be negative or complex, even where it grows: K is entire in t. One thread; O(L log L) per
  /// time.
  /// @param rows  shape (times, sites), m = 0 .. L-1
  void evaluate(std::span<const std::complex<double>> times, std::complex<double>* rows) const;
  /// The same at real times; threads and ranks share the times. Collective.
  void evaluate(std::span<const double> times, std::complex<double>* rows, const Execution& execution) const;

  /// The transforms L A_{-r}, L B_r and L C_r of Eq. 69 at given times, for a kernel without a cut. One thread.
  /// @param rows  shape (times, 3, sites)
  void transforms(std::span<const std::complex<double>> times, std::complex<double>* rows) const;
  void transforms(std::span<const double> times, std::complex<double>* rows) const;

  /// Upper bound on |K(k,t)| for every k and real t >= 0.
  double bound(double time) const;
  /// The same including the pairs left out: adding and subtracting them leaves rounding errors.
  double whole_bound(double time) const;
  /// Upper bound on int_T^inf |K(k,t)| e^{-eta t} dt (Eq. 72).
  double tail(double time, double broadening) const;
  /// Working memory per thread of evaluate().
  static double working_bytes(std::size_t sites);
  /// Slowest decay of the remaining K.
  double slowest_decay() const;

 private:
  void complex_amplitudes(std::complex<double> time, std::complex<double>* rows) const;
  template <class Fill>
  void transform(std::size_t count, std::complex<double>* rows, const Fill& fill) const;

  HubbardModes modes_;
  double cut_;
  Fourier fourier_;
  std::vector<std::size_t> slow_;
  std::vector<double> arrays_;
  kernels::TimeTables tables_;
};

}  // namespace lindrift
